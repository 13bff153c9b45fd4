"""Why a balance is what it is: one subject's story from its beginning, transfer by transfer.

Pages are keyset: a `Place` is where one page ended. Not here: what there is now (`balances`), and the latest transfers
for a page (`journal_search`).

Rule: PROOF-2
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.refusals import Refusal
from bursar.ledger.balances import (
    GroupFigures,
    MemberFigures,
    PoolFigures,
    group_figures,
    member_balance,
    pool_figures,
)
from bursar.ledger.core.rows import Line
from bursar.ledger.journal import (
    LINES,
    PAGE_MAX,
    Entry,
    OfGroup,
    OfMember,
    OfPool,
    OfTransfer,
    Place,
    Subject,
    bounded,
    posted_transfer,
)
from bursar.ledger.journal_search import find_reversals
from bursar.ledger.posting.loading import Clock


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
    limit = bounded(limit)
    start = after or Place(0, 0)
    records = await transaction.fetch(
        _POOL_FORWARD if isinstance(subject, OfPool) else _OWNER_FORWARD,
        tenant_id,
        *start,
        limit + 1,
        *_owner_ids(subject),
    )
    transfers = [posted_transfer(Line(*record)) for record in records[:limit]]
    is_last = len(records) <= limit
    return Statement(
        subject=subject,
        entries=tuple(Entry(transfer, transfer.seen_by(subject)) for transfer in transfers),
        next_place=None if is_last else transfers[-1].place,
        figures=figures if is_last else None,
    )


_POOL_FORWARD = f"""
{LINES}
where journal.tenant_id = $1
  and (journal.batch_number, journal.line) > ($2, $3)
  and (journal.source = 'pool' or journal.target = 'pool')
order by journal.batch_number, journal.line
limit $4
"""

# By each of the two indexes, a page of each at most, then merged. As the second one has it, a transfer between two
# accounts of one owner is found through its target.
_OWNER_FORWARD = f"""
({LINES}
where journal.tenant_id = $1
  and journal.target_id = $5
  and (journal.batch_number, journal.line) > ($2, $3)
order by journal.batch_number, journal.line
limit $4)
union all
({LINES}
where journal.tenant_id = $1
  and journal.source_id = $5
  and journal.source_id is distinct from journal.target_id
  and (journal.batch_number, journal.line) > ($2, $3)
order by journal.batch_number, journal.line
limit $4)
order by batch_number, line
limit $4
"""

_FIND_TRANSFER = f"""
{LINES}
where journal.tenant_id = $1
  and journal.transfer_id = $2
  and journal.kind <> 'usage'
order by journal.batch_number, journal.line
limit $3
"""

# Usage is found through the member, because there is no index that leads from a call to its lines: it would be as
# large as the journal, and only this asks.
_FIND_USAGE = f"""
{LINES}
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


async def _explain_transfer(transaction: Transaction, tenant_id: UUID, subject: OfTransfer) -> Statement:
    records = [
        *await transaction.fetch(_FIND_TRANSFER, tenant_id, subject.transfer_id, PAGE_MAX),
        *await transaction.fetch(_FIND_USAGE, tenant_id, subject.transfer_id, PAGE_MAX),
    ]
    if not records:
        raise Refusal("transfer_unknown", "There is no such transfer.", field="transfer_id")
    transfers = sorted((posted_transfer(Line(*record)) for record in records), key=lambda transfer: transfer.place)
    reversals = await find_reversals(transaction, tenant_id, [subject.transfer_id])
    return Statement(
        subject=subject,
        entries=tuple(Entry(transfer, transfer.target) for transfer in transfers),
        next_place=None,
        figures=None,
        reversed_by=reversals.get(subject.transfer_id, ()),
    )


def _owner_ids(subject: Subject) -> tuple[UUID, ...]:
    if isinstance(subject, OfMember):
        return (subject.member_id,)
    return (subject.group_id,) if isinstance(subject, OfGroup) else ()
