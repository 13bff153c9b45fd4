"""Asking a model in a conversation: what it is told, who is asked, and that it is paid for like every other call.

    looked at -> admitted -> question kept -> asked -> answer kept, call settled

The question is kept once the call is admitted and before it leaves; so a question that was refused for want of credits
is not there, and one that was sent always is. How an answer under way comes to its end is in `answering`.

Rule: CONV-6, CONV-9
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from bursar.actions.answering import Answering
from bursar.actions.call_desk import CallDesk
from bursar.actions.catalogue import Candidate, Catalogue
from bursar.actions.conversation_turns import Begun, Seen, Turn, begin_retry, begin_turn, find_turn
from bursar.actions.conversations import conversation_unknown, owner_of
from bursar.actions.desk import Asked
from bursar.actions.model_calls import ModelCall, Spender, Wish
from bursar.actions.once import Done, answered_before
from bursar.db.transaction import platform_reading, reading
from bursar.domain.call_limits import CallBounds, MemberLimits, keyless_bounds
from bursar.domain.call_sizes import CallSize, longest_answer
from bursar.domain.conversations import (
    ANSWER_TOKENS_MAX,
    TEXT_LENGTH_MAX,
    Conversation,
    MessageRole,
    MessageState,
    Outline,
    Retold,
    as_seen,
    check_retried,
    check_room,
    check_text,
    retold,
    room_for,
)
from bursar.domain.prices import NO_TERMS, ModelTerms
from bursar.domain.refusals import Refusal
from bursar.outside.providers.talk import WORDS, Talk, Words
from bursar.store.callers import Terms, find_terms
from bursar.store.catalogue_version import get_catalogue_version
from bursar.store.conversation_messages import list_outlines, list_texts
from bursar.store.conversations import find_conversation
from bursar.store.member_limits import find_member_limits

ENDPOINT = "playground"
CANDIDATES_MAX = 4
"""As at the gateway: so many are asked in turn."""
NOTHING_SENT = CallSize(0, 1, None)
"""A call that says nothing of how long its answer may be."""


class Admitted(Protocol):
    """A call that was let in by the limits of its member, and counts as under way until it is released."""

    def used(self, tokens: int) -> None:
        """Counts its tokens."""

    def release(self) -> None:
        """It is not under way any more."""


class Limits(Protocol):
    """Where the calls of each member are counted, those with a key as well."""

    def admit(self, bounds: CallBounds, *, key_id: UUID, member_id: UUID) -> Admitted:
        """Lets a call in and counts it. Refuses `rate_limit_exceeded`."""


class Room(Protocol):
    """The room for the calls of this process, those with a key as well."""

    def enter(self) -> AbstractContextManager[object]:
        """A place for one more call, until its context ends. Refuses `overloaded`."""


@asynccontextmanager
async def playground_open(calls: CallDesk, limits: Limits, room: Room) -> AsyncIterator[Playground]:
    """Opened where calls are made; on leaving, what is under way is stopped, charged and kept."""
    opened = Playground(calls, limits, room)
    try:
        yield opened
    finally:
        await opened.close()


@dataclass(frozen=True)
class Saved:
    """A question that was sent before, under the same key: what came of it."""

    begun: Begun


@dataclass(frozen=True)
class _Terms:
    """Whose conversation it is, on what terms calls are made, and by which catalogue."""

    conversation: Conversation
    terms: Terms
    limits: MemberLimits
    catalogue_version: int


@dataclass(frozen=True)
class _Prepared:
    """All that a call is made of: what there is, who can be asked in which words, and what is told."""

    seen: Seen
    terms: Terms
    limits: MemberLimits
    candidates: Sequence[Candidate]
    words: Words
    talk: Talk
    told: Retold
    answer_max: int | None


Keep = Callable[["_Prepared", ModelCall], Awaitable[Done[Turn]]]
Checked = Callable[[Sequence[Outline]], Sequence[Outline]]


class Playground:
    """Where conversations ask models. One for a process: it owns the answers that are under way."""

    def __init__(self, calls: CallDesk, limits: Limits, room: Room) -> None:
        self._limits = limits
        self._room = room
        self.desk = calls.desk
        self._counter = calls.counter
        self._catalogues = calls.catalogues
        self._under_way: set[Answering] = set()

    async def send(self, asked: Asked, conversation_id: UUID, text: str) -> Answering | Saved:
        """Asks a question, whose answer is under way when this returns; or finds what came of it, if it was asked
        before.

        Refuses `conversation_unknown`, `conversation_busy`, `conversation_full`, `model_unknown`, `model_unpriced`,
        `rate_limit_exceeded`, `overloaded`, `insufficient_quota`, `invalid_input`.

        Rule: CONV-9
        """
        question = check_text(text, field="text", length_max=TEXT_LENGTH_MAX)

        def checked(outlines: Sequence[Outline]) -> Sequence[Outline]:
            check_room(outlines, self.desk.clock.now())
            return outlines

        async def keep(prepared: _Prepared, call: ModelCall) -> Done[Turn]:
            return await begin_turn(
                self.desk, asked, prepared.seen, text=question, call_id=call.call_id, left_out=prepared.told.left_out
            )

        return await self._ask(asked, conversation_id, question, checked, keep)

    async def retry(self, asked: Asked, conversation_id: UUID, message_id: UUID) -> Answering | Saved:
        """Asks for the last answer again, where it failed or broke off. Refuses as `send` does, and `message_unknown`,
        `answer_not_retried`.

        Rule: CONV-11
        """

        def checked(outlines: Sequence[Outline]) -> Sequence[Outline]:
            return check_retried(outlines, message_id, self.desk.clock.now())

        async def keep(prepared: _Prepared, call: ModelCall) -> Done[Turn]:
            return await begin_retry(
                self.desk,
                asked,
                prepared.seen,
                message_id=message_id,
                call_id=call.call_id,
                left_out=prepared.told.left_out,
            )

        return await self._ask(asked, conversation_id, None, checked, keep)

    async def catalogue(self) -> Catalogue:
        """What models there are at this moment."""
        async with platform_reading(self.desk.platform) as transaction:
            version = await get_catalogue_version(transaction)
        return await self._catalogues.current(version)

    async def close(self) -> None:
        """Stops whatever is under way; what was produced is charged and kept."""
        under_way = list(self._under_way)
        for answering in under_way:
            answering.leave()
        for answering in under_way:
            await answering.ended()

    async def _ask(
        self, asked: Asked, conversation_id: UUID, question: str | None, checked: Checked, keep: Keep
    ) -> Answering | Saved:
        tenant_id, member_id = owner_of(asked)
        turn = await answered_before(self.desk, asked, tenant_id, Turn)
        if turn is not None:
            return await self._saved(asked, turn)
        with ExitStack() as leaving:
            leaving.enter_context(self._room.enter())
            prepared = await self._prepare(asked, conversation_id, question, checked)
            # No key is bounded, so it does not matter which one is named.
            ticket = self._limits.admit(keyless_bounds(prepared.limits), key_id=member_id, member_id=member_id)
            leaving.callback(ticket.release)
            call = await self._admitted(prepared, Spender(tenant_id, member_id, prepared.terms), asked.request_id)
            begun = await self._kept(asked, prepared, call, keep)
            if isinstance(begun, Saved):
                return begun
            until_over = leaving.pop_all()
        answering = Answering(
            self.desk, call, begun, prepared.words, prepared.talk, prepared.candidates, answer_max=prepared.answer_max
        )
        self._under_way.add(answering)

        def over(ended: Answering) -> None:
            self._under_way.discard(ended)
            ticket.used(ended.tokens)
            until_over.close()

        answering.start(on_end=over)
        return answering

    async def _kept(self, asked: Asked, prepared: _Prepared, call: ModelCall, keep: Keep) -> Begun | Saved:
        """The turn, kept; or what came of it, where it was asked before. A call that is not made is given back."""
        try:
            done = await keep(prepared, call)
            begun = await find_turn(self.desk, asked, done.answer)
            if not done.replayed:
                return begun
        except BaseException:
            await call.withdraw()
            raise
        await call.withdraw()
        return _saved_or_busy(begun, self.desk.clock.now())

    async def _admitted(self, prepared: _Prepared, spender: Spender, request_id: str | None) -> ModelCall:
        """The call, paid for as far as it can be foretold. What is short is no field of the question.

        Rule: CONV-9
        """
        body = prepared.words.body(prepared.talk, prepared.candidates[0].model, prepared.answer_max)
        wish = Wish(
            endpoint=ENDPOINT,
            model=prepared.seen.conversation.model,
            size=CallSize(len(body), 1, None),
            is_streamed=True,
            request_id=request_id,
        )
        try:
            return await self._counter.admit(spender, wish, prepared.candidates)
        except Refusal as refusal:
            raise Refusal(refusal.code, refusal.detail, **refusal.facts) from None

    async def _saved(self, asked: Asked, turn: Turn) -> Saved:
        return _saved_or_busy(await find_turn(self.desk, asked, turn), self.desk.clock.now())

    async def _prepare(self, asked: Asked, conversation_id: UUID, question: str | None, checked: Checked) -> _Prepared:
        """Looks at the conversation, finds who can be asked, and reads what of it is told again."""
        known = await self._known(asked, conversation_id)
        catalogue = await self._catalogues.current(known.catalogue_version)
        words, candidates = spoken(catalogue, known.conversation.model)
        tenant_id, _ = owner_of(asked)
        async with reading(self.desk.tenants, tenant_id) as transaction:
            outlines = await list_outlines(transaction, tenant_id, conversation_id)
            earlier = checked(outlines)
            if question is None:
                *earlier, last = earlier
                ((_, question),) = await list_texts(transaction, tenant_id, conversation_id, [last.position])
            told = retold(earlier, room_bytes=_room(known.conversation, question, candidates))
            texts = await list_texts(transaction, tenant_id, conversation_id, told.positions)
        return _Prepared(
            seen=Seen(known.conversation, outlines),
            terms=known.terms,
            limits=known.limits,
            candidates=candidates,
            words=words,
            talk=Talk(known.conversation.instructions, [*texts, (MessageRole.USER, question)]),
            told=told,
            answer_max=_answer_max(candidates) if words.needs_limit else None,
        )

    async def _known(self, asked: Asked, conversation_id: UUID) -> _Terms:
        tenant_id, member_id = owner_of(asked)
        async with reading(self.desk.tenants, tenant_id) as transaction:
            conversation = await find_conversation(transaction, tenant_id, member_id, conversation_id)
            terms = await find_terms(transaction, tenant_id, member_id)
            if conversation is None or terms is None:
                raise conversation_unknown()
            limits = await find_member_limits(transaction, tenant_id) or MemberLimits()
            return _Terms(conversation, terms, limits, await get_catalogue_version(transaction))


def spoken(catalogue: Catalogue, model: str) -> tuple[Words, Sequence[Candidate]]:
    """Who can be asked for a model, and in which words. Refuses `model_unknown`, `model_unpriced`.

    Rule: CONV-10
    """
    dialect, candidates = catalogue.spoken(model)
    return WORDS[dialect], candidates[:CANDIDATES_MAX]


def _saved_or_busy(begun: Begun, now: datetime) -> Saved:
    """What came of a question that was asked before. Refuses `conversation_busy` while nobody knows yet."""
    answer = as_seen(begun.answer, now)
    if answer.state is MessageState.ANSWERING:
        raise Refusal("conversation_busy", "This question is being answered: it is not asked twice.")
    return Saved(replace(begun, answer=answer))


def _room(conversation: Conversation, question: str, candidates: Sequence[Candidate]) -> int:
    """How many bytes of earlier turns fit at everybody who may be asked."""
    sent = len(question.encode()) + len((conversation.instructions or "").encode())
    return min(room_for(sent, window=_terms_of(candidate).context_window) for candidate in candidates)


def _answer_max(candidates: Sequence[Candidate]) -> int:
    """How long an answer may be, where one has to say so."""
    return min(ANSWER_TOKENS_MAX, *(longest_answer(NOTHING_SENT, _terms_of(candidate)) for candidate in candidates))


def _terms_of(candidate: Candidate) -> ModelTerms:
    return NO_TERMS if candidate.priced is None else candidate.priced.price.terms
