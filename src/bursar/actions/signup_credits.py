"""What somebody who joins is given out of the pool, in the transaction that makes them a member."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from bursar.actions.desk import Asked, Subject, Told
from bursar.actions.posting import moved, posted
from bursar.db.transaction import Transaction
from bursar.domain.credits import ZERO
from bursar.domain.permissions import SYSTEM
from bursar.ledger import Outcome, Transfer, Transferred
from bursar.outside.identity import new_uuid
from bursar.store.tenant_settings import get_signup_credits

KIND = "signup_credits"


async def find_signup_credits(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> Transfer | None:
    """What this new person is to be given, by Bursar itself; none where the tenant gives nothing to who joins.

    Rule: ALLOC-8
    """
    amount = await get_signup_credits(transaction, tenant_id)
    if amount == ZERO:
        return None
    return Transfer(actor_id=None, transfer_id=new_uuid(), kind=KIND, amount=amount, member_id=member_id)


def by_bursar(asked: Asked) -> Asked:
    """The same request, with Bursar doing what follows from it."""
    return replace(asked, actor=SYSTEM, key_id=None)


def told_of_signup_credits(welcome: Transfer, outcome: Outcome) -> Told:
    """The event: what was given, or that the pool was too small for it, so that the member begins with nothing.

    Rule: ALLOC-8, ALLOC-9
    """
    subject = Subject("member", welcome.member_id)
    refusal = outcome.refusal
    if refusal is None:
        return moved(subject, "balance", posted(outcome, Transferred).answer, note=None)
    if refusal.code != "insufficient_pool":
        raise refusal
    missed = {"amount": str(welcome.amount), "available": refusal.facts["available"]}
    return Told("signup_credits_missed", subject, detail=missed)
