"""The table of members: who they are and what each has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.refusals import Refusal
from bursar.reports.balances import Purse, list_purses, see_running
from bursar.store.members import Member, MemberFilter, count_members, find_member, list_members


@dataclass(frozen=True)
class MemberRow:
    """One member with what they have."""

    member: Member
    purse: Purse


@dataclass(frozen=True)
class MemberPage:
    """Some members, and how many there are in all."""

    rows: list[MemberRow]
    total: int


async def see_members(
    database: Database, tenant_id: UUID, wanted: MemberFilter, *, after: int | None, limit: int, now: datetime
) -> MemberPage:
    """A page of members by number. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        running = await see_running(transaction, tenant_id, now=now)
        members = await list_members(transaction, tenant_id, wanted, after=after, limit=limit)
        total = await count_members(transaction, tenant_id, wanted)
        purses = await list_purses(
            transaction, tenant_id, [member.member_id for member in members], epoch=running.epoch
        )
    return MemberPage([MemberRow(member, purses[member.member_id]) for member in members], total)


async def see_member(database: Database, tenant_id: UUID, member_id: UUID, *, now: datetime) -> MemberRow:
    """One member. Refuses `tenant_unknown`, `member_unknown`."""
    async with reading(database, tenant_id) as transaction:
        running = await see_running(transaction, tenant_id, now=now)
        member = await find_member(transaction, tenant_id, member_id)
        purses = await list_purses(transaction, tenant_id, [member_id], epoch=running.epoch)
    if member is None:
        raise Refusal("member_unknown", "There is no such member.", field="member_id")
    return MemberRow(member, purses[member_id])
