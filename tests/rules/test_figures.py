"""docs/rules/figures.md, example by example: the cards, the overview and the AI Credits table."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.domain.credits import Credits
from bursar.domain.figures import percent_of
from bursar.reports.figures import see_overview
from tests.support.figures import added, budgets, call, check_cards, check_line, posted, seen, seen_all
from tests.support.keys import owner_run
from tests.support.offices import TestOffice


@pytest.mark.rule("FIGURE-1", "FIGURE-10")
async def test_assigning_moves_credits_between_assigned_and_unassigned_and_spending_uses_them_up(
    house: TestOffice,
) -> None:
    place = await house.tenant(per_cycle="1000")
    await house.granted(place, "500")
    admin = await house.signed_in("acme-admin")
    untouched = await seen(admin, "reports/cards")

    await posted(admin, "allocations", member_id=place.member_id, amount="100")
    assigned = await seen(admin, "reports/cards")
    await call(admin, place.member_id, hold="12", cost="8")
    await call(admin, place.admin_id, hold="5", cost="4")
    hold = await posted(admin, "holds", member_id=place.member_id, amount="20")
    await posted(admin, "holds", member_id=place.admin_id, amount="3")
    used = await seen(admin, "reports/cards")

    assert untouched == {
        "total_purchased": "1500.00", "total_utilized": "0.00", "utilized_percent": "0.0",
        "total_available": "1500.00", "available_percent": "100.0", "users_with_credits": 0, "users": 2,
        "credits_unassigned": "1500.00", "assigned": "0.00", "pool_used": "0.00", "spendable": "0.00", "held": "0.00",
    }  # fmt: skip
    assert assigned == untouched | {
        "users_with_credits": 1, "credits_unassigned": "1400.00", "assigned": "100.00", "spendable": "100.00",
    }  # fmt: skip
    # The tenant admin's own use counts as utilized and comes out of the pool, which nobody was assigned.
    assert used == assigned | {
        "total_utilized": "12.00", "utilized_percent": "0.8", "total_available": "1488.00", "available_percent": "99.2",
        "credits_unassigned": "1393.00", "pool_used": "7.00", "spendable": "72.00", "held": "23.00",
    }  # fmt: skip
    await posted(admin, f"holds/{hold['id']}/void")
    for cards in (untouched, assigned, used, await seen(admin, "reports/cards")):
        check_cards(cards)


@pytest.mark.rule("FIGURE-1")
async def test_what_is_taken_back_or_lapses_was_not_purchased(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000", cadence="1_hour")
    await house.granted(place, "500")
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await budgets(house, place, group="100", member="10")
    await call(admin, place.member_id, hold="4", cost="4")

    set_to = await root.put(f"/api/v1/tenants/{place.tenant_id}/total", json={"total": "300", "seen": "500"})
    assert set_to.status_code == 200, set_to.text
    house.clock.turn(timedelta(hours=1))
    cards = await seen(admin, "reports/cards")

    # 300 granted, 4 consumed of the ended cycle, 1000 of the running one; the ended one's 996 lapsed.
    assert (cards["total_purchased"], cards["total_utilized"]) == ("1304.00", "4.00")
    assert (cards["assigned"], cards["credits_unassigned"]) == ("14.00", "1290.00")
    check_cards(cards)


@pytest.mark.rule("FIGURE-2")
async def test_of_nothing_every_percentage_is_zero(house: TestOffice) -> None:
    await house.tenant(per_cycle="0")
    admin = await house.signed_in("acme-admin")

    cards = await seen(admin, "reports/cards")

    assert (cards["total_purchased"], cards["utilized_percent"], cards["available_percent"]) == ("0.00", "0.0", "0.0")
    check_cards(cards)


@pytest.mark.rule("FIGURE-2")
@given(st.integers(min_value=0, max_value=2**62), st.integers(min_value=1, max_value=2**62))
def test_a_percentage_is_exact_to_the_nearest_tenth(part: int, whole: int) -> None:
    exact = Decimal(1000 * part) / Decimal(whole)
    found = percent_of(Credits(part), Credits(whole))

    # Whole numbers, since a decimal division would round a first time.
    assert (2000 * part + whole) // (2 * whole) == found.tenths
    assert abs(Decimal(found.tenths) - exact) <= Decimal("0.5") + Decimal("1e-6") * (1 + exact)


@pytest.mark.rule("FIGURE-2")
def test_a_percentage_reads_as_people_write_it() -> None:
    def told(part: int, whole: int) -> str:
        return str(percent_of(Credits(part), Credits(whole)))

    assert [told(1, 3), told(2, 3), told(1, 2000), told(1, 2001), told(17, 12), told(-1, 4), told(-1, 300)] == [
        "33.3", "66.7", "0.1", "0.0", "141.7", "-25.0", "-0.3",
    ]  # fmt: skip
    assert [told(0, 5), told(5, 5), told(5, 0), told(5, -1)] == ["0.0", "100.0", "0.0", "0.0"]
    assert Decimal(told(1, 8)) == Decimal(125).scaleb(-1).quantize(Decimal("0.1"), ROUND_HALF_UP)


@pytest.mark.rule("FIGURE-3")
async def test_disabled_members_and_tenant_admins_count_as_users_and_deleted_ones_do_not(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "500")
    admin = await house.signed_in("acme-admin")
    disabled, deleted = await added(admin, "disabled"), await added(admin, "deleted")
    await added(admin, "with-nothing")
    for member_id in (place.member_id, disabled, deleted):
        await posted(admin, "allocations", member_id=member_id, amount="5")

    async def counted() -> tuple[int, int]:
        cards = await seen(admin, "reports/cards")
        return cards["users_with_credits"], cards["users"]

    assert await counted() == (3, 5)
    await posted(admin, f"members/{disabled}/disable")
    assert await counted() == (3, 5)
    await admin.delete(f"/api/v1/members/{deleted}")
    assert await counted() == (2, 4)
    await posted(admin, "reclaims", member_id=disabled, amount="5")
    assert await counted() == (1, 4)


@pytest.mark.rule("FIGURE-4")
async def test_the_overview_shows_the_cycle_the_balance_and_the_groups(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000", cadence="1_hour")
    await house.granted(place, "500")
    admin = await house.signed_in("acme-admin")
    research = await posted(admin, "groups", name="Research")
    await budgets(house, place, group="300", member="100")
    await call(admin, place.member_id, hold="25.5", cost="25.5")
    await posted(admin, "holds", member_id=place.admin_id, amount="3")

    overview = await seen(admin, "reports/overview")
    cycle = overview["cycle"]

    running = await seen(admin, "cycle")
    assert {name: cycle[name] for name in ("epoch", "started_at", "ends_at", "cadence", "time_zone", "used")} == {
        name: running[name] for name in ("epoch", "started_at", "ends_at", "cadence", "time_zone", "used")
    }
    assert (cycle["cadence_label"], cycle["credits_per_cycle"], cycle["used"]) == ("1 hour", "1000.00", "25.50")
    assert cycle["used_percent"] == "2.6"
    assert 3_000 < cycle["seconds_left"] <= 3_600
    assert overview["credits_balance"] == (await seen(admin, "pool"))["balance"] == "500.00"
    assert overview["cards"] == await seen(admin, "reports/cards")
    assert overview["groups_next_cursor"] is None
    default, other = overview["groups"]
    assert default == {
        "id": place.group_id, "name": "Default", "is_default": True, "member_count": 2, "monthly": "300.00",
        "extra": "0.00", "distributed": "100.00", "available": "200.00", "used": "25.50",
    }  # fmt: skip
    assert (other["id"], other["name"], other["member_count"], other["available"]) == (
        research["id"], "Research", 0, "0.00",
    )  # fmt: skip

    house.clock.turn(timedelta(minutes=45))
    assert 0 < (await seen(admin, "reports/overview"))["cycle"]["seconds_left"] <= 900
    house.clock.turn(timedelta(minutes=15))
    renewed = (await seen(admin, "reports/overview"))["cycle"]
    assert (renewed["epoch"], renewed["used"], renewed["used_percent"]) == (2, "0.00", "0.0")


@pytest.mark.rule("FIGURE-4")
async def test_usage_can_pass_the_credits_per_cycle_and_without_any_there_is_no_limit(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="10")
    await house.granted(place, "500")
    admin = await house.signed_in("acme-admin")
    await call(admin, place.admin_id, hold="25", cost="25")

    above = (await seen(admin, "reports/overview"))["cycle"]
    reply = await admin.put("/api/v1/cycle/credits-per-cycle", json={"credits_per_cycle": "0", "seen": "10"})
    assert reply.status_code == 200, reply.text
    without = (await seen(admin, "reports/overview"))["cycle"]

    assert (above["used"], above["used_percent"]) == ("25.00", "250.0")
    assert (without["used"], without["used_percent"]) == ("25.00", None)


@pytest.mark.rule("FIGURE-4")
async def test_the_overview_says_whether_calls_are_tracked_and_where_its_groups_go_on(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    await owner_run(house, "update tenants set credit_factor_micro = 0")
    assert (await seen(admin, "reports/overview"))["is_tracking"] is False
    await owner_run(house, "update tenants set credit_factor_micro = 1")
    for number in range(52):
        await posted(admin, "groups", name=f"Group {number}")

    overview = await seen(admin, "reports/overview")
    rest = await seen(admin, "groups", cursor=overview["groups_next_cursor"])

    assert overview["is_tracking"] is True
    assert (len(overview["groups"]), len(rest["groups"]), rest["next_cursor"]) == (50, 3, None)
    assert len({group["id"] for group in overview["groups"] + rest["groups"]}) == 53


@pytest.mark.rule("FIGURE-1", "FIGURE-4")
async def test_no_cycle_ends_within_an_answer(house: TestOffice) -> None:
    place = await house.tenant(cadence="1_hour")
    moments: list[datetime] = []

    def noted(database_time: datetime) -> datetime:
        """The clock as the report reads it."""
        moments.append(database_time)
        return database_time

    overview = await see_overview(house.desk.tenants, place.tenant.tenant_id, noted, limit=10)

    assert len(overview.groups) == 1
    assert len(moments) > 1
    assert len(set(moments)) == 1


@pytest.mark.rule("FIGURE-5")
async def test_assigned_is_what_is_left_held_and_consumed_also_for_who_owes(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="1000", cadence="1_hour")
    await house.granted(place, "500")
    admin = await house.signed_in("acme-admin")
    await budgets(house, place, group="100", member="10")
    await posted(admin, "allocations", member_id=place.member_id, amount="5")

    async def line() -> tuple[str, ...]:
        (found,) = (await seen(admin, "reports/credits"))["members"]
        check_line(found)
        return tuple(found[name] for name in ("assigned", "consumed", "remaining", "held", "usage_percent"))

    assert await line() == ("15.00", "0.00", "15.00", "0.00", "0.0")
    hold = await posted(admin, "holds", member_id=place.member_id, amount="12")
    assert await line() == ("15.00", "0.00", "3.00", "12.00", "0.0")
    await posted(admin, f"holds/{hold['id']}/settle", cost="8")
    assert await line() == ("15.00", "8.00", "7.00", "0.00", "53.3")
    await call(admin, place.member_id, hold="7", cost="9")
    assert await line() == ("15.00", "17.00", "-2.00", "0.00", "113.3")
    # Consumed is for life: the cycle renews what is left, and takes nothing of it back.
    house.clock.turn(timedelta(hours=1))
    assert await line() == ("25.00", "17.00", "8.00", "0.00", "68.0")
    await posted(admin, "allocations", member_id=place.member_id, amount="20")
    assert await line() == ("45.00", "17.00", "28.00", "0.00", "37.8")
    await posted(admin, "reclaims", member_id=place.member_id, amount="18")
    assert await line() == ("27.00", "17.00", "10.00", "0.00", "63.0")
    (member,) = [row for row in (await seen(admin, "members"))["members"] if row["id"] == place.member_id]
    assert (member["used"], member["consumed"]) == ("0.00", "17.00")


async def table(client: httpx.AsyncClient, **query: str) -> list[str]:
    """Who is in the table, by username; the total agrees."""
    page = await seen(client, "reports/credits", **query)
    names = [line["username"] for line in page["members"]]
    assert page["total"] == len(names)
    return names


@pytest.mark.rule("FIGURE-6", "FIGURE-7")
async def test_who_loses_the_last_available_credit_leaves_the_table_and_who_spends_it_stays(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "500")
    admin = await house.signed_in("acme-admin")
    spender = await added(admin, "spender", job_title="Planner", display_name="Ada Spender", email="ada@example.com")
    assert await table(admin) == []
    assert await table(admin, assigned="false") == ["acme-member", "spender"]

    for member_id in (place.member_id, spender):
        await posted(admin, "allocations", member_id=member_id, amount="5")
    await call(admin, spender, hold="5", cost="5")
    await posted(admin, "reclaims", member_id=place.member_id, amount="4")

    assert await table(admin) == ["acme-member", "spender"]
    assert await table(admin, assigned="false") == []
    await posted(admin, "reclaims", member_id=place.member_id, amount="1")
    assert await table(admin) == ["spender"]
    assert await table(admin, assigned="false") == ["acme-member"]
    await posted(admin, f"members/{spender}/disable")
    # Disabled members keep what they have, and those without cannot be given any.
    await posted(admin, f"members/{place.member_id}/disable")
    assert (await table(admin), await table(admin, assigned="false")) == (["spender"], [])
    await posted(admin, f"members/{place.member_id}/enable")
    await posted(admin, "allocations", member_id=place.member_id, amount="0.01")
    assert await table(admin) == ["acme-member", "spender"]

    assert await table(admin, search="planner ada") == [], "a job title is not searched"
    (line,) = (await seen(admin, "reports/credits", search="SPENDER ada@"))["members"]
    assert line == {
        "id": spender, "number": 3, "username": "spender", "display_name": "Ada Spender", "email": "ada@example.com",
        "role": "member", "role_label": "Member", "job_title": "Planner", "status": "disabled", "assigned": "5.00",
        "consumed": "5.00", "remaining": "0.00", "held": "0.00", "usage_percent": "100.0",
    }  # fmt: skip
    deleted = await admin.delete(f"/api/v1/members/{spender}")
    assert deleted.status_code in (200, 204)
    assert await table(admin) == ["acme-member"]


@pytest.mark.rule("FIGURE-7")
async def test_whoever_looks_for_somebody_to_assign_credits_to_is_not_offered_oneself(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "500")
    await house.admin(place)
    admin, deputy = await house.signed_in("acme-admin"), await house.signed_in("acme-deputy")

    assert await table(admin, assigned="false") == ["acme-member", "acme-deputy"]
    assert await table(deputy, assigned="false") == ["acme-member"]
    assert await table(deputy, assigned="false", search="deputy") == []
    (other,) = (await seen(admin, "reports/credits", assigned="false", search="deputy"))["members"]
    await posted(admin, "allocations", member_id=other["id"], amount="1")
    assert await table(deputy) == ["acme-deputy"]


@pytest.mark.rule("FIGURE-6", "FIGURE-7")
async def test_both_sides_of_the_table_are_paged_by_number_and_searched(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "500")
    await house.granted(await house.tenant("Globex"), "500")
    admin, other = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    for number in range(8):
        member_id = await added(admin, f"person-{number}")
        if number % 2:
            await posted(admin, "allocations", member_id=member_id, amount="1")

    async def pages(**query: str) -> list[list[str]]:
        found: list[list[str]] = []
        cursor: dict[str, str] = {}
        while True:
            page = await seen(admin, "reports/credits", limit="3", **query, **cursor)
            found.append([line["username"] for line in page["members"]])
            if page["next_cursor"] is None:
                assert page["total"] == sum(len(names) for names in found)
                return found
            cursor = {"cursor": page["next_cursor"]}

    assert await pages() == [["person-1", "person-3", "person-5"], ["person-7"]]
    assert await pages(assigned="false") == [["acme-member", "person-0", "person-2"], ["person-4", "person-6"]]
    assert await pages(search="person-3") == [["person-3"]]
    assert await pages(search="person-3", assigned="false") == [[]]
    assert await table(other) == []
    for bad in ({"search": "x" * 101}, {"cursor": "made-up"}, {"assigned": "perhaps"}, {"limit": "201"}):
        answer = await admin.get("/api/v1/reports/credits", params=bad)
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, next(iter(bad)))


@pytest.mark.rule("FIGURE-10")
async def test_no_figure_reads_the_journal(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "500")
    admin = await house.signed_in("acme-admin")
    await posted(admin, "allocations", member_id=place.member_id, amount="5")
    await owner_run(house, "revoke select on ledger_journal from bursar_app")
    denied = await admin.get("/api/v1/transactions")
    assert denied.status_code == 500

    for path in ("reports/overview", "reports/cards", "reports/credits", "own-credits", "groups", "members"):
        await seen(admin, path)
    assert len(await seen_all(admin, "reports/credits", "members")) == 1
