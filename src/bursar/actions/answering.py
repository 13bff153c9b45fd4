"""An answer under way: asked of one provider after the other, listened to, and ended once, however it ends.

It is a task of its own, so that whoever reads it may leave at any moment: then the provider is left as well, and what
was produced is charged and kept. What was said is gathered here; it is bounded, so nobody has to be waited for.

Rule: CONV-6, CONV-10
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from bursar.actions.catalogue import Candidate
from bursar.actions.conversation_turns import Begun, end_turn
from bursar.actions.desk import Desk
from bursar.actions.model_calls import Charged, Ended, ModelCall
from bursar.db.outages import OUTAGES
from bursar.domain.calls import CallOutcome
from bursar.domain.conversations import (
    ANSWER_LENGTH_MAX,
    ANSWERING_MAX,
    FAULT_SENTENCES,
    AnswerFault,
    Message,
    MessageState,
    as_text,
)
from bursar.domain.costs import Usage
from bursar.domain.credits import Credits
from bursar.outside.clock import Stopwatch
from bursar.outside.providers import ProviderAnswer, ProviderBroke, ProviderCall, ProviderUnreachable
from bursar.outside.providers.talk import Talk, TextStream, Words
from bursar.outside.providers.usages import service_of

log = structlog.get_logger(__name__)

EVENTS = "text/event-stream"
OF_OTHERS = frozenset({401, 402, 403, 404, 407, 408, 425, 429})
"""What is about this office's account with a provider, or its load: another provider may answer."""

LEFT_BY_US = frozenset({AnswerFault.LEFT, AnswerFault.TOO_LONG, AnswerFault.TOO_SLOW, AnswerFault.INTERRUPTED})
"""The provider would have gone on."""


@dataclass(frozen=True)
class Said:
    """Some more of the answer."""

    text: str


@dataclass(frozen=True)
class Answered:
    """The answer as it is kept, and what its member can still use, where that is known."""

    message: Message
    left: Credits | None


class Answering:
    """One answer, from its call's admission to its end."""

    def __init__(
        self,
        desk: Desk,
        call: ModelCall,
        begun: Begun,
        words: Words,
        talk: Talk,
        candidates: Sequence[Candidate],
        *,
        answer_max: int | None,
    ) -> None:
        self.begun = begun
        self._desk = desk
        self._call = call
        self._words = words
        self._talk = talk
        self._candidates = candidates
        limits = [limit for limit in (answer_max, call.answer_max) if limit is not None]
        self._answer_max = min(limits, default=None)
        self._stopwatch = Stopwatch()
        self._heard = _Heard(candidates[0], TextStream(words))
        self._unsent: list[str] = []
        self._news = asyncio.Event()
        self._answered: Answered | None = None

    def start(self, *, on_end: Callable[[Answering], object]) -> None:
        """Begins to ask. `on_end` is told when all is over."""
        self._asking = asyncio.create_task(self._ask(), name="answer")
        self._running = asyncio.create_task(self._run(), name="answering")
        self._running.add_done_callback(lambda _: on_end(self))

    async def events(self) -> AsyncIterator[Said | Answered]:
        """What is said, as it comes, and at last how it came out."""
        while True:
            await self._news.wait()
            self._news.clear()
            text, self._unsent = "".join(self._unsent), []
            if text:
                yield Said(text)
            if self._answered is not None and not self._unsent:
                yield self._answered
                return

    def leave(self) -> None:
        """Nobody reads on: the provider is left as well. What was produced is charged and kept."""
        self._asking.cancel()

    async def ended(self) -> Answered:
        """Waits until the answer is kept and its call settled."""
        return await asyncio.shield(self._running)

    @property
    def tokens(self) -> int:
        """How many tokens the call used, as far as its provider said."""
        used, _ = self._heard.used()
        return 0 if used is None else used.input_tokens + used.output_tokens

    async def _run(self) -> Answered:
        fault: AnswerFault | None
        try:
            fault = await self._asking
        except asyncio.CancelledError:
            fault = AnswerFault.LEFT
        except Exception as broken:  # the outermost loop of this task: the call has to be ended all the same
            log.error("fault", exc_info=broken)
            fault = AnswerFault.INTERRUPTED
        charged = await self._call.end(self._as_call(fault))
        message = self._as_message(fault, charged)
        await self._keep(message)
        self._answered = Answered(message, charged.left)
        self._news.set()
        return self._answered

    async def _ask(self) -> AnswerFault | None:
        """Asks one after the other until somebody answers; why the answer is not whole, if it is not."""
        try:
            async with asyncio.timeout(ANSWERING_MAX.total_seconds()):
                for candidate in self._candidates:
                    self._heard = _Heard(candidate, TextStream(self._words))
                    fault = await self._ask_one(candidate)
                    if fault is not AnswerFault.PROVIDER_FAILED:
                        return fault
        except TimeoutError:
            return AnswerFault.TOO_SLOW
        return AnswerFault.PROVIDER_FAILED

    async def _ask_one(self, candidate: Candidate) -> AnswerFault | None:
        """What came of asking this one; `PROVIDER_FAILED` where somebody else may still answer."""
        heard = self._heard
        try:
            async with candidate.provider.asked(self._sent_to(candidate)) as answer:
                heard.status = answer.status
                is_talk = answer.headers.get("content-type", "").startswith(EVENTS)
                if answer.status < 400 and is_talk:
                    return await self._listen(answer)
                is_of_others = answer.status in OF_OTHERS or not 400 <= answer.status < 500
                return AnswerFault.PROVIDER_FAILED if is_of_others else AnswerFault.PROVIDER_REFUSED
        except ProviderUnreachable:
            return AnswerFault.PROVIDER_FAILED
        except ProviderBroke:
            self._desk.metrics.provider_failed(provider=candidate.provider_name, failure="broke")
            return AnswerFault.PROVIDER_FAILED if heard.first_byte_ms is None else AnswerFault.PROVIDER_BROKE

    async def _listen(self, answer: ProviderAnswer) -> AnswerFault | None:
        heard = self._heard
        async for piece in answer.pieces():
            if heard.first_byte_ms is None:
                heard.first_byte_ms = round(self._stopwatch.seconds() * 1000)
            text = as_text(heard.stream.feed(piece))
            if text:
                heard.say(text)
                self._unsent.append(text)
                self._news.set()
            if heard.length > ANSWER_LENGTH_MAX:
                return AnswerFault.TOO_LONG
            await self._call.keep_alive()
        watched = heard.stream.watched
        return AnswerFault.PROVIDER_BROKE if watched.fault is not None or not watched.is_whole else None

    def _sent_to(self, candidate: Candidate) -> ProviderCall:
        words = self._words
        return ProviderCall(
            path=words.endpoint.path,
            body=words.body(self._talk, candidate.model, self._answer_max),
            headers=words.headers,
            request_id=self._call.wish.request_id,
        )

    def _as_call(self, fault: AnswerFault | None) -> Ended:
        """How the call came out: nothing is charged where nothing came, and else what was produced.

        Rule: CONV-10
        """
        heard = self._heard
        watched = heard.stream.watched
        usage, is_estimated = heard.used()
        outcome = CallOutcome.DELIVERED if fault is None else CallOutcome.BROKEN
        if heard.first_byte_ms is None:
            outcome = CallOutcome.FAILED
        elif fault in LEFT_BY_US:
            outcome = CallOutcome.CANCELLED
        return Ended(
            outcome,
            heard.candidate,
            usage=usage,
            is_estimated=is_estimated,
            words=watched.words,
            service=service_of(watched.service),
            answered_tokens=watched.answered_tokens,
            status=heard.status,
            fault=None if fault is None else watched.fault or FAULT_SENTENCES[fault],
            first_byte_ms=heard.first_byte_ms,
        )

    def _as_message(self, fault: AnswerFault | None, charged: Charged) -> Message:
        text = self._heard.text[:ANSWER_LENGTH_MAX]
        state = MessageState.COMPLETE
        if fault is not None:
            state = MessageState.PARTIAL if text else MessageState.FAILED
        return replace(
            self.begun.answer,
            state=state,
            text=text,
            fault=fault,
            charged=charged.credits if charged.is_final else None,
        )

    async def _keep(self, message: Message) -> None:
        """Writes the answer down. Where the database is away it is not kept, and is known as one that failed."""
        try:
            await end_turn(self._desk, self._call.spender.tenant_id, self.begun.turn.conversation_id, message)
        except OUTAGES as outage:
            log.error("an answer was not kept", message=message.message_id.hex, fault=repr(outage))


class _Heard:
    """What was heard of one provider."""

    def __init__(self, candidate: Candidate, stream: TextStream) -> None:
        self.candidate = candidate
        self.stream = stream
        self.status: int | None = None
        self.first_byte_ms: int | None = None
        self.length = 0
        self._texts: list[str] = []

    def say(self, text: str) -> None:
        """Some more was said."""
        self._texts.append(text)
        self.length += len(text)

    @property
    def text(self) -> str:
        """All that was said."""
        return "".join(self._texts)

    def used(self) -> tuple[Usage | None, bool]:
        """What the provider said was used, and whether it stopped saying so before its last word: then the output is
        what went by.
        """
        watched = self.stream.watched
        if watched.usage is None or watched.is_whole:
            return (None if watched.usage is None else watched.usage.usage), False
        said = watched.usage.usage
        return replace(said, output_tokens=max(said.output_tokens, watched.answered_tokens)), True
