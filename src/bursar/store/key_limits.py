"""What limits keys, as columns hold it: a number, -1 for unlimited, null to inherit. And what keys inherit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.api_keys import INHERIT, UNLIMITED, CountLimit, CreditsLimit, KeyLimits, LimitWord
from bursar.domain.credits import Credits

_UNLIMITED = -1


async def find_tenant_key_limits(transaction: Transaction, tenant_id: UUID) -> KeyLimits | None:
    """What the tenant's keys inherit."""
    row = await transaction.fetchrow(
        """
        select key_requests_per_minute as t_requests_per_minute, key_tokens_per_minute as t_tokens_per_minute,
               key_calls_at_once as t_calls_at_once, key_per_cycle_micro as t_per_cycle_micro,
               key_in_total_micro as t_in_total_micro
        from tenants
        where tenant_id = $1
        """,
        tenant_id,
    )
    return None if row is None else limits_of(row, "t")


async def lock_tenant_key_limits(transaction: Transaction, tenant_id: UUID) -> KeyLimits | None:
    """The same, kept from changing until the transaction ends."""
    row = await transaction.fetchrow(
        """
        select key_requests_per_minute as t_requests_per_minute, key_tokens_per_minute as t_tokens_per_minute,
               key_calls_at_once as t_calls_at_once, key_per_cycle_micro as t_per_cycle_micro,
               key_in_total_micro as t_in_total_micro
        from tenants
        where tenant_id = $1
        for no key update
        """,
        tenant_id,
    )
    return None if row is None else limits_of(row, "t")


async def update_tenant_key_limits(transaction: Transaction, tenant_id: UUID, limits: KeyLimits) -> None:
    """Replaces what the tenant's keys inherit."""
    await transaction.execute(
        """
        update tenants
        set key_requests_per_minute = $2, key_tokens_per_minute = $3, key_calls_at_once = $4,
            key_per_cycle_micro = $5, key_in_total_micro = $6
        where tenant_id = $1
        """,
        tenant_id,
        *stored_limits(limits),
    )


def stored_limits(limits: KeyLimits) -> tuple[int | None, ...]:
    """The limits as columns hold them, in their order."""
    return tuple(
        stored_limit(limit)
        for limit in (
            limits.requests_per_minute,
            limits.tokens_per_minute,
            limits.calls_at_once,
            limits.credits_per_cycle,
            limits.credits_in_total,
        )
    )


def limits_of(row: Any, alias: str) -> KeyLimits:
    """The limits in columns that begin with this letter."""
    return KeyLimits(
        requests_per_minute=count_limit(row[f"{alias}_requests_per_minute"]),
        tokens_per_minute=count_limit(row[f"{alias}_tokens_per_minute"]),
        calls_at_once=count_limit(row[f"{alias}_calls_at_once"]),
        credits_per_cycle=_credits(row[f"{alias}_per_cycle_micro"]),
        credits_in_total=_credits(row[f"{alias}_in_total_micro"]),
    )


def stored_limit(limit: CountLimit | CreditsLimit) -> int | None:
    """One limit as a column holds it."""
    if isinstance(limit, LimitWord):
        return None if limit is LimitWord.INHERIT else _UNLIMITED
    return limit.micro if isinstance(limit, Credits) else limit


def count_limit(stored: int | None) -> CountLimit:
    """One limit of how often, or how much at once, out of its column."""
    if stored is None:
        return INHERIT
    return UNLIMITED if stored == _UNLIMITED else stored


def _credits(stored: int | None) -> CreditsLimit:
    if stored is None:
        return INHERIT
    return UNLIMITED if stored == _UNLIMITED else Credits(stored)
