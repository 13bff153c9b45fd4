"""docs/rules/allocation_batches.md, example by example: making a batch, its outcome, and trying again."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from bursar.worker.allocation_batches import work_on_batches
from tests.support.batches import (
    PREFIX,
    balances_of,
    batch_of,
    batched,
    check_green,
    disable,
    ordered,
    pool_of,
    retried,
    rows_of,
    team,
    times_given,
)
from tests.support.events import events_of
from tests.support.offices import TestOffice
from tests.support.rows import rows_of_everything


@pytest.mark.rule("BATCH-1")
async def test_a_batch_gives_one_amount_to_several_members(house: TestOffice) -> None:
    place, admin, members = await team(house, 4)

    answer = await batched(admin, member_ids=members[:3], amount="10", note="Kickoff")

    batch = answer.json()
    assert answer.status_code == 202, answer.text
    assert (batch["state"], batch["rows"], batch["given"], batch["failed"]) == ("finished", 3, 3, 0)
    assert (batch["amount"], batch["total"], batch["given_total"]) == ("10.00", "30.00", "30.00")
    assert (batch["kind"], batch["note"], batch["created_by"]["name"]) == ("equal", "Kickoff", "Acme Admin")
    balances = await balances_of(house, place)
    assert [balances[member] for member in members] == ["10.00", "10.00", "10.00", "0.00"]
    assert await pool_of(admin) == "70.00"
    await check_green(house, place)


@pytest.mark.rule("BATCH-1")
@pytest.mark.parametrize("amount", ["0", "-1", "0.009", "1.234", 5, None, ["1", "2"]])
async def test_a_batch_has_one_amount_of_at_least_a_hundredth(house: TestOffice, amount: object) -> None:
    place, admin, members = await team(house, 2)

    refused = await batched(admin, member_ids=members, amount=amount)
    by_member = await batched(admin, member_ids=members, amounts={members[0]: "1", members[1]: "2"})

    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "amount")
    assert by_member.status_code == 422
    assert set((await balances_of(house, place)).values()) == {"0.00"}


@pytest.mark.rule("BATCH-2")
async def test_a_filter_means_whom_it_lets_through_at_that_moment(house: TestOffice) -> None:
    place, admin, members = await team(house, 30)
    await disable(admin, members[3])

    answer = await batched(
        admin, filter={"search": "user101", "except_ids": [members[10]]}, amount="1", seen_count=9
    )  # fmt: skip

    assert answer.status_code == 202, answer.text
    balances = await balances_of(house, place)
    # user1010 to user1019, but for one who was unticked.
    assert [member for member in members if balances[member] == "1.00"] == members[11:20]
    assert answer.json()["rows"] == 9


@pytest.mark.rule("BATCH-2")
async def test_a_filter_leaves_out_oneself_tenant_admins_and_who_is_not_active(house: TestOffice) -> None:
    place, _, members = await team(house, 3)
    await house.admin(place)
    deputy = await house.signed_in("acme-deputy")
    await disable(deputy, members[1])

    answer = await batched(deputy, filter={}, amount="1")

    assert (answer.json()["given"], answer.json()["failed"]) == (3, 0)
    names = {row["member_name"] for row in await rows_of(deputy, answer.json()["id"])}
    assert names == {"Acme Member", "user1000", "user1002"}


@pytest.mark.rule("BATCH-2")
async def test_a_filter_of_a_group_means_its_members(house: TestOffice) -> None:
    place, admin, members = await team(house, 3)
    group = (await admin.post(f"{PREFIX}/groups", json={"name": "Research"})).json()["id"]
    moved = await admin.put(f"{PREFIX}/members/{members[1]}/group", json={"group_id": group})
    assert moved.status_code == 200, moved.text

    answer = await batched(admin, filter={"group_id": group}, amount="1", seen_count=1)
    unknown = await batched(admin, filter={"group_id": f"grp_{1:032x}"}, amount="1")

    assert [row["member_id"] for row in await rows_of(admin, answer.json()["id"])] == [members[1]]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "group_unknown")
    await check_green(house, place)


@pytest.mark.rule("BATCH-2")
async def test_a_filter_that_means_another_number_than_was_seen_is_refused(house: TestOffice) -> None:
    _, admin, _ = await team(house, 3)
    before = await rows_of_everything(house)

    changed = await batched(admin, filter={"search": "user"}, amount="1", seen_count=2)
    nobody = await batched(admin, filter={"search": "nobody at all"}, amount="1")

    assert (changed.status_code, changed.json()["code"]) == (409, "figure_changed")
    assert changed.json()["facts"] == {"present": "3", "seen": "2"}
    assert (nobody.status_code, nobody.json()["fields"][0]["field"]) == (422, "filter")
    assert await rows_of_everything(house) == before


@pytest.mark.rule("BATCH-3")
async def test_unknown_and_foreign_ids_refuse_all_of_it_and_say_how_many(house: TestOffice) -> None:
    place, admin, members = await team(house, 2)
    other = await house.tenant("Globex")
    before = await rows_of_everything(house)

    refused = await batched(
        admin, member_ids=[members[0], other.member_id, f"mem_{7:032x}", members[1]], amount="1"
    )  # fmt: skip

    assert (refused.status_code, refused.json()["code"]) == (404, "member_unknown")
    assert refused.json()["facts"] == {"unknown": "2", "first": other.member_id}
    assert await rows_of_everything(house) == before
    await check_green(house, place)


@pytest.mark.rule("BATCH-3")
async def test_nobody_is_named_twice_and_somebody_is_named(house: TestOffice) -> None:
    _, admin, members = await team(house, 2)
    before = await rows_of_everything(house)

    twice = await batched(admin, member_ids=[*members, members[1]], amount="1")
    nobody = await batched(admin, member_ids=[], amount="1")
    neither = await batched(admin, amount="1")
    both = await batched(admin, member_ids=members, filter={}, amount="1")
    malformed = await batched(admin, member_ids=["mem_1"], amount="1")

    for refused in (twice, nobody, neither, both, malformed):
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
        assert refused.json()["fields"][0]["field"].startswith("member_ids")
    assert twice.json()["facts"] == {"first": members[1]}
    assert await rows_of_everything(house) == before


@pytest.mark.rule("BATCH-4")
async def test_a_total_above_the_pool_refuses_all_of_it_with_both_figures(house: TestOffice) -> None:
    place, admin, members = await team(house, 3, pool="29.99")
    before = await rows_of_everything(house)

    refused = await batched(admin, member_ids=members, amount="10")
    enormous = await batched(admin, member_ids=members, amount="1000000000")

    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_pool")
    assert refused.json()["facts"] == {"total": "30.00", "available": "29.99"}
    assert refused.json()["detail"].startswith("Insufficient tenant balance")
    assert enormous.json()["facts"]["total"] == "3000000000.00"
    assert await rows_of_everything(house) == before
    await house.granted(place, "0.01")
    assert (await batched(admin, member_ids=members, amount="10")).json()["given"] == 3


@pytest.mark.rule("BATCH-4")
async def test_two_batches_at_once_never_give_more_than_the_pool_has(house: TestOffice) -> None:
    place, admin, members = await team(house, 20, pool="30")

    answers = await asyncio.gather(*(batched(admin, member_ids=members, amount="1") for _ in range(2)))

    given = sum(answer.json().get("given", 0) for answer in answers)
    assert 20 <= given <= 30
    assert Decimal(await pool_of(admin)) == 30 - given
    await check_green(house, place)


@pytest.mark.rule("BATCH-3", "BATCH-8")
async def test_who_cannot_receive_fails_alone_and_with_a_reason(house: TestOffice) -> None:
    place, admin, members = await team(house, 4)
    deputy_member = await house.admin(place)
    deputy = await house.signed_in("acme-deputy")
    oneself = f"mem_{deputy_member.member_id.hex}"
    await disable(admin, members[0])
    assert (await admin.delete(f"{PREFIX}/members/{members[1]}")).is_success

    answer = await batched(deputy, member_ids=[*members, oneself, place.admin_id], amount="5")

    batch = answer.json()
    assert (batch["state"], batch["rows"], batch["given"], batch["failed"]) == ("finished", 6, 2, 4)
    failed = await rows_of(deputy, batch["id"], state="failed")
    assert [(row["member_id"], row["code"]) for row in failed] == [
        (members[0], "member_disabled"),
        (members[1], "member_deleted"),
        (oneself, "recipient_is_actor"),
        (place.admin_id, "recipient_spends_pool"),
    ]
    assert failed[0]["reason"] == "A disabled member cannot receive credits."
    assert (failed[0]["member_name"], failed[0]["member_email"]) == ("user1000", "user1000@example.com")
    assert failed[1]["member_name"].startswith("Deleted member #")
    assert await pool_of(admin) == "90.00"
    await check_green(house, place)


@pytest.mark.rule("BATCH-8")
async def test_a_batch_writes_one_row_a_member_and_the_pool_falls_by_the_total(house: TestOffice) -> None:
    _, admin, members = await team(house, 3)

    batch = (await batched(admin, member_ids=members, amount="2.50", note="Monthly")).json()

    listed = (await admin.get(f"{PREFIX}/transactions")).json()["transactions"][:3]
    assert {(line["label"], line["amount"], line["note"]) for line in listed} == {("Allocation", "-2.50", "Monthly")}
    assert [(line["before"], line["after"]) for line in listed] == [
        ("95.00", "92.50"), ("97.50", "95.00"), ("100.00", "97.50"),
    ]  # fmt: skip
    rows = await rows_of(admin, batch["id"])
    assert [row["transfer_id"] for row in rows] == [line["id"] for line in reversed(listed)]


@pytest.mark.rule("BATCH-8")
async def test_who_is_disabled_while_a_batch_runs_fails_and_the_others_are_given(house: TestOffice) -> None:
    place, admin, members = await team(house, 201, pool="500")
    batch_id = await ordered(house, place, members)
    assert (await batch_of(admin, batch_id))["given"] == 0
    await disable(admin, members[150])

    await work_on_batches(house.desk)

    batch = await batch_of(admin, batch_id)
    assert (batch["state"], batch["given"], batch["failed"], batch["given_total"]) == ("finished", 200, 1, "200.00")
    (failed,) = await rows_of(admin, batch_id, state="failed")
    assert (failed["member_id"], failed["code"], failed["position"]) == (members[150], "member_disabled", 151)


@pytest.mark.rule("BATCH-8")
async def test_a_pool_that_falls_meanwhile_fails_who_comes_after_and_keeps_who_came_before(house: TestOffice) -> None:
    place, admin, members = await team(house, 201, pool="201")
    batch_id = await ordered(house, place, members)
    body = {"member_id": place.member_id, "amount": "51"}
    assert (await admin.post(f"{PREFIX}/allocations", json=body)).status_code == 201

    await work_on_batches(house.desk)

    batch = await batch_of(admin, batch_id)
    assert (batch["given"], batch["failed"]) == (150, 51)
    assert {row["code"] for row in await rows_of(admin, batch_id, state="failed")} == {"insufficient_pool"}
    assert await pool_of(admin) == "0.00"
    short = await retried(admin, batch_id)
    assert (short.status_code, short.json()["code"]) == (409, "insufficient_pool")
    assert short.json()["facts"] == {"total": "51.00", "available": "0.00"}
    await house.granted(place, "51")
    assert (await retried(admin, batch_id)).json()["failed"] == 0
    await check_green(house, place)


@pytest.mark.rule("BATCH-10")
async def test_a_batch_sent_again_is_the_same_batch_and_gives_nothing_twice(house: TestOffice) -> None:
    place, admin, members = await team(house, 3)

    twins = await asyncio.gather(*(batched(admin, "once", member_ids=members, amount="5") for _ in range(4)))
    again = await batched(admin, "once", member_ids=members, amount="5")
    other = await batched(admin, "once", member_ids=members, amount="6")

    assert {twin.json()["id"] for twin in (*twins, again)} == {again.json()["id"]}
    assert (again.headers["Idempotent-Replayed"], again.json()["given"]) == ("true", 3)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert set((await times_given(house, place)).values()) == {1}
    assert len((await admin.get(f"{PREFIX}/allocation-batches")).json()["batches"]) == 1
    await check_green(house, place)


@pytest.mark.rule("BATCH-8")
async def test_batches_are_listed_newest_first_with_what_became_of_them(house: TestOffice) -> None:
    place, admin, members = await team(house, 201, pool="1000")
    first = (await batched(admin, member_ids=members[:2], amount="1")).json()
    running = await ordered(house, place, members)

    listed = (await admin.get(f"{PREFIX}/allocation-batches")).json()["batches"]
    pages = [(await admin.get(f"{PREFIX}/allocation-batches?limit=1")).json()]
    pages.append((await admin.get(f"{PREFIX}/allocation-batches?limit=1&cursor={pages[0]['next_cursor']}")).json())
    under_way = (await admin.get(f"{PREFIX}/allocation-batches?state=running")).json()["batches"]

    assert [batch["id"] for batch in listed] == [running, first["id"]]
    assert [page["batches"] for page in pages] == [[listed[0]], [listed[1]]]
    assert pages[1]["next_cursor"] is None
    assert [batch["id"] for batch in under_way] == [running]
    assert (listed[0]["finished_at"], listed[1]["finished_at"] >= listed[1]["created_at"]) == (None, True)


@pytest.mark.rule("BATCH-8")
async def test_a_batch_leaves_an_event_when_it_begins_ends_and_is_tried_again(house: TestOffice) -> None:
    place, admin, members = await team(house, 2)
    await disable(admin, members[1])
    batch_id = (await batched(admin, member_ids=members, amount="1")).json()["id"]
    await retried(admin, batch_id)

    told = await events_of(house, place, "batch_started", "batch_finished", "batch_retried")

    assert [event.kind for event in told] == ["batch_started", "batch_finished", "batch_retried", "batch_finished"]
    assert told[0].detail == {"rows": "2", "amount": "1.00", "total": "2.00"}
    assert told[1].detail == {
        "rows": "2", "given": "1", "failed": "1", "given_total": "1.00", "total": "2.00", "asked_by": place.admin_id,
    }  # fmt: skip
    assert told[2].detail == {"rows": "1", "total": "1.00"}
    events = (await admin.get(f"{PREFIX}/audit?kind=batch_finished")).json()["events"]
    assert [event["actor"]["name"] for event in events] == ["Bursar", "Bursar"]
