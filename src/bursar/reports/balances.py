"""What everybody has, as of one moment: the one place that shows a row nobody touched since its cycle ended.

A cycle's end touches the control row only, and even that only when something is posted. So a reader works out which
cycle runs now, and shows every row that is behind as it will be once it is touched: its allowance renewed, its use at
nothing.

Rule: CYCLE-5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.cycles import Cadence, advance
from bursar.domain.refusals import Refusal


@dataclass(frozen=True)
class Running:
    """The cycle that runs now, and the tenant's totals in it."""

    epoch: int
    stored_epoch: int
    cadence: str
    time_zone: str
    started_at: datetime
    ends_at: datetime
    per_cycle: Credits
    plan: Credits
    used: Credits
    pool: Credits
    pool_held: Credits
    issued: Credits
    expired: Credits
    consumed: Credits
    available: Credits


@dataclass(frozen=True)
class Purse:
    """One member's credits. Without `remaining` and `extra` for a tenant admin, who spends from the pool."""

    member_id: UUID
    spends_pool: bool
    monthly: Credits
    allowance: Credits
    balance: Credits
    held: Credits
    used: Credits
    consumed: Credits

    @property
    def remaining(self) -> Credits | None:
        """What the member can still use of its own."""
        return None if self.spends_pool else self.allowance + self.balance - self.held

    @property
    def extra(self) -> Credits | None:
        """What the member has had this cycle beyond its monthly allowance."""
        return None if self.spends_pool else self.allowance + self.balance + self.used - self.monthly


async def see_running(transaction: Transaction, tenant_id: UUID, *, now: datetime) -> Running:
    """The tenant's cycle and totals. Refuses `tenant_unknown`."""
    row = await transaction.fetchrow(
        """
        select epoch, epoch_started_at, epoch_ends_at, cadence, time_zone, per_cycle_micro, plan_micro,
               groups_monthly_micro, epoch_used_micro, pool_micro, pool_held_micro, pot_micro, pot_held_micro,
               pot_previous_micro, groups_micro, members_micro, issued_micro, expired_micro, consumed_micro
        from ledger_control
        where tenant_id = $1
        """,
        tenant_id,
    )
    if row is None:
        raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
    span = advance(row["epoch_started_at"], row["epoch_ends_at"], Cadence(row["cadence"]), row["time_zone"], now)
    is_behind = span.passed > 0
    per_cycle = row["per_cycle_micro"]
    lapsed = row["pot_micro"] - row["pot_held_micro"] + (span.passed - 1) * per_cycle if is_behind else 0
    issued = -row["issued_micro"] + span.passed * per_cycle
    expired = row["expired_micro"] + lapsed
    return Running(
        epoch=row["epoch"] + span.passed,
        stored_epoch=row["epoch"],
        cadence=row["cadence"],
        time_zone=row["time_zone"],
        started_at=span.started_at,
        ends_at=span.ends_at,
        per_cycle=Credits(per_cycle),
        plan=Credits(per_cycle - row["groups_monthly_micro"] if is_behind else row["plan_micro"]),
        used=Credits(0 if is_behind else row["epoch_used_micro"]),
        pool=Credits(row["pool_micro"]),
        pool_held=Credits(row["pool_held_micro"]),
        issued=Credits(issued),
        expired=Credits(expired),
        consumed=Credits(row["consumed_micro"]),
        available=Credits(issued - expired - row["consumed_micro"]),
    )


async def list_purses(
    transaction: Transaction, tenant_id: UUID, member_ids: Sequence[UUID], *, epoch: int
) -> dict[UUID, Purse]:
    """What these members have in the cycle of this number, by member."""
    rows = await transaction.fetch(
        """
        select member_id, spends_pool, epoch, monthly_micro, allowance_micro, allowance_held_micro, balance_micro,
               balance_held_micro, used_micro, consumed_micro
        from ledger_wallets
        where tenant_id = $1
          and member_id = any($2::uuid[])
        """,
        tenant_id,
        list(member_ids),
    )
    purses = {}
    for row in rows:
        is_behind = row["epoch"] < epoch
        held = row["balance_held_micro"] + (0 if is_behind else row["allowance_held_micro"])
        purses[row["member_id"]] = Purse(
            member_id=row["member_id"],
            spends_pool=row["spends_pool"],
            monthly=Credits(row["monthly_micro"]),
            allowance=Credits(row["monthly_micro"] if is_behind else row["allowance_micro"]),
            balance=Credits(row["balance_micro"]),
            held=Credits(held),
            used=Credits(0 if is_behind else row["used_micro"]),
            consumed=Credits(row["consumed_micro"]),
        )
    return purses
