"""Noticing what is low: a tenant's pool, and what its members have left, each told once until it has risen again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from bursar.actions.desk import Asked, Desk, Subject, Told, record_all
from bursar.db.transaction import Transaction, retrying, writing
from bursar.domain.credits import Credits
from bursar.domain.permissions import SYSTEM
from bursar.ledger import list_low_members, pool_figures
from bursar.store.alerts import Marks, Span, delete_other_alerts, insert_alerts, lock_marks

MEMBERS_AT_ONCE = 2_000
"""Members looked at in one transaction. All of them may be low at once, and then as many events are written."""


@dataclass(frozen=True)
class Looked:
    """One look at a part of a tenant: whether the tenant was free to be looked at, how many were told, and the last
    member who was looked at; None after all of them."""

    was_free: bool
    told_count: int = 0
    until: UUID | None = None


@dataclass(frozen=True)
class Low:
    """What is low: the kind of its event, what it is about, what the event calls the amount, and the mark."""

    kind: str
    noun: str
    fact: str
    mark: Credits | None


async def look_at_pool(desk: Desk, tenant_id: UUID) -> Looked:
    """Tells the admins when the pool has fallen below its mark, once; forgets it when the pool is at its mark again.

    Rule: NOTIFY-8
    """

    async def look(transaction: Transaction, marks: Marks) -> Looked:
        available = (await pool_figures(transaction, tenant_id, desk.clock.of_ledger)).available
        mark = marks.pool
        low = Low("pool_low", "tenant", "available", mark)
        amounts = {tenant_id: available} if mark is not None and available < mark else {}
        return await _tell_new(transaction, desk, tenant_id, low, amounts, Span(None, None))

    return await _looking(desk, tenant_id, look)


async def look_at_members(desk: Desk, tenant_id: UUID, *, after: UUID | None) -> Looked:
    """The same for what active members have left, for some members after `after`.

    Rule: NOTIFY-9
    """

    async def look(transaction: Transaction, marks: Marks) -> Looked:
        mark = marks.balance
        low = Low("balance_low", "member", "remaining", mark)
        if mark is None:
            return await _tell_new(transaction, desk, tenant_id, low, {}, Span(after, None))
        found = await list_low_members(
            transaction, tenant_id, mark, desk.clock.now(), after=after, limit=MEMBERS_AT_ONCE
        )
        return await _tell_new(transaction, desk, tenant_id, low, found.remaining, Span(after, found.until))

    return await _looking(desk, tenant_id, look)


async def _looking(desk: Desk, tenant_id: UUID, look: Callable[[Transaction, Marks], Awaitable[Looked]]) -> Looked:
    """Looks in a transaction of its own, unless another process looks at the tenant, or changes it, at this moment."""

    async def attempt() -> Looked:
        async with writing(desk.tenants, tenant_id) as transaction:
            marks = await lock_marks(transaction, tenant_id)
            return Looked(was_free=False) if marks is None else await look(transaction, marks)

    return await retrying(attempt)


async def _tell_new(
    transaction: Transaction, desk: Desk, tenant_id: UUID, low: Low, amounts: Mapping[UUID, Credits], span: Span
) -> Looked:
    """Leaves an event for each of these that was not low before, and forgets those in the span that are low no more."""
    ids = list(amounts)
    new = await insert_alerts(transaction, tenant_id, low.kind, ids, now=desk.clock.now()) if ids else set()
    await delete_other_alerts(transaction, tenant_id, low.kind, ids, span=span)
    told = [
        Told(low.kind, Subject(low.noun, one), detail={low.fact: str(amounts[one]), "mark": str(low.mark)})
        for one in ids
        if one in new
    ]
    await record_all(transaction, desk, Asked(SYSTEM), tenant_id, told)
    return Looked(was_free=True, told_count=len(new), until=span.until)
