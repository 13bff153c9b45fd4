"""Balance transactions: every transfer from the pool's side, or from one member's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import TenantVisit, tenant
from bursar.domain.accounts import OWNER_OF, Account, Owner
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.permissions import Permission
from bursar.domain.transfers import KINDS
from bursar.reports.transactions import Place, Side, TransactionRow, see_transactions

routes = APIRouter(prefix="/transactions", tags=["transactions"])


class SideShape(Shape):
    """One end of a transfer: the account, whose it is, and what it held after."""

    account: str
    owner_id: str | None
    owner_name: str | None
    after: Amount


class TransactionShape(Shape):
    """One transfer. `tag` is the colour its kind is shown with."""

    id: str
    kind: str
    label: str
    tag: str
    amount: Amount
    source: SideShape
    target: SideShape
    posted_at: datetime
    actor_name: str | None
    note: str | None


class TransactionList(Shape):
    """A page of transfers, newest first."""

    transactions: list[TransactionShape]
    next_cursor: str | None


@routes.get("", responses=problems(401, 403, 404, 422))
async def list_transactions(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_TRANSACTIONS)],
    member_id: Annotated[str | None, Query(description="This member's side instead of the pool's.")] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> TransactionList:
    """The transfers of the pool, or of one member, newest first."""
    after = None if cursor is None else Place(*decode_cursor(cursor, int, int))
    rows = await see_transactions(
        visit.desk.tenants,
        visit.tenant_id,
        member_id=None if member_id is None else parse_public_id("member", member_id, field="member_id"),
        after=after,
        limit=limit + 1,
    )
    shown = rows[:limit]
    has_more = len(rows) > limit
    return TransactionList(
        transactions=[_shape(row) for row in shown],
        next_cursor=encode_cursor(shown[-1].place.batch_number, shown[-1].place.line) if has_more else None,
    )


def _shape(row: TransactionRow) -> TransactionShape:
    kind = KINDS[row.kind]
    return TransactionShape(
        id=public_id("transfer", row.transfer_id),
        kind=row.kind,
        label=kind.label,
        tag=str(kind.tag),
        amount=row.amount,
        source=_side(row.source),
        target=_side(row.target),
        posted_at=row.posted_at,
        actor_name=row.actor_name,
        note=row.note,
    )


def _side(side: Side) -> SideShape:
    return SideShape(
        account=side.account,
        owner_id=None if side.owner_id is None else _owner_id(side.account, side.owner_id),
        owner_name=side.owner_name,
        after=side.after,
    )


def _owner_id(account: str, owner_id: UUID) -> str:
    noun = {Owner.MEMBER: "member", Owner.GROUP: "group", Owner.TENANT: "tenant"}[OWNER_OF[Account(account)]]
    return public_id(noun, owner_id)
