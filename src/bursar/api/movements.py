"""What every route that moves credits answers with."""

from __future__ import annotations

from datetime import datetime

from bursar.api.amounts import Amount
from bursar.api.answers import Shape
from bursar.domain.credits import Credits
from bursar.domain.ids import public_id
from bursar.domain.transfers import KINDS
from bursar.ledger import Transferred


class Movement(Shape):
    """One transfer: how much, what kind, and what its source and target held after it."""

    id: str
    kind: str
    label: str
    amount: Amount
    source_after: Amount
    target_after: Amount
    posted_at: datetime


def movement(answer: Transferred) -> Movement:
    """The answer of the ledger as the API tells of it."""
    return Movement(
        id=public_id("transfer", answer.transfer_id),
        kind=answer.kind,
        label=KINDS[answer.kind].label,
        amount=Credits(answer.amount_micro),
        source_after=Credits(answer.source_after_micro),
        target_after=Credits(answer.target_after_micro),
        posted_at=answer.posted_at,
    )
