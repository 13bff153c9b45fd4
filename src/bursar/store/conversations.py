"""Conversations of members: found by whose they are, and by nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.conversations import Conversation
from bursar.domain.search import folded, patterns

_COLUMNS = "conversation_id, member_id, title, model, instructions, messages_count, created_at, updated_at"


@dataclass(frozen=True)
class Place:
    """Where a page of conversations begins: after this one, whose last message was then."""

    updated_at: datetime
    conversation_id: UUID


async def insert_conversation(transaction: Transaction, tenant_id: UUID, conversation: Conversation) -> None:
    """Adds a conversation."""
    await transaction.execute(
        """
        insert into conversations
            (tenant_id, conversation_id, member_id, title, search_text, model, instructions, messages_count,
             created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        tenant_id,
        conversation.conversation_id,
        conversation.member_id,
        conversation.title,
        folded(conversation.title or ""),
        conversation.model,
        conversation.instructions,
        conversation.messages_count,
        conversation.created_at,
        conversation.updated_at,
    )


async def find_conversation(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, conversation_id: UUID
) -> Conversation | None:
    """One of this member's own. Somebody else's is not found."""
    row = await transaction.fetchrow(
        f"""
        select {_COLUMNS}
        from conversations
        where tenant_id = $1
          and member_id = $2
          and conversation_id = $3
        """,
        tenant_id,
        member_id,
        conversation_id,
    )
    return None if row is None else Conversation(**dict(row))


async def lock_conversation(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, conversation_id: UUID
) -> Conversation | None:
    """The same, to which nobody else adds anything until the transaction ends."""
    row = await transaction.fetchrow(
        f"""
        select {_COLUMNS}
        from conversations
        where tenant_id = $1
          and member_id = $2
          and conversation_id = $3
        for no key update
        """,
        tenant_id,
        member_id,
        conversation_id,
    )
    return None if row is None else Conversation(**dict(row))


async def list_conversations(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, *, search: str | None, after: Place | None, limit: int
) -> list[Conversation]:
    """A member's own from the last talk to the first, those after this place: all, or with these words in the title."""
    rows = await transaction.fetch(
        f"""
        select {_COLUMNS}
        from conversations
        where tenant_id = $1
          and member_id = $2
          and search_text like all($3::text[])
          and ($4::timestamptz is null or (updated_at, conversation_id) < ($4, $5))
        order by updated_at desc, conversation_id desc
        limit $6
        """,
        tenant_id,
        member_id,
        patterns(search),
        None if after is None else after.updated_at,
        None if after is None else after.conversation_id,
        limit,
    )
    return [Conversation(**dict(row)) for row in rows]


async def lock_owner_and_count_conversations(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> int:
    """How many a member has, who begins no other one until the transaction ends."""
    await transaction.fetchval(
        """
        select 1
        from members
        where tenant_id = $1
          and member_id = $2
        for no key update
        """,
        tenant_id,
        member_id,
    )
    count = await transaction.fetchval(
        """
        select count(*)
        from conversations
        where tenant_id = $1
          and member_id = $2
        """,
        tenant_id,
        member_id,
    )
    return int(count)


async def update_conversation(transaction: Transaction, tenant_id: UUID, conversation: Conversation) -> None:
    """Writes what can be changed of a conversation: its title, model, instructions, and how far it has come."""
    await transaction.execute(
        """
        update conversations
        set title = $3,
            search_text = $4,
            model = $5,
            instructions = $6,
            messages_count = $7,
            updated_at = $8
        where tenant_id = $1
          and conversation_id = $2
        """,
        tenant_id,
        conversation.conversation_id,
        conversation.title,
        folded(conversation.title or ""),
        conversation.model,
        conversation.instructions,
        conversation.messages_count,
        conversation.updated_at,
    )


async def delete_conversation_with_messages(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, conversation_id: UUID
) -> int | None:
    """Removes one of this member's own with all that was said in it; how many messages, or None where there is none."""
    count: Any = await transaction.fetchval(
        """
        select messages_count
        from conversations
        where tenant_id = $1
          and member_id = $2
          and conversation_id = $3
        for update
        """,
        tenant_id,
        member_id,
        conversation_id,
    )
    if count is None:
        return None
    await transaction.execute(
        """
        delete from conversation_messages
        where tenant_id = $1
          and conversation_id = $2
        """,
        tenant_id,
        conversation_id,
    )
    await transaction.execute(
        """
        delete from conversations
        where tenant_id = $1
          and conversation_id = $2
        """,
        tenant_id,
        conversation_id,
    )
    return int(count)


async def delete_conversations_of_member(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> None:
    """Removes all that a member talked about, when the member goes."""
    # Locked first, so that no answer comes in between.
    rows = await transaction.fetch(
        """
        select conversation_id
        from conversations
        where tenant_id = $1
          and member_id = $2
        order by conversation_id
        for update
        """,
        tenant_id,
        member_id,
    )
    await transaction.execute(
        """
        delete from conversation_messages
        where tenant_id = $1
          and conversation_id = any($2::uuid[])
        """,
        tenant_id,
        [row["conversation_id"] for row in rows],
    )
    await transaction.execute(
        """
        delete from conversations
        where tenant_id = $1
          and member_id = $2
        """,
        tenant_id,
        member_id,
    )
