"""Whose hold it is: the one thing about a hold that is asked before the ledger is."""

from __future__ import annotations

from uuid import UUID

from bursar.db.transaction import Transaction


async def find_hold_member(transaction: Transaction, tenant_id: UUID, hold_id: UUID) -> UUID | None:
    """The member whose credits this hold of the tenant keeps."""
    member_id: UUID | None = await transaction.fetchval(
        """
        select member_id
        from ledger_holds
        where tenant_id = $1
          and hold_id = $2
        """,
        tenant_id,
        hold_id,
    )
    return member_id
