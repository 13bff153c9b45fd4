"""Jobs of providers, put in place without asking one that does anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from bursar.actions.catalogue import Candidate
from bursar.actions.desk import Desk
from bursar.actions.job_submissions import JobWish, Submitted, submit_job
from bursar.actions.model_calls import Spender
from bursar.domain.call_sizes import AdmissionPolicy
from bursar.domain.costs import ONE, PARTS_PER_DOLLAR, Cost, Factor
from bursar.domain.provider_jobs import JobKind
from bursar.outside.providers import ProviderCall
from bursar.store.callers import Terms

CREDIT_FACTOR = Factor(100 * ONE.ten_thousandths)


@dataclass
class Taken:
    """What a provider said."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    async def pieces(self) -> AsyncIterator[bytes]:
        yield self.body


@dataclass
class Taking:
    """A provider that takes everything on, and says what it is told to say."""

    name: str = "taking"
    secrets: tuple[str, ...] = ()
    said: bytes = b'{"id":"batch_theirs","status":"validating"}'
    status: int = 200
    asked_for: list[ProviderCall] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, bytes]:
        """What it says at this path."""
        del path
        return self.status, self.said

    @asynccontextmanager
    async def asked(self, call: ProviderCall) -> AsyncIterator[Taken]:
        self.asked_for.append(call)
        yield Taken(*self.answer(call.path))


def spender_of(tenant_id: UUID, member_id: UUID, group_id: UUID, *, credit_factor: Factor = CREDIT_FACTOR) -> Spender:
    """A member who pays for jobs, with no key."""
    return Spender(tenant_id, member_id, Terms(group_id, credit_factor, ONE, AdmissionPolicy.OVERDRAFT, "UTC", None))


def asking(provider: Taking) -> Candidate:
    """The provider as somebody who can be asked."""
    return Candidate(provider, provider.name, "their-model", None, is_simulated=False)


def wish_of(*, cents: int = 1, once: str | None = None) -> JobWish:
    """A batch of calls that may cost so many cents."""
    return JobWish(
        kind=JobKind.BATCH,
        model="some-model",
        cost=lambda _: Cost(cents * PARTS_PER_DOLLAR // 100),
        sent=lambda _: ProviderCall(path="/batches", body=b"{}"),
        asked=b"a batch",
        once=once,
    )


async def job_of(
    desk: Desk,
    tenant_id: UUID,
    member_id: UUID,
    group_id: UUID,
    *,
    provider: Taking | None = None,
    credit_factor: Factor = CREDIT_FACTOR,
) -> UUID:
    """A batch of calls that a member asked for, held for with a cent, and taken on."""
    spender = spender_of(tenant_id, member_id, group_id, credit_factor=credit_factor)
    candidate = asking(provider or Taking())
    submitted = await submit_job(desk, spender, wish_of(), [candidate], goes_elsewhere=frozenset())
    assert isinstance(submitted, Submitted)
    return submitted.job.job_id
