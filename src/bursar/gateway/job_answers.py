"""What a client is told of a job: what its provider said last, under our ids and the name that the client called it by.

A job that ended without its provider saying so, since it was given up or is gone there, is told as such in the
provider's own words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from bursar.actions.job_rounds import look_after
from bursar.db.transaction import reading
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.provider_jobs import JobKind, JobState
from bursar.domain.refusals import Refusal
from bursar.gateway.asgi import Headers
from bursar.gateway.job_visits import JobVisit
from bursar.outside.providers.bodies import rewritten
from bursar.outside.providers.job_words import files_in, news_in
from bursar.store.provider_files import list_file_ids
from bursar.store.provider_jobs import Job, list_jobs

FRESH_FOR = timedelta(seconds=1)
"""However often a client asks, its provider is not asked more often than this."""
POLL_AFTER_MILLISECONDS = b"2000"
LIMIT_MAX = 100
LIMIT = 20

_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}", re.ASCII)


async def refreshed(visit: JobVisit, job: Job) -> Job:
    """The job as it is now, which its provider is asked for unless it has just been."""
    if job.state.is_ended or visit.desk.clock.now() - job.answered_at < FRESH_FOR:
        return job
    return await look_after(visit.desk, visit.gate.calls.catalogues.provider, visit.tenant_id, job)


async def answer_job(visit: JobVisit, job: Job, *headers: tuple[bytes, bytes]) -> None:
    """Answers with one job."""
    (shown,) = await shown_jobs(visit, [job])
    await visit.answer(shown, *job_headers(job), *headers)


def job_headers(job: Job) -> Headers:
    """Under which id it stands in the list of tasks, what is held for it, and what it was charged."""
    headers: Headers = [(b"x-bursar-task-id", public_id("provider_job", job.job_id).encode())]
    if job.held is not None:
        headers.append((b"x-bursar-credits-held", str(job.held).encode()))
    if job.charged is not None:
        headers.append((b"x-bursar-credits-charged", str(job.charged).encode()))
    if job.is_simulated:
        headers.append((b"x-bursar-simulated", b"true"))
    if not job.state.is_ended:
        headers.append((b"openai-poll-after-ms", POLL_AFTER_MILLISECONDS))
    return headers


async def shown_jobs(visit: JobVisit, jobs: Sequence[Job]) -> list[bytes]:
    """What the provider said of each last, under our ids."""
    if not jobs or jobs[0].kind is not JobKind.BATCH:
        return [_shown(visit, job, {}) for job in jobs]
    wanted: list[tuple[str, str]] = []
    for job in jobs:
        left = files_in((job.said or "{}").encode())
        wanted.extend((job.provider, theirs) for theirs in (left.output, left.errors) if theirs is not None)
    async with reading(visit.desk.tenants, visit.tenant_id) as transaction:
        files = await list_file_ids(transaction, visit.tenant_id, wanted)
    return [_shown(visit, job, files) for job in jobs]


def _shown(visit: JobVisit, job: Job, files: dict[tuple[str, str], UUID]) -> bytes:
    said = (job.said or json.dumps(_UNSAID[job.kind] | {"created_at": _created(job)})).encode()
    changes: dict[str, Any] = {"id": public_id("provider_job", job.job_id)}
    if job.kind is JobKind.VIDEO:
        changes["model"] = job.model
        # Our own id, where it was made from another one of ours.
        source = job.source_id
        changes["remixed_from_video_id"] = None if source is None else public_id("provider_job", source)
    elif job.kind is JobKind.BATCH:
        left = files_in(said)
        for name, theirs in (("output_file_id", left.output), ("error_file_id", left.errors)):
            ours = None if theirs is None else files.get((job.provider, theirs))
            changes[name] = None if ours is None else public_id("provider_file", ours)
        if job.source_id is not None:
            changes["input_file_id"] = public_id("provider_file", job.source_id)
    else:
        changes["results_url"] = _results_url(visit, job) if job.state.is_ended else None
    news = news_in(job.kind, said)
    if job.state.is_ended and (news is None or not news.state.is_ended):
        changes.update(_ended(job))
    return rewritten(said, changes)


_UNSAID: dict[JobKind, dict[str, Any]] = {
    JobKind.VIDEO: {"object": "video", "status": "queued", "progress": 0},
    JobKind.BATCH: {"object": "batch", "status": "validating"},
    JobKind.MESSAGE_BATCH: {"type": "message_batch", "processing_status": "in_progress"},
}
"""What is told of a job of which its provider never said anything."""


def _created(job: Job) -> int | str:
    if job.kind is JobKind.MESSAGE_BATCH:
        return job.created_at.isoformat().replace("+00:00", "Z")
    return int(job.created_at.timestamp())


def _ended(job: Job) -> dict[str, Any]:
    """What is told of a job that ended without its provider."""
    message = job.fault or "This has ended."
    if job.kind is JobKind.VIDEO:
        return {"status": "failed", "error": {"code": str(job.state), "message": message}}
    if job.kind is JobKind.BATCH:
        status = "expired" if job.state is JobState.EXPIRED else "failed"
        errors = {"object": "list", "data": [{"code": str(job.state), "message": message}]}
        return {"status": status, "errors": errors}
    return {"processing_status": "ended", "results_url": None}


def _results_url(visit: JobVisit, job: Job) -> str:
    """Where the results are to be had: at the address that the client itself came to."""
    host = visit.header(b"host")
    path = f"/v1/messages/batches/{public_id('provider_job', job.job_id)}/results"
    if _HOST.fullmatch(host):
        return f"{visit.scope.get('scheme', 'http')}://{host}{path}"
    return f"{(visit.gate.site or '').rstrip('/')}{path}"


async def answer_list(visit: JobVisit, kind: JobKind) -> None:
    """Answers with a page of jobs as OpenAI's clients ask for it: those after one, newest first unless told."""
    ascending = visit.query("order") == "asc"
    after = _place(visit, "after")
    jobs, has_more = await _page(
        visit, kind, before=None if ascending else after, after=after if ascending else None, ascending=ascending
    )
    shown = await shown_jobs(visit, jobs)
    await visit.answer(_list(jobs, shown, has_more, of={"object": "list"}))


async def answer_message_batches(visit: JobVisit) -> None:
    """Answers with a page of batches as Anthropic's clients ask for it: newest first, after one or before one."""
    after, before = _place(visit, "after_id"), _place(visit, "before_id")
    is_backwards = before is not None
    jobs, has_more = await _page(
        visit, JobKind.MESSAGE_BATCH, before=None if is_backwards else after, after=before, ascending=is_backwards
    )
    if is_backwards:
        jobs = jobs[::-1]
    shown = await shown_jobs(visit, jobs)
    await visit.answer(_list(jobs, shown, has_more, of={}))


async def _page(
    visit: JobVisit, kind: JobKind, *, before: UUID | None, after: UUID | None, ascending: bool
) -> tuple[list[Job], bool]:
    text = visit.query("limit") or str(LIMIT)
    if not text.isdigit() or not 1 <= int(text) <= LIMIT_MAX:
        raise Refusal("invalid_input", f"limit is a number from 1 to {LIMIT_MAX}.", field="limit")
    limit = int(text)
    async with reading(visit.desk.tenants, visit.tenant_id) as transaction:
        jobs = await list_jobs(
            transaction,
            visit.tenant_id,
            kind,
            member_id=visit.only_of,
            before=before,
            after=after,
            ascending=ascending,
            limit=limit + 1,
        )
    return jobs[:limit], len(jobs) > limit


def _place(visit: JobVisit, name: str) -> UUID | None:
    text = visit.query(name)
    return None if text is None else parse_public_id("provider_job", text, field=name)


def _list(jobs: Sequence[Job], shown: Sequence[bytes], has_more: bool, *, of: dict[str, str]) -> bytes:
    ids = [public_id("provider_job", job.job_id) for job in jobs]
    ends = {**of, "has_more": has_more, "first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
    return b'{"data":[' + b",".join(shown) + b"]," + json.dumps(ends).encode()[1:]
