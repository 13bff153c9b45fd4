"""One's own conversations with models: begun, read, searched, renamed, deleted. How one asks is in `playground`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from bursar.actions.conversations import (
    Changes,
    Draft,
    change_conversation,
    create_conversation,
    delete_conversation,
)
from bursar.actions.playground import Playground, spoken
from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import ConversationId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor, not_handed_out
from bursar.api.signed_in import Visit, platform, platform_change
from bursar.api.texts import SearchText, Title
from bursar.domain.conversations import (
    FAULT_SENTENCES,
    INSTRUCTIONS_LENGTH_MAX,
    MESSAGES_MAX,
    Conversation,
    Message,
)
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.prices import MODEL_LENGTH_MAX
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.reports.conversations import Composer, see_composer, see_conversation, see_conversations
from bursar.store.conversations import Place

routes = APIRouter(tags=["conversations"])

ModelName = Annotated[str, Field(min_length=1, max_length=MODEL_LENGTH_MAX, description="As `GET /models` names it.")]
Instructions = Annotated[
    str | None,
    Field(
        max_length=INSTRUCTIONS_LENGTH_MAX,
        description="What a model is told before every question; empty for nothing.",
    ),
]


class ConversationDraft(Shape):
    """A conversation to begin. Without a title it is called by its first question."""

    model: ModelName
    title: Title = None
    instructions: Instructions = None


class ConversationChanges(Shape):
    """What is to be another one; what is left out stays as it is."""

    title: Title = None
    model: ModelName | None = None
    instructions: Instructions = None


class ConversationShape(Shape):
    """A conversation. `title` is null until there is one, or a first question; `updated_at` is its last question's."""

    id: str
    title: str | None
    model: str
    instructions: str | None
    messages_count: int
    created_at: datetime
    updated_at: datetime


class ConversationList(Shape):
    """A page of one's own conversations, the last talk first."""

    conversations: list[ConversationShape]
    next_cursor: str | None


class AnswerError(Shape):
    """Why an answer is not whole."""

    code: str
    detail: str


class MessageShape(Shape):
    """A question or an answer. Its text is text: whatever markup is in it is to be shown, and never to be run.

    Of an answer: the model that was asked, the call behind it, what that was charged once it is in the books, and why
    it is not whole, if it is not.
    """

    id: str
    role: Literal["user", "assistant"]
    state: Literal["answering", "complete", "partial", "failed"]
    text: str
    created_at: datetime
    model: str | None
    call_id: str | None
    charged: Amount | None
    error: AnswerError | None


class ComposerReason(Shape):
    """Why nothing can be asked at the moment: a code, and the sentence for the person."""

    code: str
    detail: str


class ComposerShape(Shape):
    """Whether one can ask. `left` is what can be spent, `resets_at` when the cycle's credits renew (null where they do
    not), and `contact` whom to ask for more, if the organisation says so.
    """

    can_send: bool
    reason: ComposerReason | None
    left: Amount
    resets_at: datetime | None
    contact: str | None


class OpenConversation(ConversationShape):
    """A conversation, a page of its messages from the newest on, and whether one can go on."""

    messages: list[MessageShape]
    next_cursor: str | None
    composer: ComposerShape


class PlaygroundShape(Shape):
    """Whether one can begin to ask at all."""

    composer: ComposerShape


class DeletedConversationShape(Shape):
    """A conversation that is gone for good, with so many messages."""

    id: str
    messages_count: int


Looker = Annotated[Visit, platform(Permission.OWN_CONVERSATIONS)]
Writer = Annotated[Visit, platform_change(Permission.OWN_CONVERSATIONS)]
OfTitle = Annotated[SearchText | None, Query(description="Words that all stand in the title.")]


PLAYGROUND = "bursar.playground"
"""Under this name a request's scope carries where models are asked."""


def playground_of(request: Request) -> Playground:
    """Where the running office asks models."""
    playground: Playground = request.scope[PLAYGROUND]
    return playground


@routes.get("/conversations", responses=problems(401, 403, 422))
async def list_own_conversations(
    visit: Looker, search: OfTitle = None, limit: Limit = PAGE_SIZE, cursor: Cursor = None
) -> ConversationList:
    """One's own conversations, the last talk first."""
    tenant_id, member_id = _owner(visit)
    found = await see_conversations(
        visit.desk.tenants, tenant_id, member_id, search=search, after=_place(cursor), limit=limit + 1
    )
    shown = found[:limit]
    return ConversationList(
        conversations=[_conversation(one) for one in shown],
        next_cursor=_cursor(shown[-1]) if len(found) > limit else None,
    )


@routes.post("/conversations", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def begin_conversation(body: ConversationDraft, visit: Writer, request: Request) -> ConversationShape:
    """Begins a conversation with a model."""
    await _check_model(request, body.model)
    draft = Draft(body.model, body.title, body.instructions)
    return _conversation(visit.told(await create_conversation(visit.desk, visit.asked, draft)))


@routes.get("/conversations/{conversation_id}", responses=problems(401, 403, 404, 422))
async def get_conversation(
    conversation_id: ConversationId, visit: Looker, request: Request, limit: Limit = PAGE_SIZE, cursor: Cursor = None
) -> OpenConversation:
    """One of one's own conversations, its newest messages first. It can be read with no credits left as well."""
    tenant_id, member_id = _owner(visit)
    seen = await see_conversation(
        visit.desk.tenants,
        tenant_id,
        member_id,
        conversation_id,
        visit.desk.clock.of_ledger,
        now=visit.desk.clock.now(),
        before=None if cursor is None else decode_cursor(cursor, int)[0],
        limit=limit + 1,
    )
    shown = seen.messages[:limit]
    return OpenConversation(
        **_conversation(seen.conversation).model_dump(),
        messages=[message_shape(message) for message in shown],
        next_cursor=encode_cursor(shown[-1].position) if len(seen.messages) > limit else None,
        composer=_composer(seen.composer, await _reason(request, seen.composer, seen.conversation)),
    )


@routes.patch("/conversations/{conversation_id}", responses=problems(401, 403, 404, 422))
async def rename_conversation(
    conversation_id: ConversationId, body: ConversationChanges, visit: Writer, request: Request
) -> ConversationShape:
    """Calls it something else, or has another model asked from now on."""
    if body.model is not None:
        await _check_model(request, body.model)
    changes = Changes(body.title, body.model, body.instructions)
    return _conversation(visit.told(await change_conversation(visit.desk, visit.asked, conversation_id, changes)))


@routes.delete("/conversations/{conversation_id}", responses=problems(401, 403, 404, 422))
async def delete_own_conversation(conversation_id: ConversationId, visit: Writer) -> DeletedConversationShape:
    """Deletes a conversation with every word in it, for good. That calls were made stays in usage."""
    gone = visit.told(await delete_conversation(visit.desk, visit.asked, conversation_id))
    return DeletedConversationShape(
        id=public_id("conversation", gone.conversation_id), messages_count=gone.messages_count
    )


@routes.get("/playground", responses=problems(401, 403))
async def get_playground(visit: Looker, request: Request) -> PlaygroundShape:
    """Whether one can ask models at the moment, and if not, why."""
    tenant_id, member_id = _owner(visit)
    composer = await see_composer(visit.desk.tenants, tenant_id, member_id, visit.desk.clock.of_ledger)
    return PlaygroundShape(composer=_composer(composer, await _reason(request, composer, None)))


def message_shape(message: Message) -> MessageShape:
    """A message as it is answered with."""
    fault = message.fault
    return MessageShape(
        id=public_id("message", message.message_id),
        role=message.role.value,
        state=message.state.value,
        text=message.text,
        created_at=message.created_at,
        model=message.model,
        call_id=None if message.call_id is None else public_id("call", message.call_id),
        charged=message.charged,
        error=None if fault is None else AnswerError(code=fault, detail=FAULT_SENTENCES[fault]),
    )


def _owner(visit: Visit) -> tuple[UUID, UUID]:
    person = visit.person
    assert person.tenant is not None, "a super admin has no conversations"
    return person.tenant.tenant_id, person.identity


async def _check_model(request: Request, model: str) -> None:
    """Refuses `model_unknown`, `model_unpriced`: nothing could be asked."""
    spoken(await playground_of(request).catalogue(), model)


async def _reason(request: Request, composer: Composer, conversation: Conversation | None) -> Refusal | None:
    """What a question would be refused with, as far as it can be foretold, if it would be.

    Rule: CONV-12
    """
    if not composer.can_pay:
        return Refusal("insufficient_quota", f"Not enough credits: {composer.left} left.")
    if conversation is None:
        return None
    if conversation.messages_count + 2 > MESSAGES_MAX:
        return Refusal("conversation_full", f"A conversation has at most {MESSAGES_MAX} messages: begin another one.")
    try:
        await _check_model(request, conversation.model)
    except Refusal as refusal:
        return refusal
    return None


def _composer(composer: Composer, reason: Refusal | None) -> ComposerShape:
    return ComposerShape(
        can_send=reason is None,
        reason=None if reason is None else ComposerReason(code=reason.code, detail=reason.detail),
        left=composer.left,
        resets_at=composer.resets_at,
        contact=composer.contact,
    )


def _conversation(conversation: Conversation) -> ConversationShape:
    return ConversationShape(
        id=public_id("conversation", conversation.conversation_id),
        title=conversation.title,
        model=conversation.model,
        instructions=conversation.instructions,
        messages_count=conversation.messages_count,
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _cursor(last: Conversation) -> str:
    return encode_cursor((last.updated_at - _EPOCH) // _MICROSECOND, public_id("conversation", last.conversation_id))


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    microseconds, text = decode_cursor(cursor, int, str)
    try:
        updated_at = _EPOCH + microseconds * _MICROSECOND
    except OverflowError:
        raise not_handed_out() from None
    return Place(updated_at, parse_public_id("conversation", text, field="cursor"))
