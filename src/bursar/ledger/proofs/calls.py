"""I5 to I7: holds and what was charged for them."""

from __future__ import annotations

from bursar.ledger.proofs.findings import Books, Found
from bursar.ledger.proofs.questions import ISSUED_ACCOUNTS, Question, count, first_broken


async def holds_are_covered(books: Books) -> Found:
    """I5: what is held is there, but for what calls above their holds have taken since."""
    broken = await first_broken(books, [_LEGS, _ALLOWANCES_COVERED, _GROUPS_COVERED, _BALANCES_COVERED, _POOL_COVERED])
    return Found(f"{await count(books, _HOLDS)} holds", broken)


async def debts_have_a_cause(books: Books) -> Found:
    """I6: an account below 0 has calls above their holds behind it, for at least as much."""
    broken = await first_broken(
        books, [_MEMBERS_OWE, _POOL_OWES, Question(*_FELL_BELOW_ZERO, (ISSUED_ACCOUNTS,)), _ROWS_BELOW_ZERO]
    )
    return Found(f"{await count(books, _DEBTORS)} members in debt, {await count(books, _OVERRUNS)} overruns", broken)


async def holds_end_once(books: Books) -> Found:
    """I7: every hold is open or ended in one way, and was charged what the journal says."""
    broken = await first_broken(books, [_STATES, _CHARGED, _CHARGED_TO])
    return Found(f"{await count(books, _HOLDS)} holds, {await count(books, _CHARGES)} charges", broken)


_HOLDS = "select count(*) from bursar.ledger_holds as hold where hold.tenant_id = $1"
_OVERRUNS = f"{_HOLDS} and hold.overrun_micro > 0"
_DEBTORS = (
    "select count(*) from bursar.ledger_wallets as wallet where wallet.tenant_id = $1 and wallet.balance_micro < 0"
)
_CHARGES = """
    select count(*) from bursar.ledger_journal as journal
    where journal.tenant_id = $1 and journal.kind in ('usage', 'usage_refund')
"""
_LEGS = Question(
    """
    select hold.hold_id, hold.amount_micro,
      hold.allowance_micro + hold.balance_micro + hold.group_allowance_micro + hold.group_balance_micro
        + hold.pool_micro as legs_micro
    from bursar.ledger_holds as hold
    where hold.tenant_id = $1
      and (hold.amount_micro <> hold.allowance_micro + hold.balance_micro + hold.group_allowance_micro
          + hold.group_balance_micro + hold.pool_micro
        or least(hold.allowance_micro, hold.balance_micro, hold.group_allowance_micro, hold.group_balance_micro,
          hold.pool_micro) < 0)
    order by hold.hold_id
    limit 1
    """,
    "{hold_id} holds {amount_micro}, but its accounts keep {legs_micro} for it",
)

_ALLOWANCES_COVERED = Question(
    """
    select wallet.member_id, wallet.allowance_held_micro, wallet.allowance_micro
    from bursar.ledger_wallets as wallet
    where wallet.tenant_id = $1
      and wallet.allowance_held_micro not between 0 and wallet.allowance_micro
    order by wallet.member_id
    limit 1
    """,
    "calls hold {allowance_held_micro} of the allowance of {member_id}, which is {allowance_micro}",
)

_GROUPS_COVERED = Question(
    """
    select member_group.group_id, member_group.allowance_held_micro, member_group.allowance_micro,
      member_group.balance_held_micro, member_group.balance_micro
    from bursar.ledger_groups as member_group
    where member_group.tenant_id = $1
      and (member_group.allowance_held_micro not between 0 and member_group.allowance_micro
        or member_group.balance_held_micro not between 0 and member_group.balance_micro)
    order by member_group.group_id
    limit 1
    """,
    "calls hold {allowance_held_micro} of the budget of {group_id}, which is {allowance_micro}, and "
    "{balance_held_micro} of its balance, which is {balance_micro}",
)

# Only a charge above its hold can take what another hold keeps, so no more can be missing than such charges took.
_OVERRUNS_OF_MEMBERS = """
    overruns as (
      select hold.member_id, sum(hold.overrun_micro)::bigint as micro
      from bursar.ledger_holds as hold
      where hold.tenant_id = $1 and hold.overrun_micro > 0
      group by hold.member_id
    )
"""

_BALANCES_COVERED = Question(
    f"""
    with {_OVERRUNS_OF_MEMBERS}
    select wallet.member_id, wallet.balance_held_micro, wallet.balance_micro,
      coalesce(overruns.micro, 0) as overrun_micro
    from bursar.ledger_wallets as wallet
    left join overruns on overruns.member_id = wallet.member_id
    where wallet.tenant_id = $1
      and wallet.balance_held_micro > greatest(wallet.balance_micro + coalesce(overruns.micro, 0), 0)
    order by wallet.member_id
    limit 1
    """,
    "calls hold {balance_held_micro} of the balance of {member_id}, which is {balance_micro}; its calls went "
    "{overrun_micro} above their holds, which does not explain it",
)

_MEMBERS_OWE = Question(
    f"""
    with {_OVERRUNS_OF_MEMBERS}
    select wallet.member_id, wallet.balance_micro, coalesce(overruns.micro, 0) as overrun_micro
    from bursar.ledger_wallets as wallet
    left join overruns on overruns.member_id = wallet.member_id
    where wallet.tenant_id = $1
      and -wallet.balance_micro > coalesce(overruns.micro, 0)
    order by wallet.member_id
    limit 1
    """,
    "the balance of {member_id} is {balance_micro}, but its calls went only {overrun_micro} above their holds",
)

_OVERRUNS_OF_POOL = """
    overruns as (
      select coalesce(sum(hold.overrun_micro), 0)::bigint as micro
      from bursar.ledger_holds as hold
      where hold.tenant_id = $1
        and hold.overrun_micro > 0
        and exists (
          select from bursar.ledger_journal as journal
          where journal.tenant_id = $1
            and journal.transfer_id = hold.hold_id
            and journal.kind = 'usage'
            and journal.source = 'pool'
        )
    )
"""

_POOL_COVERED = Question(
    f"""
    with {_OVERRUNS_OF_POOL}
    select control.pool_held_micro, control.pool_micro, overruns.micro as overrun_micro
    from bursar.ledger_control as control cross join overruns
    where control.tenant_id = $1
      and control.pool_held_micro > greatest(control.pool_micro + overruns.micro, 0)
    """,
    "calls hold {pool_held_micro} of the pool, which is {pool_micro}; calls paid by it went {overrun_micro} above "
    "their holds, which does not explain it",
)

_POOL_OWES = Question(
    f"""
    with {_OVERRUNS_OF_POOL}
    select control.pool_micro, overruns.micro as overrun_micro
    from bursar.ledger_control as control cross join overruns
    where control.tenant_id = $1
      and -control.pool_micro > overruns.micro
    """,
    "the pool is {pool_micro}, but the calls it paid for went only {overrun_micro} above their holds",
)

_FELL_BELOW_ZERO = (
    """
    select journal.source as account, journal.source_id as owner_id, journal.source_after_micro,
      journal.batch_number, journal.line, journal.kind
    from bursar.ledger_journal as journal
    where journal.tenant_id = $1
      and journal.source_after_micro < 0
      and journal.source <> 'cycle'
      and journal.source <> all($2::text[])
      and not (journal.kind = 'usage' and journal.source in ('pool', 'member_balance'))
    order by journal.batch_number, journal.line
    limit 1
    """,
    "batch {batch_number}, line {line} leaves {source_after_micro} in {whose} by {kind}, and only usage may leave a "
    "debt, of a member or the pool",
)

_ROWS_BELOW_ZERO = Question(
    """
    select member_group.group_id,
      least(member_group.balance_micro, member_group.allowance_micro) as least_micro
    from bursar.ledger_groups as member_group
    where member_group.tenant_id = $1
      and least(member_group.balance_micro, member_group.allowance_micro) < 0
    order by member_group.group_id
    limit 1
    """,
    "{group_id} has {least_micro}, and no group can be in debt",
)

_STATES = Question(
    """
    select hold.hold_id, hold.state, hold.amount_micro, hold.settled_micro, hold.overrun_micro, hold.opened_at,
      hold.closed_at, hold.closed_epoch
    from bursar.ledger_holds as hold
    join bursar.ledger_control as control on control.tenant_id = hold.tenant_id
    where hold.tenant_id = $1
      and control.tenant_id = $1
      and not coalesce(case hold.state
        when 'open' then hold.settled_micro is null and hold.overrun_micro is null and hold.closed_at is null
          and hold.closed_epoch is null
        else hold.closed_at >= hold.opened_at
          and hold.closed_at <= control.last_posted_at
          and hold.closed_epoch between hold.epoch and control.epoch
          and case hold.state
            when 'settled' then hold.overrun_micro = greatest(hold.settled_micro - hold.amount_micro, 0)
            when 'voided' then hold.settled_micro = 0 and hold.overrun_micro = 0
            when 'expired' then hold.settled_micro in (0, hold.amount_micro) and hold.overrun_micro = 0
              and hold.closed_at >= hold.expires_at
            when 'settled_late' then hold.overrun_micro
              in (hold.settled_micro, greatest(hold.settled_micro - hold.amount_micro, 0))
              and hold.closed_at >= hold.expires_at
            else false
          end
      end, false)
    order by hold.hold_id
    limit 1
    """,
    "{hold_id} over {amount_micro} cannot be {state} with {settled_micro} charged, {overrun_micro} of it above the "
    "hold, opened {opened_at}, closed {closed_at} in cycle {closed_epoch}",
)

_CHARGED = Question(
    """
    with charged as (
      select journal.transfer_id as hold_id,
        sum(case journal.kind when 'usage' then journal.amount_micro else -journal.amount_micro end)::bigint as micro
      from bursar.ledger_journal as journal
      where journal.tenant_id = $1 and journal.kind in ('usage', 'usage_refund')
      group by journal.transfer_id
    ), holds as (
      select hold.hold_id, hold.state, coalesce(hold.settled_micro, 0) as micro
      from bursar.ledger_holds as hold where hold.tenant_id = $1
    )
    select coalesce(holds.hold_id, charged.hold_id) as hold_id, coalesce(holds.state, 'not there') as state,
      coalesce(holds.micro, 0) as stored_micro, coalesce(charged.micro, 0) as found_micro
    from holds
    full join charged on charged.hold_id = holds.hold_id
    where holds.hold_id is null
       or holds.micro <> coalesce(charged.micro, 0)
    order by 1
    limit 1
    """,
    "{hold_id} is {state} with {stored_micro} charged, but the journal has {found_micro} for it",
)

_CHARGED_TO = Question(
    """
    select hold.hold_id, hold.member_id, journal.batch_number, journal.line
    from bursar.ledger_journal as journal
    join bursar.ledger_holds as hold on hold.tenant_id = journal.tenant_id and hold.hold_id = journal.transfer_id
    where journal.tenant_id = $1
      and hold.tenant_id = $1
      and journal.kind in ('usage', 'usage_refund')
      and hold.member_id is distinct from
        case journal.kind when 'usage' then journal.target_id else journal.source_id end
    order by journal.batch_number, journal.line
    limit 1
    """,
    "{hold_id} is of {member_id}, but batch {batch_number}, line {line} charges somebody else for it",
)
