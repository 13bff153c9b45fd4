"""What people ask models at the console: conversations, what is said in them, and what of it is told again.

Not here: how a call is admitted and charged (`call_sizes`, `costs`), and in whose words a model is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from bursar.domain.credits import Credits
from bursar.domain.refusals import Refusal

TITLE_LENGTH_MAX = 120
TITLE_OF_QUESTION_LENGTH = 60
"""A conversation without a title is called by so much of its first question: a line of a list."""
TEXT_LENGTH_MAX = 32_000
"""A long document; what is longer is a file, and no question."""
INSTRUCTIONS_LENGTH_MAX = 4_000
"""Two pages. They are sent, and paid for, with every question."""
ANSWER_LENGTH_MAX = 400_000
"""Longer than any model answers at once. Where one goes on for ever, this is where it is stopped."""
CONVERSATIONS_MAX = 1_000
"""Of a member: years of daily use, and few enough to be searched through at once."""
MESSAGES_MAX = 400
"""Of a conversation: two hundred questions. Long before that most models have no room for all of it."""
TOLD_BYTES_MAX = 1_000_000
"""The most that is read of a conversation to be told again, however large a model's window is."""
ANSWER_TOKENS_MAX = 8_192
"""How long an answer may be where a model has to be told."""
ANSWERING_MAX = timedelta(minutes=15)
"""An answer that takes longer is stopped. One that is under way for longer has nobody who still waits for it."""

UNKNOWN_WINDOW = 16_384
"""The window of a model whose price list entry does not say; nearly all have more."""
BYTES_PER_TOKEN = 2
"""What fits is judged by: no prose has more tokens than half its bytes. Too few is better than a refusal."""
WINDOW_SHARE = 4
"""The part of a window that is kept free for the answer."""


class MessageRole(StrEnum):
    """Who says something."""

    USER = "user"
    ASSISTANT = "assistant"


class MessageState(StrEnum):
    """How far a message is. A question is complete; an answer is under way, and then one of the others for good.

    *Partial*: the person left, or the provider broke off, after some of it. *Failed*: before any of it.

    Rule: CONV-6
    """

    ANSWERING = "answering"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


class AnswerFault(StrEnum):
    """Why an answer is not whole."""

    LEFT = "left"
    PROVIDER_FAILED = "provider_failed"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_BROKE = "provider_broke"
    TOO_SLOW = "too_slow"
    TOO_LONG = "too_long"
    INTERRUPTED = "interrupted"


FAULT_SENTENCES: Mapping[AnswerFault, str] = {
    AnswerFault.LEFT: "The page was left before the answer was there.",
    AnswerFault.PROVIDER_FAILED: "The model's provider did not answer.",
    AnswerFault.PROVIDER_REFUSED: "The model's provider refused the question; it may be too long for the model.",
    AnswerFault.PROVIDER_BROKE: "The model's provider broke off its answer.",
    AnswerFault.TOO_SLOW: f"The answer was stopped after {ANSWERING_MAX.seconds // 60} minutes.",
    AnswerFault.TOO_LONG: f"The answer was stopped after {ANSWER_LENGTH_MAX} characters.",
    AnswerFault.INTERRUPTED: "Bursar was stopped before the answer was there.",
}
"""What people read of it."""


@dataclass(frozen=True)
class Conversation:
    """One member's own. `messages_count` is the newest message's position; without a title it had no question yet."""

    conversation_id: UUID
    member_id: UUID
    title: str | None
    model: str
    instructions: str | None
    messages_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Message:
    """A question or an answer. An answer knows the model it was asked of, its call, and what that was charged, once it
    is in the books.
    """

    message_id: UUID
    position: int
    role: MessageRole
    state: MessageState
    text: str
    created_at: datetime
    model: str | None = None
    call_id: UUID | None = None
    fault: AnswerFault | None = None
    charged: Credits | None = None


def as_seen(message: Message, now: datetime) -> Message:
    """The message as it is at this moment: an answer that nobody waits for any more has failed.

    Rule: CONV-7
    """
    if not is_abandoned(message.state, message.created_at, now):
        return message
    return Message(
        message_id=message.message_id,
        position=message.position,
        role=message.role,
        state=MessageState.FAILED,
        text=message.text,
        created_at=message.created_at,
        model=message.model,
        call_id=message.call_id,
        fault=AnswerFault.INTERRUPTED,
        charged=message.charged,
    )


def is_abandoned(state: MessageState, created_at: datetime, now: datetime) -> bool:
    """Whether an answer is under way for longer than any answer may take.

    Rule: CONV-7
    """
    return state is MessageState.ANSWERING and created_at + ANSWERING_MAX < now


@dataclass(frozen=True, slots=True)
class Outline:
    """A message without its text."""

    message_id: UUID
    position: int
    role: MessageRole
    state: MessageState
    created_at: datetime
    size: int


def check_room(outlines: Sequence[Outline], now: datetime) -> None:
    """Refuses `conversation_busy` while an answer is under way, and `conversation_full` where no turn fits in any more.

    Rule: CONV-3, CONV-7
    """
    check_not_busy(outlines, now)
    if len(outlines) + 2 > MESSAGES_MAX:
        raise Refusal(
            "conversation_full", f"A conversation has at most {MESSAGES_MAX} messages: begin another one.", field="text"
        )


def check_not_busy(outlines: Sequence[Outline], now: datetime) -> None:
    """Refuses `conversation_busy` while an answer is under way.

    Rule: CONV-7
    """
    if outlines and outlines[-1].state is MessageState.ANSWERING:
        newest = outlines[-1]
        if not is_abandoned(newest.state, newest.created_at, now):
            raise Refusal("conversation_busy", "The last question is still being answered.")


def check_retried(outlines: Sequence[Outline], message_id: UUID, now: datetime) -> Sequence[Outline]:
    """What came before the answer that is asked for again, its question last. Refuses `message_unknown`, and
    `answer_not_retried` unless it is the last answer, and not complete.

    Rule: CONV-11
    """
    check_not_busy(outlines, now)
    if all(outline.message_id != message_id for outline in outlines):
        raise Refusal("message_unknown", "There is no such message in this conversation.", field="message_id")
    newest = outlines[-1]
    if newest.message_id != message_id or newest.state is MessageState.COMPLETE:
        sentence = "Only the last answer can be asked for again, where it failed or broke off."
        raise Refusal("answer_not_retried", sentence, field="message_id")
    return outlines[:-1]


@dataclass(frozen=True, slots=True)
class Retold:
    """Which earlier messages are told with a question, in order, and how many had to be left out."""

    positions: tuple[int, ...]
    left_out: int


def retold(outlines: Sequence[Outline], *, room_bytes: int) -> Retold:
    """The newest turns that fit, whole ones only, and none before one that does not. A question that was not answered
    is no turn.

    Rule: CONV-8
    """
    turns = [
        (question, answer)
        for question, answer in pairwise(outlines)
        if question.role is MessageRole.USER and answer.role is MessageRole.ASSISTANT and answer.size
    ]
    room, kept = min(room_bytes, TOLD_BYTES_MAX), 0
    for question, answer in reversed(turns):
        room -= question.size + answer.size
        if room < 0:
            break
        kept += 1
    told = turns[len(turns) - kept :]
    return Retold(
        tuple(message.position for turn in told for message in turn),
        left_out=2 * (len(turns) - kept),
    )


def room_for(sent_bytes: int, *, window: int | None) -> int:
    """How many bytes of earlier turns fit into a model's window beside what has to be sent, and an answer.

    Rule: CONV-8
    """
    tokens = UNKNOWN_WINDOW if window is None else window
    return max((tokens - tokens // WINDOW_SHARE) * BYTES_PER_TOKEN - sent_bytes, 0)


def title_of(question: str) -> str:
    """What a conversation is called whose first question this is: its first words, in one line of what can be shown."""
    words = "".join(sign if sign.isprintable() else " " for sign in question[: 4 * TITLE_OF_QUESTION_LENGTH]).split()
    line = " ".join(words)
    if len(line) > TITLE_OF_QUESTION_LENGTH:
        line = f"{line[: TITLE_OF_QUESTION_LENGTH - 1].rstrip()}…"
    return line or "…"


def check_text(text: str, *, field: str, length_max: int) -> str:
    """The text as it is kept: with plain ends of lines, and otherwise to the letter. Refuses `invalid_input`.

    Whatever markup is in it is text, and is nothing else anywhere in the product. Only what no text has is refused.

    Rule: CONV-4
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    if not plain.strip():
        raise Refusal("invalid_input", "There is nothing in it.", field=field)
    if len(plain) > length_max:
        raise Refusal("invalid_input", f"It has at most {length_max} characters.", field=field)
    if any(_is_no_text(sign) for sign in plain):
        raise Refusal("invalid_input", "It must not contain control characters.", field=field)
    return plain


def as_text(said: str) -> str:
    """What a model said, without what cannot be kept."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_no_text(sign) else sign for sign in said)


def _is_no_text(sign: str) -> bool:
    """Control characters but for tabs and ends of lines, and halves of signs; joiners and the like belong to text."""
    return (sign < " " and sign not in "\t\n") or "\x7f" <= sign <= "\x9f" or "\ud800" <= sign <= "\udfff"
