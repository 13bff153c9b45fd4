"""docs/rules/credit_requests.md where something happens between signing in and asking, or between two cycles."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bursar.actions.credit_requests import NewRequest, submit_request
from bursar.actions.desk import Asked
from bursar.actions.member_standing import switch_member
from bursar.domain.credits import parse_level
from bursar.domain.permissions import Actor
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Role
from tests.support.clocks import Hurried
from tests.support.codes import check_books
from tests.support.credit_requests import OWN, budgeted, seen
from tests.support.offices import Place, TestOffice
from tests.support.rows import rows_of_everything

FIFTY = NewRequest(parse_level("50", field="amount"), "For the launch")


def by_member(place: Place) -> Asked:
    return Asked(Actor(Role.MEMBER, place.member.member_id, place.tenant.tenant_id, "Acme Member"))


@pytest.mark.rule("REQUEST-1")
async def test_whoever_is_disabled_while_asking_is_given_nothing(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="100")
    await budgeted(house, place, monthly="100", reserve="100")
    tenant_id, asked = place.tenant.tenant_id, by_member(place)
    await switch_member(house.desk, await house.operator(), tenant_id, place.member.member_id, is_active=False)
    before = await rows_of_everything(house)

    with pytest.raises(Refusal) as caught:
        await submit_request(house.desk, asked, tenant_id, FIFTY)

    assert caught.value.code == "member_disabled"
    assert await rows_of_everything(house) == before


@pytest.mark.rule("REQUEST-3")
async def test_what_is_approved_as_a_cycle_ends_belongs_to_one_cycle_whole(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000", cadence="1_hour")
    await budgeted(house, place, monthly="100", reserve="50")
    hurried = replace(house.desk, clock=Hurried(house.clock))

    known = (await submit_request(hurried, by_member(place), place.tenant.tenant_id, FIFTY)).answer

    assert (known.request.status, known.request.epoch) == ("auto_approved", 1)
    house.clock.turn(timedelta(hours=1))
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    assert (await seen(admin, f"members/{place.member_id}"))["remaining"] == "0.00", "it lapsed with its own cycle"
    assert (await seen(member, OWN))["total"] == 1
    await check_books(house, place)
