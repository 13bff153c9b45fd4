"""Credits per cycle: budgets for groups and members, requests for more, and a cycle that ends by itself.

The figures are those of the worked example in docs/concepts/cycles.md and docs/concepts/spending.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bursar.worker.cycles import end_due_cycles
from tests.support.callers import Caller, check_books, new_member, new_tenant, signed_in
from tests.support.offices import TestOffice


@dataclass
class Story:
    """Who is in it, and the group they are in."""

    house: TestOffice
    tenant_id: str
    admin: Caller
    group_id: str
    ann_id: str
    bob_id: str
    ann: Caller
    bob: Caller

    async def group(self) -> dict[str, Any]:
        return dict(await self.admin.get(f"/groups/{self.group_id}"))

    async def ann_row(self) -> dict[str, Any]:
        return dict(await self.admin.get(f"/members/{self.ann_id}"))

    async def days_pass(self, days: int) -> None:
        """So many days and a minute; sign-ins have ended by then."""
        self.house.clock.turn(timedelta(days=days, minutes=1))
        self.admin, self.bob = await signed_in(self.house, "cockpit"), await signed_in(self.house, "bob")

    async def status_of(self, request_id: str) -> str:
        return str((await self.admin.get(f"/credit-requests/{request_id}"))["status"])


async def test_a_cycle_is_budgeted_asked_for_spent_and_renewed(house: TestOffice) -> None:
    root = Caller(await house.super_admin())
    tenant_id = await new_tenant(root, "Cockpit", admin="cockpit", cadence="1_week")
    await root.post(f"/tenants/{tenant_id}/grants", {"amount": "500"})
    admin = await signed_in(house, "cockpit")

    group_id = await a_cycle_gets_a_budget_and_a_group_its_share(admin)
    ann_id = (await new_member(admin, "ann", group_id=group_id))["id"]
    bob_id = (await new_member(admin, "bob"))["id"]
    ann, bob = await signed_in(house, "ann"), await signed_in(house, "bob")
    story = Story(house, tenant_id, admin, group_id, ann_id, bob_id, ann, bob)

    await members_get_their_allowances(story)
    await a_request_within_the_reserve_is_approved_by_itself(story)
    await what_is_above_the_reserve_waits_for_an_admin(story)
    await a_member_spends_and_the_table_shows_it(story)
    await the_overview_agrees_with_all_of_it(story)
    await the_cycle_ends_by_itself(story)
    await a_cycle_is_reset_by_hand(story)
    await the_settings_are_the_tenant_admins(story)
    await check_books(house, tenant_id)


async def a_cycle_gets_a_budget_and_a_group_its_share(admin: Caller) -> str:
    """A-13 A-14 A-16 A-17 A-19 A-52 A-55 A-61: Default is there and stays; a group's monthly comes out of the cycle."""
    (default,) = (await admin.get("/groups"))["groups"]
    assert (default["name"], default["is_default"]) == ("Default", True)
    assert (await admin.refused("DELETE", f"/groups/{default['id']}"))["code"] == "group_is_default"

    await admin.put("/cycle/credits-per-cycle", {"credits_per_cycle": "2000", "seen": "0"})
    group_id = str((await admin.post("/groups", {"name": "Reserch"}))["id"])
    await admin.patch(f"/groups/{group_id}", {"name": "Research"})
    too_much = {"monthly": "2000.01", "seen": "0"}
    assert (await admin.refused("PUT", f"/groups/{group_id}/monthly", too_much))["code"] == "insufficient_plan"
    await admin.put(f"/groups/{group_id}/monthly", {"monthly": "1000", "seen": "0"})
    await admin.put(f"/groups/{group_id}/extra", {"extra": "200", "seen": "0"})
    group = await admin.get(f"/groups/{group_id}")
    assert (group["monthly"], group["extra"], group["available"]) == ("1000.00", "200.00", "1200.00")
    lowered = {"credits_per_cycle": "999", "seen": "2000"}
    assert (await admin.refused("PUT", "/cycle/credits-per-cycle", lowered))["code"] == "budget_below_children"
    return group_id


async def members_get_their_allowances(story: Story) -> None:
    """A-16 A-18 A-20 A-21 A-27 A-34 A-36 A-37: allowances come out of the group, and a stale figure is not saved."""
    admin = story.admin
    assert (await story.bob.refused("PUT", f"/members/{story.ann_id}/monthly", {"monthly": "1", "seen": "0"}))[
        "code"
    ] == "not_permitted"
    await admin.put(f"/members/{story.bob_id}/group", {"group_id": story.group_id})
    await admin.put(f"/members/{story.ann_id}/monthly", {"monthly": "300", "seen": "0"})
    await admin.put(f"/members/{story.bob_id}/monthly", {"monthly": "200", "seen": "0"})
    stale = await admin.refused("PUT", f"/members/{story.bob_id}/monthly", {"monthly": "250", "seen": "0"})
    assert (stale["code"], stale["facts"]["present"]) == ("figure_changed", "200.00")
    beyond = {"monthly": "800.01", "seen": "300"}
    refusal = await admin.refused("PUT", f"/members/{story.ann_id}/monthly", beyond)
    assert refusal["code"] == "insufficient_budget"

    group = await story.group()
    assert (group["distributed"], group["available"], group["extra"]) == ("500.00", "700.00", "200.00")
    assert group["member_count"] == 2


async def a_request_within_the_reserve_is_approved_by_itself(story: Story) -> None:
    """A-15 A-22 A-23 A-28 A-38: 60 of a reserve of 100 are granted at once, out of the group's allowance."""
    by_hand = await story.bob.post("/credit-requests", {"amount": "10", "reason": "No reserve yet"})
    assert by_hand["status"] == "pending"
    await story.admin.post(f"/credit-requests/{by_hand['id']}/deny", {"note": "Try again later"})
    await story.admin.put(f"/groups/{story.group_id}/auto-approve", {"auto_approve": "100", "seen": "0"})

    asked = await story.ann.post("/credit-requests", {"amount": "60", "reason": "A longer evaluation"})

    assert (asked["status"], asked["approved"]) == ("auto_approved", "60.00")
    group, ann = await story.group(), await story.ann_row()
    assert (group["auto_approve_left"], group["available"], group["distributed"]) == ("40.00", "640.00", "560.00")
    assert (ann["extra"], ann["remaining"]) == ("60.00", "360.00")


async def what_is_above_the_reserve_waits_for_an_admin(story: Story) -> None:
    """A-39..A-48: pending until somebody else decides, with another amount or not at all; and decided once."""
    waiting = await story.ann.post("/credit-requests", {"amount": "50", "reason": "One more run"})
    assert waiting["status"] == "pending"
    path = f"/credit-requests/{waiting['id']}"
    assert (await story.ann.refused("POST", f"{path}/approve", {"amount": "50", "source": "group"}))["code"] == (
        "not_permitted"
    )
    short = await story.admin.refused("POST", f"{path}/approve", {"amount": "640.01", "source": "group"})
    assert short["code"] in {"insufficient_budget", "insufficient_balance", "insufficient_allowance"}
    assert await story.status_of(waiting["id"]) == "pending"

    listed = await story.admin.get("/credit-requests", status="pending")
    assert [(row["member"]["email"], row["amount"]) for row in listed["credit_requests"]] == [
        ("ann@example.com", "50.00")
    ]
    await story.admin.post(f"{path}/deny", {"note": "Not this week"})
    again = await story.admin.refused("POST", f"{path}/approve", {"amount": "50", "source": "group"})
    assert again["code"] == "credit_request_decided"
    own = (await story.ann.get("/own-credit-requests"))["credit_requests"]
    assert [(row["status"], row["amount"], row["approved"]) for row in own] == [
        ("denied", "50.00", None), ("auto_approved", "60.00", "60.00"),
    ]  # fmt: skip
    assert own[0]["note"] == "Not this week"


async def a_member_spends_and_the_table_shows_it(story: Story) -> None:
    """A-29 A-30 A-71: of 300 and 60, 330 are used and 30 remain."""
    await story.ann.spends("330")

    ann = await story.ann_row()
    assert (ann["used"], ann["remaining"], ann["extra"], ann["monthly"]) == ("330.00", "30.00", "60.00", "300.00")
    assert (await story.group())["used"] == "330.00"


async def the_overview_agrees_with_all_of_it(story: Story) -> None:
    """A-06..A-09 A-12 A-65: the cycle, the balance, how much is used, and a line for each group."""
    overview = await story.admin.get("/reports/overview")

    cycle = await story.admin.get("/cycle")
    assert (overview["cycle"]["epoch"], overview["cycle"]["cadence_label"]) == (cycle["epoch"], "1 week")
    seen = overview["cycle"]
    assert (seen["used"], seen["credits_per_cycle"], seen["used_percent"]) == ("330.00", "2000.00", "16.5")
    lines = {line["name"]: (line["member_count"], line["monthly"], line["available"]) for line in overview["groups"]}
    assert lines == {"Default": (1, "0.00", "0.00"), "Research": (2, "1000.00", "640.00")}


async def the_cycle_ends_by_itself(story: Story) -> None:
    """A-59: with nobody calling, the rest lapses, allowances are renewed, balances stay; a reserve is whole again."""
    before = (await story.admin.get("/cycle"))["epoch"]
    await story.days_pass(7)
    assert await end_due_cycles(story.house.desk) == 1

    cycle = await story.admin.get("/cycle")
    group, ann = await story.group(), await story.ann_row()
    assert (cycle["epoch"], cycle["used"]) == (before + 1, "0.00")
    assert (ann["remaining"], ann["used"], ann["extra"]) == ("300.00", "0.00", "0.00")
    assert (group["available"], group["extra"], group["auto_approve_left"]) == ("700.00", "200.00", "100.00")

    await story.days_pass(21)
    cycle = await story.admin.get("/cycle")
    assert cycle["epoch"] == before + 4, "four boundaries later, with nobody looking"
    await end_due_cycles(story.house.desk)
    assert (await story.ann_row())["remaining"] == "300.00"


async def a_cycle_is_reset_by_hand(story: Story) -> None:
    """A-58 A-60..A-63: a reset ends the running cycle once, however often it is sent; so does another cadence."""
    await story.bob.spends("50")
    cycle = await story.admin.get("/cycle")
    assert cycle["used"] == "50.00"
    member = await story.bob.refused("POST", "/cycle/reset", {"epoch": cycle["epoch"]})
    assert member["code"] == "not_permitted"

    for _ in range(2):
        started = await story.admin.post("/cycle/reset", {"epoch": cycle["epoch"]})
        assert started["epoch"] == cycle["epoch"] + 1
    fresh = await story.admin.get("/cycle")
    assert fresh["used"] == "0.00"
    assert (await story.admin.get(f"/members/{story.bob_id}"))["remaining"] == "200.00"

    body = {"cadence": "6_hours", "time_zone": "Europe/Berlin", "epoch": fresh["epoch"]}
    await story.admin.put("/cycle/cadence", body)
    changed = await story.admin.get("/cycle")
    assert (changed["epoch"], changed["cadence_label"], changed["used"]) == (fresh["epoch"] + 1, "6 hours", "0.00")


async def the_settings_are_the_tenant_admins(story: Story) -> None:
    """A-49 A-64..A-67 A-69: admins see them; who joins gets the signup credits out of the pool."""
    settings = await story.admin.get("/settings")
    assert settings["credit_factor"] == "100.00"
    assert (await story.bob.refused("PATCH", "/settings", {"signup_credits": "25"}))["code"] == "not_permitted"
    pool = (await story.admin.get("/pool"))["balance"]

    await story.admin.patch("/settings", {"signup_credits": "25"})
    joined = await new_member(story.admin, "carol")

    assert (pool, (await story.admin.get("/pool"))["balance"]) == ("300.00", "275.00")
    assert (joined["balance"], joined["group_id"] != story.group_id) == ("25.00", True)
