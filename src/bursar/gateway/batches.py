"""Batches of calls: OpenAI's, which are made from files, and Anthropic's, which bring their requests along."""

from __future__ import annotations

import asyncio

import msgspec

from bursar.actions.catalogue import Candidate
from bursar.actions.job_rounds import look_after
from bursar.actions.tasks import cancel_own_job
from bursar.domain.batch_sizes import BatchSize, cost_to_hold, size_of_batch
from bursar.domain.costs import Cost
from bursar.domain.prices import NO_TERMS
from bursar.domain.provider_jobs import JobKind
from bursar.domain.refusals import Refusal
from bursar.gateway.headers import passed_on
from bursar.gateway.job_answers import answer_job, answer_list, answer_message_batches, refreshed
from bursar.gateway.job_asking import Wanted, ask_for_job
from bursar.gateway.job_visits import JobVisit
from bursar.gateway.videos import not_ready
from bursar.outside.providers import ProviderCall
from bursar.outside.providers.batch_bodies import read_message_batch, renamed_message_batch
from bursar.outside.providers.bodies import rewritten

JSON_TYPE = "application/json"


class _Fields(msgspec.Struct):
    input_file_id: str
    endpoint: str


async def create_batch(visit: JobVisit) -> None:
    """POST /batches: the calls of a file that was uploaded here, at its provider.

    Rule: TASK-1, TASK-2
    """
    try:
        fields = msgspec.json.decode(visit.body, type=_Fields)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Refusal("invalid_input", f"The body cannot be read: {fault}.", field="body") from None
    file = await visit.file(fields.input_file_id)
    if file.size is None:
        raise Refusal("invalid_input", "This file holds results, and no calls.", field="input_file_id")
    if fields.endpoint != file.endpoint:
        raise Refusal("invalid_input", f"The calls of this file are for {file.endpoint}.", field="endpoint")
    size = file.size
    wanted = Wanted(
        kind=JobKind.BATCH,
        model=file.model,
        path="/batches",
        cost=lambda candidate: _cost(visit, candidate, file.model, size),
        body=lambda _: (rewritten(visit.body, {"input_file_id": file.provider_file_id}), JSON_TYPE),
        total=size.requests,
        source_id=file.file_id,
    )
    candidates = await visit.candidates(file.model, provider=file.provider)
    same = [one for one in candidates if one.model == file.provider_model] or candidates
    await ask_for_job(visit, wanted, same[:1])


async def list_batches(visit: JobVisit) -> None:
    """GET /batches"""
    await answer_list(visit, JobKind.BATCH)


async def get_batch(visit: JobVisit, batch_id: str) -> None:
    """GET /batches/{id}"""
    await answer_job(visit, await refreshed(visit, await visit.job(JobKind.BATCH, batch_id)))


async def cancel_batch(visit: JobVisit, batch_id: str) -> None:
    """POST /batches/{id}/cancel

    Rule: TASK-7
    """
    await _cancel(visit, JobKind.BATCH, batch_id)


async def create_message_batch(visit: JobVisit) -> None:
    """POST /messages/batches

    Rule: TASK-1, TASK-2
    """
    # A large one takes a tenth of a second, in which other calls go on.
    read = await asyncio.to_thread(read_message_batch, visit.body)
    candidates = await visit.candidates(read.model)
    sizes = {
        candidate.model: size_of_batch(
            list(read.sizes), NO_TERMS if candidate.priced is None else candidate.priced.price.terms
        )
        for candidate in candidates
    }
    bodies = {
        candidate.model: visit.body
        if candidate.model == read.model
        else await asyncio.to_thread(renamed_message_batch, visit.body, candidate.model)
        for candidate in candidates
    }
    wanted = Wanted(
        kind=JobKind.MESSAGE_BATCH,
        model=read.model,
        path="/messages/batches",
        cost=lambda candidate: _cost(visit, candidate, read.model, sizes[candidate.model]),
        body=lambda candidate: (bodies[candidate.model], JSON_TYPE),
        total=len(read.sizes),
    )
    await ask_for_job(visit, wanted, candidates)


async def list_message_batches(visit: JobVisit) -> None:
    """GET /messages/batches"""
    await answer_message_batches(visit)


async def get_message_batch(visit: JobVisit, batch_id: str) -> None:
    """GET /messages/batches/{id}"""
    await answer_job(visit, await refreshed(visit, await visit.job(JobKind.MESSAGE_BATCH, batch_id)))


async def cancel_message_batch(visit: JobVisit, batch_id: str) -> None:
    """POST /messages/batches/{id}/cancel

    Rule: TASK-7
    """
    await _cancel(visit, JobKind.MESSAGE_BATCH, batch_id)


async def get_message_batch_results(visit: JobVisit, batch_id: str) -> None:
    """GET /messages/batches/{id}/results, passed on as they come.

    Rule: TASK-5
    """
    job = await refreshed(visit, await visit.job(JobKind.MESSAGE_BATCH, batch_id))
    if not job.state.is_ended or job.provider_job_id is None:
        raise not_ready()
    call = ProviderCall(
        f"/messages/batches/{job.provider_job_id}/results",
        b"",
        method="GET",
        headers=_versions(visit),
        request_id=visit.request_id,
    )
    await visit.pass_through(await visit.provider(job.provider), call, content_type=b"application/x-jsonl")


async def _cancel(visit: JobVisit, kind: JobKind, batch_id: str) -> None:
    """One that has ended already is told as it is."""
    job = await visit.job(kind, batch_id)
    await cancel_own_job(visit.desk, visit.tenant_id, job.job_id, asked_by=visit.member_id)
    job = await visit.job(kind, batch_id)
    await answer_job(visit, await look_after(visit.desk, visit.gate.calls.catalogues.provider, visit.tenant_id, job))


def _cost(visit: JobVisit, candidate: Candidate, model: str, size: BatchSize) -> Cost:
    if candidate.priced is None:
        return Cost(0)
    habit = visit.gate.calls.counter.habits.of(visit.spender.caller_id, model)
    terms, compiled = candidate.priced.price.terms, candidate.priced.compiled
    return cost_to_hold(size, compiled, terms, habit, visit.caller.terms.admission)


def _versions(visit: JobVisit) -> list[tuple[str, str]]:
    return [(name, value) for name, value in passed_on(visit.scope["headers"], visit.dialect) if name != "content-type"]
