"""Figures for screens: the cards, the overview and the AI Credits table, each answer of one moment."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.members import MemberRole, MemberStatus
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.percents import Percentage
from bursar.api.signed_in import TenantVisit, tenant
from bursar.api.texts import SearchText
from bursar.domain.cycles import CADENCES, Cadence
from bursar.domain.figures import Cards
from bursar.domain.ids import public_id
from bursar.domain.roles import ROLE_LABELS, Permission, Role
from bursar.ledger import CycleFigures
from bursar.reports.credits import CreditsFilter, CreditsRow, see_credits
from bursar.reports.figures import Overview, see_cards, see_overview
from bursar.reports.groups import GroupRow

routes = APIRouter(prefix="/reports", tags=["reports"])


class CardsShape(Shape):
    """The tenant's summary. total_available = total_purchased - total_utilized; credits_unassigned = total_purchased -
    assigned - pool_used, where `pool_used` is what tenant admins use themselves; and credits_unassigned + spendable +
    held = total_available, where `held` is what calls under way keep. Percentages are of total_purchased.
    """

    total_purchased: Amount
    total_utilized: Amount
    utilized_percent: Percentage
    total_available: Amount
    available_percent: Percentage
    users_with_credits: int
    users: int
    credits_unassigned: Amount
    assigned: Amount
    pool_used: Amount
    spendable: Amount
    held: Amount


class CycleStatus(Shape):
    """The running cycle. `used_percent` is of the credits per cycle, and null where none are set: no limit."""

    epoch: int
    started_at: datetime
    ends_at: datetime
    seconds_left: int
    cadence: str
    cadence_label: str
    time_zone: str
    credits_per_cycle: Amount
    used: Amount
    used_percent: Percentage | None


class GroupLine(Shape):
    """What one group has of the running cycle."""

    id: str
    name: str
    is_default: bool
    member_count: int
    monthly: Amount
    extra: Amount
    distributed: Amount
    available: Amount
    used: Amount


class OverviewShape(Shape):
    """The tenant at one glance. `credits_balance` is the pool; without `is_tracking`, calls cost no credits. The groups
    go on in `GET /groups` with `groups_next_cursor`.
    """

    cycle: CycleStatus
    credits_balance: Amount
    is_tracking: bool
    cards: CardsShape
    groups: list[GroupLine]
    groups_next_cursor: str | None


class CreditsLine(Shape):
    """One member of the table. assigned = consumed + remaining + held, and `usage_percent` is what of it is consumed:
    above 100 for who owes, and 0 for whoever was given nothing.
    """

    id: str
    number: int
    username: str
    display_name: str
    email: str | None
    role: MemberRole
    role_label: str
    job_title: str | None
    status: MemberStatus
    assigned: Amount
    consumed: Amount
    remaining: Amount
    held: Amount
    usage_percent: Percentage


class CreditsTable(Shape):
    """A page of the table, and how many the filter lets through in all."""

    members: list[CreditsLine]
    total: int
    next_cursor: str | None


@routes.get("/cards", responses=problems(401, 403, 404, 422))
async def get_cards(visit: Annotated[TenantVisit, tenant(Permission.SEE_POOL)]) -> CardsShape:
    """The summary cards."""
    return _cards(await see_cards(visit.desk.tenants, visit.tenant_id, visit.desk.clock.of_ledger))


@routes.get("/overview", responses=problems(401, 403, 404, 422))
async def get_overview(visit: Annotated[TenantVisit, tenant(Permission.SEE_POOL)]) -> OverviewShape:
    """The running cycle, the balance, the cards and the first page of groups."""
    clock = visit.desk.clock
    seen = await see_overview(visit.desk.tenants, visit.tenant_id, clock.of_ledger, limit=PAGE_SIZE + 1)
    return _overview(seen, now=clock.now())


@routes.get("/credits", responses=problems(401, 403, 404, 422))
async def list_credits_of_members(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_MEMBERS)],
    search: Annotated[
        SearchText,
        Query(description="Words that all occur in username, display name or email, as in the list of members."),
    ] = "",
    assigned: Annotated[
        bool,
        Query(description="False: active members who are not in the table and could be assigned credits by who asks."),
    ] = True,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> CreditsTable:
    """Members who were given credits that were not all taken back, by number; never tenant admins."""
    wanted = CreditsFilter(search=search, is_assigned=assigned, seen_by=visit.asked.actor.identity)
    after = None if cursor is None else decode_cursor(cursor, int)[0]
    page = await see_credits(
        visit.desk.tenants, visit.tenant_id, visit.desk.clock.of_ledger, wanted, after=after, limit=limit + 1
    )
    shown = page.rows[:limit]
    return CreditsTable(
        members=[_credits_line(row) for row in shown],
        total=page.total,
        next_cursor=encode_cursor(shown[-1].member.number) if len(page.rows) > limit else None,
    )


def _cards(cards: Cards) -> CardsShape:
    return CardsShape(
        total_purchased=cards.purchased,
        total_utilized=cards.utilized,
        utilized_percent=cards.utilized_percent,
        total_available=cards.available,
        available_percent=cards.available_percent,
        users_with_credits=cards.users_with_credits,
        users=cards.users,
        credits_unassigned=cards.unassigned,
        assigned=cards.assigned,
        pool_used=cards.pool_used,
        spendable=cards.spendable,
        held=cards.held,
    )


def _overview(seen: Overview, *, now: datetime) -> OverviewShape:
    lines = [_group_line(row) for row in seen.groups[:PAGE_SIZE]]
    return OverviewShape(
        cycle=_cycle_status(seen.cycle, seen, now=now),
        credits_balance=seen.credits_balance,
        is_tracking=seen.is_tracking,
        cards=_cards(seen.cards),
        groups=lines,
        groups_next_cursor=encode_cursor(lines[-1].id) if len(seen.groups) > PAGE_SIZE else None,
    )


def _cycle_status(cycle: CycleFigures, seen: Overview, *, now: datetime) -> CycleStatus:
    return CycleStatus(
        epoch=cycle.epoch,
        started_at=cycle.started_at,
        ends_at=cycle.ends_at,
        seconds_left=max(int((cycle.ends_at - now).total_seconds()), 0),
        cadence=cycle.cadence,
        cadence_label=CADENCES[Cadence(cycle.cadence)].label,
        time_zone=cycle.time_zone,
        credits_per_cycle=cycle.per_cycle,
        used=cycle.used,
        used_percent=seen.used_percent,
    )


def _group_line(row: GroupRow) -> GroupLine:
    group, columns = row.group, row.columns
    return GroupLine(
        id=public_id("group", group.group_id),
        name=group.name,
        is_default=group.is_default,
        member_count=columns.figures.members_count,
        monthly=columns.figures.monthly,
        extra=columns.extra,
        distributed=columns.distributed,
        available=columns.figures.available,
        used=columns.used,
    )


def _credits_line(row: CreditsRow) -> CreditsLine:
    member, figures = row.member, row.figures
    return CreditsLine.model_validate(
        {
            "id": public_id("member", member.member_id),
            "number": member.number,
            "username": member.username,
            "display_name": member.display_name,
            "email": member.email,
            "role": member.role,
            "role_label": ROLE_LABELS[Role(member.role)],
            "job_title": member.job_title,
            "status": member.status,
            "assigned": row.assigned,
            "consumed": figures.consumed,
            "remaining": figures.remaining,
            "held": figures.held,
            "usage_percent": row.usage,
        }
    )
