"""What the clock asks of the ledger: tenants whose cycle has ended, and holds that nobody settled in time.

`now` is the ledger's time. Asking changes nothing: whoever acts on the answer submits a command, and the core looks
again under the lock. Read next: `core/cycles`, `core/holds`.

Rule: CYCLE-3
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction

TENANTS_MAX = 1_000
"""The most tenants named at once; the rest are named the next time, when these have been seen to."""

HOLDS_MAX = 1_000
"""The most holds named at once: what one posting round takes."""

HOLDS_COUNTED_MAX = 100_000
"""Far more calls than can be under way at once; who counts to here need not know how many more there are."""

REFUSALS_MAX = 10_000
"""The most refusals forgotten in one transaction; the rest are forgotten the next time."""


@dataclass(frozen=True, slots=True)
class Due:
    """Tenants that have something to be done, longest overdue cycles first."""

    with_ended_cycle: tuple[UUID, ...]
    with_holds_past_deadline: tuple[UUID, ...]


async def due(platform_transaction: Transaction, now: datetime) -> Due:
    """Which tenants need `EndDueCycle`, and which have holds for `ExpireHold`. Asked by the platform's role."""
    ended = await platform_transaction.fetch(_LIST_ENDED_CYCLES, now, TENANTS_MAX)
    expired = await platform_transaction.fetch(_LIST_TENANTS_WITH_EXPIRED_HOLDS, now, TENANTS_MAX)
    return Due(
        with_ended_cycle=tuple(record["tenant_id"] for record in ended),
        with_holds_past_deadline=tuple(record["tenant_id"] for record in expired),
    )


async def holds_past_deadline(
    transaction: Transaction, tenant_id: UUID, now: datetime, *, limit: int = HOLDS_MAX
) -> list[UUID]:
    """The tenant's open holds whose deadline has passed, longest overdue first."""
    records = await transaction.fetch(_LIST_EXPIRED_HOLDS, tenant_id, now, max(1, min(limit, HOLDS_MAX)))
    return [record["hold_id"] for record in records]


async def count_open_holds(platform_transaction: Transaction) -> int:
    """How many holds are open, of all tenants together; at most `HOLDS_COUNTED_MAX`. Asked by the platform's role."""
    count: int = await platform_transaction.fetchval(_COUNT_OPEN_HOLDS, HOLDS_COUNTED_MAX)
    return count


async def forget_refusals(transaction: Transaction, tenant_id: UUID, now: datetime) -> int:
    """Remove remembered refusals of the tenant whose day is over, longest over first; returns how many, up to a bound.

    The core has not looked at them since (see `decide`), so nothing changes but the room they took.

    Rule: COMMAND-5
    """
    return len(await transaction.fetch(_DELETE_FORGOTTEN, tenant_id, now, REFUSALS_MAX))


_DELETE_FORGOTTEN = """
delete from bursar.ledger_commands as stored
where stored.tenant_id = $1
  and stored.key = any(array(
    select over.key
    from bursar.ledger_commands as over
    where over.tenant_id = $1
      and over.forget_at <= $2
    order by over.forget_at
    limit $3
  ))
  and stored.forget_at <= $2
returning 1
"""

_LIST_ENDED_CYCLES = """
select control.tenant_id
from bursar.ledger_control as control
where control.epoch_ends_at <= $1
order by control.epoch_ends_at
limit $2
"""

# One probe of the small index of open holds for each tenant.
_LIST_TENANTS_WITH_EXPIRED_HOLDS = """
select control.tenant_id
from bursar.ledger_control as control
where exists (
  select from bursar.ledger_holds as hold
  where hold.tenant_id = control.tenant_id
    and hold.state = 'open'
    and hold.expires_at <= $1
)
order by control.tenant_id
limit $2
"""

# The small index of open holds alone answers this.
_COUNT_OPEN_HOLDS = """
select count(*)
from (
  select hold.tenant_id
  from bursar.ledger_holds as hold
  where hold.state = 'open'
  limit $1
) as open_hold
"""

_LIST_EXPIRED_HOLDS = """
select hold.hold_id
from bursar.ledger_holds as hold
where hold.tenant_id = $1
  and hold.state = 'open'
  and hold.expires_at <= $2
order by hold.expires_at
limit $3
"""
