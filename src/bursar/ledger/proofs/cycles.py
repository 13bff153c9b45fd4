"""I13 and I14: what is spent first, and what ended cycles may still pay for."""

from __future__ import annotations

from bursar.ledger.proofs.findings import Books, Found
from bursar.ledger.proofs.questions import Question, count, first_broken


async def spent_in_order(books: Books) -> Found:
    """I13: what was held was charged in the order of spending, allowance before balance. No grant carries an end date
    yet, so there is nothing else that could expire sooner."""
    broken = await first_broken(books, [_ORDER])
    return Found(f"{await count(books, _ENDED_HOLDS)} ended holds; no grant carries an end date yet", broken)


async def ended_cycles_rest(books: Books) -> Found:
    """I14: nothing is spent from an ended cycle but through its own holds, and each cycle began once."""
    broken = await first_broken(
        books, [_OWN_HOLDS_ONLY, _KEPT_LEGS, _ONE_BEGINNING, EPOCHS_RUN_FORWARD, _NO_LATER_EPOCH]
    )
    return Found(f"cycles 1 to {books.control.epoch}, {await count(books, _PREVIOUS)} lines of ended cycles", broken)


_ENDED_HOLDS = """
    select count(*) from bursar.ledger_holds as hold where hold.tenant_id = $1 and hold.state <> 'open'
"""
_PREVIOUS = """
    select count(*) from bursar.ledger_journal as journal
    where journal.tenant_id = $1 and journal.source = 'pot_previous'
"""

# Calls at or below their holds only: what is above a hold is taken from what is free by then, in the order of spending
# once more, and what was free then is not told by the lines.
_ORDER = Question(
    """
    with charged as (
      select journal.transfer_id as hold_id,
        coalesce(sum(journal.amount_micro) filter (where journal.source = 'member_allowance'), 0)::bigint as allowance,
        coalesce(sum(journal.amount_micro) filter (where journal.source = 'member_balance'), 0)::bigint as balance,
        coalesce(sum(journal.amount_micro) filter (where journal.source = 'group_allowance'), 0)::bigint
          as group_allowance,
        coalesce(sum(journal.amount_micro) filter (where journal.source = 'group_balance'), 0)::bigint
          as group_balance,
        coalesce(sum(journal.amount_micro) filter (where journal.source = 'pot_previous'), 0)::bigint as previous
      from bursar.ledger_journal as journal
      where journal.tenant_id = $1 and journal.kind = 'usage'
      group by journal.transfer_id
    ), due as (
      select hold.hold_id, hold.settled_micro, hold.closed_epoch > hold.epoch as is_old,
        least(hold.allowance_micro, hold.settled_micro) as allowance,
        least(hold.balance_micro, greatest(hold.settled_micro - hold.allowance_micro, 0)) as balance,
        least(hold.group_allowance_micro,
          greatest(hold.settled_micro - hold.allowance_micro - hold.balance_micro, 0)) as group_allowance,
        least(hold.group_balance_micro, greatest(hold.settled_micro - hold.allowance_micro - hold.balance_micro
          - hold.group_allowance_micro, 0)) as group_balance
      from bursar.ledger_holds as hold
      where hold.tenant_id = $1
        and hold.state in ('settled', 'expired')
        and hold.overrun_micro = 0
        and hold.settled_micro > 0
    )
    select due.hold_id, due.settled_micro,
      charged.allowance + charged.group_allowance + charged.previous as allowance_micro,
      due.allowance + due.group_allowance as allowance_due_micro,
      charged.balance + charged.group_balance as balance_micro, due.balance + due.group_balance as balance_due_micro
    from due
    join charged on charged.hold_id = due.hold_id
    where (charged.balance, charged.group_balance) is distinct from (due.balance, due.group_balance)
       or (charged.allowance, charged.group_allowance, charged.previous) is distinct from (
         case when due.is_old then 0 else due.allowance end,
         case when due.is_old then 0 else due.group_allowance end,
         case when due.is_old then due.allowance + due.group_allowance else 0 end
       )
    order by due.hold_id
    limit 1
    """,
    "{hold_id} was charged {settled_micro}: {allowance_micro} of allowance and {balance_micro} of balances, but in the "
    "order of spending it is {allowance_due_micro} and {balance_due_micro}, each from its own account",
)

_OWN_HOLDS_ONLY = Question(
    """
    select journal.batch_number, journal.line, journal.kind, journal.amount_micro, journal.epoch,
      journal.transfer_id as hold_id, coalesce(hold.epoch::text, 'no hold') as hold_epoch
    from bursar.ledger_journal as journal
    left join bursar.ledger_holds as hold
      on hold.tenant_id = journal.tenant_id and hold.tenant_id = $1 and hold.hold_id = journal.transfer_id
    where journal.tenant_id = $1
      and journal.source = 'pot_previous'
      and (hold.hold_id is null or hold.epoch >= journal.epoch)
    order by journal.batch_number, journal.line
    limit 1
    """,
    "batch {batch_number}, line {line} ({kind}) takes {amount_micro} of ended cycles in cycle {epoch} for {hold_id}, "
    "which is of cycle {hold_epoch}",
)

_KEPT_LEGS = Question(
    """
    with taken as (
      select journal.transfer_id as hold_id, sum(journal.amount_micro)::bigint as micro
      from bursar.ledger_journal as journal
      where journal.tenant_id = $1 and journal.source = 'pot_previous'
      group by journal.transfer_id
    )
    select hold.hold_id, hold.epoch, hold.allowance_micro + hold.group_allowance_micro as kept_micro,
      coalesce(taken.micro, 0) as taken_micro
    from bursar.ledger_holds as hold
    left join taken on taken.hold_id = hold.hold_id
    where hold.tenant_id = $1
      and case
        -- A hold that ended first in its own cycle kept nothing for later, however late its true cost came.
        when hold.state = 'settled_late' and taken.micro is null then false
        when hold.closed_epoch > hold.epoch
          then coalesce(taken.micro, 0) <> hold.allowance_micro + hold.group_allowance_micro
        else taken.micro is not null
      end
    order by hold.hold_id
    limit 1
    """,
    "{hold_id} kept {kept_micro} of cycle {epoch} beyond its end, but {taken_micro} of that was charged or lapsed",
)

_ONE_BEGINNING = Question(
    """
    select journal.kind, journal.epoch, count(*) as times
    from bursar.ledger_journal as journal
    where journal.tenant_id = $1
      and journal.kind in ('cycle_issue', 'cycle_carry', 'cycle_lapse')
    group by journal.kind, journal.epoch
    having count(*) > 1
    order by journal.epoch
    limit 1
    """,
    "cycle {epoch} has {times} lines of {kind}: it began more than once",
)

EPOCHS_RUN_FORWARD = Question(
    """
    with steps as (
      select journal.batch_number, journal.line, journal.epoch,
        lag(journal.epoch) over (order by journal.batch_number, journal.line) as epoch_before
      from bursar.ledger_journal as journal
      where journal.tenant_id = $1
    )
    select steps.*
    from steps
    where steps.epoch < steps.epoch_before
    order by steps.batch_number, steps.line
    limit 1
    """,
    "batch {batch_number}, line {line} is of cycle {epoch}, and the line before it of cycle {epoch_before}",
)
"""That a cycle, once ended, does not come back."""

_NO_LATER_EPOCH = Question(
    """
    select control.epoch, rows.what, rows.epoch as row_epoch
    from bursar.ledger_control as control
    cross join lateral (
      select 'a line of the journal' as what, max(journal.epoch) as epoch
      from bursar.ledger_journal as journal where journal.tenant_id = $1
      union all
      select 'a group', max(member_group.epoch)
      from bursar.ledger_groups as member_group where member_group.tenant_id = $1
      union all
      select 'a member', max(wallet.epoch)
      from bursar.ledger_wallets as wallet where wallet.tenant_id = $1
      union all
      select 'a hold', max(hold.epoch)
      from bursar.ledger_holds as hold where hold.tenant_id = $1
    ) as rows
    where control.tenant_id = $1
      and rows.epoch > control.epoch
    limit 1
    """,
    "the running cycle is {epoch}, but {what} is of cycle {row_epoch}",
)
