"""How large a batch of calls may become, judged before it is sent; and what its results add up to.

A batch is many calls of one model. What its hold is made of is the sum of what the calls would be held for one by one
(`call_sizes`), at the price of the batch service. What it is charged is the sum of what each call used, each in the
band of its own input, and rounded once for all of them.

Rule: TASK-2
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from bursar.domain.call_sizes import (
    FIRST_OUTPUT,
    FIRST_TOKENS_PER_BYTE,
    HEADROOM,
    THOUSANDTHS,
    TOKENS_PER_BYTE_MAX,
    AdmissionPolicy,
    CallSize,
    Habit,
    longest_answer,
)
from bursar.domain.calls import counts_of, usage_of
from bursar.domain.costs import COUNT_MAX, CompiledPrice, Cost, Usage, cost_in, cost_of
from bursar.domain.prices import ModelTerms, Service
from bursar.domain.refusals import Refusal

REQUESTS_MAX = 100_000
"""What Anthropic takes; OpenAI takes half of it."""


@dataclass(frozen=True, slots=True)
class BatchSize:
    """What of a batch is known before it is sent: how many calls, their bytes, those of the largest, what all answers
    with a limit of their own may have together, and how many answers have none.
    """

    requests: int
    body_bytes: int
    largest_bytes: int
    limited_tokens: int
    unlimited_answers: int


def size_of_batch(sizes: list[CallSize], terms: ModelTerms) -> BatchSize:
    """The size of a batch of these calls. Refuses `invalid_input` for none, and for too many.

    Rule: TASK-2
    """
    if not 1 <= len(sizes) <= REQUESTS_MAX:
        raise Refusal("invalid_input", f"A batch has 1 to {REQUESTS_MAX} requests.", field="requests")
    limited = [size for size in sizes if size.output_max is not None]
    return BatchSize(
        requests=len(sizes),
        body_bytes=sum(size.body_bytes for size in sizes),
        largest_bytes=max(size.body_bytes for size in sizes),
        limited_tokens=sum(longest_answer(size, terms) * size.choices for size in limited),
        unlimited_answers=sum(size.choices for size in sizes if size.output_max is None),
    )


def cost_to_hold(
    size: BatchSize, price: CompiledPrice, terms: ModelTerms, habit: Habit, policy: AdmissionPolicy
) -> Cost:
    """What a batch is expected to cost, or under `strict` the most that it can; in the band of its largest call.

    Rule: TASK-2
    """
    per_byte, answer = TOKENS_PER_BYTE_MAX, longest_answer(CallSize(0, 1, None), terms)
    if policy is AdmissionPolicy.OVERDRAFT:
        tokens_per_byte = FIRST_TOKENS_PER_BYTE if habit.tokens_per_byte is None else habit.tokens_per_byte
        per_byte = min(tokens_per_byte * HEADROOM // THOUSANDTHS, TOKENS_PER_BYTE_MAX)
        answer = min(FIRST_OUTPUT if habit.output_tokens is None else habit.output_tokens, answer)
    usage = Usage(
        input_tokens=min(_tokens(size.body_bytes, per_byte), COUNT_MAX),
        output_tokens=min(size.limited_tokens + size.unlimited_answers * answer, COUNT_MAX),
        calls=size.requests,
    )
    return cost_in(price.band(Service.BATCH, _tokens(size.largest_bytes, per_byte)), usage)


def _tokens(body_bytes: int, per_byte: int) -> int:
    return -(-body_bytes * per_byte // THOUSANDTHS)


@dataclass
class Tally:
    """What the results of a batch add up to, as they go by one after another.

    Rule: TASK-5
    """

    price: CompiledPrice | None
    answered: int = 0
    failed: int = 0
    is_estimated: bool = False
    _parts: int = 0
    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, usage: Usage | None, *, is_estimated: bool = False) -> None:
        """One more call was answered, and used this; or failed, and used nothing."""
        if usage is None:
            self.failed += 1
            return
        self.answered += 1
        self.is_estimated = self.is_estimated or is_estimated
        self._counts.update(counts_of(usage))
        if self.price is not None:
            self._parts += cost_of(self.price, usage, Service.BATCH).parts

    @property
    def usage(self) -> Usage:
        """What all of them used."""
        counts = {name: min(count, COUNT_MAX) for name, count in self._counts.items()}
        return usage_of({**counts, "calls": self.answered})

    @property
    def cost(self) -> Cost:
        """What all of them cost, exactly."""
        return Cost(self._parts)
