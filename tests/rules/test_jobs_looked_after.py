"""Jobs whose providers are slow, silent or gone, and offices that stop in the middle: one end, and one charge."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from bursar.actions.job_ends import Ending, end_job
from bursar.actions.job_rounds import look_after
from bursar.actions.job_submissions import Refused, submit_job
from bursar.db.transaction import reading, writing
from bursar.domain.costs import PARTS_PER_DOLLAR, Cost, Factor, Usage
from bursar.domain.provider_jobs import JobState
from bursar.ledger import ExpireHold
from bursar.outside.providers import Provider
from bursar.store.provider_jobs import Job, claim_due_jobs, find_job
from bursar.worker.provider_jobs import poll_jobs
from tests.support.callers import Caller
from tests.support.jobs import Taking, asking, job_of, spender_of, wish_of
from tests.support.models import Studio, studio
from tests.support.offices import TestOffice
from tests.support.tasks import check_books

IN_PROGRESS = b'{"id":"batch_theirs","status":"in_progress","request_counts":{"total":10,"completed":3,"failed":0}}'
CENT = Cost(PARTS_PER_DOLLAR // 100)
"""At a hundred credits for a dollar, one credit."""


class Watched:
    """A job of a member's at a provider that does as it is told."""

    def __init__(self, acme: Studio, provider: Taking, job_id: UUID) -> None:
        self.acme = acme
        self.provider = provider
        self.job_id = job_id
        self.tenant_id = acme.place.tenant.tenant_id
        self.is_there = True

    async def find(self, name: str) -> Provider | None:
        """As the catalogue would."""
        return self.provider if self.is_there and name == self.provider.name else None

    async def polled(self, by: timedelta = timedelta(minutes=1)) -> int:
        """The worker's turn, some time later."""
        self.acme.house.clock.turn(by)
        return await poll_jobs(self.acme.house.desk, self.find)

    async def job(self) -> Job:
        """The job as it is now."""
        async with reading(self.acme.house.desk.tenants, self.tenant_id) as transaction:
            job = await find_job(transaction, self.tenant_id, self.job_id)
        assert job is not None
        return job

    async def task(self) -> dict[str, Any]:
        """The job as its owner sees it."""
        (task,) = (await self.acme.member.get("/tasks"))["tasks"]
        shown: dict[str, Any] = task
        return shown


async def watched(house: TestOffice) -> Watched:
    """A batch that a member asked for, for which a credit is held."""
    acme = await studio(house)
    provider = Taking()
    member = acme.place.member
    job_id = await job_of(house.desk, acme.place.tenant.tenant_id, member.member_id, member.group_id, provider=provider)
    return Watched(acme, provider, job_id)


@pytest.mark.rule("TASK-3")
async def test_a_job_is_asked_after_ever_more_seldom_and_keeps_what_was_said_of_it(house: TestOffice) -> None:
    seen = await watched(house)
    seen.provider.said = IN_PROGRESS

    assert await seen.polled(timedelta(seconds=1)) == 0
    assert await seen.polled(timedelta(minutes=10)) == 1
    assert await seen.polled(timedelta(seconds=50)) == 0
    assert await seen.polled(timedelta(seconds=15)) == 1

    task = await seen.task()
    assert (task["state"], task["progress"]) == ("running", {"done": 3, "total": 10, "percent": 30})
    assert (task["held"], task["credits"], task["started_at"] is not None) == ("1.00", "0.00", True)


@pytest.mark.rule("TASK-3")
async def test_a_job_that_one_process_asks_after_is_left_alone_by_the_others(house: TestOffice) -> None:
    seen = await watched(house)
    seen.provider.said = IN_PROGRESS
    house.clock.turn(timedelta(minutes=1))
    now = house.desk.clock.now()
    async with writing(house.desk.tenants, seen.tenant_id) as ours:
        taken = await claim_due_jobs(ours, seen.tenant_id, now=now, until=now + timedelta(minutes=30), limit=10)
        async with writing(house.desk.tenants, seen.tenant_id) as theirs:
            # Not even waited for.
            assert await claim_due_jobs(theirs, seen.tenant_id, now=now, until=now, limit=10) == []
    assert [job.job_id for job in taken] == [seen.job_id]

    # Whoever had it has died.
    assert await seen.polled(timedelta(minutes=29)) == 0
    assert await seen.polled(timedelta(minutes=2)) == 1


@pytest.mark.rule("TASK-4")
async def test_whoever_else_learns_of_the_end_at_the_same_moment_charges_nothing_twice(house: TestOffice) -> None:
    seen = await watched(house)
    ending = Ending(JobState.SUCCEEDED, usage=Usage(input_tokens=5), cost=CENT, is_charged=True)

    ended = await asyncio.gather(*(end_job(house.desk, seen.tenant_id, seen.job_id, ending) for _ in range(8)))
    later = await end_job(house.desk, seen.tenant_id, seen.job_id, Ending(JobState.FAILED, fault="too late"))

    assert {job.state for job in (*ended, later)} == {JobState.SUCCEEDED}
    assert await seen.acme.holds() == [("settled", 1_000_000)]
    assert len(await seen.acme.rows()) == 1
    assert await seen.acme.left() == "999.00"
    await check_books(seen.acme)


@pytest.mark.rule("TASK-4")
async def test_a_jobs_hold_lives_as_long_as_the_job(house: TestOffice) -> None:
    seen = await watched(house)
    seen.provider.said = IN_PROGRESS

    for _ in range(12):
        assert await seen.polled(timedelta(hours=10)) == 1

    job = await seen.job()
    assert job.hold_until is not None
    assert job.hold_until - house.desk.clock.now() >= timedelta(hours=12)
    expiring = await house.desk.lanes.submit(seen.tenant_id, ExpireHold(actor_id=None, hold_id=seen.job_id))
    assert expiring.refusal is not None
    assert expiring.refusal.code == "hold_not_due"


@pytest.mark.rule("TASK-4")
@pytest.mark.parametrize("is_charged", [True, False])
async def test_a_job_that_nobody_looked_after_until_its_hold_expired_is_still_ended_rightly(
    house: TestOffice, is_charged: bool
) -> None:
    seen = await watched(house)
    house.clock.turn(timedelta(days=2))
    expired = await house.desk.lanes.submit(seen.tenant_id, ExpireHold(actor_id=None, hold_id=seen.job_id))
    assert expired.refusal is None
    ending = Ending(JobState.SUCCEEDED, cost=CENT, is_charged=True)
    if not is_charged:
        ending = Ending(JobState.FAILED, fault="it failed")

    await end_job(house.desk, seen.tenant_id, seen.job_id, ending)

    (row,) = await seen.acme.rows()
    # A true cost of nothing is recorded as well, so that what was charged at expiry would be given back.
    assert await seen.acme.holds() == [("settled_late", 1_000_000 if is_charged else 0)]
    assert row["outcome"] == ("delivered" if is_charged else "failed")
    await check_books(seen.acme)


@pytest.mark.rule("TASK-6")
async def test_a_silent_provider_is_marked_after_an_hour_and_given_up_after_a_week(house: TestOffice) -> None:
    seen = await watched(house)
    seen.provider.status = 503

    await seen.polled(timedelta(minutes=30))
    assert (await seen.task())["fault"] is None
    await seen.polled(timedelta(minutes=31))
    fault = (await seen.task())["fault"]
    assert fault.startswith("Nothing was heard of this since ")
    assert fault.endswith("The provider answered with status 503 when it was asked how far this is.")
    assert (await seen.task())["state"] == "queued"
    for _ in range(14):
        await seen.polled(timedelta(hours=12))

    # A sign-in does not last a week.
    seen.acme = replace(seen.acme, member=Caller(await house.signed_in(seen.acme.place.member.username)))
    task = await seen.task()
    assert (task["state"], task["credits"], task["held"]) == ("expired", "0.00", None)
    assert task["fault"].startswith("Given up after 7 days; nothing was charged.")
    assert await seen.acme.holds() == [("voided", 0)]
    assert await seen.polled() == 0
    await check_books(seen.acme)


@pytest.mark.rule("TASK-6")
async def test_a_provider_that_answers_again_is_not_marked_any_more(house: TestOffice) -> None:
    seen = await watched(house)
    seen.is_there = False
    await seen.polled(timedelta(hours=2))
    assert "The provider taking is not set up here any more." in (await seen.task())["fault"]

    seen.is_there, seen.provider.said = True, IN_PROGRESS
    await seen.polled(timedelta(hours=1))

    assert (await seen.task())["fault"] is None


@pytest.mark.rule("TASK-6")
async def test_a_job_that_its_provider_does_not_know_has_failed_but_not_at_once(house: TestOffice) -> None:
    seen = await watched(house)
    seen.provider.status = 404

    await seen.polled(timedelta(minutes=5))
    assert (await seen.job()).state is JobState.QUEUED
    await seen.polled(timedelta(minutes=6))

    assert (await seen.job()).state is JobState.FAILED
    assert await seen.acme.holds() == [("voided", 0)]


@pytest.mark.rule("TASK-1", "TASK-6")
async def test_a_job_whose_office_stopped_before_it_was_taken_on_is_given_back(house: TestOffice) -> None:
    seen = await watched(house)
    async with writing(house.desk.tenants, seen.tenant_id) as transaction:
        # As after a kill between the hold and the provider's answer.
        await transaction.execute(
            "update provider_jobs set provider_job_id = null, said = null, next_poll_at = created_at "
            "where tenant_id = $1",
            seen.tenant_id,
        )

    await seen.polled(timedelta(minutes=1))
    assert (await seen.job()).state is JobState.QUEUED
    await seen.polled(timedelta(minutes=31))

    assert (await seen.job()).state is JobState.FAILED
    assert await seen.acme.left() == "1000.00"


@pytest.mark.rule("TASK-1")
@pytest.mark.parametrize("status", [400, 500])
async def test_what_no_provider_takes_on_has_failed_and_is_given_back(house: TestOffice, status: int) -> None:
    acme = await studio(house)
    provider, member = Taking(status=status), acme.place.member
    spender = spender_of(acme.place.tenant.tenant_id, member.member_id, member.group_id)

    refused = await submit_job(
        house.desk, spender, wish_of(once="once"), [asking(provider)], goes_elsewhere=frozenset()
    )  # fmt: skip

    assert isinstance(refused, Refused)
    assert refused.status == status
    assert await acme.holds() == [("voided", 0)]
    (task,) = (await acme.member.get("/tasks"))["tasks"]
    assert (task["state"], task["fault"]) == ("failed", f"The provider answered with status {status}.")
    # Nobody took it on, so the same key may ask again.
    provider.status = 200
    again = await submit_job(
        house.desk, spender, wish_of(once="once"), [asking(provider)], goes_elsewhere=frozenset()
    )  # fmt: skip
    assert not isinstance(again, Refused)
    assert not again.replayed


@pytest.mark.rule("TASK-1")
async def test_a_job_goes_to_the_next_provider_where_the_first_is_broken(house: TestOffice) -> None:
    acme = await studio(house)
    member = acme.place.member
    spender = spender_of(acme.place.tenant.tenant_id, member.member_id, member.group_id)
    broken, whole = Taking(name="broken", status=500), Taking(name="whole")

    submitted = await submit_job(
        house.desk, spender, wish_of(), [asking(broken), asking(whole)], goes_elsewhere=frozenset()
    )

    assert not isinstance(submitted, Refused)
    assert submitted.job.provider == "whole"
    assert len(await acme.holds()) == 1


@pytest.mark.rule("TASK-7")
async def test_a_provider_that_cannot_be_reached_is_told_to_stop_as_soon_as_it_can(house: TestOffice) -> None:
    seen = await watched(house)
    seen.provider.status = 503
    await seen.acme.member.post(f"/tasks/{(await seen.task())['id']}/cancel")

    await seen.polled(timedelta(seconds=1))
    assert (await seen.job()).cancel_told_at is None
    seen.provider.status = 200
    seen.provider.said = IN_PROGRESS
    await seen.polled()
    await seen.polled()

    told = [call.path for call in seen.provider.asked_for if call.path.endswith("/cancel")]
    assert told == ["/batches/batch_theirs/cancel"] * 2
    assert (await seen.task())["is_being_cancelled"]


@pytest.mark.rule("TASK-4")
async def test_where_a_dollar_is_worth_no_credits_a_job_is_made_and_charged_nothing(house: TestOffice) -> None:
    acme = await studio(house, given=None)
    member, tenant_id = acme.place.member, acme.place.tenant.tenant_id
    job_id = await job_of(house.desk, tenant_id, member.member_id, member.group_id, credit_factor=Factor(0))

    ended = await end_job(
        house.desk,
        tenant_id,
        job_id,
        Ending(JobState.SUCCEEDED, usage=Usage(input_tokens=5), cost=CENT, is_charged=True),
    )

    assert ended.charged is not None
    assert ended.charged.micro == 0
    assert await acme.holds() == []
    (row,) = await acme.rows()
    assert (row["credits_micro"], row["cost_pico"]) == (0, 10_000_000_000)
    await check_books(acme)


@pytest.mark.rule("TASK-5")
async def test_results_that_cannot_be_fetched_are_fetched_later(house: TestOffice) -> None:
    seen = await watched(house)
    results = Results(seen.provider)
    job = await seen.job()

    async def look() -> Job:
        return await look_after(house.desk, results.find, seen.tenant_id, job)

    assert (await look()).state is JobState.QUEUED
    results.are_there = True
    ended = await look()

    assert (ended.state, ended.progress.done) == (JobState.SUCCEEDED, 2)
    (row,) = await seen.acme.rows()
    # The model of this job has no price: one answer was there, the other had failed.
    assert (row["input_tokens"], row["output_tokens"], row["outcome"]) == (7, 3, "delivered")


class Results(Taking):
    """A batch that is done, whose results are not always to be had."""

    def __init__(self, before: Taking) -> None:
        super().__init__(name=before.name)
        self.are_there = False

    async def find(self, _: str) -> Provider | None:
        return self

    def answer(self, path: str) -> tuple[int, bytes]:
        if not path.startswith("/files/"):
            return 200, DONE
        return (200, LINES) if self.are_there else (503, b"")


DONE = (
    b'{"id":"batch_theirs","status":"completed","output_file_id":"file_out",'
    b'"request_counts":{"total":2,"completed":1,"failed":1}}'
)
LINES = (
    b'{"custom_id":"a","response":{"status_code":200,"body":{"usage":{"prompt_tokens":7,"completion_tokens":3}}}}\n'
    b'{"custom_id":"b","response":{"status_code":500,"body":{}},"error":{"message":"no"}}\n'
)
