"""Which members have little left, over all members of a tenant: for who tells them.

What a member has left is read here in SQL, since a hundred thousand rows are too many to load. It is the same figure as
`remaining` in `balances`, also of rows that nobody touched since the last rollover; a test compares the two.

Rule: CYCLE-5, NOTIFY-8
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits

_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class LowMembers:
    """Those of some members who have less left than asked for, and the last who was looked at; None after all."""

    remaining: dict[UUID, Credits]
    until: UUID | None


@dataclass(frozen=True, slots=True)
class Turn:
    """By which two looks at a tenant's books can be told to have found the same: the number of its last batch, and
    whether a cycle has ended since that nobody has posted the end of."""

    batch_number: int
    has_ended_cycle: bool


async def list_low_members(
    transaction: Transaction, tenant_id: UUID, mark: Credits, now: datetime, *, after: UUID | None, limit: int
) -> LowMembers:
    """Active members who were given credits and have less than `mark` left, of `limit` members after `after`.

    Who spends from the pool has nothing of their own to run out of.
    """
    start = after or _FIRST
    until: UUID | None = await transaction.fetchval(_FIND_END, tenant_id, start, limit - 1)
    records = await transaction.fetch(_LIST_LOW, tenant_id, start, until or _LAST, mark.micro, now)
    return LowMembers({record["member_id"]: Credits(record["remaining"]) for record in records}, until)


async def list_turns(platform_transaction: Transaction, tenant_ids: Sequence[UUID], now: datetime) -> dict[UUID, Turn]:
    """Where the books of these tenants are. Asked by the platform's role."""
    records = await platform_transaction.fetch(_LIST_TURNS, list(tenant_ids), now)
    return {record["tenant_id"]: Turn(record["batch_number"], record["has_ended_cycle"]) for record in records}


# Both of these enter the index of members with credits, and nothing else can be entered for them.
_FIND_END = """
select wallet.member_id
from bursar.ledger_wallets as wallet
where wallet.tenant_id = $1
  and wallet.member_id > $2
  and wallet.has_credits
  and wallet.status <> 'deleted'
order by wallet.member_id
offset $3
limit 1
"""

# The control row is read in the same statement, so that no rollover comes between the two.
_LIST_LOW = """
select low.member_id, low.remaining
from (
  select
    wallet.member_id,
    case
      when wallet.epoch = control.epoch and greatest($5, control.last_posted_at) < control.epoch_ends_at
      then wallet.allowance_micro - wallet.allowance_held_micro
      else wallet.monthly_micro
    end + wallet.balance_micro - wallet.balance_held_micro as remaining
  from bursar.ledger_control as control
  join bursar.ledger_wallets as wallet on wallet.tenant_id = control.tenant_id
  where control.tenant_id = $1
    and wallet.tenant_id = $1
    and wallet.member_id > $2
    and wallet.member_id <= $3
    and wallet.has_credits
    and wallet.status <> 'deleted'
    and wallet.status = 'active'
    and not wallet.spends_pool
) as low
where low.remaining < $4
order by low.member_id
"""

_LIST_TURNS = """
select control.tenant_id, control.batch_number, control.epoch_ends_at <= $2 as has_ended_cycle
from bursar.ledger_control as control
where control.tenant_id = any($1::uuid[])
"""
