"""Asking a model in a conversation of one's own, answered as server-sent events; and which models there are.

    event: started   data: {"question", "answer_id", "left_out"}    the question as it is kept
    event: delta     data: {"text"}                                 some more of the answer, any number of times
    event: done      data: {"message", "charged", "left"}           the answer, whole, as it is kept
    event: error     data: {"code", "detail", "message", "charged", "left"}   the answer, as far as it came

The last is always `done` or `error`. Whatever is refused before anything is sent is a problem like everywhere else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from bursar.actions.answering import Answered, Answering
from bursar.actions.conversation_turns import Begun
from bursar.actions.model_offers import Offer, list_offers
from bursar.actions.playground import Saved
from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.conversations import Looker, MessageShape, Writer, message_shape, playground_of
from bursar.api.event_streams import MEDIA_TYPE, EventStream, event
from bursar.api.idempotency import REPLAYED_HEADER
from bursar.api.identifiers import ConversationId, MessageId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.texts import SearchText
from bursar.domain.conversations import FAULT_SENTENCES, TEXT_LENGTH_MAX, Message
from bursar.domain.credits import Credits
from bursar.domain.ids import public_id

routes = APIRouter(tags=["conversations"])


class QuestionDraft(Shape):
    """What is asked: text in as many lines as it takes."""

    text: Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": TEXT_LENGTH_MAX})]


class TurnStarted(Shape):
    """A question that is kept, null where an answer is asked for again; under which id the answer will be; and how many
    earlier messages the model has no room for.
    """

    question: MessageShape | None
    answer_id: str
    left_out: int


class AnswerDelta(Shape):
    """Some more of the answer."""

    text: str


class AnswerDone(Shape):
    """The answer, what its call was charged, and what can still be spent; each null where that is not known yet."""

    message: MessageShape
    charged: Amount | None
    left: Amount | None


class AnswerNotWhole(AnswerDone):
    """The answer as far as it came, and why it is not whole."""

    code: str
    detail: str


class ModelShape(Shape):
    """A model that can be asked, and what a million tokens of a question and of an answer cost this member in credits;
    null where the price does not say. A simulated one is none: its answers are made up.
    """

    name: str
    label: str | None
    provider: str
    input_per_million: Amount | None
    output_per_million: Amount | None
    is_simulated: bool


class ModelList(Shape):
    """A page of models, by name."""

    models: list[ModelShape]
    next_cursor: str | None


STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `started`, `delta`, and at last `done` or `error`",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


@routes.post(
    "/conversations/{conversation_id}/messages",
    response_class=Response,
    responses={**STREAMED, **problems(401, 402, 403, 404, 409, 422)},
)
async def send_message(
    conversation_id: ConversationId, body: QuestionDraft, visit: Writer, request: Request
) -> Response:
    """Asks a question; the answer comes as events. With the same idempotency key it is asked once."""
    return _streamed(await playground_of(request).send(visit.asked, conversation_id, body.text))


@routes.post(
    "/conversations/{conversation_id}/messages/{message_id}/retry",
    response_class=Response,
    responses={**STREAMED, **problems(401, 402, 403, 404, 409, 422)},
)
async def retry_answer(
    conversation_id: ConversationId, message_id: MessageId, visit: Writer, request: Request
) -> Response:
    """Asks for the last answer again, where it failed or broke off; it comes as events, in the old one's place."""
    return _streamed(await playground_of(request).retry(visit.asked, conversation_id, message_id))


@routes.get("/models", responses=problems(401, 403, 422))
async def list_models(
    visit: Looker,
    request: Request,
    search: Annotated[SearchText | None, Query(description="A part of the name or label.")] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> ModelList:
    """The models that one can ask at the console, and what they cost oneself."""
    after = None if cursor is None else decode_cursor(cursor, str)[0]
    catalogue = await playground_of(request).catalogue()
    found = await list_offers(visit.desk, visit.asked, catalogue, search=search, after=after, limit=limit + 1)
    return ModelList(
        models=[_model(offer) for offer in found[:limit]],
        next_cursor=encode_cursor(found[limit - 1].name) if len(found) > limit else None,
    )


def _streamed(asked: Answering | Saved) -> Response:
    if isinstance(asked, Saved):
        events = _saved_events(asked)
        return EventStream(events, on_leave=_nobody_is_told, headers={REPLAYED_HEADER: "true"})
    return EventStream(_events(asked), on_leave=asked.leave)


async def _events(answering: Answering) -> AsyncIterator[bytes]:
    yield _started(answering.begun)
    async for said in answering.events():
        yield (
            _last(said.message, said.left)
            if isinstance(said, Answered)
            else event("delta", AnswerDelta(text=said.text))
        )


async def _saved_events(saved: Saved) -> AsyncIterator[bytes]:
    """What came of a question that was asked before, in one piece."""
    yield _started(saved.begun)
    answer = saved.begun.answer
    if answer.text:
        yield event("delta", AnswerDelta(text=answer.text))
    yield _last(answer, None)


def _started(begun: Begun) -> bytes:
    started = TurnStarted(
        question=None if begun.question is None else message_shape(begun.question),
        answer_id=public_id("message", begun.answer.message_id),
        left_out=begun.turn.left_out,
    )
    return event("started", started)


def _last(message: Message, left: Credits | None) -> bytes:
    shape, fault = message_shape(message), message.fault
    if fault is None:
        return event("done", AnswerDone(message=shape, charged=message.charged, left=left))
    detail = FAULT_SENTENCES[fault]
    not_whole = AnswerNotWhole(code=fault, detail=detail, message=shape, charged=message.charged, left=left)
    return event("error", not_whole)


def _model(offer: Offer) -> ModelShape:
    return ModelShape(
        name=offer.name,
        label=offer.label,
        provider=offer.provider_name,
        input_per_million=offer.input_per_million,
        output_per_million=offer.output_per_million,
        is_simulated=offer.is_simulated,
    )


def _nobody_is_told() -> None:
    """Nothing is under way."""
