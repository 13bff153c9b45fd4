"""What happened is told to whom it concerns, once; and read by them alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import bursar
from bursar.actions.desk import Asked, Subject, Told, record
from bursar.actions.outbox import EVENTS_MAX, Passed, tell_of_events
from bursar.db.transaction import writing
from bursar.domain.events import EVENTS
from bursar.domain.notifications import NOTIFICATIONS
from bursar.domain.permissions import SYSTEM
from bursar.domain.roles import Role
from bursar.store.members import update_member_deleted
from bursar.store.notifications import delete_notifications_of_member
from bursar.worker.outbox import tell_what_happened
from tests.support.offices import TestOffice, running_office
from tests.support.postgres import FreshDatabase
from tests.support.telling import Own, asked_for, changed, event, everybody, ordered, own, seen, started, told, told_of
from tests.support.tenant_asking import total_set


async def outbox(house: TestOffice) -> int:
    connection = await asyncpg.connect(house.admin_url)
    try:
        return int(await connection.fetchval("select count(*) from bursar.outbox"))
    finally:
        await connection.close()


@pytest.mark.rule("NOTIFY-1")
async def test_an_event_waits_in_the_outbox_until_everybody_was_told(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    await told(house)
    await event(house, place, "grant", amount="5.00")

    waiting, before = await outbox(house), await own(admin)
    count = await tell_what_happened(house.desk)

    assert (waiting, before) == (1, Own([], 0))
    assert (count, await outbox(house)) == (1, 0)
    assert await own(admin) == Own(["5.00 credits were granted to the pool."], 1)


@pytest.mark.rule("NOTIFY-1")
def test_events_of_tenants_are_written_in_one_place_which_fills_the_outbox() -> None:
    folder = Path(bursar.__file__).parent
    sources = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.py")}

    assert {name for name, text in sources.items() if "await insert_events(" in text} == {"actions/desk.py"}
    assert {name for name, text in sources.items() if "insert into events" in text} == {"store/events.py"}


@pytest.mark.rule("NOTIFY-1")
async def test_two_processes_at_once_tell_of_each_event_once(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    await told(house)
    for number in range(1, 21):
        await event(house, place, "grant", amount=f"{number}.00")

    tenant_id = place.tenant.tenant_id
    passed = await asyncio.gather(*(tell_of_events(house.desk, tenant_id) for _ in range(6)))

    assert sum(one.count for one in passed) == 20
    titles = (await own(admin)).titles
    assert titles == [f"{number}.00 credits were granted to the pool." for number in range(20, 0, -1)]


@pytest.mark.rule("NOTIFY-1")
async def test_what_breaks_while_telling_leaves_the_event_in_the_outbox(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    await told(house)
    await event(house, place, "grant", amount="5.00")
    with monkeypatch.context() as patch:

        async def killed(*_: object, **__: object) -> int:
            raise ConnectionError("planted")

        patch.setattr("bursar.actions.outbox.delete_beyond", killed)
        with pytest.raises(ConnectionError, match="planted"):
            await tell_what_happened(house.desk)
        broken = (await outbox(house), await own(admin))

    await told(house)

    assert broken == (1, Own([], 0))
    assert await own(admin) == Own(["5.00 credits were granted to the pool."], 1)


@pytest.mark.rule("NOTIFY-1")
async def test_a_tenant_that_cannot_be_told_keeps_no_other_waiting(house: TestOffice) -> None:
    places = sorted([await house.tenant("Acme"), await house.tenant("Globex")], key=lambda one: one.tenant.tenant_id)
    await told(house)
    for place in places:
        await event(house, place, "grant", amount="5.00")
    # The first in turn cannot be told of: its facts are nothing that facts can be.
    await changed(
        house,
        "update bursar.events set detail = '[1]' where tenant_id = $1 and kind = 'grant'",
        places[0].tenant.tenant_id,
    )

    with pytest.raises(AttributeError):
        await tell_what_happened(house.desk)

    sound = await house.signed_in(places[1].admin.username)
    assert (await own(sound)).titles == ["5.00 credits were granted to the pool."]


@pytest.mark.rule("NOTIFY-1")
async def test_many_events_are_told_in_rounds_and_those_that_tell_nobody_go(house: TestOffice) -> None:
    place = await house.tenant()
    await told(house)
    tenant_id = place.tenant.tenant_id
    async with writing(house.desk.tenants, tenant_id) as transaction:
        for _ in range(EVENTS_MAX + 1):
            told_of_nobody = Told("signed_in", Subject("member", place.member.member_id))
            await record(transaction, house.desk, Asked(SYSTEM), tenant_id, told_of_nobody)

    first = await tell_of_events(house.desk, tenant_id)
    for _ in range(EVENTS_MAX):
        await event(house, place, "signed_in")
    rest = [await tell_what_happened(house.desk), await tell_what_happened(house.desk)]

    assert (first, rest) == (Passed(EVENTS_MAX, has_more=True), [EVENTS_MAX + 1, 0])


@pytest.mark.rule("NOTIFY-1")
async def test_where_many_run_a_tenant_they_are_told_of_fewer_events_at_once_and_of_all_in_the_end(
    house: TestOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bursar.actions.outbox.NOTIFICATIONS_MAX", 5)
    place = await house.tenant()
    clients = await everybody(house, place)
    await told(house)
    for number in range(1, 6):
        await event(house, place, "pool_low", available=f"{number}.00", mark="10.00")

    first = await tell_of_events(house.desk, place.tenant.tenant_id)
    rest = await tell_what_happened(house.desk)

    assert (first, rest) == (Passed(2, has_more=True), 3)
    low = [f"The pool is low: {number}.00 credits are left, less than 10.00." for number in range(5, 0, -1)]
    assert await told_of(house, clients) == {"boss": low, "deputy": low}


@pytest.mark.rule("NOTIFY-3", "NOTIFY-7")
async def test_who_is_deleted_while_somebody_tells_them_keeps_nothing(house: TestOffice) -> None:
    place = await house.tenant()
    await told(house)
    themselves = Subject("member", place.member.member_id)
    await event(house, place, "balance_low", subject=themselves, remaining="1.00", mark="5.00")
    tenant_id, member_id = place.tenant.tenant_id, place.member.member_id
    connection = await asyncpg.connect(house.admin_url)

    async with writing(house.desk.tenants, tenant_id) as transaction:
        await update_member_deleted(transaction, tenant_id, place.member, now=house.clock.now())
        await delete_notifications_of_member(transaction, tenant_id, member_id)
        telling = asyncio.create_task(tell_of_events(house.desk, tenant_id))
        while not telling.done() and not await connection.fetchval(_IS_WAITED_FOR):
            pass
    passed = await telling

    kept = await connection.fetchval("select count(*) from bursar.notifications where member_id = $1", member_id)
    await connection.close()
    assert (passed.count, kept) == (1, 0)


_IS_WAITED_FOR = """
select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')
"""


@pytest.mark.rule("NOTIFY-2")
def test_the_catalogue_tells_of_kinds_of_events_that_there_are() -> None:
    assert set(NOTIFICATIONS) <= set(EVENTS)
    assert {code: kind.code for code, kind in NOTIFICATIONS.items()} == {code: code for code in NOTIFICATIONS}


@pytest.mark.rule("NOTIFY-2")
async def test_everything_that_people_are_told_of_reaches_those_whom_it_concerns(house: TestOffice) -> None:
    place = await house.tenant()
    clients = await everybody(house, place)
    request = await asked_for(house, place, place.member)
    purchase, batch = await ordered(house, place, place.admin), await started(house, place, place.admin)
    themselves = Subject("member", place.member.member_id)
    both, boss = {"boss", "deputy"}, {"boss"}

    expected: list[tuple[str, Subject | None, dict[str, str], set[str]]] = [
        ("credit_request_submitted", request, {"amount": "50.00"}, both),
        ("credit_request_approved", request, {"amount": "50.00", "approved": "40.00"}, {"member"}),
        ("credit_request_auto_approved", request, {"amount": "50.00", "approved": "50.00"}, {"member"}),
        ("credit_request_denied", request, {"amount": "50.00"}, {"member"}),
        ("pool_low", None, {"available": "9.00", "mark": "10.00"}, both),
        ("balance_low", themselves, {"remaining": "9.00", "mark": "10.00"}, {"member"}),
        ("grant", None, {"amount": "5.00"}, boss),
        ("total_set", None, {"total": "5.00"}, boss),
        ("redemption", None, {"amount": "5.00"}, boss),
        ("purchase_paid", purchase, {"amount": "5.00"}, boss),
        ("purchase_cancelled", purchase, {"amount": "5.00"}, boss),
        ("signup_credits_missed", themselves, {"amount": "5.00"}, both),
        ("batch_finished", batch, {"failed": "2"}, boss),
    ]
    assert {kind for kind, *_ in expected} == set(NOTIFICATIONS)
    for kind, subject, detail, people in expected:
        await changed(house, "delete from bursar.notifications")
        await event(house, place, kind, subject=subject, by=None, **detail)
        assert set(await told_of(house, clients)) == people, kind


@pytest.mark.rule("NOTIFY-2")
async def test_a_total_that_the_platform_sets_is_told_as_a_grant_is(house: TestOffice) -> None:
    place = await house.tenant()
    clients = await everybody(house, place)
    root = await house.super_admin()

    assert (await total_set(root, place, "500", "0", "for the year")).status_code == 200

    title = "The platform set your organisation's total to 500.00 credits."
    assert await told_of(house, clients) == {"boss": [title]}
    (one,) = (await seen(clients["boss"]))["notifications"]
    assert (one["facts"]["note"], one["leads_to"]["place"]) == ("for the year", "transactions")


@pytest.mark.rule("NOTIFY-2")
async def test_a_batch_is_told_to_who_last_asked_for_it_and_to_nobody_where_nothing_failed(house: TestOffice) -> None:
    place = await house.tenant()
    clients = await everybody(house, place)
    batch = await started(house, place, place.admin)

    await event(house, place, "batch_finished", subject=batch, failed="0", given="3")
    quiet = await told_of(house, clients)
    await event(house, place, "batch_finished", subject=batch, failed="1", given="2")

    told_first = await told_of(house, clients)
    deputy_id = (await clients["deputy"].get("/api/v1/session")).json()["person"]["id"]
    await event(house, place, "batch_finished", subject=batch, failed="2", given="1", asked_by=deputy_id)

    assert quiet == {}
    assert told_first == {"boss": ["1 of the members in your batch were given nothing."]}
    assert (await told_of(house, clients))["deputy"] == ["2 of the members in your batch were given nothing."]


@pytest.mark.rule("NOTIFY-3")
async def test_nobody_is_told_of_what_they_did_themselves(house: TestOffice) -> None:
    place = await house.tenant()
    clients = await everybody(house, place)
    deputy = await house.admin(place, "second-deputy")
    request = await asked_for(house, place, deputy)
    await told(house)

    await event(house, place, "credit_request_submitted", subject=request, by=deputy, amount="50.00")
    await event(house, place, "redemption", by=place.admin, amount="5.00")
    clients["second"] = await house.signed_in("second-deputy")

    asks = "Second Deputy asks for 50.00 credits."
    assert await told_of(house, clients) == {"boss": [asks], "deputy": [asks]}


@pytest.mark.rule("NOTIFY-3")
async def test_who_asked_is_told_that_it_was_approved_at_once(house: TestOffice) -> None:
    place = await house.tenant()
    clients = await everybody(house, place)
    request = await asked_for(house, place, place.member)

    await event(house, place, "credit_request_auto_approved", subject=request, by=place.member, approved="50.00")

    approved = "Your request was approved at once: you were given 50.00 credits."
    assert await told_of(house, clients) == {"member": [approved]}


@pytest.mark.rule("NOTIFY-3")
async def test_who_is_disabled_runs_nothing_and_who_is_deleted_is_told_nothing(house: TestOffice) -> None:
    place = await house.tenant()
    clients = await everybody(house, place)
    deputy_id = (await clients["deputy"].get("/api/v1/session")).json()["person"]["id"]
    assert (await clients["boss"].post(f"/api/v1/members/{deputy_id}/disable")).status_code == 200
    request = await asked_for(house, place, place.member)
    assert (await clients["boss"].delete(f"/api/v1/members/{place.member_id}")).status_code == 200
    await told(house)

    await event(house, place, "credit_request_denied", subject=request, by=place.admin, amount="50.00")
    await event(house, place, "pool_low", available="9.00", mark="10.00")
    await told(house)

    assert (await own(clients["boss"])).unread_count == 1
    connection = await asyncpg.connect(house.admin_url)
    assert await connection.fetchval("select count(*) from bursar.notifications") == 1
    await connection.close()


@pytest.mark.rule("NOTIFY-1")
async def test_a_running_office_tells_by_itself(fresh_database: FreshDatabase) -> None:
    async with running_office(fresh_database, outbox_sweep_seconds=0.01) as house:
        place = await house.tenant()
        admin = await house.signed_in("acme-admin")
        await house.granted(place, "7")

        async def arrived() -> dict[str, Any]:
            while not (answer := await seen(admin))["notifications"]:
                pass
            return answer

        answer = await asyncio.wait_for(arrived(), timeout=20)

    assert [one["title"] for one in answer["notifications"]] == ["7.00 credits were granted to the pool."]
    assert place.admin.role == Role.TENANT_ADMIN
