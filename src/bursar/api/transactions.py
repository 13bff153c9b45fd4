"""Balance transactions: every transfer from the pool's side, or from one member's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import MemberId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor, not_handed_out
from bursar.api.signed_in import TenantVisit, tenant
from bursar.domain.accounts import OWNER_OF, Owner
from bursar.domain.ids import public_id
from bursar.domain.roles import ROLE_LABELS, Permission, Role
from bursar.domain.transfers import KINDS
from bursar.ledger import OfMember, OfPool, Place, PostedTransfer, Side
from bursar.reports.transactions import see_transactions

routes = APIRouter(prefix="/transactions", tags=["transactions"])

LINE_MAX = 2**31 - 1
"""Lines of a batch are counted by a 32-bit integer in the database, which could not even be asked for a later one."""


class SideShape(Shape):
    """One end of a transfer: the account, and the member or group whose it is; null where it is the tenant's."""

    account: str
    owner_id: str | None
    owner_name: str | None


class TransactionShape(Shape):
    """One transfer from the pool's side, or the member's: by how much it changed, and what was there before and after.

    `tag` is the colour its kind is shown with.
    """

    id: str
    kind: str
    label: str
    tag: str
    amount: Amount
    before: Amount
    after: Amount
    source: SideShape
    target: SideShape
    posted_at: datetime
    actor_name: str
    hold_id: str | None
    note: str | None


class TransactionList(Shape):
    """A page of transfers, newest first."""

    transactions: list[TransactionShape]
    next_cursor: str | None


@routes.get("", responses=problems(401, 403, 404, 422))
async def list_transactions(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_TRANSACTIONS)],
    member_id: Annotated[MemberId | None, Query(description="This member's side instead of the pool's.")] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> TransactionList:
    """The transfers of the pool, or of one member, newest first."""
    before = None if cursor is None else _place(cursor)
    subject = OfPool() if member_id is None else OfMember(member_id)
    page = await see_transactions(visit.desk.tenants, visit.tenant_id, subject, before=before, limit=limit + 1)
    shown = page.transfers[:limit]
    has_more = len(page.transfers) > limit
    return TransactionList(
        transactions=[_shape(transfer, transfer.seen_by(subject), page.names) for transfer in shown],
        next_cursor=encode_cursor(*shown[-1].place) if has_more else None,
    )


def _place(cursor: str) -> Place:
    """Where the page before ended. Refuses `invalid_input` for a line that no batch can have."""
    place = Place(*decode_cursor(cursor, int, int))
    if place.line > LINE_MAX:
        raise not_handed_out()
    return place


def _shape(transfer: PostedTransfer, own: Side, names: Mapping[UUID, str]) -> TransactionShape:
    return TransactionShape(
        id=public_id("transfer", transfer.transfer_id),
        kind=transfer.kind,
        label=transfer.label,
        tag=str(KINDS[transfer.kind].tag),
        amount=own.amount,
        before=own.before,
        after=own.after,
        source=_side(transfer.source, names),
        target=_side(transfer.target, names),
        posted_at=transfer.posted_at,
        actor_name=_actor_name(transfer.actor_id, names),
        hold_id=public_id("hold", transfer.hold_id) if transfer.hold_id else None,
        note=transfer.note,
    )


def _actor_name(actor_id: UUID | None, names: Mapping[UUID, str]) -> str:
    """Whoever is nobody of this tenant acts for the platform."""
    if actor_id is None:
        return ROLE_LABELS[Role.SYSTEM]
    return names.get(actor_id, ROLE_LABELS[Role.SUPER_ADMIN])


def _side(side: Side, names: Mapping[UUID, str]) -> SideShape:
    return SideShape(
        account=side.account,
        owner_id=None if side.owner_id is None else _owner_id(side.account, side.owner_id),
        owner_name=names.get(side.owner_id) if side.owner_id else None,
    )


def _owner_id(account: str, owner_id: UUID) -> str:
    noun = {Owner.MEMBER: "member", Owner.GROUP: "group", Owner.TENANT: "tenant"}[OWNER_OF[account]]
    return public_id(noun, owner_id)
