"""Notifications as people read them: the words, the order, what is unread, and how long they are kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bursar.actions.desk import Subject
from bursar.db.transaction import reading
from bursar.domain.events import EVENTS
from bursar.domain.ids import public_id
from bursar.domain.notifications import KEPT_FOR, KEPT_MAX, NAMED_FACTS, NOTIFICATIONS, facts_named, title_of
from bursar.store import notifications as rows
from bursar.worker.notifications import clear_notifications
from tests.support.offices import TestOffice
from tests.support.telling import NOTIFICATIONS as PATH
from tests.support.telling import Own, asked_for, event, everybody, own, seen, told


@pytest.mark.rule("NOTIFY-4")
@pytest.mark.parametrize("code", sorted(NOTIFICATIONS))
def test_a_title_is_one_sentence_of_known_facts_and_without_them_what_the_log_says(code: str) -> None:
    facts = dict.fromkeys(facts_named(NOTIFICATIONS[code]), "12.00")

    title = title_of(code, facts)

    assert title.endswith(".")
    assert "{" not in title
    assert facts_named(NOTIFICATIONS[code]) - NAMED_FACTS or facts_named(NOTIFICATIONS[code]) == {"subject"}
    assert title_of(code, dict.fromkeys(facts)) == f"{EVENTS[code].label}."


@pytest.mark.rule("NOTIFY-4")
async def test_people_are_named_as_they_are_called_today_and_facts_stay_as_they_were(house: TestOffice) -> None:
    place = await house.tenant()
    clients = await everybody(house, place)
    request = await asked_for(house, place, place.member)
    await event(
        house, place, "credit_request_submitted", subject=request, by=place.member, note="a report", amount="50.00"
    )
    await told(house)

    assert (await clients["member"].patch("/api/v1/own/account", json={"display_name": "Ada"})).status_code == 200
    (renamed,) = (await seen(clients["boss"]))["notifications"]
    assert (await clients["boss"].delete(f"/api/v1/members/{place.member_id}")).status_code == 200
    (deleted,) = (await seen(clients["boss"]))["notifications"]

    assert renamed["title"] == "Ada asks for 50.00 credits."
    assert renamed["facts"] == {"actor": "Ada", "amount": "50.00", "note": "a report"}
    assert deleted["title"].startswith("Deleted member #")
    assert renamed["leads_to"] == {"place": "credit_requests", "id": public_id("credit_request", request.identity)}  # type: ignore[arg-type]
    assert renamed["tone"] == "info"
    assert renamed["created_at"] is not None


@pytest.mark.rule("NOTIFY-5")
async def test_everybody_sees_their_own_newest_first_in_pages_with_the_number_of_unread_ones(house: TestOffice) -> None:
    place = await house.tenant()
    clients = await everybody(house, place)
    for number in range(1, 6):
        await event(house, place, "grant", amount=f"{number}.00")
    await told(house)
    boss = clients["boss"]
    first = (await seen(boss))["notifications"][0]["id"]
    assert (await boss.post(f"{PATH}/{first}/read")).status_code == 200

    shown: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await seen(boss, f"?limit=2{cursor and f'&cursor={cursor}'}")
        shown += [one["facts"]["amount"] for one in page["notifications"]]
        assert page["unread_count"] == 4
        cursor = page["next_cursor"]

    assert shown == ["5.00", "4.00", "3.00", "2.00", "1.00"]
    unread = await seen(boss, "?unread=true")
    assert [one["facts"]["amount"] for one in unread["notifications"]] == ["4.00", "3.00", "2.00", "1.00"]
    assert (await own(clients["deputy"])) == (await own(clients["member"])) == Own([], 0)


@pytest.mark.rule("NOTIFY-5")
async def test_a_super_admin_is_told_nothing_of_any_tenant(house: TestOffice) -> None:
    place = await house.tenant()
    root = await house.super_admin()
    await event(house, place, "grant", amount="5.00")
    await told(house)
    admin = await house.signed_in("acme-admin")
    (theirs,) = (await seen(admin))["notifications"]

    one = await root.post(f"{PATH}/{theirs['id']}/read")
    several = await root.post(f"{PATH}/read", json={"until": theirs["id"]})

    assert await own(root, f"?tenant_id={place.tenant_id}") == Own([], 0)
    assert (one.status_code, one.json()["code"]) == (404, "notification_unknown")
    assert several.json() == {"read_count": 0, "unread_count": 0}
    assert (await own(admin)).unread_count == 1


@pytest.mark.rule("NOTIFY-5")
async def test_a_cursor_that_was_not_handed_out_is_refused(house: TestOffice) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")

    response = await member.get(f"{PATH}?cursor=nonsense")

    assert (response.status_code, response.json()["fields"][0]["field"]) == (422, "cursor")


@pytest.mark.rule("NOTIFY-6")
async def test_one_is_read_once_by_whoever_it_is_for(house: TestOffice) -> None:
    place = await house.tenant()
    clients = await everybody(house, place)
    await event(house, place, "pool_low", available="9.00", mark="10.00")
    await told(house)
    (notification,) = (await seen(clients["boss"]))["notifications"]
    path = f"{PATH}/{notification['id']}/read"

    not_theirs = await clients["deputy"].post(path)
    first = (await clients["boss"].post(path)).json()
    house.clock.turn(timedelta(hours=1))
    again = (await clients["boss"].post(path)).json()

    assert (not_theirs.status_code, not_theirs.json()["code"]) == (404, "notification_unknown")
    assert first["unread_count"] == 0
    assert first["read_at"] == again["read_at"]
    assert (await seen(clients["boss"]))["notifications"][0]["read_at"] == first["read_at"]
    assert (await own(clients["deputy"])).unread_count == 1


@pytest.mark.rule("NOTIFY-6")
async def test_reading_all_leaves_unread_what_came_meanwhile(house: TestOffice) -> None:
    place = await house.tenant()
    clients = await everybody(house, place)
    for kind in ("pool_low", "pool_low"):
        await event(house, place, kind, available="9.00", mark="10.00")
    await told(house)
    newest = (await seen(clients["boss"]))["notifications"][0]["id"]
    await event(house, place, "pool_low", available="1.00", mark="10.00")
    await told(house)

    read = (await clients["boss"].post(f"{PATH}/read", json={"until": newest})).json()
    again = (await clients["boss"].post(f"{PATH}/read", json={"until": newest})).json()

    assert (read, again) == ({"read_count": 2, "unread_count": 1}, {"read_count": 0, "unread_count": 1})
    unread = await seen(clients["boss"], "?unread=true")
    assert [one["facts"]["available"] for one in unread["notifications"]] == ["1.00"]
    assert (await own(clients["deputy"])).unread_count == 3


@pytest.mark.rule("NOTIFY-7")
async def test_a_member_keeps_the_newest_five_hundred(house: TestOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEPT_MAX == 500
    monkeypatch.setattr("bursar.actions.outbox.KEPT_MAX", 3)
    place = await house.tenant()
    clients = await everybody(house, place)
    for number in range(1, 6):
        await event(house, place, "grant", amount=f"{number}.00")
        await told(house)

    shown = (await seen(clients["boss"]))["notifications"]

    assert [one["facts"]["amount"] for one in shown] == ["5.00", "4.00", "3.00"]


@pytest.mark.rule("NOTIFY-7")
async def test_what_is_older_than_ninety_days_is_cleared_away(house: TestOffice) -> None:
    assert timedelta(days=90) == KEPT_FOR
    place = await house.tenant()
    await told(house)
    await event(house, place, "grant", amount="1.00")
    await told(house)
    house.clock.turn(KEPT_FOR - timedelta(minutes=1))
    await event(house, place, "grant", amount="2.00")
    await told(house)

    early = await clear_notifications(house.desk)
    house.clock.turn(timedelta(minutes=2))
    late, again = await clear_notifications(house.desk), await clear_notifications(house.desk)

    admin = await house.signed_in("acme-admin")
    assert (early, late, again) == (0, 1, 0)
    assert (await own(admin)).titles == ["2.00 credits were granted to the pool."]


@pytest.mark.rule("NOTIFY-7")
async def test_a_deleted_member_leaves_no_notifications(house: TestOffice) -> None:
    place = await house.tenant()
    clients = await everybody(house, place)
    themselves = Subject("member", place.member.member_id)
    await event(house, place, "balance_low", subject=themselves, remaining="1.00", mark="5.00")
    await told(house)
    assert (await own(clients["member"])).unread_count == 1

    assert (await clients["boss"].delete(f"/api/v1/members/{place.member_id}")).status_code == 200

    async with reading(house.desk.tenants, place.tenant.tenant_id) as transaction:
        assert await rows.count_unread(transaction, place.tenant.tenant_id, place.member.member_id) == 0
