"""How large a call may become, judged before it is sent: what its hold is made of.

Nobody reads a call's text for this. What a key's earlier calls to a model were like, its *habit*, says how many tokens
a byte is and how much is answered; a call that says how much it may answer is taken at its word. Two policies use it
differently: *overdraft* holds what is to be expected and lets the true cost be above it, *strict* holds the most that a
call can cost. What becomes of a hold is the ledger's.

Whole numbers throughout: tokens for a byte are counted in thousandths.

Rule: CALL-6
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bursar.domain.costs import COUNT_MAX, Usage
from bursar.domain.prices import ModelTerms

THOUSANDTHS = 1_000

FIRST_TOKENS_PER_BYTE = 400
"""Of a key that never called this model: high enough for code, tables and JSON, which have more tokens than prose."""
TOKENS_PER_BYTE_MAX = 1_000
"""No text has more tokens than bytes."""
HEADROOM = 1_250
"""Expected input is held a quarter higher: one call in thirty was more than a fifth above what its habit foretold."""
HABIT_WEIGHT = 5
"""Each call counts for a fifth of its key's habit: the last dozen calls make nearly all of it."""
OUTPUT_FADES = 32
"""How slowly a key's longest answer is forgotten: by a thirty-second with each shorter one."""
FIRST_OUTPUT = 1_000
"""What is expected of a model that this key never called, by a call that sets no limit of its own."""
UNKNOWN_OUTPUT_MAX = 16_384
"""The most that a model answers whose price list entry does not say, unless its window is smaller."""


class AdmissionPolicy(StrEnum):
    """What a call needs in order to be admitted."""

    OVERDRAFT = "overdraft"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Habit:
    """What the calls of one key to one model were like: tokens for a byte, in thousandths, and the longest answer of
    late, both of them None before the first call.
    """

    tokens_per_byte: int | None = None
    output_tokens: int | None = None


NO_HABIT = Habit()


@dataclass(frozen=True, slots=True)
class CallSize:
    """What of a call is known before it is sent: its bytes, how many answers, and how long each may be (None: as the
    model likes).
    """

    body_bytes: int
    choices: int
    output_max: int | None


def expected_usage(size: CallSize, terms: ModelTerms, habit: Habit) -> Usage:
    """What the call will use if it is like the key's earlier ones, with some headroom.

    Rule: CALL-6
    """
    tokens_per_byte = FIRST_TOKENS_PER_BYTE if habit.tokens_per_byte is None else habit.tokens_per_byte
    per_byte = min(tokens_per_byte * HEADROOM // THOUSANDTHS, TOKENS_PER_BYTE_MAX)
    usual = FIRST_OUTPUT if habit.output_tokens is None else habit.output_tokens
    most = longest_answer(size, terms)
    return _usage(size, terms, per_byte, usual if size.output_max is None and usual < most else most)


def highest_usage(size: CallSize, terms: ModelTerms) -> Usage:
    """The most that the call can use: every byte a token, and every answer as long as it may be.

    Rule: CALL-6
    """
    return _usage(size, terms, TOKENS_PER_BYTE_MAX, longest_answer(size, terms))


def longest_answer(size: CallSize, terms: ModelTerms) -> int:
    """How many tokens one answer may have: what the call says, and never more than the model gives.

    Rule: CALL-6
    """
    of_model = terms.output_tokens_max or min(UNKNOWN_OUTPUT_MAX, terms.context_window or UNKNOWN_OUTPUT_MAX)
    return of_model if size.output_max is None else min(size.output_max, of_model)


def learned(habit: Habit, size: CallSize, used: Usage) -> Habit:
    """The habit after one more call: a moving average of tokens for a byte, and a longest answer that fades.

    Rule: CALL-7
    """
    if size.body_bytes <= 0 or used.input_tokens <= 0:
        return habit
    seen = min(-(-used.input_tokens * THOUSANDTHS // size.body_bytes), TOKENS_PER_BYTE_MAX)
    before = habit.tokens_per_byte
    per_byte = seen if before is None else before + (seen - before) // HABIT_WEIGHT
    answered = -(-used.output_tokens // size.choices)
    longest = habit.output_tokens or 0
    return Habit(max(per_byte, 1), max(answered, longest - -(-longest // OUTPUT_FADES)))


def _usage(size: CallSize, terms: ModelTerms, per_byte: int, answer: int) -> Usage:
    tokens = -(-size.body_bytes * per_byte // THOUSANDTHS)
    if terms.context_window is not None:
        tokens = min(tokens, terms.context_window)
    return Usage(input_tokens=min(tokens, COUNT_MAX), output_tokens=min(answer * size.choices, COUNT_MAX))
