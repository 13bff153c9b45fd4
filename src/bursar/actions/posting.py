"""How an action moves credits: one transaction that holds the ledger's posting and the event that tells of it.

An action that is one command of the ledger and nothing more is `post_and_tell`. One that tells what was before, or
writes other rows besides, looks with `locked_figures` and posts with `post_one` inside its own transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done
from bursar.db.transaction import Transaction, retrying, writing
from bursar.domain.credits import Credits
from bursar.domain.refusals import Refusal
from bursar.ledger import (
    Answer,
    Clock,
    Command,
    Outcome,
    TenantFigures,
    Transferred,
    lock_books,
    post,
    tenant_figures,
)

Kind = TypeVar("Kind", bound=Answer)


@dataclass(frozen=True)
class LevelSet:
    """A level that was set: what it was, and what it is."""

    before: Credits
    after: Credits


async def locked_figures(transaction: Transaction, desk: Desk, tenant_id: UUID) -> TenantFigures:
    """The tenant's figures, which nobody else changes until the transaction ends. Refuses `tenant_unknown`."""
    await lock_books(transaction, tenant_id)
    return await tenant_figures(transaction, tenant_id, desk.clock.of_ledger)


async def post_one(
    transaction: Transaction, desk: Desk, tenant_id: UUID, command: Command, answer_type: type[Kind]
) -> Kind:
    """Posts one command in a transaction that is under way. Raises the ledger's refusal."""
    (outcome,) = await post(transaction, tenant_id, [command], desk.clock.of_ledger)
    return posted(outcome, answer_type).answer


def held_still(clock: Clock) -> Clock:
    """The clock at the moment when it is first asked: for what is looked at and then posted, so that no cycle ends in
    between."""
    moments: list[datetime] = []

    def first(database_time: datetime) -> datetime:
        if not moments:
            moments.append(clock(database_time))
        return moments[0]

    return first


@contextmanager
def asked_as(**names: str) -> Iterator[None]:
    """Names the input at fault as the caller did, where the ledger calls it something else."""
    try:
        yield
    except Refusal as refusal:
        if refusal.field not in names:
            raise
        raise Refusal(refusal.code, refusal.detail, field=names[refusal.field], **refusal.facts) from refusal


async def post_and_tell(
    desk: Desk,
    asked: Asked,
    tenant_id: UUID,
    command: Command,
    answer_type: type[Kind],
    *,
    told: Told | Callable[[Kind], Told | None],
) -> Done[Kind]:
    """Posts one command and leaves its event in the same transaction. Raises the ledger's refusal.

    What is told may follow from the answer, such as what there was before; None says that nothing changed. A refusal
    is raised only after the commit, because the ledger remembers it for its key.

    Rule: AUDIT-1
    """

    async def attempt() -> Outcome:
        async with writing(desk.tenants, tenant_id) as transaction:
            (outcome,) = await post(transaction, tenant_id, [command], desk.clock.of_ledger)
            if outcome.refusal is None and not outcome.replayed:
                event = told if isinstance(told, Told) else told(posted(outcome, answer_type).answer)
                if event is not None:
                    await record(transaction, desk, asked, tenant_id, event)
        return outcome

    return posted(await retrying(attempt), answer_type)


def posted(outcome: Outcome, answer_type: type[Kind]) -> Done[Kind]:
    """The outcome as the one answer that its command can have; raises its refusal."""
    answer = outcome.unwrap()
    assert isinstance(answer, answer_type)
    return Done(answer, outcome.replayed)


def moved(
    subject: Subject,
    field: str,
    answer: Transferred,
    *,
    note: str | None,
    is_out: bool = False,
    detail: Mapping[str, str | None] | None = None,
    kind: str | None = None,
) -> Told:
    """The event of a transfer: how much, and what the account named in `field` held before and after.

    The account is the transfer's target, or its source where the credits went out of it. `detail` is told besides. The
    event is of the transfer's kind, unless there is one event for several.

    Rule: AUDIT-3
    """
    after = Credits(answer.source_after_micro if is_out else answer.target_after_micro)
    amount = Credits(answer.amount_micro)
    before = after + amount if is_out else after - amount
    changes = {field: Change(str(before), str(after))}
    return Told(kind or answer.kind, subject, note, {"amount": str(amount), **(detail or {})}, changes)
