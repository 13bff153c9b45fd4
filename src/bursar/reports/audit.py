"""The audit log: what was done, newest first, with the names that people and things have now.

Rule: AUDIT-4, AUDIT-5
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import platform_reading, reading
from bursar.domain.refusals import Refusal
from bursar.reports.names import Named, list_names, list_platform_names
from bursar.store.events import Event, EventFilter, list_events, list_platform_events
from bursar.store.tenants import get_tenant


@dataclass(frozen=True)
class AuditPage:
    """Some events, and what everybody and everything in them is called; whose log it is."""

    events: list[Event]
    names: Mapping[UUID, Named]
    owner_name: str


@dataclass(frozen=True)
class TenantLog:
    """The log of one tenant. Names of super admins are the platform's to tell."""

    tenants: Database
    platform: Database
    tenant_id: UUID

    async def page(self, wanted: EventFilter, *, before: UUID | None, limit: int) -> AuditPage:
        """What was done in the tenant, whoever did it. Refuses `tenant_unknown`."""
        async with reading(self.tenants, self.tenant_id) as transaction:
            tenant = await get_tenant(transaction, self.tenant_id)
            if tenant is None:
                raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
            events = await list_events(transaction, self.tenant_id, wanted, before=before, limit=limit)
            names = dict(await list_names(transaction, self.tenant_id, _ids_in(events)))
        admins = {event.actor_id for event in events if event.actor_kind == "platform_admin" and event.actor_id}
        if admins:
            async with platform_reading(self.platform) as transaction:
                names.update(await list_platform_names(transaction, admins))
        return AuditPage(events, names, tenant.name)


@dataclass(frozen=True)
class PlatformLog:
    """The platform's own log."""

    platform: Database

    async def page(self, wanted: EventFilter, *, before: UUID | None, limit: int) -> AuditPage:
        """What was done to the platform itself."""
        async with platform_reading(self.platform) as transaction:
            events = await list_platform_events(transaction, wanted, before=before, limit=limit)
            return AuditPage(events, await list_platform_names(transaction, _ids_in(events)), "platform")


def _ids_in(events: list[Event]) -> set[UUID]:
    found = {identity for event in events for identity in (event.actor_id, event.subject_id, event.key_id)}
    return {identity for identity in found if identity is not None}
