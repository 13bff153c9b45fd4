"""Why a balance is what it is: transfers as somebody sees them, read from the journal.

`explain` tells one subject's story from its beginning, `find_transfers` lists the latest transfers for a page. Pages
are keyset: a `Place` is where one page ended. Not here: what there is now (`balances`).

Rule: PROOF-2
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.accounts import OWNER_OF, Account, Owner
from bursar.domain.credits import Credits
from bursar.domain.refusals import Refusal
from bursar.domain.transfers import KINDS
from bursar.ledger.balances import (
    GroupFigures,
    MemberFigures,
    PoolFigures,
    group_figures,
    member_balance,
    pool_figures,
)
from bursar.ledger.core.rows import Line
from bursar.ledger.core.transfers import reversal_key
from bursar.ledger.posting import tables
from bursar.ledger.posting.loading import Clock

PAGE_MAX = 1_000
"""The most transfers read at once."""

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


@dataclass(frozen=True, slots=True)
class Statement:
    """A page of a subject's story, oldest first; where the next page begins, if there is one; and, on the last page,
    the figures that the story leads to. A transfer's story has no figures, but the ids of what took it back."""

    subject: Subject
    entries: tuple[Entry, ...]
    next_place: Place | None
    figures: MemberFigures | GroupFigures | PoolFigures | None
    reversed_by: tuple[UUID, ...] = ()


async def explain(
    transaction: Transaction,
    tenant_id: UUID,
    subject: Subject,
    clock: Clock,
    *,
    after: Place | None = None,
    limit: int = PAGE_MAX,
) -> Statement:
    """Transfer by transfer, why the subject has what it has; `after` continues where an earlier page ended.

    Refuses `tenant_unknown`, `member_unknown`, `group_unknown`, `transfer_unknown`.
    """
    if isinstance(subject, OfTransfer):
        return await _explain_transfer(transaction, tenant_id, subject)
    figures: MemberFigures | GroupFigures | PoolFigures
    if isinstance(subject, OfMember):
        figures = await member_balance(transaction, tenant_id, subject.member_id, clock)
    elif isinstance(subject, OfGroup):
        figures = await group_figures(transaction, tenant_id, subject.group_id, clock)
    else:
        figures = await pool_figures(transaction, tenant_id, clock)
    limit = _bounded(limit)
    start = after or Place(0, 0)
    records = await transaction.fetch(
        _POOL_FORWARD if isinstance(subject, OfPool) else _OWNER_FORWARD,
        tenant_id,
        *start,
        limit + 1,
        *_owner_ids(subject),
    )
    transfers = [_transfer(Line(*record)) for record in records[:limit]]
    is_last = len(records) <= limit
    return Statement(
        subject=subject,
        entries=tuple(Entry(transfer, transfer.seen_by(subject)) for transfer in transfers),
        next_place=None if is_last else transfers[-1].place,
        figures=figures if is_last else None,
    )


async def find_transfers(
    transaction: Transaction,
    tenant_id: UUID,
    *,
    subject: OfPool | OfMember | OfGroup | None,
    kinds: Iterable[str] | None,
    before: Place | None,
    limit: int,
) -> list[PostedTransfer]:
    """The latest transfers of the subject (None: of the whole tenant), newest first, of these kinds or of all;
    `before` continues where an earlier page ended. Refuses `kind_unknown`.
    """
    wanted = None if kinds is None else sorted(set(kinds))
    for kind in wanted or ():
        if kind not in KINDS:
            raise Refusal("kind_unknown", "There is no such kind of transfer.", field="kind")
    start = before or _END
    arguments = () if subject is None else _owner_ids(subject)
    statement = _OWNER_BACKWARD if arguments else _ALL_BACKWARD if subject is None else _POOL_BACKWARD
    records = await transaction.fetch(statement, tenant_id, *start, _bounded(limit), wanted, *arguments)
    return [_transfer(Line(*record)) for record in records]


_END = Place(2**63 - 1, 2**31 - 1)

_LINES = f"select {tables.JOURNAL.listed('journal')}\nfrom bursar.ledger_journal as journal"

_OF_KINDS = "($5::text[] is null or journal.kind = any($5::text[]))"

_POOL = "(journal.source = 'pool' or journal.target = 'pool')"

_POOL_FORWARD = f"""
{_LINES}
where journal.tenant_id = $1
  and (journal.batch_number, journal.line) > ($2, $3)
  and {_POOL}
order by journal.batch_number, journal.line
limit $4
"""

_POOL_BACKWARD = f"""
{_LINES}
where journal.tenant_id = $1
  and (journal.batch_number, journal.line) < ($2, $3)
  and {_POOL}
  and {_OF_KINDS}
order by journal.batch_number desc, journal.line desc
limit $4
"""

_ALL_BACKWARD = f"""
{_LINES}
where journal.tenant_id = $1
  and (journal.batch_number, journal.line) < ($2, $3)
  and {_OF_KINDS}
order by journal.batch_number desc, journal.line desc
limit $4
"""


def _of_owner(*, comparison: str, order: str, parameter: str, also: str) -> str:
    """The lines of one member or group: by each of the two indexes, a page of each at most, then merged."""
    arms = []
    for condition in (
        f"journal.target_id = {parameter}",
        # As the index has it: a transfer between two accounts of one owner is found through its target.
        f"journal.source_id = {parameter} and journal.source_id is distinct from journal.target_id",
    ):
        arms.append(
            f"({_LINES}\nwhere journal.tenant_id = $1\n  and {condition}\n"
            f"  and (journal.batch_number, journal.line) {comparison} ($2, $3)\n{also}"
            f"order by journal.batch_number {order}, journal.line {order}\nlimit $4)"
        )
    return "\nunion all\n".join(arms) + f"\norder by batch_number {order}, line {order}\nlimit $4"


_OWNER_FORWARD = _of_owner(comparison=">", order="asc", parameter="$5", also="")
_OWNER_BACKWARD = _of_owner(comparison="<", order="desc", parameter="$6", also=f"  and {_OF_KINDS}\n")

_FIND_TRANSFER = f"""
{_LINES}
where journal.tenant_id = $1
  and journal.transfer_id = $2
  and journal.kind <> 'usage'
order by journal.batch_number, journal.line
limit $3
"""

# Usage is found through the member, because there is no index that leads from a call to its lines: it would be as
# large as the journal, and only this asks.
_FIND_USAGE = f"""
{_LINES}
join bursar.ledger_holds as hold
  on hold.tenant_id = journal.tenant_id
  and hold.member_id = journal.target_id
where hold.tenant_id = $1
  and hold.hold_id = $2
  and journal.tenant_id = $1
  and journal.transfer_id = hold.hold_id
  and journal.kind = 'usage'
  and journal.posted_at >= hold.opened_at
order by journal.batch_number, journal.line
limit $3
"""

_FIND_REVERSALS = """
select journal.transfer_id
from bursar.ledger_commands as command
join bursar.ledger_journal as journal
  on journal.tenant_id = command.tenant_id
  and journal.batch_number = command.batch_number
where command.tenant_id = $1
  and command.key = $2
  and journal.tenant_id = $1
  and journal.reverses_id = $3
order by journal.batch_number, journal.line
"""


async def _explain_transfer(transaction: Transaction, tenant_id: UUID, subject: OfTransfer) -> Statement:
    records = [
        *await transaction.fetch(_FIND_TRANSFER, tenant_id, subject.transfer_id, PAGE_MAX),
        *await transaction.fetch(_FIND_USAGE, tenant_id, subject.transfer_id, PAGE_MAX),
    ]
    if not records:
        raise Refusal("transfer_unknown", "There is no such transfer.", field="transfer_id")
    transfers = sorted((_transfer(Line(*record)) for record in records), key=lambda transfer: transfer.place)
    reversals = await transaction.fetch(
        _FIND_REVERSALS, tenant_id, reversal_key(subject.transfer_id), subject.transfer_id
    )
    return Statement(
        subject=subject,
        entries=tuple(Entry(transfer, transfer.target) for transfer in transfers),
        next_place=None,
        figures=None,
        reversed_by=tuple(record["transfer_id"] for record in reversals),
    )


def _transfer(line: Line) -> PostedTransfer:
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


def _is_of(side: Side, subject: Subject) -> bool:
    owner = OWNER_OF[side.account]
    if isinstance(subject, OfMember):
        return owner is Owner.MEMBER and side.owner_id == subject.member_id
    if isinstance(subject, OfGroup):
        return owner is Owner.GROUP and side.owner_id == subject.group_id
    return isinstance(subject, OfPool) and side.account == Account.POOL


def _owner_ids(subject: Subject) -> tuple[UUID, ...]:
    if isinstance(subject, OfMember):
        return (subject.member_id,)
    return (subject.group_id,) if isinstance(subject, OfGroup) else ()


def _bounded(limit: int) -> int:
    return max(1, min(limit, PAGE_MAX))
