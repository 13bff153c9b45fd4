"""Allocations to many at once: how many, to whom, and how much that may come to.

A batch is one order with a row for each member. It gives everybody the same amount, or, where it was imported, each the
amount of its line. What becomes of a row is the ledger's to say. Read next: `allocation_imports`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from uuid import UUID

from bursar.domain.credits import Credits
from bursar.domain.ids import public_id
from bursar.domain.refusals import Refusal

ROWS_MAX = 100_000
"""The most members of one batch: the largest organisation that is promised to be served well."""

AT_ONCE_MAX = 200
"""Up to so many members, whoever asks is told the outcome in the answer: it takes some tens of milliseconds."""


def check_members_named(member_ids: Sequence[UUID]) -> None:
    """Refuses `invalid_input` where somebody is named twice: whether twice was meant cannot be told.

    Rule: BATCH-3
    """
    if len(set(member_ids)) == len(member_ids):
        return
    counts = Counter(member_ids)
    twice = public_id("member", next(member_id for member_id in member_ids if counts[member_id] > 1))
    raise Refusal("invalid_input", f"Everybody is named once: {twice} is there twice.", field="member_ids", first=twice)


def check_members_found(member_ids: Sequence[UUID], *, known: Set[UUID]) -> None:
    """Refuses `member_unknown`, with how many and the first of them, unless everybody named is known.

    Rule: BATCH-3
    """
    if len(known) == len(member_ids):
        return
    unknown = [member_id for member_id in member_ids if member_id not in known]
    first = public_id("member", unknown[0])
    detail = f"{len(unknown)} of those named are not there; the first is {first}."
    raise Refusal("member_unknown", detail, field="member_ids", unknown=str(len(unknown)), first=first)


def check_members_meant(count: int, *, seen_count: int | None) -> None:
    """Refuses `figure_changed` where the filter means another number than the person saw, and `invalid_input` where it
    means nobody, or more than a batch takes.

    Rule: BATCH-2
    """
    if seen_count is not None and seen_count != count:
        raise Refusal(
            "figure_changed",
            f"The filter means {count} members by now, not {seen_count}: look again before confirming.",
            field="seen_count",
            present=str(count),
            seen=str(seen_count),
        )
    if count == 0:
        raise Refusal("invalid_input", "The filter means nobody who can be given credits.", field="filter")
    if count > ROWS_MAX:
        raise Refusal(
            "invalid_input", f"A batch has at most {ROWS_MAX} members; the filter means {count}.", field="filter"
        )


def check_total(total: Credits, *, available: Credits, field: str) -> None:
    """Refuses `insufficient_pool`, with both figures, where all rows together come to more than there is.

    Rule: BATCH-4
    """
    if total > available:
        raise Refusal(
            "insufficient_pool",
            f"Insufficient tenant balance: {available} available, {total} asked in all.",
            field=field,
            total=str(total),
            available=str(available),
        )


def total_of(amounts: Sequence[Credits]) -> Credits:
    """What all rows come to together; it may be more than any account can hold."""
    return Credits(sum(amount.micro for amount in amounts))
