"""A turn of a conversation as it is kept: the question before its call leaves, the answer when it has ended.

Who is asked, and what that costs, is in `playground`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from bursar.actions.conversations import conversation_unknown, owner_of
from bursar.actions.desk import Asked, Desk
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction, reading, retrying, writing
from bursar.domain.conversations import (
    AnswerFault,
    Conversation,
    Message,
    MessageRole,
    MessageState,
    Outline,
    check_retried,
    check_room,
    is_abandoned,
    title_of,
)
from bursar.domain.refusals import Refusal
from bursar.outside.identity import new_uuid_at
from bursar.store.conversation_messages import insert_messages, list_messages_at, list_outlines, update_answer
from bursar.store.conversations import find_conversation, lock_conversation, update_conversation


@dataclass(frozen=True)
class Turn:
    """Where a question and its answer stand. An answer that is asked for again has no question of its own. `left_out`
    is how many earlier messages the model had no room for.
    """

    conversation_id: UUID
    question_position: int | None
    answer_position: int
    left_out: int

    @property
    def positions(self) -> list[int]:
        """Where its messages are, in order."""
        return [position for position in (self.question_position, self.answer_position) if position is not None]


@dataclass(frozen=True)
class Seen:
    """A conversation and what was in it when a turn was prepared."""

    conversation: Conversation
    outlines: Sequence[Outline]


@dataclass(frozen=True)
class Begun:
    """A turn that is kept, with its messages as they are at the beginning."""

    turn: Turn
    question: Message | None
    answer: Message


Check = Callable[[Sequence[Outline]], None]


async def begin_turn(desk: Desk, asked: Asked, seen: Seen, *, text: str, call_id: UUID, left_out: int) -> Done[Turn]:
    """Adds a question, and its answer as one that is under way; and the title, if there was none. Refuses
    `conversation_unknown`, `conversation_full`, and `conversation_busy` where something was said since it was looked
    at.

    Rule: CONV-6, CONV-7, CONV-9
    """
    tenant_id, _ = owner_of(asked)

    async def act(transaction: Transaction) -> Turn:
        conversation = await _as_it_was_seen(transaction, asked, seen)
        now = desk.clock.now()
        check_room(seen.outlines, now)
        await _end_abandoned(transaction, tenant_id, seen, desk)
        position = conversation.messages_count + 1
        question = Message(new_uuid_at(now), position, MessageRole.USER, MessageState.COMPLETE, text, now)
        answer = _under_way(new_uuid_at(now), position + 1, seen, call_id, desk)
        changed = replace(
            conversation,
            title=title_of(text) if conversation.title is None else conversation.title,
            messages_count=answer.position,
            updated_at=now,
        )
        await update_conversation(transaction, tenant_id, changed)
        await insert_messages(transaction, tenant_id, conversation.conversation_id, [question, answer])
        return Turn(conversation.conversation_id, question.position, answer.position, left_out)

    return await once(desk, asked, tenant_id, Turn, act)


async def begin_retry(
    desk: Desk, asked: Asked, seen: Seen, *, message_id: UUID, call_id: UUID, left_out: int
) -> Done[Turn]:
    """Makes the last answer one that is under way again. Refuses `conversation_unknown`, `conversation_busy`,
    `message_unknown`, `answer_not_retried`.

    Rule: CONV-11
    """
    tenant_id, _ = owner_of(asked)

    async def act(transaction: Transaction) -> Turn:
        conversation = await _as_it_was_seen(transaction, asked, seen)
        now = desk.clock.now()
        check_retried(seen.outlines, message_id, now)
        position = conversation.messages_count
        (before,) = await list_messages_at(transaction, tenant_id, conversation.conversation_id, [position])
        assert before.call_id is not None, "the last answer is one"
        answer = _under_way(message_id, position, seen, call_id, desk)
        await update_answer(transaction, tenant_id, conversation.conversation_id, answer, of_call=before.call_id)
        await update_conversation(transaction, tenant_id, replace(conversation, updated_at=now))
        return Turn(conversation.conversation_id, None, position, left_out)

    return await once(desk, asked, tenant_id, Turn, act)


async def end_turn(desk: Desk, tenant_id: UUID, conversation_id: UUID, answer: Message) -> bool:
    """Keeps an answer that has ended, in whole or in part. False where its place is gone, or was given to another call.

    Rule: CONV-6
    """
    assert answer.call_id is not None, "an answer comes of a call"
    call_id = answer.call_id

    async def act() -> bool:
        async with writing(desk.tenants, tenant_id) as transaction:
            return await update_answer(transaction, tenant_id, conversation_id, answer, of_call=call_id)

    return await retrying(act)


async def find_turn(desk: Desk, asked: Asked, turn: Turn) -> Begun:
    """A turn as it is now. Refuses `conversation_unknown` where it was deleted since."""
    tenant_id, member_id = owner_of(asked)
    async with reading(desk.tenants, tenant_id) as transaction:
        if await find_conversation(transaction, tenant_id, member_id, turn.conversation_id) is None:
            raise conversation_unknown()
        *questions, answer = await list_messages_at(transaction, tenant_id, turn.conversation_id, turn.positions)
    return Begun(turn, questions[0] if questions else None, answer)


async def _as_it_was_seen(transaction: Transaction, asked: Asked, seen: Seen) -> Conversation:
    """The conversation, locked, if nothing was said in it since: what the model is told must be all that was said.

    Rule: CONV-7
    """
    tenant_id, member_id = owner_of(asked)
    conversation_id = seen.conversation.conversation_id
    conversation = await lock_conversation(transaction, tenant_id, member_id, conversation_id)
    if conversation is None:
        raise conversation_unknown()
    if await list_outlines(transaction, tenant_id, conversation_id) != list(seen.outlines):
        raise Refusal("conversation_busy", "Something else was asked in this conversation at the same moment.")
    return conversation


async def _end_abandoned(transaction: Transaction, tenant_id: UUID, seen: Seen, desk: Desk) -> None:
    """Writes down that the last answer is none, where nobody waits for it any more.

    Rule: CONV-7
    """
    if not seen.outlines:
        return
    newest, conversation_id = seen.outlines[-1], seen.conversation.conversation_id
    if not is_abandoned(newest.state, newest.created_at, desk.clock.now()):
        return
    (answer,) = await list_messages_at(transaction, tenant_id, conversation_id, [newest.position])
    assert answer.call_id is not None, "what is under way is an answer"
    failed = replace(answer, state=MessageState.FAILED, fault=AnswerFault.INTERRUPTED)
    await update_answer(transaction, tenant_id, conversation_id, failed, of_call=answer.call_id)


def _under_way(message_id: UUID, position: int, seen: Seen, call_id: UUID, desk: Desk) -> Message:
    return Message(
        message_id=message_id,
        position=position,
        role=MessageRole.ASSISTANT,
        state=MessageState.ANSWERING,
        text="",
        created_at=desk.clock.now(),
        model=seen.conversation.model,
        call_id=call_id,
    )
