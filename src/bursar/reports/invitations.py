"""Who was asked to join."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.invitations import InvitationState
from bursar.domain.refusals import Refusal
from bursar.store.invitations import ListedInvitation, count_invitations, list_invitations
from bursar.store.tenants import get_tenant


@dataclass(frozen=True)
class InvitationPage:
    """Some invitations, and how many are in this state in all."""

    rows: list[ListedInvitation]
    total: int


async def see_invitations(
    database: Database, tenant_id: UUID, state: InvitationState, now: datetime, *, before: UUID | None, limit: int
) -> InvitationPage:
    """A page of invitations in one state, newest first. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        if await get_tenant(transaction, tenant_id) is None:
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        rows = await list_invitations(transaction, tenant_id, state, now, before=before, limit=limit)
        total = await count_invitations(transaction, tenant_id, state, now)
    return InvitationPage(rows, total)
