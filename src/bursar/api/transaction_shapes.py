"""How balance transactions are told: as rows of a page, and as lines of a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from bursar.api.amounts import Amount
from bursar.api.answers import Shape
from bursar.api.csv_answers import Row
from bursar.api.times import utc_text
from bursar.domain.ids import public_id
from bursar.domain.roles import ROLE_LABELS, Role
from bursar.domain.transfers import KINDS
from bursar.ledger import PostedTransfer
from bursar.reports.names import Party
from bursar.reports.transactions import Transaction, related_id


class RelatedShape(Shape):
    """Whom the pool gave to or took from. The address is null for a group, and for who has none or was deleted."""

    kind: Literal["member", "group"]
    id: str
    name: str
    email: str | None
    status: str


class OperatorShape(Shape):
    """Who did it; without an id it was Bursar itself."""

    id: str | None
    name: str


class TransactionShape(Shape):
    """One transfer from the pool's side: by how much the pool changed, and what was in it before and after.

    `tag` is the colour that its kind is shown with, `epoch` the cycle it was posted in. `reverses_id` is the
    transaction that it takes back, `reversed_by_id` the one that took it back, `hold_id` the call it pays for.
    """

    id: str
    kind: str
    label: str
    tag: str
    amount: Amount
    before: Amount
    after: Amount
    related: RelatedShape | None
    operator: OperatorShape
    note: str | None
    posted_at: datetime
    epoch: int
    reverses_id: str | None
    reversed_by_id: str | None
    hold_id: str | None


class MemberTransactionShape(Shape):
    """One transfer from a member's side: by how much one of its accounts changed, and what was in that before and
    after. `account` says which: the allowance, the balance, or what was consumed where somebody else's credits paid.
    """

    id: str
    kind: str
    label: str
    tag: str
    account: str
    source: str
    target: str
    amount: Amount
    before: Amount
    after: Amount
    operator: OperatorShape
    note: str | None
    posted_at: datetime
    epoch: int
    reverses_id: str | None
    reversed_by_id: str | None
    hold_id: str | None


COLUMNS = (
    "id", "time", "kind", "type", "amount", "before", "after", "related_kind", "related", "related_email", "related_id",
    "related_status", "operator", "operator_id", "note", "cycle", "reverses_id", "reversed_by_id", "hold_id",
)  # fmt: skip

MEMBER_COLUMNS = (
    "id", "time", "kind", "type", "account", "source", "target", "amount", "before", "after", "operator", "operator_id",
    "note", "cycle", "reverses_id", "reversed_by_id", "hold_id",
)  # fmt: skip


def of_pool(seen: Transaction, parties: Mapping[UUID, Party]) -> TransactionShape:
    """A transaction as the pool's readers see it.

    Rule: TRANSACTION-1
    """
    transfer = seen.transfer
    return TransactionShape(
        id=public_id("transfer", transfer.transfer_id),
        kind=transfer.kind,
        label=transfer.label,
        tag=str(KINDS[transfer.kind].tag),
        amount=seen.side.amount,
        before=seen.side.before,
        after=seen.side.after,
        related=_related(transfer, parties),
        operator=_operator(transfer.actor_id, parties),
        note=transfer.note,
        posted_at=transfer.posted_at,
        epoch=transfer.epoch,
        reverses_id=_transfer_id(transfer.reverses_id),
        reversed_by_id=_transfer_id(seen.reversed_by),
        hold_id=public_id("hold", transfer.hold_id) if transfer.hold_id else None,
    )


def of_member(seen: Transaction, parties: Mapping[UUID, Party]) -> MemberTransactionShape:
    """A transaction as the member sees it.

    Rule: TRANSACTION-2
    """
    transfer = seen.transfer
    return MemberTransactionShape(
        id=public_id("transfer", transfer.transfer_id),
        kind=transfer.kind,
        label=transfer.label,
        tag=str(KINDS[transfer.kind].tag),
        account=seen.side.account,
        source=transfer.source.account,
        target=transfer.target.account,
        amount=seen.side.amount,
        before=seen.side.before,
        after=seen.side.after,
        operator=_operator(transfer.actor_id, parties),
        note=transfer.note,
        posted_at=transfer.posted_at,
        epoch=transfer.epoch,
        reverses_id=_transfer_id(transfer.reverses_id),
        reversed_by_id=_transfer_id(seen.reversed_by),
        hold_id=public_id("hold", transfer.hold_id) if transfer.hold_id else None,
    )


def row_of_pool(shown: TransactionShape) -> Row:
    """The line of a file that says the same."""
    related = shown.related
    return (
        shown.id,
        utc_text(shown.posted_at),
        shown.kind,
        shown.label,
        *(str(amount) for amount in (shown.amount, shown.before, shown.after)),
        *((related.kind, related.name, related.email, related.id, related.status) if related else (None,) * 5),
        *_ending(shown),
    )


def row_of_member(shown: MemberTransactionShape) -> Row:
    """The line of a file that says the same."""
    return (
        shown.id,
        utc_text(shown.posted_at),
        shown.kind,
        shown.label,
        shown.account,
        shown.source,
        shown.target,
        *(str(amount) for amount in (shown.amount, shown.before, shown.after)),
        *_ending(shown),
    )


def _ending(shown: TransactionShape | MemberTransactionShape) -> Row:
    return (
        shown.operator.name,
        shown.operator.id,
        shown.note,
        str(shown.epoch),
        shown.reverses_id,
        shown.reversed_by_id,
        shown.hold_id,
    )


def _related(transfer: PostedTransfer, parties: Mapping[UUID, Party]) -> RelatedShape | None:
    """Rule: TRANSACTION-3"""
    identity = related_id(transfer)
    if identity is None:
        return None
    party = parties[identity]
    return RelatedShape(
        kind=party.noun,
        id=public_id(party.noun, identity),
        name=party.name,
        email=party.email,
        status=party.status,
    )


def _operator(actor_id: UUID | None, parties: Mapping[UUID, Party]) -> OperatorShape:
    """Whoever is nobody of this tenant acts for the platform."""
    if actor_id is None:
        return OperatorShape(id=None, name=ROLE_LABELS[Role.SYSTEM])
    if actor_id not in parties:
        return OperatorShape(id=public_id("platform_admin", actor_id), name=ROLE_LABELS[Role.SUPER_ADMIN])
    return OperatorShape(id=public_id("member", actor_id), name=parties[actor_id].name)


def _transfer_id(identity: UUID | None) -> str | None:
    return None if identity is None else public_id("transfer", identity)
