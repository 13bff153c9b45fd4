"""The super admins of this installation."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import platform_reading
from bursar.store.platform_admins import PlatformAdmin, count_platform_admins, list_platform_admins


@dataclass(frozen=True)
class SuperAdminPage:
    """Some super admins, and how many there are in all."""

    admins: list[PlatformAdmin]
    total: int


async def see_super_admins(platform: Database, *, after: UUID | None, limit: int) -> SuperAdminPage:
    """A page of super admins in the order they were made."""
    async with platform_reading(platform) as transaction:
        admins = await list_platform_admins(transaction, after=after, limit=limit)
        return SuperAdminPage(admins, await count_platform_admins(transaction))
