"""docs/rules/allocation_batches.md, example by example: trying again what failed."""

from __future__ import annotations

import pytest

from tests.support.batches import (
    PREFIX,
    balances_of,
    batched,
    check_green,
    disable,
    enable,
    ordered,
    retried,
    rows_of,
    team,
    times_given,
)
from tests.support.offices import TestOffice


@pytest.mark.rule("BATCH-9")
async def test_a_retry_tries_only_those_who_failed_with_the_same_amount_and_note(house: TestOffice) -> None:
    place, admin, members = await team(house, 3)
    await disable(admin, members[1])
    batch = (await batched(admin, member_ids=members, amount="4", note="Kickoff")).json()
    again = (await retried(admin, batch["id"])).json()
    await enable(admin, members[1])

    done = await retried(admin, batch["id"])

    assert (again["given"], again["failed"], again["id"]) == (2, 1, batch["id"])
    assert done.status_code == 202, done.text
    assert (done.json()["id"], done.json()["given"], done.json()["failed"]) == (batch["id"], 3, 0)
    assert (done.json()["retried_by"]["name"], done.json()["given_total"]) == ("Acme Admin", "12.00")
    balances = await balances_of(house, place)
    assert [balances[member] for member in members] == ["4.00"] * 3
    newest = (await admin.get(f"{PREFIX}/transactions")).json()["transactions"][0]
    assert (newest["amount"], newest["note"]) == ("-4.00", "Kickoff")
    nothing = await retried(admin, batch["id"])
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_failed")
    await check_green(house, place)


@pytest.mark.rule("BATCH-9")
async def test_whoever_was_given_is_not_charged_again_whoever_is_named(house: TestOffice) -> None:
    place, admin, members = await team(house, 4)
    await disable(admin, members[1])
    await disable(admin, members[2])
    batch_id = (await batched(admin, member_ids=members, amount="4")).json()["id"]
    await enable(admin, members[1])
    await enable(admin, members[2])

    given = await retried(admin, batch_id, member_ids=[members[0], members[3]])
    stranger = await retried(admin, batch_id, member_ids=[members[1], place.member_id])
    mixed = await retried(admin, batch_id, member_ids=[members[0], members[1]])

    assert (given.status_code, given.json()["code"]) == (409, "nothing_failed")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "member_unknown")
    assert (mixed.json()["given"], mixed.json()["failed"]) == (3, 1)
    balances = await balances_of(house, place)
    assert [balances[member] for member in members] == ["4.00", "4.00", "0.00", "4.00"]
    assert (await times_given(house, place))[members[0]] == 1
    assert (await rows_of(admin, batch_id, state="failed"))[0]["member_id"] == members[2]


@pytest.mark.rule("BATCH-9")
async def test_a_batch_under_way_is_not_retried_and_one_of_another_tenant_is_unknown(house: TestOffice) -> None:
    place, admin, members = await team(house, 201, pool="500")
    await house.tenant("Globex")
    other = await house.signed_in("globex-admin")
    batch_id = await ordered(house, place, members)

    early = await retried(admin, batch_id)

    assert (early.status_code, early.json()["code"]) == (409, "batch_running")
    for answer in (
        await retried(other, batch_id),
        await other.get(f"{PREFIX}/allocation-batches/{batch_id}"),
        await other.get(f"{PREFIX}/allocation-batches/{batch_id}/rows"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "batch_unknown")
    assert (await other.get(f"{PREFIX}/allocation-batches")).json()["batches"] == []


@pytest.mark.rule("BATCH-9")
async def test_who_retries_does_not_allocate_to_oneself(house: TestOffice) -> None:
    place, admin, members = await team(house, 1)
    deputy_member = await house.admin(place)
    deputy_id = f"mem_{deputy_member.member_id.hex}"
    await disable(admin, deputy_id)
    batch_id = (await batched(admin, member_ids=[*members, deputy_id], amount="1")).json()["id"]
    await enable(admin, deputy_id)
    deputy = await house.signed_in("acme-deputy")

    batch = (await retried(deputy, batch_id)).json()

    assert (batch["given"], batch["failed"]) == (1, 1)
    assert (await rows_of(deputy, batch_id, state="failed"))[0]["code"] == "recipient_is_actor"
    assert (await retried(admin, batch_id)).json()["given"] == 2
