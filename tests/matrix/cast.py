"""Who asks, and whom it may be about: two tenants, and in the first somebody of every role."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from bursar.actions.groups import create_group
from bursar.actions.members import NewMember, create_member
from bursar.domain.roles import Role
from bursar.store.members import Member
from tests.matrix.expected import ABOUT_TENANT, EXPECTED, Row, of_the_platform
from tests.matrix.reads import READS
from tests.support.calls import SAMPLES
from tests.support.calls.scenes import Call, Scene, fresh_member, unique
from tests.support.offices import Place, TestOffice, person


@dataclass(frozen=True)
class Cast:
    """A client of one role in the first tenant, itself as a member unless it is a super admin, and the two tenants."""

    house: TestOffice
    place: Place
    elsewhere: Place
    role: Role
    client: httpx.AsyncClient
    oneself: Member | None

    async def call(self, name: str, relation: str) -> Call:
        """A good call of the route about somebody who stands so to whoever asks. Nobody is used twice."""
        prepare = SAMPLES[name].prepare if name in SAMPLES else READS[name]
        # What a super admin does to a tenant may stop everybody in it, so it is not the tenant of who asks.
        is_apart = relation == "stranger" or EXPECTED[name] == of_the_platform()
        place = self.elsewhere if is_apart else self.place
        return await prepare(Scene(self.house, place, await self._target(relation), await self.house.operator()))

    async def sent(self, call: Call, relation: str, row: Row) -> httpx.Response:
        """The answer as the role gets it. Only a super admin names the tenant, and whoever tries another one."""
        tenant_id = self.place.tenant_id if self.role is Role.SUPER_ADMIN else None
        if relation == "stranger" and row.relations == ABOUT_TENANT:
            tenant_id = self.elsewhere.tenant_id
        return await call.sent(self.client, tenant_id=tenant_id)

    async def _target(self, relation: str) -> Member:
        match relation:
            case "self":
                return self.oneself or self.place.member
            case "superior":
                return await fresh_member(self.house, self.place, Role.TENANT_ADMIN)
            case "tenant":
                return await _member_of_another_group(self.house, self.place)
            case "stranger":
                return await fresh_member(self.house, self.elsewhere)
            case _:
                return await fresh_member(self.house, self.place)


async def cast_of(house: TestOffice, role: Role) -> Cast:
    """Two tenants with credits, and somebody of this role signed in."""
    place, elsewhere = await house.tenant("Acme"), await house.tenant("Globex")
    for somewhere in (place, elsewhere):
        await house.granted(somewhere, "100000")
    deputy = await house.admin(place)
    oneself = {Role.TENANT_ADMIN: place.admin, Role.ADMIN: deputy, Role.MEMBER: place.member}.get(role)
    client = await house.super_admin() if oneself is None else await house.signed_in(oneself.username)
    return Cast(house, place, elsewhere, role, client, oneself)


async def _member_of_another_group(house: TestOffice, place: Place) -> Member:
    desk, operator, tenant_id = house.desk, await house.operator(), place.tenant.tenant_id
    group = (await create_group(desk, operator, tenant_id, f"Group {unique()}")).answer
    new = NewMember(person(f"apart-{unique()}"), Role.MEMBER, group.group_id)
    return (await create_member(desk, operator, tenant_id, new)).answer.member
