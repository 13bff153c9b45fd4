"""Tenants with books for tests of the ledger: members, groups and credits, opened the way the product opens them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from bursar import ledger
from bursar.db.engine import Database
from bursar.db.transaction import writing
from bursar.domain.credits import Credits

CREDIT: Final = 1_000_000


@dataclass(frozen=True)
class Tenancy:
    """A tenant's ids, and who acts in it."""

    tenant_id: UUID
    group_id: UUID
    member_ids: list[UUID]
    actor_id: UUID

    @property
    def member_id(self) -> UUID:
        """The first member."""
        return self.member_ids[0]


def whole_credits(amount: int) -> Credits:
    """Whole credits."""
    return Credits(amount * CREDIT)


def real_time(now: datetime) -> datetime:
    """The clock that leaves the database's time as it is."""
    return now


async def open_tenancy(database: Database, *, members: int, pool: int, balance: int) -> Tenancy:
    """A tenant whose pool keeps `pool` credits after each of its members has been given `balance`."""
    tenancy = Tenancy(uuid7(), uuid7(), [uuid7() for _ in range(members)], uuid7())
    granted = pool + members * balance
    commands: list[ledger.Command] = [
        ledger.OpenWallet(actor_id=tenancy.actor_id, member_id=member_id, group_id=tenancy.group_id)
        for member_id in tenancy.member_ids
    ]
    if granted:
        commands.append(transfer(tenancy, "grant", granted))
    if balance:
        commands += [transfer(tenancy, "allocation", balance, member_id) for member_id in tenancy.member_ids]
    async with writing(database, tenancy.tenant_id) as tx:
        await tx.execute(
            "insert into tenants (tenant_id, name, status, created_at) values ($1, $2, 'active', now())",
            tenancy.tenant_id,
            f"Tenant {tenancy.tenant_id}",
        )
        await ledger.open_books(
            tx,
            tenancy.tenant_id,
            default_group_id=tenancy.group_id,
            cadence="calendar_month",
            time_zone="UTC",
            now=datetime.now(UTC),
        )
    await post(database, tenancy, *commands)
    return tenancy


async def post(database: Database, tenancy: Tenancy, *commands: ledger.Command) -> list[ledger.Answer]:
    """Post within a transaction of its own; a refusal is raised."""
    async with writing(database, tenancy.tenant_id) as tx:
        outcomes = await ledger.post(tx, tenancy.tenant_id, commands, real_time)
    return [outcome.unwrap() for outcome in outcomes]


def transfer(
    tenancy: Tenancy, kind: str, amount: int, member_id: UUID | None = None, *, key: str | None = None
) -> ledger.Transfer:
    """A transfer of whole credits."""
    return ledger.Transfer(
        actor_id=tenancy.actor_id,
        transfer_id=uuid7(),
        kind=kind,
        amount=whole_credits(amount),
        member_id=member_id,
        key=key,
    )


def hold(tenancy: Tenancy, amount: int, member_id: UUID | None = None, *, seconds: int = 600) -> ledger.OpenHold:
    """A hold of whole credits, of the first member unless another is named."""
    return ledger.OpenHold(
        actor_id=tenancy.actor_id,
        hold_id=uuid7(),
        member_id=member_id or tenancy.member_id,
        amount=whole_credits(amount),
        seconds=seconds,
    )
