"""What bounds the calls of each member, as the tenant admin sets it over HTTP."""

from __future__ import annotations

import pytest

from tests.support.keys import field_at_fault, refused
from tests.support.offices import TestOffice

LIMITS = "/api/v1/settings/member-limits"
NONE = {"requests_per_minute": "inherit", "tokens_per_minute": "inherit", "calls_at_once": "inherit"}


@pytest.mark.rule("LIMIT-1")
async def test_what_bounds_each_member_is_set_as_a_whole_and_shown(house: TestOffice) -> None:
    await house.tenant()
    boss = await house.signed_in("acme-admin")
    assert (await boss.get(LIMITS)).json() == NONE

    put = await boss.put(LIMITS, json={"requests_per_minute": 60, "tokens_per_minute": "unlimited"})

    assert put.status_code == 200
    assert put.json() == {**NONE, "requests_per_minute": 60, "tokens_per_minute": "unlimited"}
    assert (await boss.get(LIMITS)).json() == put.json()
    assert (await boss.put(LIMITS, json={"calls_at_once": 0})).json() == {**NONE, "calls_at_once": 0}
    assert (await boss.get("/api/v1/settings/key-limits")).json()["calls_at_once"] == "inherit"


@pytest.mark.rule("LIMIT-1")
async def test_what_bounds_members_is_the_tenant_admins_to_say_and_a_number_that_a_limit_can_be(
    house: TestOffice,
) -> None:
    await house.tenant()
    boss, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")

    assert refused(await member.get(LIMITS)) == (403, "not_permitted")
    assert refused(await member.put(LIMITS, json={})) == (403, "not_permitted")
    for wrong in (-1, 10**9 + 1, "5", 1.5, "none", True):
        answer = await boss.put(LIMITS, json={"tokens_per_minute": wrong})
        assert field_at_fault(answer) == (422, "tokens_per_minute")
    assert (await boss.get(LIMITS)).json() == NONE
