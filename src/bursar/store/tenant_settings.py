"""What organisations have chosen for themselves. What becomes of expired holds is kept by the ledger."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.settings import TenantSettings

_SELECT = """
select display, contact, admission, credit_factor_micro, signup_credits_micro, low_pool_micro, low_balance_micro
from tenants
where tenant_id = $1
"""


async def get_tenant_settings(
    transaction: Transaction, tenant_id: UUID, *, expired_holds: str
) -> TenantSettings | None:
    """The organisation's choices, with what its books say about expired holds."""
    row = await transaction.fetchrow(_SELECT, tenant_id)
    return None if row is None else _settings(row, expired_holds)


async def lock_tenant_settings(
    transaction: Transaction, tenant_id: UUID, *, expired_holds: str
) -> TenantSettings | None:
    """The same, which nobody else changes until the transaction ends."""
    row = await transaction.fetchrow(f"{_SELECT}for no key update", tenant_id)
    return None if row is None else _settings(row, expired_holds)


async def update_tenant_settings(transaction: Transaction, tenant_id: UUID, settings: TenantSettings) -> None:
    """Writes the organisation's choices, but for what the ledger keeps."""
    await transaction.execute(
        """
        update tenants
        set display = $2,
            contact = $3,
            credit_factor_micro = $4,
            signup_credits_micro = $5,
            low_pool_micro = $6,
            low_balance_micro = $7,
            admission = $8
        where tenant_id = $1
        """,
        tenant_id,
        settings.display,
        settings.contact,
        settings.credit_factor.micro,
        settings.signup_credits.micro,
        None if settings.low_pool is None else settings.low_pool.micro,
        None if settings.low_balance is None else settings.low_balance.micro,
        settings.admission,
    )


async def get_signup_credits(transaction: Transaction, tenant_id: UUID) -> Credits:
    """What somebody who joins the organisation is to be given."""
    micro = await transaction.fetchval(
        """
        select signup_credits_micro
        from tenants
        where tenant_id = $1
        """,
        tenant_id,
    )
    return Credits(int(micro))


def _settings(row: Any, expired_holds: str) -> TenantSettings:
    return TenantSettings(
        display=row["display"],
        contact=row["contact"],
        expired_holds=expired_holds,
        admission=row["admission"],
        credit_factor=Credits(row["credit_factor_micro"]),
        signup_credits=Credits(row["signup_credits_micro"]),
        low_pool=_or_none(row["low_pool_micro"]),
        low_balance=_or_none(row["low_balance_micro"]),
    )


def _or_none(micro: int | None) -> Credits | None:
    return None if micro is None else Credits(micro)
