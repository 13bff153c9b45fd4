"""docs/rules/tenants.md, example by example, over HTTP: the amounts that a tenant chooses."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bursar.cli.demo_people import PASSWORD as DEMO_PASSWORD
from bursar.cli.demo_people import TENANT_ADMIN
from bursar.cli.demo_seed import seed_demo
from tests.support.handing import funded, joined, see, used
from tests.support.offices import PASSWORD, TestOffice
from tests.support.rows import rows_of_everything
from tests.support.tenant_asking import events, seen


async def changed(client: httpx.AsyncClient, **settings: Any) -> httpx.Response:
    return await client.patch("/api/v1/settings", json=settings)


@pytest.mark.rule("TENANT-10")
async def test_each_amount_is_changed_by_itself_and_told_before_and_after(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    for name, value, shown in (
        ("credit_factor", "250.50", "250.50"), ("signup_credits", "25", "25.00"), ("low_pool", "0.01", "0.01"),
        ("low_balance", "10.00", "10.00"),
    ):  # fmt: skip
        before = await seen(admin, "/api/v1/settings")
        done = await changed(admin, **{name: value})
        assert (done.status_code, done.json()) == (200, {**before, name: shown})
        assert await seen(admin, "/api/v1/settings") == done.json()
    nobody = await changed(admin, credit_factor="0", low_pool=None, low_balance=None)

    assert (nobody.json()["credit_factor"], nobody.json()["signup_credits"]) == ("0.00", "25.00")
    assert (nobody.json()["low_pool"], nobody.json()["low_balance"]) == (None, None)
    assert [event["changes"] for event in await events(house, "settings_changed")] == [
        '{"credit_factor": {"after": "250.50", "before": "100.00"}}',
        '{"signup_credits": {"after": "25.00", "before": "0.00"}}',
        '{"low_pool": {"after": "0.01", "before": null}}',
        '{"low_balance": {"after": "10.00", "before": null}}',
        '{"low_pool": {"after": null, "before": "0.01"}, "low_balance": {"after": null, "before": "10.00"}, '
        '"credit_factor": {"after": "0.00", "before": "250.50"}}',
    ]


@pytest.mark.rule("TENANT-10")
@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("credit_factor", "-1", "amount_too_small"), ("credit_factor", "1.234", "amount_too_fine"),
     ("credit_factor", "1000000.01", "amount_too_large"),
     ("credit_factor", 100, "amount_not_decimal"), ("credit_factor", None, "amount_not_decimal"),
     ("signup_credits", "-0.01", "amount_too_small"), ("signup_credits", "many", "amount_not_decimal"),
     ("signup_credits", None, "amount_not_decimal"), ("signup_credits", "1000000000.01", "amount_too_large"),
     ("low_pool", "0", "amount_too_small"), ("low_pool", "0.001", "amount_too_fine"),
     ("low_balance", "0.00", "amount_too_small"), ("low_balance", "", "amount_not_decimal")],
)  # fmt: skip
async def test_an_amount_that_no_setting_can_be_is_refused_by_name_and_changes_nothing(
    house: TestOffice, name: str, value: object, code: str
) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    before = await rows_of_everything(house)

    refused = await changed(admin, **{"contact": "Ask Ada", name: value})

    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert [field["field"] for field in refused.json()["fields"]] == [name]
    assert await rows_of_everything(house) == before


@pytest.mark.rule("TENANT-10")
async def test_admins_see_the_amounts_and_the_tenant_admin_alone_changes_them(house: TestOffice) -> None:
    place = await house.tenant()
    await house.admin(place)
    deputy = await house.signed_in("acme-deputy")

    assert (await seen(deputy, "/api/v1/settings"))["signup_credits"] == "0.00"
    refused = await changed(deputy, signup_credits="5")

    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert (await seen(deputy, "/api/v1/settings"))["signup_credits"] == "0.00"


@pytest.mark.rule("TENANT-11")
async def test_a_tenant_is_made_with_the_factor_that_was_chosen_and_with_0_if_none_was(house: TestOffice) -> None:
    root = await house.super_admin()

    for name, draft, factor in (("quiet", {}, "0.00"), ("chosen", {"credit_factor": "12.50"}, "12.50")):
        admin = {"username": name, "display_name": name.title(), "password": PASSWORD}
        made = await root.post("/api/v1/tenants", json={"name": name.title(), "admin": admin, **draft})
        assert made.status_code == 201, made.text
        assert (await seen(await house.signed_in(name), "/api/v1/settings"))["credit_factor"] == factor
    bad = {"name": "Bad", "admin": {"username": "bad", "display_name": "Bad", "password": PASSWORD}}
    refused = await root.post("/api/v1/tenants", json={**bad, "credit_factor": "-1"})

    assert (refused.status_code, refused.json()["code"]) == (422, "amount_too_small")
    assert [field["field"] for field in refused.json()["fields"]] == ["credit_factor"]
    assert [event["changes"] for event in await events(house, "tenant_created")] == [
        '{"name": {"after": "Quiet", "before": null}, "credit_factor": {"after": "0.00", "before": null}}',
        '{"name": {"after": "Chosen", "before": null}, "credit_factor": {"after": "12.50", "before": null}}',
    ]


@pytest.mark.rule("TENANT-11")
async def test_in_the_demo_a_us_dollar_is_the_proposed_100_credits(house: TestOffice) -> None:
    await seed_demo(house.desk)

    dana = await house.signed_in(TENANT_ADMIN[0], DEMO_PASSWORD)

    assert (await seen(dana, "/api/v1/settings"))["credit_factor"] == "100.00"


@pytest.mark.rule("TENANT-8")
async def test_what_is_used_of_the_cycle_is_seen_beside_the_level_and_stays_used_when_it_changes(
    house: TestOffice,
) -> None:
    place, admin = await funded(house)
    await changed(admin, signup_credits="20")
    await joined(admin, "ada")
    await admin.put("/api/v1/cycle/credits-per-cycle", json={"credits_per_cycle": "100", "seen": "0"})
    group = {"group_id": place.group_id, "amount": "1"}
    assert (await admin.post("/api/v1/allocations", json=group)).status_code == 201
    await used(await house.signed_in("ada"), "7")
    looked = await see(admin, "cycle")
    before = await rows_of_everything(house)

    again = await see(admin, "cycle")

    assert again == looked
    assert await rows_of_everything(house) == before
    raised = await admin.put("/api/v1/cycle/credits-per-cycle", json={"credits_per_cycle": "150", "seen": "100"})
    after = await see(admin, "cycle")
    assert (raised.status_code, after["credits_per_cycle"], after["used"]) == (200, "150.00", looked["used"])
    assert (looked["undistributed"], after["undistributed"]) == ("100.00", "150.00")
