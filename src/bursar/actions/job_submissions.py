"""Asking a provider for something that takes longer than an answer: held for, written down, asked for, once.

    held and written down (one transaction) -> asked (no transaction) -> taken | refused: ended, given back

A process that is killed in between leaves a job that no provider has taken; whoever looks after jobs ends it.

Rule: TASK-1
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from bursar.actions.catalogue import Candidate
from bursar.actions.desk import Desk
from bursar.actions.job_ends import Ending, end_job
from bursar.actions.model_calls import Spender
from bursar.db.transaction import Transaction, retrying, writing
from bursar.domain.costs import Cost, credits_for
from bursar.domain.credits import Credits
from bursar.domain.ids import public_id
from bursar.domain.provider_jobs import HOLD_SECONDS, KINDS, PAUSE_MIN, SUBMITTING_MAX, JobKind, JobState
from bursar.domain.refusals import Refusal
from bursar.ledger import OpenHold, lock_books, post
from bursar.outside.identity import new_uuid_at
from bursar.outside.providers import ProviderBroke, ProviderCall, ProviderUnreachable
from bursar.outside.providers.job_words import id_in
from bursar.store.provider_job_changes import release_request_key, update_job_taken
from bursar.store.provider_jobs import Job, NewJob, find_job, find_job_of_request, insert_job

ANSWER_BYTES_MAX = 1024 * 1024
"""What a provider says when it takes a job on has a page."""
SUBMIT_SECONDS_MAX = 180
"""So that all candidates together are done before a job counts as one that nobody took on (`SUBMITTING_MAX`)."""


@dataclass(frozen=True, slots=True)
class JobWish:
    """What is asked for. `cost` says what it may cost at a candidate, `sent` what that one gets; `asked` is all of what
    was asked for, to tell a repeat from another request under the same key, which is `once`.
    """

    kind: JobKind
    model: str
    cost: Callable[[Candidate], Cost]
    sent: Callable[[Candidate], ProviderCall]
    asked: bytes
    request_id: str | None = None
    once: str | None = None
    milliseconds: int | None = None
    total: int | None = None
    source_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """What the last provider that was asked answered instead of taking the job on; without a status, nothing."""

    candidate: Candidate
    status: int | None
    headers: dict[str, str]
    body: bytes
    why: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job that was taken on, or was asked for before under the same key."""

    job: Job
    replayed: bool


async def submit_job(
    desk: Desk, spender: Spender, wish: JobWish, candidates: Sequence[Candidate], *, goes_elsewhere: frozenset[int]
) -> Submitted | Refused:
    """Sets aside what the job may cost at the dearest of its candidates, and asks one after the other until one takes
    it on. Those who answer with one of the statuses in `goes_elsewhere`, or with a failure of theirs, let the next one
    be asked. What follows goes on even if whoever waits for it is cancelled.

    Refuses `insufficient_quota`, `key_reused`, `task_not_ready`.

    Rule: TASK-1, TASK-2
    """
    new = _new(desk, spender, wish, candidates)
    known = await _held_for(desk, spender, new)
    if known is not None:
        return Submitted(known, replayed=True)
    asking = asyncio.create_task(
        _ask_all(desk, spender.tenant_id, new, wish, candidates, goes_elsewhere), name="submission"
    )
    return await asyncio.shield(asking)


def _new(desk: Desk, spender: Spender, wish: JobWish, candidates: Sequence[Candidate]) -> NewJob:
    now, terms, first = desk.clock.now(), spender.terms, candidates[0]
    amount = max(
        (
            credits_for(wish.cost(one), credit_factor=terms.credit_factor, price_factor=terms.price_factor)
            for one in candidates
        ),
        default=Credits(0),
    )
    # As with every call: where dollars are worth no credits, nothing is held, and everybody is let in.
    is_held = terms.credit_factor.ten_thousandths > 0
    return NewJob(
        job_id=new_uuid_at(now),
        kind=wish.kind,
        member_id=spender.member_id,
        group_id=terms.group_id,
        key_id=None if spender.with_key is None else spender.with_key.key_id,
        request_id=wish.request_id,
        request_key=None
        if wish.once is None
        else hashlib.sha256(b"job:" + spender.caller_id.bytes + wish.once.encode()).digest(),
        fingerprint=hashlib.sha256(str(wish.kind).encode() + b"\0" + wish.asked).digest(),
        endpoint=KINDS[wish.kind].endpoint,
        model=wish.model,
        provider=first.provider_name,
        provider_model=first.model,
        is_simulated=first.is_simulated,
        price_id=None if first.priced is None else first.priced.price.price_id,
        credit_factor=terms.credit_factor,
        price_factor=terms.price_factor,
        day=now.astimezone(ZoneInfo(terms.time_zone)).date(),
        created_at=now,
        next_poll_at=now + SUBMITTING_MAX,
        held=amount if is_held else None,
        hold_until=now + timedelta(seconds=HOLD_SECONDS) if is_held else None,
        milliseconds=wish.milliseconds,
        source_id=wish.source_id,
        total=wish.total,
    )


async def _held_for(desk: Desk, spender: Spender, new: NewJob) -> Job | None:
    """Opens the hold and writes the job down; or the job that was asked for under the same key.

    Rule: TASK-1
    """
    tenant_id = spender.tenant_id

    async def attempt() -> Job | None:
        async with writing(desk.tenants, tenant_id) as transaction:
            await lock_books(transaction, tenant_id)
            known = await _known(transaction, tenant_id, new)
            if known is not None:
                return known
            if new.held is not None:
                command = OpenHold(
                    actor_id=None,
                    hold_id=new.job_id,
                    member_id=new.member_id,
                    amount=new.held,
                    seconds=HOLD_SECONDS,
                    with_key=spender.with_key,
                )
                (outcome,) = await post(transaction, tenant_id, [command], desk.clock.of_ledger)
                outcome.unwrap()
            await insert_job(transaction, tenant_id, new)
            return None

    return await retrying(attempt)


async def _known(transaction: Transaction, tenant_id: UUID, new: NewJob) -> Job | None:
    if new.request_key is None:
        return None
    job = await find_job_of_request(transaction, tenant_id, new.request_key)
    if job is None:
        return None
    if job.fingerprint != new.fingerprint:
        raise Refusal("key_reused", "This key was used for a different request.", field="key")
    if job.provider_job_id is None and job.state.is_ended:
        await release_request_key(transaction, tenant_id, job.job_id)
        return None
    if job.provider_job_id is None:
        raise Refusal(
            "task_not_ready",
            "This was asked for a moment ago, and the provider has not answered yet.",
            task_id=public_id("provider_job", job.job_id),
        )
    return job


async def _ask_all(
    desk: Desk,
    tenant_id: UUID,
    new: NewJob,
    wish: JobWish,
    candidates: Sequence[Candidate],
    goes_elsewhere: frozenset[int],
) -> Submitted | Refused:
    refused = Refused(candidates[0], None, {}, b"", "Nobody who runs this model could be reached.")
    for candidate in candidates:
        answered = await _ask(candidate, wish)
        if isinstance(answered, Refused):
            refused = answered
            status = answered.status
            if status is None or status >= 500 or status in goes_elsewhere:
                continue
            break
        return Submitted(await _taken(desk, tenant_id, new.job_id, candidate, answered), replayed=False)
    ending = Ending(JobState.FAILED, fault=refused.why, status=refused.status)
    await end_job(desk, tenant_id, new.job_id, ending)
    return refused


async def _ask(candidate: Candidate, wish: JobWish) -> bytes | Refused:
    """What the provider said when it took the job on."""
    try:
        async with asyncio.timeout(SUBMIT_SECONDS_MAX), candidate.provider.asked(wish.sent(candidate)) as answer:
            body = await whole_body(answer.pieces())
            if 200 <= answer.status < 300 and id_in(body) is not None:
                return body
            why = f"The provider answered with status {answer.status}."
            status = answer.status if answer.status >= 300 else 502
            return Refused(candidate, status, dict(answer.headers), body, why)
    except (ProviderUnreachable, ProviderBroke, TimeoutError) as fault:
        return Refused(candidate, None, {}, b"", str(fault) or "The provider could not be reached.")


async def whole_body(pieces: AsyncIterator[bytes]) -> bytes:
    """A short answer, whole. Raises `ProviderBroke`, also for one that is not short."""
    kept = bytearray()
    async for piece in pieces:
        kept += piece
        if len(kept) > ANSWER_BYTES_MAX:
            raise ProviderBroke("the answer is larger than anything that is expected")
    return bytes(kept)


async def _taken(desk: Desk, tenant_id: UUID, job_id: UUID, candidate: Candidate, said: bytes) -> Job:
    provider_job_id = id_in(said)
    assert provider_job_id is not None, "what has no id was not taken"

    async def attempt() -> Job:
        now: datetime = desk.clock.now()
        async with writing(desk.tenants, tenant_id) as transaction:
            await update_job_taken(
                transaction,
                tenant_id,
                job_id,
                provider=candidate.provider_name,
                provider_model=candidate.model,
                provider_job_id=provider_job_id,
                price_id=None if candidate.priced is None else candidate.priced.price.price_id,
                is_simulated=candidate.is_simulated,
                said=said.decode("utf-8", "replace"),
                now=now,
                next_poll_at=now + PAUSE_MIN,
            )
            job = await find_job(transaction, tenant_id, job_id)
            assert job is not None, "what was written down is there"
            return job

    return await retrying(attempt)
