"""Looking for members: which there are, and how many in all, from one pass over one index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.search import patterns
from bursar.store.members import COLUMNS, Member


@dataclass(frozen=True)
class MemberFilter:
    """Which members are meant: words that all occur in a name or the address, one group, status or role, or all.

    `can_receive_from` is who hands out: then those are meant whom that person can give credits. `has_balance` means
    those of whom something can be taken back.
    """

    search: str | None = None
    group_id: UUID | None = None
    status: str | None = None
    role: str | None = None
    can_receive_from: UUID | None = None
    has_balance: bool = False


@dataclass(frozen=True)
class FoundNumbers:
    """How many members the filter lets through, and the numbers of those on the page."""

    total: int
    numbers: list[int]


@dataclass(frozen=True)
class FoundIds:
    """How many members the filter lets through, and their ids."""

    total: int
    member_ids: list[UUID]


_FILTERED = """
from members
where tenant_id = $1
  and status <> 'deleted'
  and search_text like all($2::text[])
  and ($3::uuid is null or group_id = $3)
  and ($4::text is null or status = $4)
  and ($5::text is null or role = $5)
  and ($8::uuid is null or (status = 'active' and role <> 'tenant_admin' and member_id <> $8))
"""

_ALL = f"""
select count(*) as total,
       (array_agg(number order by number) filter (where number > $6))[1:$7] as numbers
{_FILTERED}
"""

_WITH_BALANCE = f"""{_FILTERED}
  and member_id in (
      select wallet.member_id
      from bursar.ledger_wallets as wallet
      where wallet.tenant_id = $1
        and wallet.has_balance
        and wallet.status <> 'deleted'
  )
"""

# Both sides are read from their index alone. Counted and listed apart, which costs a third of doing both at once: a
# count needs no order, and a page ends long before the last member.
_OF_BALANCES = f"""
select
  (select count(*) {_WITH_BALANCE}) as total,
  array(select number {_WITH_BALANCE} and number > $6 order by number limit $7) as numbers
"""


async def find_member_numbers(
    transaction: Transaction, tenant_id: UUID, wanted: MemberFilter, *, after: int | None, limit: int
) -> FoundNumbers:
    """Who the filter lets through, by number, those after number `after`.

    All that is asked for stands in the index `members_searched`, so no member's row is read. Looking into the texts is
    nearly all the work, so the index is gone through once, for the count and the page together; unless it is about
    balances, which are in another one.

    Rule: MEMBER-13, GROUP-11, ALLOC-6, RECLAIM-5
    """
    row = await transaction.fetchrow(
        _OF_BALANCES if wanted.has_balance else _ALL,
        tenant_id,
        patterns(wanted.search),
        wanted.group_id,
        wanted.status,
        wanted.role,
        after or 0,
        limit,
        wanted.can_receive_from,
    )
    assert row is not None, "a count is always answered"
    return FoundNumbers(row["total"], row["numbers"] or [])


async def list_member_ids(
    transaction: Transaction, tenant_id: UUID, wanted: MemberFilter, *, except_ids: Sequence[UUID], limit: int
) -> FoundIds:
    """The ids of all whom the filter lets through, but for these, by number, up to `limit` of them; and how many there
    are. Not for a filter that is about balances.

    Who is left out is looked up in a hash table, as a subselect is: an array would be gone through for every member
    once the plan is a general one, and both may have a hundred thousand.
    """
    row = await transaction.fetchrow(
        f"""
        select count(*) as total,
               (array_agg(member_id order by number))[1:$7] as member_ids
        {_FILTERED}
          and member_id not in (select unnest($6::uuid[]))
        """,
        tenant_id,
        patterns(wanted.search),
        wanted.group_id,
        wanted.status,
        wanted.role,
        list(except_ids),
        limit,
        wanted.can_receive_from,
    )
    assert row is not None, "a count is always answered"
    return FoundIds(row["total"], row["member_ids"] or [])


async def list_members_numbered(transaction: Transaction, tenant_id: UUID, numbers: list[int]) -> list[Member]:
    """The members with these numbers, in order."""
    rows = await transaction.fetch(
        f"""
        select {COLUMNS}
        from members
        where tenant_id = $1
          and number = any($2::bigint[])
          and status <> 'deleted'
        order by number
        """,
        tenant_id,
        numbers,
    )
    return [Member(**dict(row)) for row in rows]
