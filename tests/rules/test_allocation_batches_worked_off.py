"""docs/rules/allocation_batches.md, example by example: who works a batch off, and what breaks meanwhile."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta

import asyncpg
import httpx
import pytest

from bursar.actions.allocation_batches import ROWS_PER_TURN, TURNS_AT_ONCE_MAX, Ordered, worked_off
from bursar.actions.once import Done
from bursar.db.transaction import platform_reading, writing
from bursar.domain.allocation_batches import AT_ONCE_MAX
from bursar.domain.ids import parse_public_id, public_id
from bursar.store.allocation_batches import list_running_batches
from bursar.worker.allocation_batches import work_on_batches
from tests.support.batches import (
    PREFIX,
    batch_of,
    batched,
    check_green,
    many_members,
    ordered,
    rows_of,
    times_given,
    unwatched,
    working_process,
)
from tests.support.offices import Place, TestOffice

LARGE = 3 * ROWS_PER_TURN
"""As many members as take the worker three turns."""


async def large_team(house: TestOffice, count: int = LARGE) -> tuple[Place, httpx.AsyncClient, list[str]]:
    place = await house.tenant()
    await house.granted(place, "10000")
    return place, await house.signed_in("acme-admin"), await many_members(house, place, count)


async def finished(client: httpx.AsyncClient, batch_id: str) -> None:
    """Watches a batch, as the console does, until it is finished."""
    async with asyncio.timeout(60):
        while (await batch_of(client, batch_id))["state"] != "finished":
            pass


@pytest.mark.rule("BATCH-5")
async def test_a_large_batch_is_answered_at_once_and_can_be_watched_to_its_end(house: TestOffice) -> None:
    place, admin, members = await large_team(house)

    answer = await batched(admin, member_ids=members, amount="1")

    assert (answer.status_code, answer.json()["rows"]) == (202, LARGE)
    # Nobody looks for an hour in this house, so it is the new batch itself that wakes the worker.
    await finished(admin, answer.json()["id"])
    assert await times_given(house, place) == dict.fromkeys(members, 1)
    await check_green(house, place)


@pytest.mark.rule("BATCH-5")
async def test_a_small_batch_has_its_outcome_in_the_answer_and_a_larger_one_waits_for_the_worker(
    house: TestOffice,
) -> None:
    place, admin, members = await large_team(house, AT_ONCE_MAX + 1)

    small = await ordered(house, place, members[:-1])
    large = await ordered(house, place, members)

    assert (await batch_of(admin, small))["state"] == "finished"
    assert (await batch_of(admin, large))["state"] == "running"


@pytest.mark.rule("BATCH-5")
async def test_a_small_retry_that_is_repeated_while_a_large_one_runs_leaves_the_rest_to_the_worker(
    house: TestOffice,
) -> None:
    place, admin, members = await large_team(house, (TURNS_AT_ONCE_MAX + 1) * ROWS_PER_TURN)
    batch_id = await ordered(house, place, members)
    desk = unwatched(house.desk)
    repeated = Done(Ordered(parse_public_id("allocation_batch", batch_id, field="batch_id"), waiting=1), replayed=True)

    await worked_off(desk, place.tenant.tenant_id, repeated)

    assert (await batch_of(admin, batch_id))["given"] == TURNS_AT_ONCE_MAX * ROWS_PER_TURN
    assert desk.batches_waiting.is_set()


@pytest.mark.rule("BATCH-6")
@pytest.mark.parametrize("turn", [1, 2, 3])
async def test_a_process_killed_in_any_turn_leaves_a_batch_that_another_ends_with_each_member_given_once(
    house: TestOffice, turn: int
) -> None:
    place, admin, members = await large_team(house)
    batch_id = await ordered(house, place, members)

    killed = await (await working_process(house, dies_at=turn)).wait()
    between = await batch_of(admin, batch_id)
    ended = await (await working_process(house, dies_at=None)).wait()

    assert (killed, ended) == (-signal.SIGKILL, 0)
    assert (between["state"], between["given"]) == ("running", (turn - 1) * ROWS_PER_TURN)
    batch = await batch_of(admin, batch_id)
    assert (batch["state"], batch["given"], batch["given_total"]) == ("finished", LARGE, f"{LARGE}.00")
    assert await times_given(house, place) == dict.fromkeys(members, 1)
    await check_green(house, place)


@pytest.mark.rule("BATCH-6")
async def test_a_dropped_connection_leaves_what_was_committed_and_the_rest_is_given_once(house: TestOffice) -> None:
    place, admin, members = await large_team(house)
    batch_id = await ordered(house, place, members)
    async with writing(house.desk.tenants, place.tenant.tenant_id) as holding:
        # The books are held, so the worker waits in the middle of its turn when its connection is cut.
        await holding.fetch(
            "select 1 from ledger_control where tenant_id = $1 for update", place.tenant.tenant_id
        )  # fmt: skip
        working = asyncio.create_task(work_on_batches(house.desk))
        async with house.desk.platform.pool.acquire() as looking:
            own = await holding.fetchval("select pg_backend_pid()")
            async with asyncio.timeout(20):
                while not (waiting := await waiting_for_books(house, own)):
                    await looking.fetchval("select 1")
        await cut(house, waiting)
        with pytest.raises(Exception, match=r"terminat|closed"):
            await working

    assert (await batch_of(admin, batch_id))["given"] == 0
    await work_on_batches(house.desk)

    assert await times_given(house, place) == dict.fromkeys(members, 1)
    await check_green(house, place)


async def waiting_for_books(house: TestOffice, own: int) -> list[int]:
    """The server's processes that wait for what this one holds."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        rows = await connection.fetch(
            "select pid from pg_stat_activity where $1 = any(pg_blocking_pids(pid))", own
        )  # fmt: skip
    finally:
        await connection.close()
    return [row["pid"] for row in rows]


async def cut(house: TestOffice, pids: list[int]) -> None:
    connection = await asyncpg.connect(house.admin_url)
    try:
        await connection.execute("select pg_terminate_backend(pid) from unnest($1::integer[]) as pid", pids)
    finally:
        await connection.close()


@pytest.mark.rule("BATCH-6")
async def test_workers_of_three_processes_at_once_give_each_member_once(house: TestOffice) -> None:
    place, admin, members = await large_team(house)
    batch_id = await ordered(house, place, members)

    others = [await working_process(house, dies_at=None) for _ in range(2)]
    await asyncio.gather(work_on_batches(house.desk), work_on_batches(house.desk), *(other.wait() for other in others))

    batch = await batch_of(admin, batch_id)
    assert (batch["state"], batch["given"], batch["failed"]) == ("finished", LARGE, 0)
    assert await times_given(house, place) == dict.fromkeys(members, 1)
    assert len(await rows_of(admin, batch_id, state="given", limit=200)) == LARGE
    await check_green(house, place)


@pytest.mark.rule("BATCH-5")
async def test_batches_take_turns_so_that_a_small_one_does_not_wait_for_a_large_one(house: TestOffice) -> None:
    place, admin, members = await large_team(house)
    await house.tenant("Globex")
    large = await ordered(house, place, members)
    small = await ordered(house, place, members[: AT_ONCE_MAX + 1])

    await work_on_batches(house.desk)

    batches = {batch["id"]: batch for batch in (await admin.get(f"{PREFIX}/allocation-batches")).json()["batches"]}
    assert batches[small]["finished_at"] < batches[large]["finished_at"]


@pytest.mark.rule("BATCH-5")
async def test_a_tenant_whose_books_are_damaged_keeps_no_other_batch_waiting(house: TestOffice) -> None:
    place, _, members = await large_team(house, AT_ONCE_MAX + 1)
    other = await house.tenant("Globex")
    await house.granted(other, "1000")
    stuck = await ordered(house, place, members)
    theirs = await ordered(house, other, await many_members(house, other, AT_ONCE_MAX + 1, word="theirs"))
    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        await transaction.execute(
            "update ledger_control set cadence = 'nonsense', epoch_ends_at = epoch_ends_at - interval '1 hour'"
            " where tenant_id = $1",
            place.tenant.tenant_id,
        )

    house.clock.turn(timedelta(days=1))

    with pytest.raises(Exception, match="Cadence"):
        await work_on_batches(house.desk)

    globex = await house.signed_in("globex-admin")
    assert (await batch_of(globex, theirs))["state"] == "finished"
    async with platform_reading(house.desk.platform) as reading:
        (waiting,) = await list_running_batches(reading, limit=10)
    assert public_id("allocation_batch", waiting.batch_id) == stuck


@pytest.mark.rule("BATCH-7")
async def test_calls_get_their_turn_while_a_batch_is_worked_off(house: TestOffice) -> None:
    place, admin, members = await large_team(house, 8 * ROWS_PER_TURN)
    batch_id = await ordered(house, place, members)
    working = asyncio.create_task(work_on_batches(house.desk))

    seen = set()
    while not working.done():
        hold = await admin.post(f"{PREFIX}/holds", json={"member_id": place.admin_id, "amount": "1"})
        assert hold.status_code == 201, hold.text
        seen.add((await batch_of(admin, batch_id))["given"])
    await working

    # Had it kept the books locked to its end, there would be nothing in between to be seen.
    assert len(seen - {0, len(members)}) >= 2
    await check_green(house, place)
