"""How an action moves credits: one transaction that holds the ledger's posting and the event that tells of it."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from bursar.actions.desk import Asked, Desk, Told, record
from bursar.actions.once import Done
from bursar.db.transaction import retrying, writing
from bursar.ledger import Answer, Command, Outcome, post

Kind = TypeVar("Kind", bound=Answer)


async def post_and_tell(
    desk: Desk, asked: Asked, tenant_id: UUID, command: Command, answer_type: type[Kind], *, told: Told
) -> Done[Kind]:
    """Posts one command and leaves its event in the same transaction. Raises the ledger's refusal.

    A refusal is raised only after the commit, because the ledger remembers it for its key.
    """

    async def attempt() -> Outcome:
        async with writing(desk.tenants, tenant_id) as transaction:
            (outcome,) = await post(transaction, tenant_id, [command], desk.clock.of_ledger)
            if outcome.refusal is None and not outcome.replayed:
                await record(transaction, desk, asked, tenant_id, told)
        return outcome

    return posted(await retrying(attempt), answer_type)


def posted(outcome: Outcome, answer_type: type[Kind]) -> Done[Kind]:
    """The outcome as the one answer that its command can have; raises its refusal."""
    answer = outcome.unwrap()
    assert isinstance(answer, answer_type)
    return Done(answer, outcome.replayed)
