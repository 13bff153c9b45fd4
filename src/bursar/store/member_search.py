"""Looking for members: which there are, and how many in all, from one pass over one index."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.search import search_words
from bursar.store.members import COLUMNS, Member


@dataclass(frozen=True)
class MemberFilter:
    """Which members are meant: words that all occur in a name or the address, one group, status or role, or all."""

    search: str | None = None
    group_id: UUID | None = None
    status: str | None = None
    role: str | None = None


@dataclass(frozen=True)
class FoundNumbers:
    """How many members the filter lets through, and the numbers of those on the page."""

    total: int
    numbers: list[int]


async def find_member_numbers(
    transaction: Transaction, tenant_id: UUID, wanted: MemberFilter, *, after: int | None, limit: int
) -> FoundNumbers:
    """Who the filter lets through, by number, those after number `after`.

    All that is asked for stands in the index `members_searched`, so no member's row is read. Looking into the texts is
    nearly all the work, so the index is gone through once, for the count and the page together.

    Rule: MEMBER-13
    """
    row = await transaction.fetchrow(
        """
        select count(*) as total,
               (array_agg(number order by number) filter (where number > $6))[1:$7] as numbers
        from members
        where tenant_id = $1
          and status <> 'deleted'
          and search_text like all($2::text[])
          and ($3::uuid is null or group_id = $3)
          and ($4::text is null or status = $4)
          and ($5::text is null or role = $5)
        """,
        tenant_id,
        [_anywhere(word) for word in search_words(wanted.search or "")],
        wanted.group_id,
        wanted.status,
        wanted.role,
        after or 0,
        limit,
    )
    assert row is not None, "a count is always answered"
    return FoundNumbers(row["total"], row["numbers"] or [])


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


def patterns_of(search: str | None) -> list[str]:
    """What `search_text` must be like, all of it, to be found by this search."""
    return [_anywhere(word) for word in search_words(search or "")]


def _anywhere(word: str) -> str:
    """The word as a pattern that finds it anywhere, and nothing but it."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
