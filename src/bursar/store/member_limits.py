"""What bounds the members of a tenant, as columns hold it: a number, -1 for unlimited, null to inherit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.call_limits import MemberLimits
from bursar.store.key_limits import count_limit, stored_limit


async def find_member_limits(transaction: Transaction, tenant_id: UUID) -> MemberLimits | None:
    """What bounds each member of the tenant."""
    row = await transaction.fetchrow(
        """
        select member_requests_per_minute, member_tokens_per_minute, member_calls_at_once
        from tenants
        where tenant_id = $1
        """,
        tenant_id,
    )
    return None if row is None else member_limits_of(row)


async def lock_member_limits(transaction: Transaction, tenant_id: UUID) -> MemberLimits | None:
    """The same, kept from changing until the transaction ends."""
    row = await transaction.fetchrow(
        """
        select member_requests_per_minute, member_tokens_per_minute, member_calls_at_once
        from tenants
        where tenant_id = $1
        for no key update
        """,
        tenant_id,
    )
    return None if row is None else member_limits_of(row)


async def update_member_limits(transaction: Transaction, tenant_id: UUID, limits: MemberLimits) -> None:
    """Replaces what bounds each member of the tenant."""
    await transaction.execute(
        """
        update tenants
        set member_requests_per_minute = $2, member_tokens_per_minute = $3, member_calls_at_once = $4
        where tenant_id = $1
        """,
        tenant_id,
        stored_limit(limits.requests_per_minute),
        stored_limit(limits.tokens_per_minute),
        stored_limit(limits.calls_at_once),
    )


def member_limits_of(row: Any) -> MemberLimits:
    """The limits in a row that has the tenant's columns."""
    return MemberLimits(
        requests_per_minute=count_limit(row["member_requests_per_minute"]),
        tokens_per_minute=count_limit(row["member_tokens_per_minute"]),
        calls_at_once=count_limit(row["member_calls_at_once"]),
    )
