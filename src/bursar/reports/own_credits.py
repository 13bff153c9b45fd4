"""What somebody has: a member of its own, a tenant admin of the tenant's."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.credits import Credits
from bursar.domain.figures import assigned_to
from bursar.ledger import Clock, CycleFigures, MemberFigures, TenantFigures, member_balance, tenant_figures
from bursar.store.credit_requests import count_open_requests


@dataclass(frozen=True)
class OwnCredits:
    """One person's figures and, of the same moment, those of the tenant; how many requests wait to be decided."""

    member: MemberFigures
    tenant: TenantFigures
    open_requests: int

    @property
    def cycle(self) -> CycleFigures:
        """The running cycle."""
        return self.tenant.cycle

    @property
    def total(self) -> Credits:
        """What a member was given in all and not taken back or lapsed."""
        member = self.member
        return assigned_to(remaining=member.remaining, held=member.held, consumed=member.consumed)

    @property
    def shared(self) -> Credits:
        """What the group's budget adds to a member's own, where it is shared."""
        return self.member.spendable - self.member.remaining


async def see_own_credits(database: Database, tenant_id: UUID, member_id: UUID, clock: Clock) -> OwnCredits:
    """What this person has. Refuses `tenant_unknown`, `member_unknown`.

    Rule: FIGURE-8
    """
    async with reading(database, tenant_id) as transaction:
        return await own_credits_of(transaction, tenant_id, member_id, clock)


async def own_credits_of(transaction: Transaction, tenant_id: UUID, member_id: UUID, clock: Clock) -> OwnCredits:
    """The same, of a moment that more is read of. Refuses `tenant_unknown`, `member_unknown`."""
    return OwnCredits(
        await member_balance(transaction, tenant_id, member_id, clock),
        await tenant_figures(transaction, tenant_id, clock),
        await count_open_requests(transaction, tenant_id, member_id),
    )
