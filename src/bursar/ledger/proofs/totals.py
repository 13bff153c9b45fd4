"""I1 to I3: the control row against itself, against the rows beneath it, and against the running cycle's journal."""

from __future__ import annotations

from bursar.domain.accounts import AccountClass
from bursar.ledger.proofs.findings import Books, Found
from bursar.ledger.proofs.questions import Question, count, first_broken

_CLASSES = [f"{account_class}_micro" for account_class in AccountClass]


async def sums_to_zero(books: Books) -> Found:
    """I1: the classes sum to 0, and the database itself would refuse a row that does not."""
    return Found(f"{len(_CLASSES)} classes and the constraint", await first_broken(books, _SUMS_TO_ZERO))


async def classes_are_their_rows(books: Books) -> Found:
    """I2: each class is the sum of its accounts' rows; what is held is the sum of the open holds' legs."""
    control = books.control
    by_epoch = (control.epoch,)
    broken = await first_broken(
        books,
        [
            _CLASSES_BY_ROWS,
            _POT_BY_ROLLED_OVER_ROWS,
            Question(*_HELD_BY_ROWS, by_epoch),
            Question(*_HELD_BY_HOLDS, by_epoch),
            Question(*_MEMBERS_HELD, by_epoch),
            Question(*_GROUPS_HELD, by_epoch),
            _GROUPS_COUNTS,
            _GROUPS_MONTHLY,
        ],
    )
    groups, wallets, holds = [await count(books, statement) for statement in (_GROUPS, _WALLETS, _OPEN_HOLDS)]
    return Found(f"{len(_CLASSES)} classes, {groups} groups, {wallets} members, {holds} open holds", broken)


async def pot_is_issued_less_used(books: Books) -> Found:
    """I3: the pot is what the cycle was given less what was used of it, by row and by journal."""
    control = books.control
    running = (control.epoch, control.epoch_started_at)
    broken = await first_broken(
        books,
        [
            _POT,
            _ISSUED_FOR_EPOCH,
            Question(*_USED_BY_MEMBERS, (control.epoch,)),
            Question(*_USED_BY_JOURNAL, running),
            Question(*_USED_OF_MEMBER, running),
            Question(*_USED_OF_GROUP, running),
        ],
    )
    wallets = await count(books, _WALLETS)
    return Found(f"cycle {control.epoch}, {wallets} members", broken)


_SUMS_TO_ZERO = [
    Question(
        f"""
        select {" + ".join(f"control.{name}::numeric" for name in _CLASSES)} as total_micro
        from bursar.ledger_control as control
        where control.tenant_id = $1
          and {" + ".join(f"control.{name}::numeric" for name in _CLASSES)} <> 0
        """,
        "the classes of the control row sum to {total_micro}",
    ),
    Question(
        """
        select $1::uuid
        where not exists (
          select from pg_constraint as kept
          where kept.conrelid = 'bursar.ledger_control'::regclass
            and kept.conname = 'books_sum_to_zero'
            and kept.convalidated
        )
        """,
        "the database no longer refuses a control row that does not sum to 0: the constraint books_sum_to_zero is gone",
    ),
]

_GROUPS = "select count(*) from bursar.ledger_groups as member_group where member_group.tenant_id = $1"
_WALLETS = "select count(*) from bursar.ledger_wallets as wallet where wallet.tenant_id = $1"
_OPEN_HOLDS = "select count(*) from bursar.ledger_holds as hold where hold.tenant_id = $1 and hold.state = 'open'"

_CLASSES_BY_ROWS = Question(
    """
    with issued as (
      select coalesce(sum(issued.issued_micro), 0)::bigint as total
      from bursar.ledger_issued as issued where issued.tenant_id = $1
    ), groups as (
      select coalesce(sum(member_group.allowance_micro), 0)::bigint as allowance,
        coalesce(sum(member_group.balance_micro), 0)::bigint as balance
      from bursar.ledger_groups as member_group where member_group.tenant_id = $1
    ), members as (
      select coalesce(sum(wallet.allowance_micro), 0)::bigint as allowance,
        coalesce(sum(wallet.balance_micro), 0)::bigint as balance,
        coalesce(sum(wallet.consumed_micro), 0)::bigint as consumed
      from bursar.ledger_wallets as wallet where wallet.tenant_id = $1
    )
    select compared.class, compared.stored as stored_micro, compared.found as found_micro
    from bursar.ledger_control as control
    cross join issued cross join groups cross join members
    cross join lateral (values
      ('issued', control.issued_micro, issued.total),
      ('pot', control.pot_micro, control.plan_micro + control.cycle_micro + groups.allowance + members.allowance),
      ('groups', control.groups_micro, groups.balance),
      ('members', control.members_micro, members.balance),
      ('consumed', control.consumed_micro, members.consumed)
    ) as compared (class, stored, found)
    where control.tenant_id = $1
      and compared.stored <> compared.found
    limit 1
    """,
    "the class {class} is {stored_micro}, but its accounts sum to {found_micro}",
)

_POT_BY_ROLLED_OVER_ROWS = Question(
    """
    with groups as (
      select coalesce(sum(case when member_group.epoch = control.epoch then member_group.allowance_micro
        else member_group.monthly_micro - member_group.members_monthly_micro end), 0)::bigint as allowance
      from bursar.ledger_control as control
      join bursar.ledger_groups as member_group on member_group.tenant_id = control.tenant_id
      where control.tenant_id = $1 and member_group.tenant_id = $1
    ), members as (
      select coalesce(sum(case when wallet.epoch = control.epoch then wallet.allowance_micro
        else wallet.monthly_micro end), 0)::bigint as allowance
      from bursar.ledger_control as control
      join bursar.ledger_wallets as wallet on wallet.tenant_id = control.tenant_id
      where control.tenant_id = $1 and wallet.tenant_id = $1
    )
    select control.pot_micro, control.plan_micro, groups.allowance as groups_micro, members.allowance as members_micro
    from bursar.ledger_control as control cross join groups cross join members
    where control.tenant_id = $1
      and control.pot_micro <> control.plan_micro + groups.allowance + members.allowance
    """,
    "the pot is {pot_micro}, but with every row rolled over plan {plan_micro}, groups {groups_micro} and members "
    "{members_micro} do not add up to it",
)

_HELD_BY_ROWS = (
    """
    with groups as (
      select coalesce(sum(member_group.allowance_held_micro) filter (where member_group.epoch = $2), 0)::bigint as pot,
        coalesce(sum(member_group.balance_held_micro), 0)::bigint as balance
      from bursar.ledger_groups as member_group where member_group.tenant_id = $1
    ), members as (
      select coalesce(sum(wallet.allowance_held_micro) filter (where wallet.epoch = $2), 0)::bigint as pot,
        coalesce(sum(wallet.balance_held_micro), 0)::bigint as balance
      from bursar.ledger_wallets as wallet where wallet.tenant_id = $1
    )
    select compared.class, compared.stored as stored_micro, compared.found as found_micro
    from bursar.ledger_control as control cross join groups cross join members
    cross join lateral (values
      ('pot', control.pot_held_micro, groups.pot + members.pot),
      ('groups', control.groups_held_micro, groups.balance),
      ('members', control.members_held_micro, members.balance)
    ) as compared (class, stored, found)
    where control.tenant_id = $1
      and compared.stored <> compared.found
    limit 1
    """,
    "of the class {class} the control row has {stored_micro} held, but its accounts {found_micro}",
)

_HELD_BY_HOLDS = (
    """
    with legs as (
      select coalesce(sum(hold.pool_micro), 0)::bigint as pool,
        coalesce(sum(hold.allowance_micro + hold.group_allowance_micro) filter (where hold.epoch = $2), 0)::bigint
          as pot,
        coalesce(sum(hold.allowance_micro + hold.group_allowance_micro) filter (where hold.epoch <> $2), 0)::bigint
          as pot_previous,
        coalesce(sum(hold.group_balance_micro), 0)::bigint as groups,
        coalesce(sum(hold.balance_micro), 0)::bigint as members
      from bursar.ledger_holds as hold
      where hold.tenant_id = $1 and hold.state = 'open'
    )
    select compared.class, compared.stored as stored_micro, compared.found as found_micro
    from bursar.ledger_control as control cross join legs
    cross join lateral (values
      ('pool', control.pool_held_micro, legs.pool),
      ('pot', control.pot_held_micro, legs.pot),
      ('pot_previous', control.pot_previous_micro, legs.pot_previous),
      ('groups', control.groups_held_micro, legs.groups),
      ('members', control.members_held_micro, legs.members)
    ) as compared (class, stored, found)
    where control.tenant_id = $1
      and compared.stored <> compared.found
    limit 1
    """,
    "of the class {class} the control row has {stored_micro} held, but the open holds keep {found_micro}",
)

_MEMBERS_HELD = (
    """
    with legs as (
      select hold.member_id, sum(hold.balance_micro)::bigint as balance,
        coalesce(sum(hold.allowance_micro) filter (where hold.epoch = $2), 0)::bigint as allowance
      from bursar.ledger_holds as hold
      where hold.tenant_id = $1 and hold.state = 'open'
      group by hold.member_id
    )
    select wallet.member_id, compared.account, compared.stored as stored_micro, compared.found as found_micro
    from bursar.ledger_wallets as wallet
    left join legs on legs.member_id = wallet.member_id
    cross join lateral (values
      ('allowance', case when wallet.epoch = $2 then wallet.allowance_held_micro else 0 end,
        coalesce(legs.allowance, 0)),
      ('balance', wallet.balance_held_micro, coalesce(legs.balance, 0))
    ) as compared (account, stored, found)
    where wallet.tenant_id = $1
      and compared.stored <> compared.found
    order by wallet.member_id
    limit 1
    """,
    "of the {account} of {member_id} its row has {stored_micro} held, but its open holds keep {found_micro}",
)

_GROUPS_HELD = (
    """
    with legs as (
      select hold.group_id, sum(hold.group_balance_micro)::bigint as balance,
        coalesce(sum(hold.group_allowance_micro) filter (where hold.epoch = $2), 0)::bigint as allowance
      from bursar.ledger_holds as hold
      where hold.tenant_id = $1 and hold.state = 'open' and hold.group_id is not null
      group by hold.group_id
    )
    select member_group.group_id, compared.account, compared.stored as stored_micro, compared.found as found_micro
    from bursar.ledger_groups as member_group
    left join legs on legs.group_id = member_group.group_id
    cross join lateral (values
      ('allowance', case when member_group.epoch = $2 then member_group.allowance_held_micro else 0 end,
        coalesce(legs.allowance, 0)),
      ('balance', member_group.balance_held_micro, coalesce(legs.balance, 0))
    ) as compared (account, stored, found)
    where member_group.tenant_id = $1
      and compared.stored <> compared.found
    order by member_group.group_id
    limit 1
    """,
    "of the {account} of {group_id} its row has {stored_micro} held, but its open holds keep {found_micro}",
)

_GROUPS_COUNTS = Question(
    """
    with members as (
      select wallet.group_id, count(*) filter (where wallet.status <> 'deleted') as present,
        sum(wallet.monthly_micro)::bigint as monthly
      from bursar.ledger_wallets as wallet
      where wallet.tenant_id = $1
      group by wallet.group_id
    )
    select member_group.group_id, member_group.members_count, coalesce(members.present, 0) as present,
      member_group.members_monthly_micro, coalesce(members.monthly, 0) as monthly_micro
    from bursar.ledger_groups as member_group
    left join members on members.group_id = member_group.group_id
    where member_group.tenant_id = $1
      and (member_group.members_count <> coalesce(members.present, 0)
        or member_group.members_monthly_micro <> coalesce(members.monthly, 0))
    order by member_group.group_id
    limit 1
    """,
    "{group_id} counts {members_count} members with {members_monthly_micro} per cycle, but it has {present} with "
    "{monthly_micro}",
)

_GROUPS_MONTHLY = Question(
    """
    select control.groups_monthly_micro, groups.monthly as found_micro
    from bursar.ledger_control as control
    cross join (
      select coalesce(sum(member_group.monthly_micro), 0)::bigint as monthly
      from bursar.ledger_groups as member_group where member_group.tenant_id = $1
    ) as groups
    where control.tenant_id = $1
      and control.groups_monthly_micro <> groups.monthly
    """,
    "the control row has {groups_monthly_micro} per cycle for groups, but theirs sum to {found_micro}",
)

_POT = Question(
    """
    select control.pot_micro, control.epoch_issued_micro, control.epoch_pot_used_micro
    from bursar.ledger_control as control
    where control.tenant_id = $1
      and control.pot_micro <> control.epoch_issued_micro - control.epoch_pot_used_micro
    """,
    "the pot is {pot_micro}, but {epoch_issued_micro} was issued for the cycle and {epoch_pot_used_micro} of it used",
)

_ISSUED_FOR_EPOCH = Question(
    """
    select control.epoch_issued_micro, control.per_cycle_micro
    from bursar.ledger_control as control
    where control.tenant_id = $1
      and control.epoch_issued_micro <> control.per_cycle_micro
    """,
    "{epoch_issued_micro} was issued for the cycle, but credits per cycle are {per_cycle_micro}",
)

_USED_BY_MEMBERS = (
    """
    select control.epoch_used_micro, members.used as found_micro
    from bursar.ledger_control as control
    cross join (
      select coalesce(sum(wallet.used_micro), 0)::bigint as used
      from bursar.ledger_wallets as wallet where wallet.tenant_id = $1 and wallet.epoch = $2
    ) as members
    where control.tenant_id = $1
      and control.epoch_used_micro <> members.used
    """,
    "{epoch_used_micro} was used in the cycle, but the members' use sums to {found_micro}",
)

# What was used in the running cycle, by the journal. A refund counts if what it gives back was charged in it as well.
# Lines of a cycle are never older than its start, which spares reading the months before.
_USE_OF_EPOCH = """
    use as (
      select charge.target_id as member_id, charge.source as account, charge.source_id as group_id,
        charge.amount_micro
      from bursar.ledger_journal as charge
      where charge.tenant_id = $1 and charge.epoch = $2 and charge.posted_at >= $3 and charge.kind = 'usage'
      union all
      select refund.source_id, refund.target, refund.target_id, -refund.amount_micro
      from bursar.ledger_journal as refund
      where refund.tenant_id = $1 and refund.epoch = $2 and refund.posted_at >= $3 and refund.kind = 'usage_refund'
        and exists (
          select from bursar.ledger_journal as charge
          where charge.tenant_id = $1 and charge.epoch = $2 and charge.posted_at >= $3
            and charge.kind = 'usage' and charge.transfer_id = refund.transfer_id
        )
    )
"""

_USED_BY_JOURNAL = (
    f"""
    with {_USE_OF_EPOCH}, total as (
      select coalesce(sum(use.amount_micro), 0)::bigint as used,
        coalesce(sum(use.amount_micro) filter (
          where use.account in ('member_allowance', 'group_allowance', 'plan')), 0)::bigint as pot_used
      from use
    )
    select control.epoch_used_micro, control.epoch_pot_used_micro, total.used as found_micro,
      total.pot_used as pot_found_micro
    from bursar.ledger_control as control cross join total
    where control.tenant_id = $1
      and (control.epoch_used_micro <> total.used or control.epoch_pot_used_micro <> total.pot_used)
    """,
    "{epoch_used_micro} was used in the cycle and {epoch_pot_used_micro} of that from the pot, but by the journal "
    "{found_micro} and {pot_found_micro}",
)

_USED_OF_MEMBER = (
    f"""
    with {_USE_OF_EPOCH}, totals as (
      select use.member_id, sum(use.amount_micro)::bigint as used from use group by use.member_id
    )
    select wallet.member_id, wallet.used_micro, coalesce(totals.used, 0) as found_micro
    from bursar.ledger_wallets as wallet
    left join totals on totals.member_id = wallet.member_id
    where wallet.tenant_id = $1
      and case when wallet.epoch = $2 then wallet.used_micro else 0 end <> coalesce(totals.used, 0)
    order by wallet.member_id
    limit 1
    """,
    "{member_id} used {used_micro} in the cycle by its row, but {found_micro} by the journal",
)

_USED_OF_GROUP = (
    f"""
    with {_USE_OF_EPOCH}, totals as (
      select use.group_id, sum(use.amount_micro)::bigint as used
      from use
      where use.account in ('group_allowance', 'group_balance')
      group by use.group_id
    )
    select member_group.group_id, member_group.shared_used_micro, coalesce(totals.used, 0) as found_micro
    from bursar.ledger_groups as member_group
    left join totals on totals.group_id = member_group.group_id
    where member_group.tenant_id = $1
      and not member_group.is_closed
      and case when member_group.epoch = $2 then member_group.shared_used_micro else 0 end <> coalesce(totals.used, 0)
    order by member_group.group_id
    limit 1
    """,
    "of {group_id} its members used {shared_used_micro} in the cycle by its row, but {found_micro} by the journal",
)
