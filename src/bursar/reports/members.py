"""The table of members: who they are and what each has."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.credits import Credits
from bursar.domain.refusals import Refusal
from bursar.ledger import Clock, MemberFigures, list_member_figures
from bursar.store.member_search import MemberFilter, find_member_numbers, list_members_numbered
from bursar.store.members import Member, find_member


@dataclass(frozen=True)
class MemberRow:
    """One member with what they have. A tenant admin spends from the pool and has nothing of their own."""

    member: Member
    figures: MemberFigures

    @property
    def remaining(self) -> Credits | None:
        """What the member can still use of its own."""
        return None if self.figures.spends_pool else self.figures.remaining

    @property
    def extra(self) -> Credits | None:
        """What the member has had this cycle beyond its monthly allowance."""
        return None if self.figures.spends_pool else self.figures.extra


@dataclass(frozen=True)
class MemberPage:
    """Some members, and how many there are in all."""

    rows: list[MemberRow]
    total: int


async def see_members(
    database: Database, tenant_id: UUID, clock: Clock, wanted: MemberFilter, *, after: int | None, limit: int
) -> MemberPage:
    """A page of members by number. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        found = await find_member_numbers(transaction, tenant_id, wanted, after=after, limit=limit)
        members = await list_members_numbered(transaction, tenant_id, found.numbers)
        figures = await list_member_figures(transaction, tenant_id, [member.member_id for member in members], clock)
    return MemberPage([MemberRow(member, figures[member.member_id]) for member in members], found.total)


async def see_member(database: Database, tenant_id: UUID, member_id: UUID, clock: Clock) -> MemberRow:
    """One member. Refuses `tenant_unknown`, `member_unknown`."""
    async with reading(database, tenant_id) as transaction:
        figures = await list_member_figures(transaction, tenant_id, [member_id], clock)
        member = await find_member(transaction, tenant_id, member_id)
    if member is None:
        raise Refusal("member_unknown", "There is no such member.", field="member_id")
    return MemberRow(member, figures[member_id])
