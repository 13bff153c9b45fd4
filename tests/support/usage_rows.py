"""Rows of usage, as the gateway writes them, and the figures of their days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import writing
from bursar.domain.calls import Call, CallOutcome
from bursar.domain.costs import ONE, Cost, Usage
from bursar.domain.prices import Service
from bursar.ledger import SettleHold
from bursar.store.call_days import add_batches, ensure_mark, get_last_batch, set_mark


def usage_row(settled: SettleHold, *, member_id: UUID, key_id: UUID | None = None) -> Call:
    """What the call used that is settled so."""
    return Call(
        call_id=settled.hold_id,
        member_id=member_id,
        group_id=UUID(int=1),
        key_id=key_id,
        endpoint="chat.completions",
        model="simulated-small",
        provider="simulated",
        provider_model="simulated-small",
        is_streamed=False,
        is_simulated=True,
        started_at=datetime(2026, 3, 1, tzinfo=UTC),
        ended_at=datetime(2026, 3, 1, tzinfo=UTC),
        day=date(2026, 3, 1),
        outcome=CallOutcome.DELIVERED,
        usage=Usage(input_tokens=100, output_tokens=20),
        is_estimated=False,
        price_id=None,
        service=Service.STANDARD,
        cost=Cost(0),
        credit_factor=ONE,
        price_factor=ONE,
        credits=settled.cost,
        held=settled.cost,
        total_ms=12,
    )


async def add_up(database: Database, tenant_id: UUID) -> None:
    """Adds up all calls that there are, of a tenant whose calls were never added up."""
    async with writing(database, tenant_id) as transaction:
        last = await get_last_batch(transaction, tenant_id)
        await ensure_mark(transaction, tenant_id)
        await add_batches(transaction, tenant_id, after=0, until=last)
        await set_mark(transaction, tenant_id, last)
