"""Videos, in the words of OpenAI: asked for, looked at, fetched, deleted, and made anew from another one."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from bursar.actions.catalogue import Candidate
from bursar.actions.job_ends import job_unknown
from bursar.actions.job_submissions import whole_body
from bursar.db.transaction import writing
from bursar.domain.costs import Cost, Usage, cost_of
from bursar.domain.ids import public_id
from bursar.domain.prices import Service
from bursar.domain.provider_jobs import JobKind, JobState
from bursar.domain.refusals import Refusal
from bursar.gateway.job_answers import answer_job, answer_list, refreshed
from bursar.gateway.job_asking import Wanted, ask_for_job
from bursar.gateway.job_visits import JobVisit
from bursar.outside.providers import ProviderCall
from bursar.outside.providers.bodies import MODEL_LENGTH_MAX, rewritten
from bursar.outside.providers.forms import is_form, read_form
from bursar.store.provider_job_changes import update_job_deleted
from bursar.store.provider_jobs import Job

PATH = "/videos"
MODEL = "sora-2"
"""What OpenAI takes where none is named."""
SECONDS = "4"
"""The same."""
SECONDS_MAX = 600
"""Ten minutes are far longer than any model makes; what is above is a slip."""


class _Fields(msgspec.Struct):
    model: str = MODEL
    seconds: str | int = SECONDS


async def create_video(visit: JobVisit) -> None:
    """POST /videos, as a form or as JSON.

    Rule: TASK-1, TASK-2
    """
    content_type = visit.header(b"content-type")
    if is_form(content_type):
        form = read_form(content_type, visit.body)
        model, seconds = form.find("model"), form.find("seconds")
        fields = _Fields(MODEL if model is None else model.text, SECONDS if seconds is None else seconds.text)
    else:
        fields = _read(visit.body)
    if not 0 < len(fields.model) <= MODEL_LENGTH_MAX:
        raise Refusal("invalid_input", f"A model's name has 1 to {MODEL_LENGTH_MAX} characters.", field="model")

    def body(candidate: Candidate) -> tuple[bytes, str]:
        if candidate.model == fields.model:
            return visit.body, content_type if is_form(content_type) else "application/json"
        if is_form(content_type):
            changed = form.replaced("model", candidate.model.encode())
            return changed.body, changed.content_type
        return rewritten(visit.body, {"model": candidate.model}), "application/json"

    milliseconds = _milliseconds(fields.seconds)
    wanted = Wanted(
        kind=JobKind.VIDEO,
        model=fields.model,
        path=PATH,
        cost=lambda candidate: cost_of_video(candidate, milliseconds),
        body=body,
        milliseconds=milliseconds,
    )
    await ask_for_job(visit, wanted, await visit.candidates(fields.model))


async def remix_video(visit: JobVisit, video_id: str) -> None:
    """POST /videos/{id}/remix: another video of the same length, from one that is there.

    Rule: TASK-1
    """
    job = await visit.job(JobKind.VIDEO, video_id)
    if job.state is not JobState.SUCCEEDED:
        raise not_ready()
    milliseconds = job.milliseconds or 0
    wanted = Wanted(
        kind=JobKind.VIDEO,
        model=job.model,
        path=f"{_path(job)}/remix",
        cost=lambda candidate: cost_of_video(candidate, milliseconds),
        body=lambda _: (visit.body, visit.header(b"content-type") or "application/json"),
        milliseconds=milliseconds,
        source_id=job.job_id,
    )
    await ask_for_job(visit, wanted, (await visit.candidates(job.model, provider=job.provider))[:1])


async def list_videos(visit: JobVisit) -> None:
    """GET /videos"""
    await answer_list(visit, JobKind.VIDEO)


async def get_video(visit: JobVisit, video_id: str) -> None:
    """GET /videos/{id}"""
    await answer_job(visit, await refreshed(visit, await visit.job(JobKind.VIDEO, video_id)))


async def get_video_content(visit: JobVisit, video_id: str) -> None:
    """GET /videos/{id}/content, passed on as it comes.

    Rule: TASK-5
    """
    job = await refreshed(visit, await visit.job(JobKind.VIDEO, video_id))
    if job.state is not JobState.SUCCEEDED:
        raise not_ready()
    variant = visit.query("variant")
    query = "" if variant is None else f"?variant={quote(variant, safe='')}"
    call = ProviderCall(f"{_path(job)}/content{query}", b"", method="GET", request_id=visit.request_id)
    await visit.pass_through(await visit.provider(job.provider), call)


async def delete_video(visit: JobVisit, video_id: str) -> None:
    """DELETE /videos/{id}, once it is made: what was charged stays charged. One that its provider has lost already is
    deleted as well.
    """
    job = await refreshed(visit, await visit.job(JobKind.VIDEO, video_id))
    if not job.state.is_ended:
        sentence = "A video is deleted once it is made; until then its provider does not stop."
        raise Refusal("task_not_cancellable", sentence, field="id")
    if job.provider_job_id is not None:
        provider = await visit.provider(job.provider)
        call = ProviderCall(_path(job), b"", method="DELETE", request_id=visit.request_id)
        async with visit.asked(provider, call) as answer:
            status, headers, body = answer.status, answer.headers, await whole_body(answer.pieces())
        if status >= 300 and status != 404:
            await visit.answer_error(provider, status, headers, body)
            return
    async with writing(visit.desk.tenants, visit.tenant_id) as transaction:
        await update_job_deleted(transaction, visit.tenant_id, job.job_id, now=visit.desk.clock.now())
    deleted = {"id": public_id("provider_job", job.job_id), "object": "video.deleted", "deleted": True}
    await visit.answer(msgspec.json.encode(deleted))


def cost_of_video(candidate: Candidate, milliseconds: int) -> Cost:
    """What a video of this length costs there: its time is known before it is made."""
    if candidate.priced is None:
        return Cost(0)
    return cost_of(candidate.priced.compiled, Usage(video_output_milliseconds=milliseconds), Service.STANDARD)


def not_ready() -> Refusal:
    """What is said of a job that has not ended, or has nothing to show."""
    return Refusal("task_not_ready", "This is not done, or there is nothing to show of it.", field="id")


def _path(job: Job) -> str:
    if job.provider_job_id is None:
        raise job_unknown()
    return f"{PATH}/{job.provider_job_id}"


def _read(body: bytes) -> _Fields:
    try:
        return msgspec.json.decode(body, type=_Fields)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Refusal("invalid_input", f"The body cannot be read: {fault}.", field="body") from None


def _milliseconds(seconds: str | int) -> int:
    text = str(seconds)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= SECONDS_MAX):
        raise Refusal("invalid_input", f"seconds is a whole number from 1 to {SECONDS_MAX}.", field="seconds")
    return int(text) * 1000
