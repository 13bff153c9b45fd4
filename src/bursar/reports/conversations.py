"""One's own conversations, to be read: with credits or without, and by oneself alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.conversations import Conversation, Message, as_seen
from bursar.domain.credits import ZERO, Credits
from bursar.domain.refusals import Refusal
from bursar.ledger import Clock, member_balance, tenant_figures
from bursar.store.callers import find_terms
from bursar.store.conversation_messages import list_messages
from bursar.store.conversations import Place, find_conversation, list_conversations


@dataclass(frozen=True)
class Composer:
    """Whether its member can pay for a question: what is left, when credits renew, and whom to ask for more.

    `resets_at` is None for who spends from the pool, which does not renew.
    """

    can_pay: bool
    left: Credits
    resets_at: datetime | None
    contact: str | None


@dataclass(frozen=True)
class OpenConversation:
    """A conversation, some of its messages from the newest on, and whether one can go on."""

    conversation: Conversation
    messages: list[Message]
    composer: Composer


async def see_conversations(
    database: Database, tenant_id: UUID, member_id: UUID, *, search: str | None, after: Place | None, limit: int
) -> list[Conversation]:
    """A page of a member's own, the last talk first.

    Rule: CONV-1
    """
    async with reading(database, tenant_id) as transaction:
        return await list_conversations(transaction, tenant_id, member_id, search=search, after=after, limit=limit)


async def see_conversation(
    database: Database,
    tenant_id: UUID,
    member_id: UUID,
    conversation_id: UUID,
    clock: Clock,
    *,
    now: datetime,
    before: int | None,
    limit: int,
) -> OpenConversation:
    """A page of one of a member's own. Refuses `conversation_unknown`.

    Rule: CONV-2, CONV-12
    """
    async with reading(database, tenant_id) as transaction:
        conversation = await find_conversation(transaction, tenant_id, member_id, conversation_id)
        if conversation is None:
            raise Refusal("conversation_unknown", "There is no such conversation.", field="conversation_id")
        messages = await list_messages(transaction, tenant_id, conversation_id, before=before, limit=limit)
        composer = await _composer(transaction, tenant_id, member_id, clock)
        return OpenConversation(conversation, [as_seen(message, now) for message in messages], composer)


async def see_composer(database: Database, tenant_id: UUID, member_id: UUID, clock: Clock) -> Composer:
    """Whether a member can pay for a question at this moment.

    Rule: CONV-12
    """
    async with reading(database, tenant_id) as transaction:
        return await _composer(transaction, tenant_id, member_id, clock)


async def _composer(transaction: Transaction, tenant_id: UUID, member_id: UUID, clock: Clock) -> Composer:
    """Where dollars are converted to nothing, nothing has to be left."""
    terms = await find_terms(transaction, tenant_id, member_id)
    assert terms is not None, "who is signed in is a member"
    member = await member_balance(transaction, tenant_id, member_id, clock)
    is_free = not terms.credit_factor.ten_thousandths
    cycle = (await tenant_figures(transaction, tenant_id, clock)).cycle
    return Composer(
        can_pay=is_free or member.spendable > ZERO,
        left=member.spendable,
        resets_at=None if member.spends_pool else cycle.ends_at,
        contact=terms.contact,
    )
