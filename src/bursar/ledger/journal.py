"""The journal's lines as people see them: transfers with two sides, and whose side is whose.

Not here: reading them. `statement` tells a story from its beginning, `journal_search` finds the latest for a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from bursar.domain.accounts import OWNER_OF, Account, Owner
from bursar.domain.credits import Credits
from bursar.domain.transfers import KINDS
from bursar.ledger.core.rows import Line
from bursar.ledger.posting import tables

PAGE_MAX = 1_000
"""The most transfers read at once."""

COLUMNS = tables.JOURNAL.listed("journal")
"""The columns of a line, in the order of a `Line`."""

LINES = f"select {COLUMNS}\nfrom bursar.ledger_journal as journal"
"""Where every reading of lines begins."""

_CALL_KINDS = frozenset({"usage", "usage_refund", "hold_lapse"})


@dataclass(frozen=True, slots=True)
class OfPool:
    """The tenant's pool as a subject."""


@dataclass(frozen=True, slots=True)
class OfMember:
    """One member as a subject: its allowance, its balance, and what it consumed."""

    member_id: UUID


@dataclass(frozen=True, slots=True)
class OfGroup:
    """One group as a subject: its budget and its balance."""

    group_id: UUID


@dataclass(frozen=True, slots=True)
class OfTransfer:
    """One transfer, or all that one command or one hold posted."""

    transfer_id: UUID


Subject = OfPool | OfMember | OfGroup | OfTransfer


class Place(NamedTuple):
    """Where in the journal a line stands. Ordered as the lines were posted."""

    batch_number: int
    line: int


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a transfer: the account, whose it is (None: the tenant's), what it held before and after, and by how
    much it changed."""

    account: str
    owner_id: UUID | None
    amount: Credits
    before: Credits
    after: Credits


@dataclass(frozen=True, slots=True)
class PostedTransfer:
    """One line of the journal. `hold_id` is the call it was posted for, `reverses_id` the transfer it takes back."""

    place: Place
    posted_at: datetime
    epoch: int
    transfer_id: UUID
    kind: str
    label: str
    amount: Credits
    source: Side
    target: Side
    actor_id: UUID | None
    hold_id: UUID | None
    reverses_id: UUID | None
    note: str | None

    def seen_by(self, subject: Subject) -> Side:
        """The subject's own side. What a member consumed is its side only where somebody else's credits paid."""
        sides = [side for side in (self.source, self.target) if _is_of(side, subject)]
        if not sides:
            return self.target
        return min(sides, key=lambda side: side.account == Account.CONSUMED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One transfer from the subject's side."""

    transfer: PostedTransfer
    side: Side


def posted_transfer(line: Line) -> PostedTransfer:
    """The line as people see it."""
    amount = Credits(line.amount_micro)
    source_after, target_after = Credits(line.source_after_micro), Credits(line.target_after_micro)
    return PostedTransfer(
        place=Place(line.batch_number, line.line),
        posted_at=line.posted_at,
        epoch=line.epoch,
        transfer_id=line.transfer_id,
        kind=line.kind,
        label=KINDS[line.kind].label,
        amount=amount,
        source=Side(line.source, line.source_id, -amount, source_after + amount, source_after),
        target=Side(line.target, line.target_id, amount, target_after - amount, target_after),
        actor_id=line.actor_id,
        hold_id=line.transfer_id if line.kind in _CALL_KINDS else None,
        reverses_id=line.reverses_id,
        note=line.note,
    )


def bounded(limit: int) -> int:
    """As many transfers as were asked for, if that many may be read at once."""
    return max(1, min(limit, PAGE_MAX))


def _is_of(side: Side, subject: Subject) -> bool:
    owner = OWNER_OF[side.account]
    if isinstance(subject, OfMember):
        return owner is Owner.MEMBER and side.owner_id == subject.member_id
    if isinstance(subject, OfGroup):
        return owner is Owner.GROUP and side.owner_id == subject.group_id
    return isinstance(subject, OfPool) and side.account == Account.POOL
