"""I4 and I12: every account from the first line of the journal to the last, and the chain over all of it.

The journal is read once for each, in order: sorted by account inside the database, then line by line through a cursor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

from bursar.ledger.core.chain import batch_hash, control_hash, genesis
from bursar.ledger.core.rows import Line
from bursar.ledger.posting import tables
from bursar.ledger.proofs.findings import Books, Found
from bursar.ledger.proofs.questions import ISSUED_ACCOUNTS, Question, count, first_broken, spaced, tell

LINES_PER_PAGE = 2_000
"""How much of the journal is in memory while the chain is computed."""


async def accounts_are_their_transfers(books: Books) -> Found:
    """I4: what each account holds is what its transfers add up to."""
    broken = await first_broken(books, [Question(_FOLD, _FOLD_SENTENCE, (ISSUED_ACCOUNTS,))])
    lines, accounts = await count(books, _LINES), await count(books, _ACCOUNTS)
    return Found(f"{accounts} accounts, {lines} lines", broken)


async def nothing_is_missing_between(books: Books) -> Found:
    """I12: no transfer of an account is missing, each begins where the last one ended, and the hash chain verifies."""
    broken = await first_broken(books, [_STEPS])
    chain = await _chain(books)
    counted = f"{await count(books, _ACCOUNTS)} accounts, {spaced(chain.batches)} batches, {spaced(chain.lines)} lines"
    return Found(counted, broken or chain.broken)


_LINES = "select count(*) from bursar.ledger_journal as journal where journal.tenant_id = $1"

# Each transfer from both of its ends.
_SIDES = """
    sides as (
      select journal.source as account, journal.source_id as owner_id, -journal.amount_micro as change_micro,
        journal.source_after_micro as after_micro, journal.source_sequence as sequence,
        journal.batch_number, journal.line
      from bursar.ledger_journal as journal where journal.tenant_id = $1
      union all
      select journal.target, journal.target_id, journal.amount_micro,
        journal.target_after_micro, journal.target_sequence,
        journal.batch_number, journal.line
      from bursar.ledger_journal as journal where journal.tenant_id = $1
    )
"""

_ACCOUNTS = f"""
    with {_SIDES}
    select count(*) from (select distinct sides.account, sides.owner_id from sides) as accounts
"""

_NOBODY = "'00000000-0000-0000-0000-000000000000'::uuid"

_FOLD = f"""
    with {_SIDES}, folded as (
      select sides.account, coalesce(sides.owner_id, {_NOBODY}) as owner_id,
        sum(sides.change_micro)::bigint as micro, count(*) as transfers
      from sides
      group by sides.account, sides.owner_id
    ), stored as (
      select kept.account, {_NOBODY} as owner_id, kept.micro, kept.sequence
      from bursar.ledger_control as control
      cross join lateral (values
        ('pool', control.pool_micro, control.pool_sequence),
        ('plan', control.plan_micro, control.plan_sequence),
        ('cycle', control.cycle_micro, control.cycle_sequence),
        ('pot_previous', control.pot_previous_micro, control.pot_previous_sequence),
        ('expired', control.expired_micro, control.expired_sequence)
      ) as kept (account, micro, sequence)
      where control.tenant_id = $1
      union all
      select issued.account, {_NOBODY}, issued.issued_micro, issued.sequence
      from bursar.ledger_issued as issued where issued.tenant_id = $1 and issued.account = any($2::text[])
      union all
      select kept.account, member_group.group_id, kept.micro, kept.sequence
      from bursar.ledger_groups as member_group
      cross join lateral (values
        ('group_allowance', member_group.allowance_micro, member_group.allowance_sequence),
        ('group_balance', member_group.balance_micro, member_group.balance_sequence)
      ) as kept (account, micro, sequence)
      where member_group.tenant_id = $1
      union all
      select kept.account, wallet.member_id, kept.micro, kept.sequence
      from bursar.ledger_wallets as wallet
      cross join lateral (values
        ('member_allowance', wallet.allowance_micro, wallet.allowance_sequence),
        ('member_balance', wallet.balance_micro, wallet.balance_sequence),
        ('consumed', wallet.consumed_micro, wallet.consumed_sequence)
      ) as kept (account, micro, sequence)
      where wallet.tenant_id = $1
    )
    select coalesce(stored.account, folded.account) as account,
      nullif(coalesce(stored.owner_id, folded.owner_id), {_NOBODY}) as owner_id,
      coalesce(stored.micro, 0) as stored_micro, coalesce(folded.micro, 0) as found_micro,
      coalesce(stored.sequence, 0) as sequence, coalesce(folded.transfers, 0) as transfers
    from stored
    full join folded on folded.account = stored.account and folded.owner_id = stored.owner_id
    where coalesce(stored.micro, 0) <> coalesce(folded.micro, 0)
       or coalesce(stored.sequence, 0) <> coalesce(folded.transfers, 0)
    order by 1, 2
    limit 1
"""

_FOLD_SENTENCE = (
    "{whose} holds {stored_micro} after {sequence} transfers; by the journal {found_micro} after {transfers}"
)

# The steps of each account in the order of its own count. The first step begins at nothing.
_STEPS = Question(
    f"""
    with {_SIDES}, steps as (
      select sides.*,
        lag(sides.sequence, 1, 0::bigint) over by_account as sequence_before,
        lag(sides.after_micro, 1, 0::bigint) over by_account as before_micro,
        lag(sides.batch_number, 1, 0::bigint) over by_account as batch_before,
        lag(sides.line, 1, 0) over by_account as line_before
      from sides
      window by_account as (partition by sides.account, sides.owner_id order by sides.sequence)
    )
    select steps.*, steps.sequence_before + 1 as sequence_due, steps.before_micro + steps.change_micro as due_micro
    from steps
    where steps.sequence <> steps.sequence_before + 1
       or steps.after_micro <> steps.before_micro + steps.change_micro
       or (steps.batch_number, steps.line) <= (steps.batch_before, steps.line_before)
    order by steps.batch_number, steps.line
    limit 1
    """,
    "{whose}: batch {batch_number}, line {line} is its transfer {sequence} and leaves {after_micro}; after batch "
    "{batch_before}, line {line_before} with {before_micro} transfer {sequence_due} was due, leaving {due_micro}",
)


class _Batch(NamedTuple):
    batch_number: int
    posted_at: datetime
    lines_count: int
    control_hash: bytes
    hash: bytes


class _Chain(NamedTuple):
    batches: int
    lines: int
    broken: str | None


_LIST_BATCHES = f"""
select {", ".join(f"batch.{name}" for name in _Batch._fields)}
from bursar.ledger_batches as batch
where batch.tenant_id = $1
order by batch.batch_number
"""

_LIST_LINES = f"""
select {tables.JOURNAL.listed("journal")}
from bursar.ledger_journal as journal
where journal.tenant_id = $1
order by journal.batch_number, journal.line
"""


async def _chain(books: Books) -> _Chain:
    """The chain from the tenant's beginning to its control row, and the first link that does not fit."""
    control, transaction, tenant_id = books.control, books.transaction, books.tenant_id
    batches = transaction.cursor(_LIST_BATCHES, tenant_id, prefetch=LINES_PER_PAGE)
    lines = _lines_by_batch(transaction.cursor(_LIST_LINES, tenant_id, prefetch=LINES_PER_PAGE).__aiter__())
    previous, row_hash = genesis(tenant_id), b""
    counted, lines_counted, next_number = 0, 0, 1
    waiting = await anext(lines, None)
    async for record in batches:
        batch = _Batch(*record)
        while waiting is not None and waiting[0].batch_number < batch.batch_number:
            waiting = await anext(lines, None)
        own: list[Line] = []
        if waiting is not None and waiting[0].batch_number == batch.batch_number:
            own, waiting = waiting, await anext(lines, None)
        found = batch_hash(previous, batch.batch_number, batch.posted_at, batch.control_hash, own)
        counted, lines_counted = counted + 1, lines_counted + len(own)
        if batch.batch_number != next_number or found != batch.hash:
            return _Chain(counted, lines_counted, _tell_link(batch, next_number, found))
        previous, row_hash, next_number = batch.hash, batch.control_hash, batch.batch_number + 1
    if previous != control.chain_hash:
        told = f"the chain ends with {previous.hex()}, but the control row says {control.chain_hash.hex()}"
        return _Chain(counted, lines_counted, told)
    found = control_hash(control)
    if counted and found != row_hash:
        told = f"the control row hashes to {found.hex()}, but its last batch left it as {row_hash.hex()}"
        return _Chain(counted, lines_counted, told)
    return _Chain(counted, lines_counted, None)


def _tell_link(batch: _Batch, due: int, found: bytes) -> str:
    if batch.batch_number != due:
        return tell("batch {due} is missing: the next is {found}", {"due": due, "found": batch.batch_number})
    return (
        f"batch {batch.batch_number} is recorded with the hash {batch.hash.hex()}, but its lines and the batches "
        f"before it come to {found.hex()}"
    )


async def _lines_by_batch(records: AsyncIterator[object]) -> AsyncIterator[list[Line]]:
    """The journal's lines, batch by batch."""
    gathered: list[Line] = []
    async for record in records:
        line = Line(*record)  # type: ignore[misc]
        if gathered and gathered[0].batch_number != line.batch_number:
            yield gathered
            gathered = []
        gathered.append(line)
    if gathered:
        yield gathered
