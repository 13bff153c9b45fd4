"""API keys that spend: what their calls hold and have used, and the limits that bind them beside their owner's funds.

A key has no credits of its own. What is counted here follows the holds, under the same lock, so that a key's limit is
kept as exactly as a balance, however many calls race.

Rule: SPEND-9
"""

from __future__ import annotations

from uuid import UUID

from bursar.domain.credits import Credits, decimal_text
from bursar.domain.ids import public_id
from bursar.domain.refusals import Refusal
from bursar.ledger.commands import KeyLimit
from bursar.ledger.core.books import Books
from bursar.ledger.core.rows import Hold, SpendingKey


def check_limits(books: Books, limit: KeyLimit, asked: int) -> None:
    """Refuses `insufficient_quota` unless what the key may still spend, in this cycle and in all, is above 0 and covers
    the hold.

    Rule: SPEND-9
    """
    key = _touched(books, limit.key_id)
    _check(books, key, limit.per_cycle, key.used_micro, asked, renews=True)
    _check(books, key, limit.in_total, key.consumed_micro, asked, renews=False)


def keep(books: Books, key_id: UUID, micro: int) -> None:
    """Count what a hold of the key keeps."""
    _touched(books, key_id).held_micro += micro
    books.touched_keys.add(key_id)


def end(books: Books, hold: Hold, charged: int) -> None:
    """Count the end of a hold: it keeps nothing any more, and so much was charged.

    Rule: SPEND-9
    """
    if hold.key_id is not None:
        keep(books, hold.key_id, -hold.amount_micro)
        _count(books, hold.key_id, charged)


def recount(books: Books, hold: Hold, more: int) -> None:
    """Count what a late settlement charged more, or (negative) gave back of what was charged at expiry.

    Rule: SPEND-9
    """
    if hold.key_id is not None:
        _count(books, hold.key_id, more, in_cycle=more > 0 or hold.closed_epoch == books.control.epoch)


def _count(books: Books, key_id: UUID, micro: int, *, in_cycle: bool = True) -> None:
    key = _touched(books, key_id)
    key.consumed_micro += micro
    if in_cycle:
        key.used_micro += micro
    books.touched_keys.add(key_id)


def _touched(books: Books, key_id: UUID) -> SpendingKey:
    """The key's row as of the running cycle; one that never spent has one from now on, if anything is counted."""
    epoch = books.control.epoch
    key = books.keys.get(key_id)
    if key is None:
        key = books.keys[key_id] = SpendingKey(books.control.tenant_id, key_id, 0, 0, 0, epoch)
    if key.epoch != epoch:
        key.epoch, key.used_micro = epoch, 0
    return key


def _check(books: Books, key: SpendingKey, limit: Credits | None, used: int, asked: int, *, renews: bool) -> None:
    if limit is None:
        return
    left = limit.micro - used - key.held_micro
    if left > 0 and left >= asked:
        return
    period = "in this cycle" if renews else "in all"
    shown = decimal_text(max(left, 0))
    raise Refusal(
        "insufficient_quota",
        f"This API key may spend {shown} more credits {period}, and this call needs {decimal_text(asked)}.",
        field="amount",
        scope="api_key",
        id=public_id("api_key", key.key_id),
        limit=decimal_text(limit.micro),
        available=shown,
        held=decimal_text(key.held_micro),
        asked=decimal_text(asked),
        resets_at=books.control.epoch_ends_at.isoformat() if renews else None,
    )
