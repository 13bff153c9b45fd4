"""What calls need before they can be made: a provider, its prices, tenants, members with credits, and their keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from bursar.actions.allocations import Handing, Holder, allocate
from bursar.actions.api_keys import KeyDraft, create_api_key
from bursar.actions.desk import Asked
from bursar.actions.members import NewMember, create_member
from bursar.domain.api_keys import KeyKind, KeySettings
from bursar.domain.credits import parse_typed
from bursar.domain.permissions import Actor
from bursar.domain.providers import ProviderSettings, Shape
from bursar.domain.roles import Role
from tests.load.server import MeasuredServer
from tests.support.models import priced, provider
from tests.support.offices import Place, TestOffice, person, running_office
from tests.support.postgres import FreshDatabase

GIVEN = "100000"
GRANTED = "100000000"


@dataclass(frozen=True)
class Keys:
    """Secrets of keys: those of one tenant's members, and as many spread over several tenants."""

    one_tenant: Sequence[str]
    many_tenants: Sequence[str]
    tenants: int


async def prepare(
    server: MeasuredServer, *, base_url: str, models: Sequence[str], members: int, tenants: int
) -> Keys:  # fmt: skip
    """Everything, in a database that is new."""
    fresh = FreshDatabase("bench", server.admin_url, server.app_url, server.platform_url)
    async with running_office(fresh) as house:
        await provider(
            house,
            ProviderSettings(
                name="bench", shape=Shape.OPENAI, base_url=base_url, priced_as=("bench",), models=(*models,)
            ),
        )
        for model in models:
            await priced(house, "bench", model, input="2.5", output="10")
        one = await _keys(house, "Acme", members)
        many = [await _keys(house, f"Tenant{number:02}", members // tenants) for number in range(tenants)]
    # In turn, so that calls one after another are of different tenants.
    return Keys(one, [key for turn in zip(*many, strict=True) for key in turn], tenants)


async def _keys(house: TestOffice, name: str, members: int) -> list[str]:
    place = await house.tenant(name)
    await house.granted(place, GRANTED)
    return [await _key(house, place, number) for number in range(members)]


async def _key(house: TestOffice, place: Place, number: int) -> str:
    tenant_id = place.tenant.tenant_id
    admin = Asked(Actor(Role.TENANT_ADMIN, place.admin.member_id, tenant_id, place.admin.display_name))
    new = NewMember(person(f"{place.tenant.name.lower()}-{number}"), Role.MEMBER)
    member = (await create_member(house.desk, admin, tenant_id, new)).answer.member
    handing = Handing(Holder("member", member.member_id), parse_typed(GIVEN, field="amount"))
    await allocate(house.desk, admin, tenant_id, handing)
    own = Asked(Actor(Role.MEMBER, member.member_id, tenant_id, member.display_name))
    draft = KeyDraft(KeyKind.MODEL, KeySettings("bench"))
    return (await create_api_key(house.desk, own, tenant_id, draft)).answer.secret


def calls_written(admin_url: str) -> tuple[int, int]:
    """Rows of calls, and how many of their holds are still open."""
    with psycopg.connect(admin_url) as connection:
        connection.execute("set row_security = off")
        rows = connection.execute("select count(*) from bursar.calls where outcome = 'delivered'").fetchone()
        still = connection.execute("select count(*) from bursar.ledger_holds where state = 'open'").fetchone()
    assert rows is not None
    assert still is not None
    return int(rows[0]), int(still[0])
