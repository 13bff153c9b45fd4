"""Faults in posting: locks, commits, and whose rows a round sees."""

from __future__ import annotations

from typing import Final

from tests.mutants.catalogue.suites import COMMIT_CUT_OFF, MODEL, OTHER_PROCESS, POSTED, POSTING, SUMS
from tests.mutants.mutation import Mutation

MUTATIONS: Final[tuple[Mutation, ...]] = (
    Mutation(
        name="control-row-not-locked",
        file=f"{POSTING}/loading.py",
        before="order by control.tenant_id\nfor no key update\n",
        after="order by control.tenant_id\n",
        fault="Two postings of one tenant read the same books, and each writes its own version of them.",
        breaks="I5, I17, POSTING-1",
        tests=(POSTED,),
    ),
    Mutation(
        name="locks-in-no-fixed-order",
        file=f"{POSTING}/loading.py",
        before="order by control.tenant_id\nfor no key update\n",
        after="order by control.last_posted_at\nfor no key update\n",
        fault="Two rounds with the same tenants lock them in opposite orders and wait for each other.",
        breaks="POSTING-1",
        tests=(POSTED,),
    ),
    Mutation(
        name="answered-before-the-commit",
        file=f"{POSTING}/session.py",
        before='                status = await connection.execute("commit")\n',
        after='                asyncio.ensure_future(connection.execute("commit"))\n'
        '                status = "COMMIT"\n',
        fault="A command is answered as done, and a crash or a failing commit undoes it.",
        breaks="I8, POSTING-3",
        tests=(POSTED,),
    ),
    Mutation(
        name="batch-in-doubt-not-looked-for",
        file=f"{POSTING}/session.py",
        before="                if in_doubt is not None and await _was_committed(connection, in_doubt):\n",
        after="                if False:\n",
        fault="A round whose commit was done and not heard of is posted again: everything in it twice.",
        breaks="I10, POSTING-4",
        tests=(COMMIT_CUT_OFF,),
    ),
    Mutation(
        name="batch-in-doubt-taken-for-done",
        file=f"{POSTING}/session.py",
        before="    return bool(found)\n",
        after="    return True\n",
        fault="A round whose commit never reached the server is answered as done.",
        breaks="I8, POSTING-4",
        tests=(COMMIT_CUT_OFF,),
    ),
    Mutation(
        name="another-process-batch-taken-for-ones-own",
        file=f"{POSTING}/session.py",
        before="where batch.posting_id = $3\n",
        after="where batch.posting_id = $3 or true\n",
        fault="A poster that lost its connection answers for commands that nobody posted.",
        breaks="I8, POSTING-4",
        tests=(OTHER_PROCESS,),
    ),
    Mutation(
        name="other-hold-of-the-same-id-shares-the-answer",
        file=f"{POSTING}/lanes.py",
        before="            if twin is not None and twin.command == command:\n",
        after="            if twin is not None:\n",
        fault="Of two different holds sent with one id, the second is answered with the first one's.",
        breaks="I11, HOLD-2",
        tests=(POSTED,),
    ),
    Mutation(
        name="scope-grows-with-every-round",
        file=f"{POSTING}/session.py",
        before="def _scope(tenants: Mapping[UUID, object]) -> str:\n",
        after="def _scope(tenants, seen={}):\n    seen.update(tenants)\n    tenants = seen\n",
        fault="A round sees the rows of every tenant that was posted before.",
        breaks="I16",
        tests=(POSTED,),
    ),
    Mutation(
        name="scope-outlives-its-round",
        file=f"{POSTING}/session.py",
        before='    return f"set local bursar.scope',
        after='    return f"set bursar.scope',
        fault="The posting connection keeps seeing the tenants of its last round.",
        breaks="I16",
        tests=(POSTED,),
    ),
    Mutation(
        name="row-changed-whoever-it-belongs-to",
        file=f"{POSTING}/tables.py",
        before="{' and '.join(f'stored.{name} = changed.{name}' for name in self.key)}",
        after="{' and '.join(f'stored.{name} = changed.{name}' for name in (self.key[1:] or self.key))}",
        fault="Ending a hold ends another tenant's hold of the same id, if both are in the round.",
        breaks="I16",
        tests=(POSTED,),
    ),
    Mutation(
        name="holds-shown-to-every-tenant",
        file="src/bursar/db/migrations/versions/0004_ledger.sql",
        before="create policy tenant_scope on bursar.ledger_holds to bursar_app\n  using (",
        after="create policy tenant_scope on bursar.ledger_holds to bursar_app\n  using (true or ",
        fault="The second fence is down: a statement that forgets its tenant reads everybody's holds.",
        breaks="I16",
        tests=(POSTED,),
    ),
    Mutation(
        name="journal-of-one-tenant-of-the-round",
        file=f"{POSTING}/writing.py",
        before="[line for books in changed for line in books.lines]",
        after="[line for line in changed[0].lines]",
        fault="Of several tenants in a round, only the first one's transfers reach the journal.",
        breaks="I4, I8, I12",
        tests=(POSTED,),
    ),
    Mutation(
        name="issued-accounts-not-loaded",
        file=f"{POSTING}/loading.py",
        before='any(wallet.status == "deleted" or wallet.spends_pool for wallet in of_tenant.wallets.values())',
        after="False",
        fault="The adjustment for a deleted member's debt begins at zero and overwrites the earlier ones.",
        breaks="I2, SPEND-6",
        tests=(SUMS, MODEL),
    ),
)
