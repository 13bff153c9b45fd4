"""Looking after one job: its provider is told of a cancellation, asked how far it is, and believed when it has ended.

Nothing is held open while the provider is asked: no transaction, no connection. What is found is written down
afterwards, and an end is written once, whoever else found the same.

Rule: TASK-3
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import structlog

from bursar.actions.desk import Desk
from bursar.actions.job_ends import Ending, end_job
from bursar.actions.job_submissions import whole_body
from bursar.db.transaction import platform_reading, retrying, writing
from bursar.domain.batch_sizes import Tally
from bursar.domain.costs import CompiledPrice, Cost, Usage, compile_price, cost_of
from bursar.domain.provider_jobs import (
    HOLD_SECONDS,
    KINDS,
    SUBMITTING_MAX,
    UNKNOWN_FOR,
    JobKind,
    JobNews,
    JobState,
    is_given_up,
    is_silent,
    moved,
    needs_extension,
    pause_after,
)
from bursar.ledger import ExtendHold, lock_books, post
from bursar.outside.identity import new_uuid_at
from bursar.outside.providers import Provider, ProviderBroke, ProviderCall, ProviderUnreachable
from bursar.outside.providers.job_words import files_in, lines_of, news_in, result_in
from bursar.store.prices import find_price
from bursar.store.provider_files import ProviderFile
from bursar.store.provider_job_changes import JobNote, update_job, update_job_cancel_told
from bursar.store.provider_jobs import Job, find_job

log = structlog.get_logger(__name__)

FindProvider = Callable[[str], Awaitable[Provider | None]]
"""The provider of this name, as it is set up now; None where it is not any more."""

GONE = frozenset({404, 410})
ANSWER_SECONDS_MAX = 60
"""How far a job is, is said at once or not at all."""
RESULTS_SECONDS_MAX = 20 * 60
"""Results of a gigabyte, at a megabyte a second."""
LINES_AT_A_TIME = 100
"""So many results are read in a few milliseconds; then calls have their turn."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What a provider answered: its status, and all of its words."""

    status: int
    body: bytes


class _Silence(Exception):
    """The provider said nothing of use; why stands in the exception."""


async def look_after(desk: Desk, find: FindProvider, tenant_id: UUID, job: Job) -> Job:
    """One turn of a job that has not ended; the job as it is then.

    Rule: TASK-3, TASK-4, TASK-6
    """
    if job.state.is_ended:
        return job
    now = desk.clock.now()
    if job.provider_job_id is None:
        if now - job.created_at < SUBMITTING_MAX:
            return job
        fault = "The office stopped before the provider had taken this on; nothing was charged."
        return await end_job(desk, tenant_id, job.job_id, Ending(JobState.FAILED, fault=fault))
    provider = await find(job.provider)
    try:
        if provider is None:
            raise _Silence(f"The provider {job.provider} is not set up here any more.")
        if job.cancel_asked_at is not None and job.cancel_told_at is None:
            await _tell_of_cancellation(desk, provider, tenant_id, job)
        said = await _ask(provider, "GET", _path(job))
        if said.status in GONE and now - job.created_at >= UNKNOWN_FOR:
            fault = "The provider does not know this any more; nothing was charged."
            ending = Ending(JobState.FAILED, fault=fault, status=said.status)
            return await end_job(desk, tenant_id, job.job_id, ending)
        news = news_in(job.kind, said.body) if said.status == 200 else None
        if news is None:
            raise _Silence(f"The provider answered with status {said.status} when it was asked how far this is.")
        if news.state.is_ended:
            ending = await _ending(desk, provider, job, news, said.body)
            return await end_job(desk, tenant_id, job.job_id, ending)
    except (_Silence, ProviderUnreachable, ProviderBroke) as fault:
        return await _note_silence(desk, tenant_id, job, str(fault) or "The provider could not be reached.")
    return await _note(desk, tenant_id, job, news, said.body)


def _path(job: Job) -> str:
    return f"{KINDS[job.kind].path}/{job.provider_job_id}"


async def _ask(provider: Provider, method: str, path: str) -> _Said:
    call = ProviderCall(path=path, body=b"", method=method, headers=HEADERS)
    async with _bounded(ANSWER_SECONDS_MAX), provider.asked(call) as answer:
        return _Said(answer.status, await whole_body(answer.pieces()))


@asynccontextmanager
async def _bounded(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise _Silence(f"The provider did not answer within {seconds:g} seconds.") from None


HEADERS = (("anthropic-version", "2023-06-01"),)
"""Which form of its words an Anthropic provider is asked for; others read over it."""


async def _tell_of_cancellation(desk: Desk, provider: Provider, tenant_id: UUID, job: Job) -> None:
    """Once it has been told, whatever it answers: one that has ended meanwhile says so when it is asked.

    Rule: TASK-7
    """
    said = await _ask(provider, "POST", f"{_path(job)}/cancel")
    if said.status >= 500 or said.status == 429:
        raise _Silence(f"The provider answered with status {said.status} when it was told to stop this.")
    async with writing(desk.tenants, tenant_id) as transaction:
        await update_job_cancel_told(transaction, tenant_id, job.job_id, now=desk.clock.now())


async def _ending(desk: Desk, provider: Provider, job: Job, news: JobNews, said: bytes) -> Ending:
    """What the job used, and what that costs, by what its provider says and by what it left behind.

    Rule: TASK-4, TASK-5
    """
    price = await _price(desk, job)
    words = said.decode("utf-8", "replace")
    ending = Ending(news.state, news.progress, said=words, fault=news.fault, status=200)
    if job.kind is JobKind.VIDEO:
        if news.state is not JobState.SUCCEEDED:
            return ending
        milliseconds = news.milliseconds if news.milliseconds is not None else job.milliseconds or 0
        usage = Usage(video_output_milliseconds=milliseconds)
        cost = Cost(0) if price is None else cost_of(price, usage, KINDS[job.kind].service)
        return replace(ending, usage=usage, cost=cost, is_charged=True, is_estimated=news.milliseconds is None)
    files = _files(desk, job, said) if job.kind is JobKind.BATCH else ()
    if not news.has_results:
        return replace(ending, files=files)
    tally = await _tallied(provider, job, price, said)
    return replace(
        ending,
        usage=tally.usage,
        cost=tally.cost,
        is_charged=tally.answered > 0,
        is_estimated=tally.is_estimated,
        files=files,
    )


async def _price(desk: Desk, job: Job) -> CompiledPrice | None:
    """The price in force when the job was asked for; an entry is never changed or removed."""
    if job.price_id is None:
        return None
    async with platform_reading(desk.platform) as transaction:
        price = await find_price(transaction, job.price_id)
    return None if price is None else compile_price(price)


async def _tallied(provider: Provider, job: Job, price: CompiledPrice | None, said: bytes) -> Tally:
    """What the results add up to, read line by line as they come.

    Rule: TASK-5
    """
    path = f"{_path(job)}/results" if job.kind is JobKind.MESSAGE_BATCH else f"/files/{files_in(said).output}/content"
    tally = Tally(price)
    call = ProviderCall(path=path, body=b"", method="GET", headers=HEADERS)
    async with _bounded(RESULTS_SECONDS_MAX), provider.asked(call) as answer:
        if answer.status != 200:
            raise _Silence(f"The provider answered with status {answer.status} when it was asked for the results.")
        async for line in lines_of(answer.pieces()):
            if (tally.answered + tally.failed) % LINES_AT_A_TIME == 0:
                await asyncio.sleep(0)
            result = result_in(job.kind, line)
            tally.add(result.usage if result.is_answered else None, is_estimated=result.is_estimated)
    return tally


def _files(desk: Desk, job: Job, said: bytes) -> tuple[ProviderFile, ...]:
    """The files that a batch left behind, known to its owner from now on."""
    now, left = desk.clock.now(), files_in(said)
    return tuple(
        ProviderFile(
            file_id=new_uuid_at(now),
            member_id=job.member_id,
            job_id=job.job_id,
            provider=job.provider,
            provider_file_id=provider_file_id,
            model=job.model,
            provider_model=job.provider_model,
            endpoint=None,
            size=None,
            said=None,
            created_at=now,
        )
        for provider_file_id in (left.output, left.errors)
        if provider_file_id is not None
    )


async def _note_silence(desk: Desk, tenant_id: UUID, job: Job, why: str) -> Job:
    """The provider said nothing of use: the job is asked after again, marked, and given up in the end.

    Rule: TASK-6
    """
    now = desk.clock.now()
    if is_given_up(job.created_at, now):
        fault = f"Given up after {(now - job.created_at).days} days; nothing was charged. {why}"
        return await end_job(desk, tenant_id, job.job_id, Ending(JobState.EXPIRED, fault=fault))
    log.info("a provider said nothing of a job", job=job.job_id.hex, provider=job.provider, why=why)
    marked = job.fault
    if is_silent(job.answered_at, now):
        marked = f"Nothing was heard of this since {job.answered_at:%Y-%m-%d %H:%M} UTC. {why}"
    note = JobNote(
        state=job.state,
        progress=job.progress,
        said=None,
        fault=marked,
        answered_at=job.answered_at,
        started_at=None,
        next_poll_at=now + pause_after(now - job.created_at),
        hold_until=None,
    )
    return await _write(desk, tenant_id, job, note)


async def _note(desk: Desk, tenant_id: UUID, job: Job, news: JobNews, said: bytes) -> Job:
    """How far the job is. One that goes on for too long is given up as well.

    Rule: TASK-3, TASK-6
    """
    now = desk.clock.now()
    if is_given_up(job.created_at, now):
        fault = f"Not done after {(now - job.created_at).days} days; nothing was charged."
        return await end_job(desk, tenant_id, job.job_id, Ending(JobState.EXPIRED, fault=fault))
    state = moved(job.state, news.state)
    note = JobNote(
        state=state,
        progress=news.progress,
        said=said.decode("utf-8", "replace"),
        fault=None,
        answered_at=now,
        started_at=now if state is JobState.RUNNING else None,
        next_poll_at=now + pause_after(now - job.created_at),
        hold_until=None,
    )
    return await _write(desk, tenant_id, job, note)


async def _write(desk: Desk, tenant_id: UUID, job: Job, note: JobNote) -> Job:
    """Writes down how far a job is, and moves its hold's deadline out once half of its time is over.

    Rule: TASK-4
    """
    now = desk.clock.now()
    extends = job.hold_until is not None and needs_extension(job.hold_until, now)

    async def attempt() -> Job:
        async with writing(desk.tenants, tenant_id) as transaction:
            hold_until = None
            if extends:
                await lock_books(transaction, tenant_id)
                command = ExtendHold(actor_id=None, hold_id=job.job_id, seconds=HOLD_SECONDS)
                (outcome,) = await post(transaction, tenant_id, [command], desk.clock.of_ledger)
                if outcome.refusal is None:
                    hold_until = now + timedelta(seconds=HOLD_SECONDS)
                else:
                    # It expired while nobody looked: what the job comes to is still charged when it ends.
                    log.warning("a job's hold was not extended", job=job.job_id.hex, code=outcome.refusal.code)
            await update_job(transaction, tenant_id, job.job_id, replace(note, hold_until=hold_until))
            written = await find_job(transaction, tenant_id, job.job_id)
            assert written is not None, "what is looked after is there"
            return written

    return await retrying(attempt)
