"""AI credits: bought, assigned, added, removed, spent to the last one and beyond."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.callers import Caller, check_books, new_member, new_tenant, signed_in
from tests.support.offices import TestOffice


@dataclass
class Story:
    """Who is in it."""

    house: TestOffice
    tenant_id: str
    admin: Caller
    uma_id: str
    uma: Caller

    async def cards(self) -> dict[str, Any]:
        return dict(await self.admin.get("/reports/cards"))

    async def table(self) -> dict[str, dict[str, Any]]:
        """The rows of the AI Credits table by username or address."""
        return {row["email"].partition("@")[0]: row for row in (await self.admin.get("/reports/credits"))["members"]}


async def test_credits_are_bought_assigned_removed_and_overdrawn(house: TestOffice) -> None:
    root = Caller(await house.super_admin())
    tenant_id = await new_tenant(root, "Figures Inc", admin="figures")
    admin = await signed_in(house, "figures")
    uma_id = (await new_member(admin, "uma", job_title="Planner"))["id"]
    await new_member(admin, "vic")
    story = Story(house, tenant_id, admin, uma_id, await signed_in(house, "uma"))

    await nobody_has_credits_yet(story)
    await credits_are_purchased(story, root)
    await a_user_is_assigned_credits(story)
    await credits_are_added_and_removed(story)
    await who_has_nothing_left_to_take_leaves_the_table(story)
    await one_call_costs_more_than_was_left(story)
    await a_debt_is_lifted(story)
    await check_books(house, tenant_id)


async def nobody_has_credits_yet(story: Story) -> None:
    """F-02 F-16 F-30 F-45: an empty table; whoever was never assigned credits cannot use any."""
    cards = await story.cards()
    assert (cards["users_with_credits"], cards["users"], cards["total_purchased"]) == (0, 3, "0.00")
    assert cards["available_percent"] == "0.0"
    assert await story.table() == {}
    assert (await story.uma.refused("GET", "/reports/credits"))["code"] == "not_permitted"
    assert (await story.uma.refused("POST", "/holds", {"amount": "1"}))["code"] == "insufficient_quota"


async def credits_are_purchased(story: Story, root: Caller) -> None:
    """F-04 F-05 F-06: what is bought begins unassigned, and no more than that can be assigned."""
    await root.patch(
        "/platform-settings", {"credit_price": "0.10", "payment_instructions": "IBAN XX, quote the number"}
    )
    order = await story.admin.post("/purchases", {"amount": "100"})
    assert order["instructions"] == "IBAN XX, quote the number"
    await root.post(f"/purchases/{order['id']}/confirm?tenant_id={story.tenant_id}", {})

    cards = await story.cards()
    assert (cards["total_purchased"], cards["credits_unassigned"], cards["total_available"]) == (
        "100.00", "100.00", "100.00",
    )  # fmt: skip
    give = {"member_id": story.uma_id, "amount": "100.01"}
    assert (await story.admin.refused("POST", "/allocations", give))["code"] == "insufficient_pool"
    assert (await story.admin.refused("POST", "/allocations", {**give, "amount": "ten"}))["code"] == (
        "amount_not_decimal"
    )


async def a_user_is_assigned_credits(story: Story) -> None:
    """F-16..F-25 F-31..F-39: the user is in the table, and every figure moves at once."""
    picker = await story.admin.get("/reports/credits", assigned="false")
    assert [row["email"] for row in picker["members"]] == ["uma@example.com", "vic@example.com"]
    await story.admin.post("/allocations", {"member_id": story.uma_id, "amount": "20", "note": "Pilot"})

    row = (await story.table())["uma"]
    assert (row["display_name"], row["job_title"]) == ("uma", "Planner")
    assert (row["assigned"], row["consumed"], row["remaining"], row["usage_percent"]) == (
        "20.00",
        "0.00",
        "20.00",
        "0.0",
    )
    cards = await story.cards()
    assert (cards["users_with_credits"], cards["credits_unassigned"]) == (1, "80.00")
    assert (cards["total_purchased"], cards["total_available"]) == ("100.00", "100.00")

    await story.uma.spends("5")
    row, cards = (await story.table())["uma"], await story.cards()
    assert (row["assigned"], row["consumed"], row["remaining"], row["usage_percent"]) == (
        "20.00", "5.00", "15.00", "25.0",
    )  # fmt: skip
    assert (cards["total_utilized"], cards["utilized_percent"]) == ("5.00", "5.0")
    assert (cards["total_available"], cards["available_percent"]) == ("95.00", "95.0")
    assert (await story.uma.get("/own-credits"))["own"]["remaining"] == "15.00"


async def credits_are_added_and_removed(story: Story) -> None:
    """F-10..F-12 F-27..F-29: added out of what is unassigned; removed as far as they are unused, and back there."""
    await story.admin.post("/allocations", {"member_id": story.uma_id, "amount": "10"})
    assert (await story.table())["uma"]["assigned"] == "30.00"
    assert (await story.cards())["credits_unassigned"] == "70.00"

    refusal = await story.admin.refused("POST", "/reclaims", {"member_id": story.uma_id, "amount": "25.01"})
    assert refusal["code"] == "insufficient_balance"
    await story.admin.post("/reclaims", {"member_id": story.uma_id, "amount": "13"})
    row = (await story.table())["uma"]
    assert (row["assigned"], row["consumed"], row["remaining"]) == ("17.00", "5.00", "12.00")
    assert (await story.cards())["credits_unassigned"] == "83.00"


async def who_has_nothing_left_to_take_leaves_the_table(story: Story) -> None:
    """F-14 F-16 F-30: removing the last credit takes the row away, not what was consumed; assigning brings it back."""
    await story.admin.post("/reclaims", {"member_id": story.uma_id, "amount": "12"})
    assert await story.table() == {}
    cards = await story.cards()
    assert (cards["users_with_credits"], cards["total_utilized"]) == (0, "5.00")

    await story.admin.post("/allocations", {"member_id": story.uma_id, "amount": "12"})
    assert list(await story.table()) == ["uma"]


async def one_call_costs_more_than_was_left(story: Story) -> None:
    """F-40..F-43: 12 left, a call of 17: it completes, the balance is -5, and the next one is refused."""
    closed = await story.uma.spends("17", held="12")
    assert (closed["charged"], closed["overrun"]) == ("17.00", "5.00")

    row = (await story.table())["uma"]
    assert (row["remaining"], row["consumed"], row["assigned"]) == ("-5.00", "22.00", "17.00")
    refusal = await story.uma.refused("POST", "/holds", {"amount": "0.01"})
    assert (refusal["status"], refusal["code"]) == (402, "insufficient_quota")
    earlier = (await story.uma.get("/own-transactions"))["transactions"]
    assert earlier[0]["label"] == "Usage"
    assert (await story.admin.refused("POST", "/reclaims", {"member_id": story.uma_id, "amount": "0.01"}))["code"] == (
        "insufficient_balance"
    )


async def a_debt_is_lifted(story: Story) -> None:
    """F-44: 4 more are not enough, 6 are."""
    await story.admin.post("/allocations", {"member_id": story.uma_id, "amount": "4"})
    assert (await story.uma.refused("POST", "/holds", {"amount": "0.01"}))["code"] == "insufficient_quota"
    await story.admin.post("/allocations", {"member_id": story.uma_id, "amount": "2"})
    assert (await story.uma.spends("1"))["charged"] == "1.00"

    cards = await story.cards()
    assert cards["total_utilized"] == "23.00"
    row = (await story.table())["uma"]
    assert (row["assigned"], row["consumed"], row["remaining"]) == ("23.00", "23.00", "0.00")
