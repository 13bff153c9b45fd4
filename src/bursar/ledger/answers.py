"""What the ledger answers: frozen values that can be stored with the command and given again word for word.

Amounts are whole micro-credits. Read next: `core/decide`.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from bursar.domain.refusals import Refusal


class Transferred(msgspec.Struct, frozen=True, tag=True):
    """One transfer was posted: what its source and its target held after it."""

    transfer_id: UUID
    kind: str
    amount_micro: int
    source_after_micro: int
    target_after_micro: int
    posted_at: datetime


class Held(msgspec.Struct, frozen=True, tag=True):
    """A hold was opened: how much, out of which accounts, and when."""

    hold_id: UUID
    amount_micro: int
    allowance_micro: int
    balance_micro: int
    group_allowance_micro: int
    group_balance_micro: int
    pool_micro: int
    opened_at: datetime


class HoldClosed(msgspec.Struct, frozen=True, tag=True):
    """A hold ended: how, what was charged, and what of that was above the hold."""

    hold_id: UUID
    state: str
    charged_micro: int
    overrun_micro: int
    closed_at: datetime


class HoldExtended(msgspec.Struct, frozen=True, tag=True):
    """A hold lives on until this time."""

    hold_id: UUID
    expires_at: datetime


class CycleStarted(msgspec.Struct, frozen=True, tag=True):
    """The running cycle after the command; `ended_epoch` is the cycle that the command itself ended, if it did."""

    epoch: int
    started_at: datetime
    ends_at: datetime
    ended_epoch: int | None = None


class Changed(msgspec.Struct, frozen=True, tag=True):
    """The books now say what the command asked for; `moved_micro` is what moved for it, if anything.

    `before_micro` is the level that a command which sets one found; a ceiling that was none is none.
    """

    what: str
    moved_micro: int
    posted_at: datetime
    before_micro: int | None = None


Answer = Transferred | Held | HoldClosed | HoldExtended | CycleStarted | Changed


class Refused(msgspec.Struct, frozen=True, tag=True):
    """A refusal, as it is stored with the command's key."""

    code: str
    detail: str
    field: str | None
    facts: dict[str, str | None]


class Outcome(NamedTuple):
    """What became of one command: an answer or a refusal, and whether it is a repeat of an earlier one.

    `left_micro` is no part of the answer, which every repeat gets as it was: it is what the spender of a hold that was
    opened or ended just now could still use at that moment.
    """

    answer: Answer | None
    refusal: Refusal | None
    replayed: bool = False
    left_micro: int | None = None

    def unwrap(self) -> Answer:
        """The answer; raises the refusal if it was one."""
        if self.refusal is not None:
            raise self.refusal
        assert self.answer is not None
        return self.answer


_decoder = msgspec.json.Decoder(Transferred | Held | HoldClosed | HoldExtended | CycleStarted | Changed | Refused)


def encode_outcome(outcome: Outcome) -> bytes:
    """The outcome as it is stored with its key."""
    refusal = outcome.refusal
    if refusal is None:
        return msgspec.json.encode(outcome.answer)
    return msgspec.json.encode(Refused(refusal.code, refusal.detail, refusal.field, dict(refusal.facts)))


def decode_outcome(stored: bytes) -> Outcome:
    """The stored outcome, marked as a repeat."""
    value = _decoder.decode(stored)
    if isinstance(value, Refused):
        return Outcome(None, Refusal(value.code, value.detail, field=value.field, **value.facts), replayed=True)
    return Outcome(value, None, replayed=True)
