"""The super admins of this installation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class PlatformAdmin:
    """One super admin."""

    admin_id: UUID
    username: str
    email: str | None
    display_name: str
    password_hash: str
    created_at: datetime
    disabled_at: datetime | None = None


async def has_platform_admin(transaction: Transaction) -> bool:
    """Whether the installation has been given its first super admin."""
    return bool(await transaction.fetchval("select exists (select from platform_admins)"))


async def find_first_platform_admin(transaction: Transaction) -> PlatformAdmin | None:
    """The super admin who was there first and is not disabled."""
    row = await transaction.fetchrow(
        """
        select admin_id, username, email, display_name, password_hash, created_at, disabled_at
        from platform_admins
        where disabled_at is null
        order by created_at, admin_id
        limit 1
        """
    )
    return None if row is None else PlatformAdmin(**dict(row))


async def get_platform_admin(transaction: Transaction, admin_id: UUID) -> PlatformAdmin | None:
    """The super admin with this id."""
    row = await transaction.fetchrow(
        """
        select admin_id, username, email, display_name, password_hash, created_at, disabled_at
        from platform_admins
        where admin_id = $1
        """,
        admin_id,
    )
    return None if row is None else PlatformAdmin(**dict(row))


async def insert_platform_admin(transaction: Transaction, admin: PlatformAdmin) -> None:
    """Adds a super admin."""
    await transaction.execute(
        """
        insert into platform_admins (admin_id, username, email, display_name, password_hash, created_at)
        values ($1, $2, $3, $4, $5, $6)
        """,
        admin.admin_id,
        admin.username,
        admin.email,
        admin.display_name,
        admin.password_hash,
        admin.created_at,
    )


async def lock_platform_admin(transaction: Transaction, admin_id: UUID) -> PlatformAdmin | None:
    """The super admin with this id, whom nobody else changes until the transaction ends."""
    row = await transaction.fetchrow(
        """
        select admin_id, username, email, display_name, password_hash, created_at, disabled_at
        from platform_admins
        where admin_id = $1
        for no key update
        """,
        admin_id,
    )
    return None if row is None else PlatformAdmin(**dict(row))


async def lock_working_platform_admins(transaction: Transaction) -> list[UUID]:
    """The ids of the super admins who are not disabled; none of them is changed until the transaction ends."""
    rows = await transaction.fetch(
        """
        select admin_id
        from platform_admins
        where disabled_at is null
        order by admin_id
        for no key update
        """
    )
    return [row["admin_id"] for row in rows]


async def update_platform_admin_disabled(
    transaction: Transaction, admin_id: UUID, disabled_at: datetime | None
) -> None:
    """Disables the super admin at this time, or with None enables it."""
    await transaction.execute(
        """
        update platform_admins
        set disabled_at = $2
        where admin_id = $1
        """,
        admin_id,
        disabled_at,
    )


async def list_platform_admins(transaction: Transaction, *, after: UUID | None, limit: int) -> list[PlatformAdmin]:
    """The super admins in the order they were made, those after `after`."""
    rows = await transaction.fetch(
        """
        select admin_id, username, email, display_name, password_hash, created_at, disabled_at
        from platform_admins
        where $1::uuid is null or admin_id > $1
        order by admin_id
        limit $2
        """,
        after,
        limit,
    )
    return [PlatformAdmin(**dict(row)) for row in rows]


async def count_platform_admins(transaction: Transaction) -> int:
    """How many super admins there are, disabled ones included."""
    return int(await transaction.fetchval("select count(*) from platform_admins"))


async def update_platform_admin(
    transaction: Transaction, admin_id: UUID, *, display_name: str, password_hash: str
) -> None:
    """Changes what super admins may change of themselves."""
    await transaction.execute(
        """
        update platform_admins
        set display_name = $2,
            password_hash = $3
        where admin_id = $1
        """,
        admin_id,
        display_name,
        password_hash,
    )
