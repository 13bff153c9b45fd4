"""What was said in conversations. Whose a conversation is was asked before: see `conversations`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.conversations import AnswerFault, Message, MessageRole, MessageState, Outline
from bursar.domain.credits import Credits


async def insert_messages(
    transaction: Transaction, tenant_id: UUID, conversation_id: UUID, messages: Sequence[Message]
) -> None:
    """Adds a question and the answer that is under way."""
    await transaction.execute(
        """
        insert into conversation_messages
            (tenant_id, conversation_id, position, message_id, role, state, text, model, call_id, fault, created_at)
        select $1, $2, added.*
        from unnest($3::integer[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::text[],
                    $11::timestamptz[]) as added
        """,
        tenant_id,
        conversation_id,
        [message.position for message in messages],
        [message.message_id for message in messages],
        [message.role for message in messages],
        [message.state for message in messages],
        [message.text for message in messages],
        [message.model for message in messages],
        [message.call_id for message in messages],
        [message.fault for message in messages],
        [message.created_at for message in messages],
    )


async def update_answer(
    transaction: Transaction, tenant_id: UUID, conversation_id: UUID, answer: Message, *, of_call: UUID
) -> bool:
    """Writes an answer over what stands there of this call; False where nothing does any more."""
    status = await transaction.execute(
        """
        update conversation_messages
        set state = $5,
            text = $6,
            model = $7,
            call_id = $8,
            fault = $9,
            created_at = $10
        where tenant_id = $1
          and conversation_id = $2
          and position = $3
          and call_id = $4
        """,
        tenant_id,
        conversation_id,
        answer.position,
        of_call,
        answer.state,
        answer.text,
        answer.model,
        answer.call_id,
        answer.fault,
        answer.created_at,
    )
    return status == "UPDATE 1"


async def list_outlines(transaction: Transaction, tenant_id: UUID, conversation_id: UUID) -> list[Outline]:
    """All messages of a conversation without their texts, in order; their number is bounded."""
    rows = await transaction.fetch(
        """
        select message_id, position, role, state, created_at, octet_length(text) as size
        from conversation_messages
        where tenant_id = $1
          and conversation_id = $2
        order by position
        """,
        tenant_id,
        conversation_id,
    )
    return [
        Outline(
            message_id=row["message_id"],
            position=row["position"],
            role=MessageRole(row["role"]),
            state=MessageState(row["state"]),
            created_at=row["created_at"],
            size=row["size"],
        )
        for row in rows
    ]


async def list_texts(
    transaction: Transaction, tenant_id: UUID, conversation_id: UUID, positions: Sequence[int]
) -> list[tuple[MessageRole, str]]:
    """Who said what at these positions, in order."""
    rows = await transaction.fetch(
        """
        select role, text
        from conversation_messages
        where tenant_id = $1
          and conversation_id = $2
          and position = any($3::integer[])
        order by position
        """,
        tenant_id,
        conversation_id,
        positions,
    )
    return [(MessageRole(row["role"]), row["text"]) for row in rows]


_KNOWN = """
        select said.message_id, said.position, said.role, said.state, said.text, said.created_at, said.model,
               said.call_id, said.fault, calls.credits_micro
        from conversation_messages as said
        left join calls on calls.tenant_id = $1 and calls.call_id = said.call_id
        where said.tenant_id = $1
          and said.conversation_id = $2
"""


async def list_messages(
    transaction: Transaction, tenant_id: UUID, conversation_id: UUID, *, before: int | None, limit: int
) -> list[Message]:
    """Messages from the newest to the first, those before this position, with what their calls were charged."""
    rows = await transaction.fetch(
        f"""{_KNOWN}
          and ($3::integer is null or said.position < $3)
        order by said.position desc
        limit $4
        """,
        tenant_id,
        conversation_id,
        before,
        limit,
    )
    return [_message(row) for row in rows]


async def list_messages_at(
    transaction: Transaction, tenant_id: UUID, conversation_id: UUID, positions: Sequence[int]
) -> list[Message]:
    """The messages at these positions, in order."""
    rows = await transaction.fetch(
        f"""{_KNOWN}
          and said.position = any($3::integer[])
        order by said.position
        """,
        tenant_id,
        conversation_id,
        positions,
    )
    return [_message(row) for row in rows]


def _message(row: Any) -> Message:
    charged = row["credits_micro"]
    return Message(
        message_id=row["message_id"],
        position=row["position"],
        role=MessageRole(row["role"]),
        state=MessageState(row["state"]),
        text=row["text"],
        created_at=row["created_at"],
        model=row["model"],
        call_id=row["call_id"],
        fault=None if row["fault"] is None else AnswerFault(row["fault"]),
        charged=None if charged is None else Credits(charged),
    )
