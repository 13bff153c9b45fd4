"""What people prove who they are with, and what they may change of it themselves. Members only; the super admins have
a table of their own, see `platform_admins`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class Credentials:
    """What signing in needs to know about a member."""

    member_id: UUID
    username: str
    display_name: str
    email: str | None
    role: str
    status: str
    kind: str
    password_hash: str | None


async def find_credentials(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> Credentials | None:
    """The member with this id, with what the password is checked against."""
    row = await transaction.fetchrow(
        """
        select member_id, username, display_name, email, role, status, kind, password_hash
        from members
        where tenant_id = $1
          and member_id = $2
        """,
        tenant_id,
        member_id,
    )
    return None if row is None else Credentials(**dict(row))


async def lock_credentials(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> Credentials | None:
    """The same, held until the transaction ends, so that nobody changes it meanwhile."""
    row = await transaction.fetchrow(
        """
        select member_id, username, display_name, email, role, status, kind, password_hash
        from members
        where tenant_id = $1
          and member_id = $2
        for no key update
        """,
        tenant_id,
        member_id,
    )
    return None if row is None else Credentials(**dict(row))


async def update_own_account(
    transaction: Transaction, tenant_id: UUID, credentials: Credentials, *, search_text: str, now: datetime
) -> None:
    """Keeps what members may change of themselves: the password, and the shown name, under which they are found too."""
    await transaction.execute(
        """
        update members
        set display_name = $3,
            password_hash = $4,
            search_text = $5,
            changed_at = $6
        where tenant_id = $1
          and member_id = $2
        """,
        tenant_id,
        credentials.member_id,
        credentials.display_name,
        credentials.password_hash,
        search_text,
        now,
    )
