"""Conversations of one's own: begun, renamed, and deleted for good.

They leave no event. What somebody asks a model is nobody else's business, and nothing in the tenant is different
for it; that calls were made, and what they cost, stands in their rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from bursar.actions.desk import Asked, Desk
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction
from bursar.domain.conversations import CONVERSATIONS_MAX, INSTRUCTIONS_LENGTH_MAX, Conversation, check_text
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.outside.identity import new_uuid_at
from bursar.store.conversations import (
    delete_conversation_with_messages,
    insert_conversation,
    lock_conversation,
    lock_owner_and_count_conversations,
    update_conversation,
)


@dataclass(frozen=True)
class Draft:
    """A conversation to begin: which model is asked, what it is called if that is known yet, and what a model is told
    before every question."""

    model: str
    title: str | None
    instructions: str | None


@dataclass(frozen=True)
class Changes:
    """What is to be another one; None stays. Empty instructions are none."""

    title: str | None = None
    model: str | None = None
    instructions: str | None = None


@dataclass(frozen=True)
class DeletedConversation:
    """A conversation that is gone, and how many messages went with it."""

    conversation_id: UUID
    messages_count: int


async def create_conversation(desk: Desk, asked: Asked, draft: Draft) -> Done[Conversation]:
    """Begins a conversation of one's own. Refuses `too_many_conversations`, `invalid_input`.

    Rule: CONV-1, CONV-3
    """
    tenant_id, member_id = owner_of(asked)
    instructions = _instructions(draft.instructions)

    async def act(transaction: Transaction) -> Conversation:
        if await lock_owner_and_count_conversations(transaction, tenant_id, member_id) >= CONVERSATIONS_MAX:
            sentence = f"One has at most {CONVERSATIONS_MAX} conversations: delete one first."
            raise Refusal("too_many_conversations", sentence)
        now = desk.clock.now()
        made = Conversation(new_uuid_at(now), member_id, draft.title, draft.model, instructions, 0, now, now)
        await insert_conversation(transaction, tenant_id, made)
        return made

    return await once(desk, asked, tenant_id, Conversation, act)


async def change_conversation(desk: Desk, asked: Asked, conversation_id: UUID, changes: Changes) -> Done[Conversation]:
    """Calls it something else, or has another model asked from now on. Refuses `conversation_unknown`, `invalid_input`.

    Rule: CONV-1
    """
    tenant_id, member_id = owner_of(asked)
    instructions = _instructions(changes.instructions)

    async def act(transaction: Transaction) -> Conversation:
        found = await lock_conversation(transaction, tenant_id, member_id, conversation_id)
        if found is None:
            raise conversation_unknown()
        changed = replace(
            found,
            title=found.title if changes.title is None else changes.title,
            model=found.model if changes.model is None else changes.model,
            instructions=found.instructions if changes.instructions is None else instructions,
        )
        await update_conversation(transaction, tenant_id, changed)
        return changed

    return await once(desk, asked, tenant_id, Conversation, act)


async def delete_conversation(desk: Desk, asked: Asked, conversation_id: UUID) -> Done[DeletedConversation]:
    """Removes a conversation of one's own with every word in it. Refuses `conversation_unknown`.

    An answer that is under way comes to its end, is charged, and is kept nowhere.

    Rule: CONV-5
    """
    tenant_id, member_id = owner_of(asked)

    async def act(transaction: Transaction) -> DeletedConversation:
        count = await delete_conversation_with_messages(transaction, tenant_id, member_id, conversation_id)
        if count is None:
            raise conversation_unknown()
        return DeletedConversation(conversation_id, count)

    return await once(desk, asked, tenant_id, DeletedConversation, act)


def owner_of(asked: Asked) -> tuple[UUID, UUID]:
    """The tenant and the member whose conversations are meant: those of who asks, and nobody else's.

    Rule: CONV-1, CONV-2
    """
    check_permission(asked.actor, Permission.OWN_CONVERSATIONS)
    assert asked.actor.tenant_id is not None, "who has conversations belongs to a tenant"
    assert asked.actor.identity is not None, "who has conversations is a person"
    return asked.actor.tenant_id, asked.actor.identity


def conversation_unknown() -> Refusal:
    """What is said of a conversation that is not one's own, whoever else's it is."""
    return Refusal("conversation_unknown", "There is no such conversation.", field="conversation_id")


def _instructions(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    return check_text(text, field="instructions", length_max=INSTRUCTIONS_LENGTH_MAX)
