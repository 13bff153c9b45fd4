"""docs/rules/figures.md, example by example: what somebody has themselves."""

from __future__ import annotations

import pytest

from bursar.ledger import ShareGroup
from tests.support.figures import budgets, call, check_own, in_books, posted, seen
from tests.support.keys import owner_run
from tests.support.offices import TestOffice


@pytest.mark.rule("FIGURE-8")
async def test_a_member_sees_what_is_left_of_the_total_and_what_a_shared_budget_adds(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000", cadence="1_hour")
    await house.granted(place, "500")
    admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    await posted(admin, "allocations", member_id=place.member_id, amount="5")
    await call(admin, place.member_id, hold="3", cost="3")

    own = await seen(member, "own-credits")

    # "$2.00 / $5.00" means that $3.00 are consumed.
    assert own == {
        "spendable": "2.00", "consumed": "3.00", "used": "3.00", "open_requests": 0, "pool": None,
        "cycle_ends_at": (await seen(admin, "cycle"))["ends_at"],
        "own": {
            "total": "5.00", "remaining": "2.00", "held": "0.00", "monthly": "0.00", "allowance": "0.00",
            "balance": "2.00", "shared": "0.00",
        },
    }  # fmt: skip
    await budgets(house, place, group="100", member="10")
    share = ShareGroup(actor_id=place.admin.member_id, group_id=place.member.group_id, is_shared=True)
    await in_books(house, place, share)
    await posted(member, "holds", amount="4")
    shared = await seen(member, "own-credits")
    assert shared["own"] == {
        "total": "15.00", "remaining": "8.00", "held": "4.00", "monthly": "10.00", "allowance": "10.00",
        "balance": "2.00", "shared": "90.00",
    }  # fmt: skip
    assert shared["spendable"] == "98.00"
    check_own(own)
    check_own(shared)


@pytest.mark.rule("FIGURE-8")
async def test_a_tenant_admin_sees_the_total_what_is_allocated_and_their_own_use(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    await house.granted(place, "500")
    admin = await house.signed_in("acme-admin")
    await posted(admin, "allocations", member_id=place.member_id, amount="100")
    before = await seen(admin, "own-credits")

    await call(admin, place.admin_id, hold="20", cost="12.5")
    after = await seen(admin, "own-credits")

    assert before["pool"] == {"total": "500.00", "allocated": "100.00", "pool_used": "0.00", "available": "400.00"}
    assert after["pool"] == {"total": "500.00", "allocated": "100.00", "pool_used": "12.50", "available": "387.50"}
    assert (after["spendable"], after["consumed"], after["used"], after["own"]) == ("387.50", "12.50", "12.50", None)
    for own in (before, after):
        check_own(own)
    root = await house.super_admin()
    refused = await root.get("/api/v1/own-credits")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")


@pytest.mark.rule("FIGURE-8")
async def test_open_requests_are_ones_own_that_nobody_has_decided(house: TestOffice) -> None:
    place = await house.tenant()
    member = await house.signed_in("acme-member")
    ids = f"'{place.tenant.tenant_id}', gen_random_uuid()"
    group_id = place.member.group_id
    for member_id, status, decided in (
        (place.member.member_id, "pending", "null, null"),
        (place.member.member_id, "denied", f"'{place.admin.member_id}', now()"),
        (place.admin.member_id, "pending", "null, null"),
    ):
        await owner_run(
            house,
            "insert into credit_requests (tenant_id, request_id, member_id, group_id, amount_micro, reason, status,"
            " submitted_at, epoch, decided_by, decided_at)"
            f" values ({ids}, '{member_id}', '{group_id}', 1, 'more', '{status}', now(), 1, {decided})",
        )

    assert (await seen(member, "own-credits"))["open_requests"] == 1
