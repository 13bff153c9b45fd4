"""Balance transactions: the journal from the pool's side, or from one member's side, newest first, with names.

Rule: TRANSACTION-1, TRANSACTION-2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.accounts import OWNER_OF, Account, Owner
from bursar.domain.refusals import Refusal
from bursar.domain.transfers import KINDS, TransferKind
from bursar.ledger import (
    OfMember,
    OfPool,
    Place,
    PostedTransfer,
    Side,
    TransferFilter,
    find_reversals,
    find_transfers,
)
from bursar.reports.names import Party, list_parties
from bursar.store.tenants import get_tenant


@dataclass(frozen=True)
class Transaction:
    """One transfer from the side of whoever looks; the transfer that took it back, if one did."""

    transfer: PostedTransfer
    side: Side
    reversed_by: UUID | None


@dataclass(frozen=True)
class TransactionPage:
    """Some transactions, the members and groups in them, and whose they are."""

    transactions: list[Transaction]
    parties: Mapping[UUID, Party]
    owner_name: str


@dataclass(frozen=True)
class TransactionList:
    """All transactions of the pool, or of one member, that a filter lets through."""

    database: Database
    tenant_id: UUID
    subject: OfPool | OfMember
    wanted: TransferFilter

    async def page(self, *, before: Place | None, limit: int) -> TransactionPage:
        """The newest ones before this place. Refuses `tenant_unknown`, `member_unknown`, `kind_unknown`,
        `search_too_broad`."""
        async with reading(self.database, self.tenant_id) as transaction:
            tenant = await get_tenant(transaction, self.tenant_id)
            if tenant is None:
                raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
            transfers = await find_transfers(
                transaction, self.tenant_id, self.subject, self.wanted, before=before, limit=limit
            )
            reversible = [transfer.transfer_id for transfer in transfers if KINDS[transfer.kind].reversed_by]
            reversals = await find_reversals(transaction, self.tenant_id, reversible)
            parties = await list_parties(transaction, self.tenant_id, self._ids_in(transfers))
        seen = [
            Transaction(
                transfer, transfer.seen_by(self.subject), next(iter(reversals.get(transfer.transfer_id, ())), None)
            )
            for transfer in transfers
        ]
        return TransactionPage(seen, parties, self._owner_name(parties, tenant.name))

    def _owner_name(self, parties: Mapping[UUID, Party], tenant_name: str) -> str:
        if isinstance(self.subject, OfPool):
            return tenant_name
        member = parties.get(self.subject.member_id)
        if member is None or member.noun != "member":
            raise Refusal("member_unknown", "There is no such member.", field="member_id")
        return member.name

    def _ids_in(self, transfers: list[PostedTransfer]) -> set[UUID]:
        found = {
            identity
            for transfer in transfers
            for identity in (transfer.source.owner_id, transfer.target.owner_id, transfer.actor_id)
        }
        if isinstance(self.subject, OfMember):
            found.add(self.subject.member_id)
        return {identity for identity in found if identity is not None}


def related_id(transfer: PostedTransfer) -> UUID | None:
    """Whom the pool gave to or took from: the member or group at the other end, if there is one."""
    return transfer.source.owner_id or transfer.target.owner_id


def kinds_of_pool() -> list[TransferKind]:
    """Every kind that takes from the pool or gives to it.

    Rule: TRANSACTION-4
    """
    return [kind for kind in KINDS.values() if Account.POOL in kind.sources | kind.targets]


def kinds_of_member() -> list[TransferKind]:
    """Every kind that moves what a member has.

    Rule: TRANSACTION-4
    """
    return [
        kind
        for kind in KINDS.values()
        if any(OWNER_OF[account] is Owner.MEMBER for account in kind.sources | kind.targets)
    ]
