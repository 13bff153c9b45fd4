"""One model call, from its admission to its one settlement.

    admitted -> asked -> delivered | cancelled | broken | failed -> settled or voided, once

Whoever asks the provider (the gateway, a conversation of the console) goes through here: `Counter.admit` sets credits
aside before anything is sent, `ModelCall.end` charges what was used and writes the row that says for what. Nothing is
held open in between: no transaction, no connection.

Rule: CALL-5
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from bursar.actions.call_keys import call_id_of, free_key
from bursar.actions.call_refusals import repeated, told_whom_to_ask
from bursar.actions.calls import written_with
from bursar.actions.catalogue import Candidate
from bursar.actions.desk import Desk
from bursar.actions.habits import Habits
from bursar.actions.settlements import NOT_NOW, Settlements
from bursar.actions.watching import tell_call
from bursar.domain.call_sizes import AdmissionPolicy, CallSize, affordable_answer, expected_usage, highest_usage
from bursar.domain.calls import FAULT_LENGTH_MAX, Call, CallOutcome, unreported
from bursar.domain.costs import Cost, Usage, cost_of, credits_for
from bursar.domain.credits import Credits, parse_figure
from bursar.domain.prices import NO_TERMS, Service
from bursar.domain.refusals import Refusal
from bursar.ledger import ExtendHold, KeyLimit, OpenHold, OutcomeUnknown, SettleHold, VoidHold, WriteAlong
from bursar.outside.clock import Stopwatch
from bursar.outside.identity import new_uuid_at
from bursar.store.callers import Terms

log = structlog.get_logger(__name__)

KEPT_ALIVE_AFTER, TRIED_AGAIN_AFTER = 1 / 2, 3 / 8
"""Of a hold's time: when its deadline is moved out; and how old it counts as where it could not be."""


@dataclass(frozen=True, slots=True)
class Spender:
    """Who pays for a call, on what terms, and with which key, if any."""

    tenant_id: UUID
    member_id: UUID
    terms: Terms
    with_key: KeyLimit | None = None

    @property
    def caller_id(self) -> UUID:
        """Whose habit counts: the key's, where there is one."""
        return self.member_id if self.with_key is None else self.with_key.key_id


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: where, of which model as the caller names it, how large, and under which request. `once` is
    the caller's own idempotency key.
    """

    endpoint: str
    model: str
    size: CallSize
    is_streamed: bool
    request_id: str | None = None
    once: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call came out, and what is known of what it used. A usage that is None is estimated: the input by habit,
    the output as `answered_tokens` went by.
    """

    outcome: CallOutcome
    candidate: Candidate | None
    usage: Usage | None = None
    is_estimated: bool = False
    words: bytes | None = None
    service: Service = Service.STANDARD
    answered_tokens: int = 0
    status: int | None = None
    fault: str | None = None
    provider_request_id: str | None = None
    first_byte_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Charged:
    """What a call was charged, what its spender can still use, where that is known, and its tokens. `is_final` is false
    where the books could not be reached yet: then it is charged as soon as they can.
    """

    credits: Credits
    left: Credits | None
    tokens: int = 0
    is_final: bool = True


class Counter:
    """Where calls are admitted. One for a process: it keeps the habits of callers and the settlements under way."""

    def __init__(self, desk: Desk, *, hold_seconds: int) -> None:
        """`hold_seconds` is how long a hold lives unless it is extended: at least twice what a provider may take."""
        self.desk = desk
        self.hold_seconds = hold_seconds
        self.habits = Habits()
        self.settlements = Settlements(desk.lanes)

    async def admit(
        self, spender: Spender, wish: Wish, candidates: Sequence[Candidate], *, since: Stopwatch | None = None
    ) -> ModelCall:
        """Sets aside what the call may cost at the dearest of its candidates; only then may anything be sent. `since`
        counts from when it came.

        Refuses `insufficient_quota`, `call_repeated`, `member_disabled`. Where the tenant converts dollars to nothing,
        nothing is held, and every call is admitted.

        Rule: CALL-5, CALL-8
        """
        started_at = self.desk.clock.now()
        call = ModelCall(self, spender, wish, new_uuid_at(started_at), started_at, since or Stopwatch())
        with self.desk.tracing.span("admission"):
            own_id = call.call_id
            if wish.once is not None:
                call.call_id = await call_id_of(
                    self.desk, spender.tenant_id, spender.caller_id, wish.once, own_id, now=started_at
                )
            if spender.terms.credit_factor.ten_thousandths:
                await call.hold(candidates)
            elif call.call_id != own_id:
                raise repeated(call.call_id)  # no hold is there to tell
        self.settlements.expect_one()
        self.desk.metrics.call_began()
        return call

    async def close(self) -> None:
        """Waits for what is still to be settled, as long as the books can be reached."""
        await self.settlements.close()


class ModelCall:
    """One call under way. `end` it exactly once; ending it again changes nothing."""

    def __init__(
        self,
        counter: Counter,
        spender: Spender,
        wish: Wish,
        call_id: UUID,
        started_at: datetime,
        since: Stopwatch,
    ) -> None:
        self._counter = counter
        self.spender = spender
        self.wish = wish
        self.call_id = call_id
        self.started_at = started_at
        self.held: Credits | None = None
        self.left: Credits | None = None
        self.answer_max: int | None = None
        """What the answer has to be bounded to, since the spender can pay for no more."""
        self._stopwatch = since
        self._extended_at = counter.desk.clock.seconds()
        self._ending: asyncio.Task[Charged] | None = None

    @property
    def is_ended(self) -> bool:
        """Whether its settlement is under way or done."""
        return self._ending is not None

    async def hold(self, candidates: Sequence[Candidate]) -> None:
        """Opens the hold. Refuses `insufficient_quota`, `call_repeated`.

        Rule: CALL-5, CALL-6
        """
        size = self.wish.size
        try:
            await self._open(self._amount(candidates, size))
        except Refusal as refusal:
            is_bounded = size.output_max is not None
            if refusal.code != "insufficient_quota" or is_bounded or not self._is_strict:
                raise
            # Strict, and the caller set no limit: it is sent with the limit that the spender can pay.
            answer_max = self._affordable(candidates, parse_figure(refusal.facts["available"], field="available"))
            if answer_max is None:
                raise
            await self._open(self._amount(candidates, replace(size, output_max=answer_max)))
            self.answer_max = answer_max

    async def keep_alive(self) -> None:
        """Moves the hold's deadline, once half of its time has passed: for calls that go on and on.

        Rule: CALL-10
        """
        now = self._counter.desk.clock.seconds()
        if self.held is None or now - self._extended_at < self._counter.hold_seconds * KEPT_ALIVE_AFTER:
            return
        self._extended_at = now
        command = ExtendHold(actor_id=None, hold_id=self.call_id, seconds=self._counter.hold_seconds)
        try:
            outcome = await self._counter.desk.lanes.submit(self.spender.tenant_id, command)
        except NOT_NOW as fault:
            # The answer goes on all the same: its settlement is right even where the deadline comes first.
            self._extended_at = now - self._counter.hold_seconds * TRIED_AGAIN_AFTER
            log.warning("a hold was not extended", call=self.call_id.hex, fault=repr(fault))
            return
        if outcome.refusal is not None:
            log.warning("a hold was not extended", call=self.call_id.hex, code=outcome.refusal.code)

    async def end(self, ended: Ended) -> Charged:
        """Charges what was used and writes the call's row with it; or gives all of the hold back, where it failed.

        Whoever waits may be cancelled; the settlement goes on.

        Rule: CALL-5, CALL-9
        """
        if self._ending is None:
            self._ending = self._counter.settlements.begin(self._settle_watched(ended))
        return await asyncio.shield(self._ending)

    async def _settle_watched(self, ended: Ended) -> Charged:
        desk = self._counter.desk
        try:
            with desk.tracing.span("settlement"):
                return await self._settle(ended)
        finally:
            desk.metrics.call_left()

    async def withdraw(self) -> None:
        """Gives back what is held for a call that is not made after all: nothing was sent, and no row is left of it.

        Rule: CALL-9
        """
        if self._ending is None:
            self._ending = self._counter.settlements.begin(self._give_back())
        await asyncio.shield(self._ending)

    async def _give_back(self) -> Charged:
        try:
            if self.held is not None:
                command = VoidHold(actor_id=None, hold_id=self.call_id)
                await self._counter.settlements.submit(self.spender.tenant_id, command)
        finally:
            self._counter.desk.metrics.call_left()
        return Charged(Credits(0), None)

    async def _settle(self, ended: Ended) -> Charged:
        desk, spender, terms = self._counter.desk, self.spender, self.spender.terms
        if ended.usage is None:
            ended = replace(ended, outcome=unreported(ended.outcome, answered_tokens=ended.answered_tokens))
        usage, is_estimated = self._used(ended)
        priced = None if ended.candidate is None else ended.candidate.priced
        cost = Cost(0) if priced is None else cost_of(priced.compiled, usage, ended.service)
        charged = credits_for(cost, credit_factor=terms.credit_factor, price_factor=terms.price_factor)
        now = desk.clock.now()
        row = Call(
            call_id=self.call_id,
            member_id=spender.member_id,
            group_id=terms.group_id,
            key_id=None if spender.with_key is None else spender.with_key.key_id,
            endpoint=self.wish.endpoint,
            model=self.wish.model,
            provider=None if ended.candidate is None else ended.candidate.provider_name,
            provider_model=None if ended.candidate is None else ended.candidate.model,
            is_streamed=self.wish.is_streamed,
            is_simulated=ended.candidate is not None and ended.candidate.is_simulated,
            started_at=self.started_at,
            ended_at=now,
            day=self.started_at.astimezone(ZoneInfo(terms.time_zone)).date(),
            outcome=ended.outcome,
            usage=usage,
            is_estimated=is_estimated,
            price_id=None if priced is None else priced.price.price_id,
            service=ended.service,
            cost=cost,
            credit_factor=terms.credit_factor,
            price_factor=terms.price_factor,
            credits=charged,
            held=self.held,
            total_ms=round(self._stopwatch.seconds() * 1000),
            first_byte_ms=ended.first_byte_ms,
            status=ended.status,
            fault=None if ended.fault is None else ended.fault[:FAULT_LENGTH_MAX],
            request_id=self.wish.request_id,
            provider_request_id=ended.provider_request_id,
            reported=ended.words,
        )
        if ended.usage is not None and not is_estimated and ended.outcome is CallOutcome.DELIVERED:
            self._counter.habits.learn(spender.caller_id, self.wish.model, self.wish.size, usage)
        outcome = await self._counter.settlements.submit(spender.tenant_id, self._closing(row))
        tell_call(desk, spender.tenant_id, row)
        if self.wish.once is not None and row.outcome is CallOutcome.FAILED:
            await free_key(desk, spender.tenant_id, spender.caller_id, self.wish.once)
        tokens = usage.input_tokens + usage.output_tokens
        if outcome is None:
            return Charged(charged, None, tokens, is_final=False)
        if outcome.refusal is not None:
            log.error("a call was not settled", call=self.call_id.hex, code=outcome.refusal.code)
        return Charged(charged, None if outcome.left_micro is None else Credits(outcome.left_micro), tokens)

    def _closing(self, row: Call) -> SettleHold | VoidHold | WriteAlong:
        along = written_with(row)
        if self.held is None:
            return WriteAlong(actor_id=None, along=along)
        if row.outcome is CallOutcome.FAILED:
            return VoidHold(actor_id=None, hold_id=self.call_id, along=along)
        return SettleHold(actor_id=None, hold_id=self.call_id, cost=row.credits, along=along)

    def _used(self, ended: Ended) -> tuple[Usage, bool]:
        """What was used, and whether that is an estimate: what the provider said, else what went by.

        Rule: CALL-11
        """
        if ended.outcome is CallOutcome.FAILED:
            return Usage(calls=0), False
        if ended.usage is not None:
            return ended.usage, ended.is_estimated
        priced = None if ended.candidate is None else ended.candidate.priced
        terms = NO_TERMS if priced is None else priced.price.terms
        habit = self._counter.habits.of(self.spender.caller_id, self.wish.model)
        expected = expected_usage(self.wish.size, terms, habit, with_headroom=False)
        return replace(expected, output_tokens=ended.answered_tokens), True

    async def _open(self, amount: Credits) -> None:
        spender = self.spender
        command = OpenHold(
            actor_id=None,
            hold_id=self.call_id,
            member_id=spender.member_id,
            amount=amount,
            seconds=self._counter.hold_seconds,
            with_key=spender.with_key,
        )
        try:
            outcome = await self._counter.desk.lanes.submit(spender.tenant_id, command)
        except (asyncio.CancelledError, OutcomeUnknown):
            # It may have been opened all the same, and nobody will send this call any more; but a call that was asked
            # for again must not give back what the first one of its key holds.
            if self.wish.once is None:
                self._counter.settlements.see_to(spender.tenant_id, VoidHold(actor_id=None, hold_id=self.call_id))
            raise
        if outcome.replayed or (outcome.refusal is not None and outcome.refusal.code == "key_reused"):
            raise repeated(self.call_id)
        if outcome.refusal is not None:
            raise told_whom_to_ask(outcome.refusal, spender.terms.contact)
        self.held = amount
        self.left = None if outcome.left_micro is None else Credits(outcome.left_micro)

    @property
    def _is_strict(self) -> bool:
        return self.spender.terms.admission is AdmissionPolicy.STRICT

    def _amount(self, candidates: Sequence[Candidate], size: CallSize) -> Credits:
        """What the call may cost, at the dearest of those who may be asked."""
        return max((self._estimate(candidate, size) for candidate in candidates), default=Credits(0))

    def _estimate(self, candidate: Candidate, size: CallSize) -> Credits:
        if candidate.priced is None:
            return Credits(0)
        terms = candidate.priced.price.terms
        if self._is_strict:
            usage = highest_usage(size, terms)
        else:
            usage = expected_usage(size, terms, self._counter.habits.of(self.spender.caller_id, self.wish.model))
        return self._credits(cost_of(candidate.priced.compiled, usage, Service.STANDARD))

    def _affordable(self, candidates: Sequence[Candidate], available: Credits) -> int | None:
        """The longest answer that what is left pays for at every candidate; None where not even one token is."""

        def is_affordable(candidate: Candidate, size: CallSize) -> bool:
            return self._estimate(candidate, size).micro <= available.micro

        lengths = [
            affordable_answer(self.wish.size, candidate.priced.price.terms, partial(is_affordable, candidate))
            for candidate in candidates
            if candidate.priced is not None
        ]
        return min(lengths, default=0) or None

    def _credits(self, cost: Cost) -> Credits:
        terms = self.spender.terms
        return credits_for(cost, credit_factor=terms.credit_factor, price_factor=terms.price_factor)
