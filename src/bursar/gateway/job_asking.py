"""Asking for a job over HTTP: held for, asked for, and answered with what the provider said; or with why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.actions.call_refusals import told_whom_to_ask
from bursar.actions.catalogue import Candidate
from bursar.actions.job_submissions import JobWish, Refused, submit_job
from bursar.domain.costs import Cost
from bursar.domain.provider_jobs import JobKind
from bursar.domain.refusals import Refusal
from bursar.gateway.calling import RETRIED_ELSEWHERE, once_in
from bursar.gateway.headers import passed_on
from bursar.gateway.job_answers import answer_job
from bursar.gateway.job_visits import JobVisit
from bursar.outside.providers import ProviderCall


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. `body` is what a candidate gets, in the type beside it; the path is the kind's own."""

    kind: JobKind
    model: str
    path: str
    cost: Callable[[Candidate], Cost]
    body: Callable[[Candidate], tuple[bytes, str]]
    milliseconds: int | None = None
    total: int | None = None
    source_id: UUID | None = None


async def ask_for_job(visit: JobVisit, wanted: Wanted, candidates: Sequence[Candidate]) -> None:
    """Asks for a job and answers with it. Refuses what `submit_job` refuses, and where no provider took it on.

    Rule: TASK-1, TASK-2
    """

    def sent(candidate: Candidate) -> ProviderCall:
        body, content_type = wanted.body(candidate)
        headers = [
            (name, value)
            for name, value in passed_on(visit.scope["headers"], visit.dialect)
            if name.lower() != "content-type"
        ]
        return ProviderCall(
            wanted.path, body, headers=headers, content_type=content_type, request_id=visit.request_id
        )  # fmt: skip

    wish = JobWish(
        kind=wanted.kind,
        model=wanted.model,
        cost=wanted.cost,
        sent=sent,
        asked=wanted.path.encode() + b"\0" + visit.body,
        request_id=visit.request_id,
        once=once_in(visit.scope["headers"]),
        milliseconds=wanted.milliseconds,
        total=wanted.total,
        source_id=wanted.source_id,
    )
    spender = visit.spender
    with visit.admitted():
        try:
            submitted = await submit_job(visit.desk, spender, wish, candidates, goes_elsewhere=RETRIED_ELSEWHERE)
        except Refusal as refusal:
            raise told_whom_to_ask(refusal, spender.terms.contact) from None
    if not isinstance(submitted, Refused):
        replayed = [(b"idempotent-replayed", b"true")] if submitted.replayed else []
        await answer_job(visit, submitted.job, *replayed)
        return
    if submitted.status is None:
        raise Refusal("provider_unreachable", "The model's provider could not be reached; nothing was charged.")
    await visit.answer_error(submitted.candidate.provider, submitted.status, submitted.headers, submitted.body)
