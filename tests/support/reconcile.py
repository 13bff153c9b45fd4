"""Whether a tenant's books are right, computed from the stored rows alone and by other means than the ledger's own.

Each check is a statement that finds what is wrong, named by the invariant it holds; the hash chain is walked in Python.
They run as the superuser, who sees everything, after the test's commands have ended."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import psycopg
from psycopg.rows import class_row, dict_row

from bursar import ledger
from bursar.db.engine import Database
from bursar.ledger.core.chain import batch_hash, control_hash, genesis
from bursar.ledger.core.rows import Control, Line
from tests.support.postgres import FreshDatabase

# Each finds rows of (what, expected, found) that do not agree.
_FIGURES: Final = {
    "I1, I2: the control row's totals are the sums of the rows beneath it": """
        select named.what, named.expected, named.found
        from bursar.ledger_control c
        cross join lateral (
          select coalesce(sum(balance_micro), 0) as balance, coalesce(sum(balance_held_micro), 0) as balance_held,
            coalesce(sum(allowance_micro), 0) as allowance, coalesce(sum(consumed_micro), 0) as consumed,
            coalesce(sum(allowance_held_micro) filter (where w.epoch = c.epoch), 0) as allowance_held,
            coalesce(sum(used_micro) filter (where w.epoch = c.epoch), 0) as used,
            coalesce(sum(monthly_micro), 0) as monthly
          from bursar.ledger_wallets w where w.tenant_id = c.tenant_id
        ) wallets
        cross join lateral (
          select coalesce(sum(balance_micro), 0) as balance, coalesce(sum(balance_held_micro), 0) as balance_held,
            coalesce(sum(allowance_micro), 0) as allowance, coalesce(sum(monthly_micro), 0) as monthly,
            coalesce(sum(allowance_held_micro) filter (where g.epoch = c.epoch), 0) as allowance_held,
            coalesce(sum(members_monthly_micro), 0) as members_monthly
          from bursar.ledger_groups g where g.tenant_id = c.tenant_id
        ) groups
        cross join lateral (
          select coalesce(sum(issued_micro), 0) as issued from bursar.ledger_issued i where i.tenant_id = c.tenant_id
        ) origin
        cross join lateral (
          select coalesce(sum(balance_micro), 0) as balance, coalesce(sum(group_balance_micro), 0) as group_balance,
            coalesce(sum(pool_micro), 0) as pool,
            coalesce(sum(allowance_micro + group_allowance_micro) filter (where h.epoch = c.epoch), 0) as pot,
            coalesce(sum(allowance_micro + group_allowance_micro) filter (where h.epoch < c.epoch), 0) as pot_previous
          from bursar.ledger_holds h where h.tenant_id = c.tenant_id and h.state = 'open'
        ) holds
        cross join lateral (values
          ('sum of classes', 0, issued_micro + pool_micro + pot_micro + pot_previous_micro + groups_micro
            + members_micro + consumed_micro + expired_micro),
          ('issued', origin.issued, issued_micro),
          ('members', wallets.balance, members_micro),
          ('groups', groups.balance, groups_micro),
          ('consumed', wallets.consumed, consumed_micro),
          ('pot', plan_micro + cycle_micro + wallets.allowance + groups.allowance, pot_micro),
          ('members held, by wallets', wallets.balance_held, members_held_micro),
          ('members held, by open holds', holds.balance, members_held_micro),
          ('groups held, by groups', groups.balance_held, groups_held_micro),
          ('groups held, by open holds', holds.group_balance, groups_held_micro),
          ('pot held, by rows', wallets.allowance_held + groups.allowance_held, pot_held_micro),
          ('pot held, by open holds', holds.pot, pot_held_micro),
          ('pool held, by open holds', holds.pool, pool_held_micro),
          ('pot of ended cycles, by open holds', holds.pot_previous, pot_previous_micro),
          ('used in the cycle (I3)', wallets.used, epoch_used_micro),
          ('monthly of groups', groups.monthly, groups_monthly_micro),
          ('monthly of members', wallets.monthly, groups.members_monthly)
        ) named (what, expected, found)
        where c.tenant_id = %(tenant_id)s and named.expected <> named.found
    """,
    "I2: what a wallet keeps aside is what its open holds say": """
        select w.member_id::text, coalesce(sum(h.balance_micro), 0), w.balance_held_micro
        from bursar.ledger_wallets w
        left join bursar.ledger_holds h
          on h.tenant_id = w.tenant_id and h.member_id = w.member_id and h.state = 'open'
        where w.tenant_id = %(tenant_id)s
        group by w.member_id, w.balance_held_micro
        having coalesce(sum(h.balance_micro), 0) <> w.balance_held_micro
    """,
    "I3: the pot is what was issued for the cycle, less what of it was used": """
        select 'pot', epoch_issued_micro - epoch_pot_used_micro, pot_micro
        from bursar.ledger_control c
        where c.tenant_id = %(tenant_id)s
          and epoch_issued_micro - epoch_pot_used_micro <> pot_micro
    """,
    "I4: the pool is the fold of the journal": """
        select 'pool', j.folded, c.pool_micro
        from bursar.ledger_control c
        cross join lateral (
          select coalesce(sum(case when target = 'pool' then amount_micro else 0 end
            - case when source = 'pool' then amount_micro else 0 end), 0) as folded
          from bursar.ledger_journal j where j.tenant_id = c.tenant_id
        ) j
        where c.tenant_id = %(tenant_id)s and j.folded <> c.pool_micro
    """,
    "I6: a balance below zero has a settlement above its hold behind it": """
        select w.member_id::text, 0, w.balance_micro
        from bursar.ledger_wallets w
        where w.tenant_id = %(tenant_id)s and w.balance_micro < 0
          and not exists (
            select from bursar.ledger_holds h
            where h.tenant_id = w.tenant_id and h.member_id = w.member_id and h.overrun_micro > 0
          )
    """,
    "I7: what a hold charged is what its journal lines say": """
        select h.hold_id::text, coalesce(h.settled_micro, 0), coalesce(j.charged, 0)
        from bursar.ledger_holds h
        left join (
          select tenant_id, transfer_id, sum(case kind when 'usage' then amount_micro else -amount_micro end) as charged
          from bursar.ledger_journal
          where kind in ('usage', 'usage_refund')
          group by tenant_id, transfer_id
        ) j on j.tenant_id = h.tenant_id and j.transfer_id = h.hold_id
        where h.tenant_id = %(tenant_id)s and coalesce(h.settled_micro, 0) <> coalesce(j.charged, 0)
    """,
    "I7: all that was consumed was consumed by holds": """
        select 'consumed', coalesce(sum(h.settled_micro), 0), c.consumed_micro
        from bursar.ledger_control c
        left join bursar.ledger_holds h on h.tenant_id = c.tenant_id
        where c.tenant_id = %(tenant_id)s
        group by c.consumed_micro
        having coalesce(sum(h.settled_micro), 0) <> c.consumed_micro
    """,
    "I10: a transfer that a command posts is posted once": """
        select j.transfer_id::text, 1, count(*)
        from bursar.ledger_journal j
        where j.tenant_id = %(tenant_id)s
          and j.kind in ('grant', 'purchase', 'allocation', 'reclaim', 'allocation_reversal', 'reclaim_reversal')
        group by j.transfer_id
        having count(*) <> 1
    """,
    "I12: what an account holds before a transfer is what it held after the last one": """
        with sides as (
          select source as account, source_id as owner_id, source_sequence as sequence,
            -amount_micro as change, source_after_micro as after_micro
          from bursar.ledger_journal where tenant_id = %(tenant_id)s
          union all
          select target, target_id, target_sequence, amount_micro, target_after_micro
          from bursar.ledger_journal where tenant_id = %(tenant_id)s
        ),
        chained as (
          select *, after_micro - change as before_micro,
            coalesce(lag(after_micro) over account_order, 0) as last_after_micro,
            coalesce(lag(sequence) over account_order, 0) as last_sequence
          from sides
          window account_order as (partition by account, owner_id order by sequence)
        )
        select account || ' ' || coalesce(owner_id::text, '') || ' ' || sequence, last_after_micro, before_micro
        from chained
        where before_micro <> last_after_micro or sequence <> last_sequence + 1
    """,
    "I12: batches are numbered without gaps, and journal lines within them": """
        select 'batches', c.batch_number, count(b.batch_number)
        from bursar.ledger_control c
        left join bursar.ledger_batches b on b.tenant_id = c.tenant_id
        where c.tenant_id = %(tenant_id)s
        group by c.batch_number
        having c.batch_number <> count(b.batch_number) or c.batch_number <> coalesce(max(b.batch_number), 0)
        union all
        select 'lines of batch ' || b.batch_number, b.lines_count, count(j.line)
        from bursar.ledger_batches b
        left join bursar.ledger_journal j on j.tenant_id = b.tenant_id and j.batch_number = b.batch_number
        where b.tenant_id = %(tenant_id)s
        group by b.batch_number, b.lines_count
        having b.lines_count <> count(j.line) or b.lines_count <> coalesce(max(j.line), 0)
    """,
}

# The last after-value of each account is what its row says.
_ENDS: Final = """
    with ends as (
      select distinct on (account, owner_id) account, owner_id, after_micro, sequence
      from (
        select source as account, source_id as owner_id, source_sequence as sequence, source_after_micro as after_micro
        from bursar.ledger_journal where tenant_id = %(tenant_id)s
        union all
        select target, target_id, target_sequence, target_after_micro
        from bursar.ledger_journal where tenant_id = %(tenant_id)s
      ) sides
      order by account, owner_id, sequence desc
    ),
    kept as (
      select a.account, null::uuid as owner_id, a.micro, a.sequence
      from bursar.ledger_control c
      cross join lateral (values
        ('pool', pool_micro, pool_sequence), ('plan', plan_micro, plan_sequence),
        ('cycle', cycle_micro, cycle_sequence),
        ('pot_previous', pot_previous_micro, pot_previous_sequence), ('expired', expired_micro, expired_sequence)
      ) a (account, micro, sequence)
      where c.tenant_id = %(tenant_id)s
      union all
      select account, null, issued_micro, sequence from bursar.ledger_issued where tenant_id = %(tenant_id)s
      union all
      select a.account, g.group_id, a.micro, a.sequence
      from bursar.ledger_groups g
      cross join lateral (values ('group_allowance', allowance_micro, allowance_sequence),
        ('group_balance', balance_micro, balance_sequence)) a (account, micro, sequence)
      where g.tenant_id = %(tenant_id)s
      union all
      select a.account, w.member_id, a.micro, a.sequence
      from bursar.ledger_wallets w
      cross join lateral (values ('member_allowance', allowance_micro, allowance_sequence),
        ('member_balance', balance_micro, balance_sequence), ('consumed', consumed_micro, consumed_sequence)
      ) a (account, micro, sequence)
      where w.tenant_id = %(tenant_id)s
    )
    select coalesce(kept.account, ends.account) || ' ' || coalesce(kept.owner_id::text, ends.owner_id::text, ''),
      coalesce(ends.after_micro, 0), kept.micro
    from kept
    full join ends on ends.account = kept.account and ends.owner_id is not distinct from kept.owner_id
    where coalesce(ends.after_micro, 0) is distinct from kept.micro
      or coalesce(ends.sequence, 0) is distinct from kept.sequence
"""


async def check_books(fresh: FreshDatabase, tenant_id: UUID) -> None:
    """Raises `AssertionError` with everything that does not agree: here, or by the product's own `verify`."""
    database = await Database.open(fresh.app_url, application_name="bursar tests", size=1)
    try:
        report = await ledger.verify(database, tenant_id)
    finally:
        await database.close()
    assert report.is_green, str(report)
    _check_figures(fresh.admin_url, tenant_id)


def _check_figures(admin_url: str, tenant_id: UUID) -> None:
    wrong: list[str] = []
    with psycopg.connect(admin_url) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        questions = {**_FIGURES, "I12: each account's last after-value is what its row says": _ENDS}
        for rule, question in questions.items():
            for what, expected, found in connection.execute(question, {"tenant_id": tenant_id}):
                wrong.append(f"{rule}: {what} should be {expected}, is {found}")
        wrong += _broken_links(connection, tenant_id)
    assert not wrong, "\n".join(wrong)


def _broken_links(connection: psycopg.Connection, tenant_id: UUID) -> list[str]:
    names = ", ".join(Control.__slots__)
    control = (
        connection.cursor(row_factory=class_row(Control))
        .execute(f"select {names} from bursar.ledger_control where tenant_id = %s".encode(), [tenant_id])
        .fetchone()
    )
    assert control is not None, "the tenant has no books"
    lines: dict[int, list[Line]] = {}
    listed = ", ".join(Line._fields)
    for row in connection.execute(
        f"select {listed} from bursar.ledger_journal where tenant_id = %s order by batch_number, line".encode(),
        [tenant_id],
    ):
        line = Line(*row)
        lines.setdefault(line.batch_number, []).append(line)
    chain, last_control_hash, wrong = genesis(tenant_id), b"", []
    for batch in connection.cursor(row_factory=dict_row).execute(
        "select batch_number, posted_at, control_hash, hash from bursar.ledger_batches "
        "where tenant_id = %s order by batch_number",
        [tenant_id],
    ):
        number, last_control_hash = batch["batch_number"], batch["control_hash"]
        chain = batch_hash(chain, number, batch["posted_at"], last_control_hash, lines.get(number, []))
        if chain != batch["hash"]:
            return [f"I12: the chain breaks at batch {number}"]
    if chain != control.chain_hash:
        wrong.append("I12: the control row does not end the chain")
    if last_control_hash != control_hash(control):
        wrong.append("I12: the control row is not the one the last batch left")
    return wrong
