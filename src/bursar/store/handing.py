"""Whether there is anybody to hand credits to, or to take them back from: each the first row of an index of its own."""

from __future__ import annotations

from uuid import UUID

from bursar.db.transaction import Transaction


async def has_recipient(transaction: Transaction, tenant_id: UUID, *, actor_id: UUID | None) -> bool:
    """Whether somebody of the tenant can be given credits by this person."""
    return bool(
        await transaction.fetchval(
            """
            select exists (
                select from members
                where tenant_id = $1
                  and status = 'active'
                  and role <> 'tenant_admin'
                  and member_id is distinct from $2
            )
            """,
            tenant_id,
            actor_id,
        )
    )


async def has_balances(transaction: Transaction, tenant_id: UUID) -> bool:
    """Whether somebody of the tenant has a balance above 0."""
    return bool(
        await transaction.fetchval(
            """
            select exists (
                select from bursar.ledger_wallets
                where tenant_id = $1
                  and has_balance
                  and status <> 'deleted'
            )
            """,
            tenant_id,
        )
    )
