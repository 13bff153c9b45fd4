"""Balance transactions: the journal from the pool's side, or from one member's side, newest first, with names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.refusals import Refusal
from bursar.ledger import OfMember, OfPool, Place, PostedTransfer, find_transfers
from bursar.reports.names import list_names
from bursar.store.tenants import get_tenant


@dataclass(frozen=True)
class TransactionPage:
    """Some transfers, and what the members and groups in them are called."""

    transfers: list[PostedTransfer]
    names: Mapping[UUID, str]


async def see_transactions(
    database: Database, tenant_id: UUID, subject: OfPool | OfMember, *, before: Place | None, limit: int
) -> TransactionPage:
    """A page of transfers, newest first. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        if await get_tenant(transaction, tenant_id) is None:
            raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
        transfers = await find_transfers(
            transaction, tenant_id, subject=subject, kinds=None, before=before, limit=limit
        )
        names = await list_names(transaction, tenant_id, _ids_in(transfers))
        return TransactionPage(transfers, {identity: named.name for identity, named in names.items()})


def _ids_in(transfers: list[PostedTransfer]) -> set[UUID]:
    found = {
        identity
        for transfer in transfers
        for identity in (transfer.source.owner_id, transfer.target.owner_id, transfer.actor_id)
    }
    return {identity for identity in found if identity is not None}
