"""Puts the demo's people and credits in place, through the same actions as everyone.

Every step is safe to repeat: people are looked for before they are made, and every movement has a key of its own. So a
seeding that was interrupted is finished by the next start, and the mark at its end makes later starts quick.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from bursar.actions.allocations import Handing, Holder, allocate
from bursar.actions.budgets import NewLevel, set_group_monthly, set_member_monthly
from bursar.actions.desk import Asked, Desk, Subject, Told, record
from bursar.actions.grants import grant
from bursar.actions.groups import create_group
from bursar.actions.holds import NewHold, open_hold, settle_hold
from bursar.actions.member_standing import switch_member
from bursar.actions.members import NewMember, create_member
from bursar.actions.platform import create_super_admin, has_super_admin, operator
from bursar.actions.providers import Secrets, add_provider
from bursar.actions.tenants import CyclePlan, NewTenant, create_tenant
from bursar.cli.demo_credits import seed_orders, seed_requests
from bursar.cli.demo_people import (
    DISABLED,
    DOMAIN,
    GRANT,
    GROUPS,
    PASSWORD,
    PER_CYCLE,
    SUPER_ADMIN,
    TENANT,
    TENANT_ADMIN,
    UNDER_WAY,
    DemoGroup,
    DemoMember,
)
from bursar.config import CannotStart
from bursar.db.transaction import platform_reading, reading, writing
from bursar.domain.credits import MICRO_PER_CREDIT, Credits, parse_level, parse_typed
from bursar.domain.people import NewPerson
from bursar.domain.permissions import Actor
from bursar.domain.providers import ProviderSettings, Shape
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Role
from bursar.domain.settings import PROPOSED_CREDIT_FACTOR
from bursar.reports.groups import see_group
from bursar.reports.lookup import find_group_named, find_member_named
from bursar.reports.members import see_member
from bursar.reports.providers import see_providers
from bursar.store.events import has_event
from bursar.store.sign_in_names import find_sign_in_name

MARK = "demo_seeded"
HOLD_SECONDS = 7 * 24 * 3600
"""The calls under way stay under way for as long as a hold may: somebody should see them the next day too."""

CALL_SIZES = (7, 4, 6, 3, 5, 2, 8, 5)
"""How a member's use is cut into calls: in proportion to these."""


async def seed_demo(desk: Desk) -> None:
    """The demo's organisation, complete. Raises `CannotStart` in a data folder that is somebody's own Bursar."""
    tenant_id = await _tenant(desk)
    await _provider(desk)
    async with reading(desk.tenants, tenant_id) as transaction:
        if await has_event(transaction, tenant_id, kind=MARK):
            return
    dana = await find_member_named(desk.platform, TENANT_ADMIN[0])
    root = await operator(desk)
    asked = Asked(Actor(Role.TENANT_ADMIN, dana.member_id, tenant_id, TENANT_ADMIN[1]))
    welcome = parse_typed(GRANT, field="amount")
    await grant(desk, root.under("demo:grant"), tenant_id, welcome, note="Welcome credits")
    members: dict[str, UUID] = {}
    for group in GROUPS:
        members.update(await _group(desk, asked, tenant_id, group))
    for name, amount in UNDER_WAY:
        wanted = NewHold(members[name], parse_typed(amount, field="amount"), HOLD_SECONDS)
        await open_hold(desk, asked.under(f"demo:under-way:{name}"), tenant_id, wanted)
    await seed_requests(desk, asked, tenant_id, members)
    await seed_orders(desk, root=root, asked=asked, tenant_id=tenant_id)
    for name in DISABLED:
        await switch_member(desk, asked, tenant_id, members[name], is_active=False)
    async with writing(desk.tenants, tenant_id) as transaction:
        await record(transaction, desk, root, tenant_id, Told(MARK, Subject("tenant", tenant_id)))


async def _tenant(desk: Desk) -> UUID:
    try:
        found = await find_member_named(desk.platform, f"{TENANT_ADMIN[0]}@{DOMAIN}")
    except Refusal:
        if await has_super_admin(desk) and not await _is_ours(desk):
            raise CannotStart(
                "This data folder holds a Bursar that is not the demo, and the demo leaves it alone.",
                hint="choose another folder with --data-dir, or start it with `bursar serve`",
            ) from None
    else:
        return found.tenant_id
    if not await has_super_admin(desk):
        await create_super_admin(desk, NewPerson(SUPER_ADMIN, "Demo Operator", f"{SUPER_ADMIN}@{DOMAIN}", PASSWORD))
    username, name = TENANT_ADMIN
    admin = NewPerson(username, name, f"{username}@{DOMAIN}", PASSWORD)
    plan = CyclePlan("calendar_month", "UTC", parse_level(PER_CYCLE, field="per_cycle"))
    factor = parse_level(PROPOSED_CREDIT_FACTOR, field="credit_factor")
    made = await create_tenant(desk, await operator(desk), NewTenant(TENANT, admin, plan, factor))
    return made.answer.tenant.tenant_id


async def _provider(desk: Desk) -> None:
    """The provider without a model, so that calls can be tried without a key; none where there is any already."""
    if not await see_providers(desk.platform):
        await add_provider(desk, await operator(desk), ProviderSettings("simulated", Shape.SIMULATED, None), Secrets())


async def _is_ours(desk: Desk) -> bool:
    """Whether the super admin is the demo's own, made by a start that was interrupted."""
    async with platform_reading(desk.platform) as transaction:
        return await find_sign_in_name(transaction, SUPER_ADMIN) is not None


async def _group(desk: Desk, asked: Asked, tenant_id: UUID, group: DemoGroup) -> dict[str, UUID]:
    """One group with its budget and members; the members' ids by name."""
    try:
        group_id = (await find_group_named(desk.tenants, tenant_id, group.name)).group_id
    except Refusal:
        group_id = (await create_group(desk, asked, tenant_id, group.name)).answer.group_id
    monthly = parse_level(group.monthly, field="monthly")
    seen = (await see_group(desk.tenants, tenant_id, group_id, desk.clock.of_ledger)).columns.figures.monthly
    wanted = NewLevel(monthly, seen=seen)
    await set_group_monthly(desk, asked.under(f"demo:monthly:{group.name}"), tenant_id, group_id, wanted)
    if group.allocated is not None:
        handing = Handing(Holder("group", group_id), parse_typed(group.allocated, field="amount"), "Pilot projects")
        await allocate(desk, asked.under(f"demo:group:{group.name}"), tenant_id, handing)
    members = await asyncio.gather(*(_member(desk, asked, tenant_id, group_id, member) for member in group.members))
    return dict(zip((member.name for member in group.members), members, strict=True))


async def _member(desk: Desk, asked: Asked, tenant_id: UUID, group_id: UUID, member: DemoMember) -> UUID:
    try:
        member_id = (await find_member_named(desk.platform, member.username)).member_id
    except Refusal:
        password = None if member.is_service_account else PASSWORD
        new = NewMember(
            NewPerson(member.username, member.name, member.email, password),
            Role(member.role),
            group_id,
            job_title=member.job_title,
            is_service_account=member.is_service_account,
        )
        member_id = (await create_member(desk, asked, tenant_id, new)).answer.member.member_id
    monthly = parse_level(member.monthly, field="monthly")
    seen = (await see_member(desk.tenants, tenant_id, member_id, desk.clock.of_ledger)).figures.monthly
    level = NewLevel(monthly, seen=seen)
    await set_member_monthly(desk, asked.under(f"demo:monthly:{member.username}"), tenant_id, member_id, level)
    if member.allocated is not None:
        amount = parse_typed(member.allocated, field="amount")
        handing = Handing(Holder("member", member_id), amount, "Extra for the launch")
        await allocate(desk, asked.under(f"demo:allocation:{member.username}"), tenant_id, handing)
    calls = [] if member.used is None else calls_of(parse_typed(member.used, field="used"))
    for number, cost in enumerate(calls):
        key = f"demo:call:{member.username}:{number}"
        wanted = NewHold(member_id, Credits(cost.micro + cost.micro // 4), HOLD_SECONDS)
        held = (await open_hold(desk, asked.under(key), tenant_id, wanted)).answer
        await settle_hold(desk, asked, tenant_id, held.hold_id, cost)
    return member_id


def calls_of(used: Credits) -> list[Credits]:
    """What was used, cut into calls; what the proportions leave over is the last one's."""
    cent = MICRO_PER_CREDIT // 100
    costs = [used.micro * size // sum(CALL_SIZES) // cent * cent for size in CALL_SIZES]
    costs[-1] += used.micro - sum(costs)
    return [Credits(cost) for cost in costs]
