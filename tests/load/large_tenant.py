"""A large tenant for measurements: members in many groups and a long journal, written by SQL.

Its totals, groups and wallets agree with each other as after real traffic, so that every identity of the figures can
be asserted on what is measured. The journal is only long: its lines are not what the balances came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import psycopg

from bursar.domain.search import search_text_of
from bursar.outside.identity import new_uuid
from tests.load.search import FIRST, LAST
from tests.support.offices import Place

MONTHLY_MICRO = 1_000_000
USED_MICRO = 600_000
BALANCE_MICRO = 2_000_000
UNDISTRIBUTED_MICRO = 500_000_000
JOURNAL_CHUNK = 1_000_000
"""Lines that are inserted at once: more would only make one statement longer."""


@dataclass(frozen=True)
class Size:
    """How large the tenant is."""

    members: int
    journal: int


def populate(admin_url: str, place: Place, group_ids: Sequence[UUID], size: Size) -> None:
    """Fill a tenant that has these groups, no members in them, no credits per cycle, and runs its second cycle.

    Every second member has used part of its allowance in the running cycle; the others were last touched in the first.
    One in ten was never given anything.
    """
    tenant_id = place.tenant.tenant_id
    member_ids = [new_uuid() for _ in range(size.members)]
    with psycopg.connect(admin_url, autocommit=True) as connection:
        with connection.transaction():
            connection.execute("select set_config('bursar.scope', %s, true)", (f"{{{tenant_id}}}",))
            _add_wallets(connection, tenant_id, group_ids, member_ids)
            for statement in _SET_TOTALS:
                connection.execute(statement, {"tenant_id": tenant_id, "spare": UNDISTRIBUTED_MICRO})
            with connection.cursor() as cursor, cursor.copy(_COPY_MEMBERS) as copy:
                for row in _member_rows(place, group_ids, member_ids):
                    copy.write_row(row)
        _vacuum(connection, "ledger_wallets", "ledger_groups", "ledger_control", "members")
        for first in range(0, size.journal, JOURNAL_CHUNK):
            last = min(first + JOURNAL_CHUNK, size.journal)
            connection.execute(
                _ADD_JOURNAL,
                {
                    "tenant_id": tenant_id,
                    "members": size.members,
                    "first": first,
                    "last": last - 1,
                    "now": datetime.now(UTC),
                },
            )
        _vacuum(connection, "ledger_journal")


def _vacuum(connection: psycopg.Connection, *tables: str) -> None:
    for table in tables:
        connection.execute(f"vacuum analyze bursar.{table}")


def _add_wallets(
    connection: psycopg.Connection, tenant_id: UUID, group_ids: Sequence[UUID], member_ids: Sequence[UUID]
) -> None:
    connection.execute(
        _ADD_WALLETS,
        {
            "tenant_id": tenant_id,
            "group_ids": [group_ids[index % len(group_ids)] for index in range(len(member_ids))],
            "indexes": list(range(len(member_ids))),
            "member_ids": member_ids,
            "monthly": MONTHLY_MICRO,
            "used": USED_MICRO,
            "balance": BALANCE_MICRO,
        },
    )


def _member_rows(place: Place, group_ids: Sequence[UUID], member_ids: Sequence[UUID]) -> Iterator[tuple[object, ...]]:
    domain = f"{place.tenant.name.split()[0].lower()}.example"
    now = datetime.now(UTC)
    for index, member_id in enumerate(member_ids):
        first, last = FIRST[index % len(FIRST)], LAST[index // len(FIRST) % len(LAST)]
        username = f"{first}.{last}{index}".lower()
        display_name, email = f"{first} {last}", f"{username}@{domain}"
        yield (
            place.tenant.tenant_id, member_id, index + 3, username, display_name, email, "member", "active",
            group_ids[index % len(group_ids)], now, now,
            search_text_of(username=username, display_name=display_name, email=email),
        )  # fmt: skip


_COPY_MEMBERS = (
    "copy bursar.members (tenant_id, member_id, number, username, display_name, email, role, status,"
    " group_id, created_at, changed_at, search_text) from stdin"
)

# What a member has follows from its place: in the second cycle or still in the first, given something or nothing.
_ADD_WALLETS = """
insert into bursar.ledger_wallets
  (tenant_id, member_id, group_id, monthly_micro, allowance_micro, allowance_held_micro, balance_micro,
   balance_held_micro, used_micro, consumed_micro, allowance_sequence, balance_sequence, consumed_sequence, epoch,
   status, spends_pool, has_credits)
select %(tenant_id)s, added.member_id, added.group_id, given.monthly, given.monthly - given.used, 0,
  given.balance, 0, given.used, given.used, 0, 0, 0, case when given.used > 0 then 2 else 1 end,
  'active', false, added.index %% 10 <> 9
from unnest(%(member_ids)s::uuid[], %(group_ids)s::uuid[], %(indexes)s::bigint[]) as added (member_id, group_id, index)
cross join lateral (
  select case when added.index %% 10 = 9 then 0 else %(monthly)s end as monthly,
    case when added.index %% 2 = 0 then %(used)s else 0 end as used,
    case when added.index %% 10 = 9 then 0 else %(balance)s end as balance
) as given
"""

_SET_TOTALS = (
    """
    update bursar.ledger_groups as member_group
    set members_count = member_group.members_count + sums.members,
      monthly_micro = sums.monthly + %(spare)s,
      members_monthly_micro = sums.monthly,
      allowance_micro = %(spare)s,
      epoch = 2
    from (
      select wallet.group_id, count(*) as members, sum(wallet.monthly_micro)::bigint as monthly
      from bursar.ledger_wallets as wallet
      where wallet.tenant_id = %(tenant_id)s and not wallet.spends_pool and wallet.monthly_micro > 0
      group by wallet.group_id
    ) as sums
    where member_group.tenant_id = %(tenant_id)s
      and member_group.group_id = sums.group_id
    """,
    """
    update bursar.ledger_groups as member_group
    set members_count = (
      select count(*) from bursar.ledger_wallets as wallet
      where wallet.tenant_id = member_group.tenant_id and wallet.group_id = member_group.group_id
    )
    where member_group.tenant_id = %(tenant_id)s
    """,
    """
    update bursar.ledger_control as control
    set per_cycle_micro = groups.monthly, groups_monthly_micro = groups.monthly, epoch_issued_micro = groups.monthly,
      issued_micro = control.issued_micro - groups.monthly - members.balance,
      pot_micro = control.pot_micro + groups.monthly - members.used,
      members_micro = control.members_micro + members.balance,
      consumed_micro = control.consumed_micro + members.used,
      epoch_used_micro = members.used, epoch_pot_used_micro = members.used
    from (
      select sum(member_group.monthly_micro)::bigint as monthly
      from bursar.ledger_groups as member_group where member_group.tenant_id = %(tenant_id)s
    ) as groups, (
      select sum(wallet.balance_micro)::bigint as balance, sum(wallet.used_micro)::bigint as used
      from bursar.ledger_wallets as wallet where wallet.tenant_id = %(tenant_id)s
    ) as members
    where control.tenant_id = %(tenant_id)s
    """,
    """
    insert into bursar.ledger_issued (tenant_id, account, issued_micro, sequence)
    select control.tenant_id, 'issued.cycle', -control.per_cycle_micro, 0
    from bursar.ledger_control as control where control.tenant_id = %(tenant_id)s
    """,
    """
    insert into bursar.ledger_issued (tenant_id, account, issued_micro, sequence)
    select control.tenant_id, 'issued.purchase', control.issued_micro + control.per_cycle_micro, 0
    from bursar.ledger_control as control where control.tenant_id = %(tenant_id)s
    """,
)

_ADD_JOURNAL = """
insert into bursar.ledger_journal
  (tenant_id, transfer_id, source_id, target_id, actor_id, reverses_id, posted_at, batch_number, amount_micro,
   source_after_micro, source_sequence, target_after_micro, target_sequence, line, epoch, kind, source, target, note)
select %(tenant_id)s, gen_random_uuid(), wallet.member_id, wallet.member_id, wallet.member_id, null, %(now)s,
  -- Apart from the numbers of real batches, which begin at 1 and come after these.
  number / 1000 - 1000000, 700, 0, 0, 0, 0, number %% 1000, 1, 'usage', 'member_allowance', 'consumed', null
from generate_series(%(first)s::bigint, %(last)s::bigint) as number
join (
  select wallet.member_id, row_number() over () - 1 as place
  from bursar.ledger_wallets as wallet where wallet.tenant_id = %(tenant_id)s
) as wallet on wallet.place = number %% %(members)s
"""
