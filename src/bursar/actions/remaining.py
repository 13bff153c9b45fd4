"""What a member has left, set as a level: the difference is allocated, or taken back."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.actions.allocations import GIVEN, TAKEN
from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.actions.posting import asked_as, held_still, posted
from bursar.db.transaction import Transaction
from bursar.domain.credits import ZERO, Credits
from bursar.domain.levels import check_seen
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.ledger import Clock, MemberFigures, Transfer, Transferred, lock_books, member_balance, post
from bursar.outside.identity import new_uuid


@dataclass(frozen=True)
class NewRemaining:
    """What the member is to have left, what the person saw, and why."""

    remaining: Credits
    seen: Credits
    note: str | None


@dataclass(frozen=True)
class RemainingSet:
    """What the member had left and has now, and the transfer that made the difference, if there was one."""

    before: Credits
    after: Credits
    transferred: Transferred | None


async def set_remaining(
    desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID, wanted: NewRemaining
) -> Done[RemainingSet]:
    """Allocates what is missing to the level, or reclaims what is above it.

    Refuses `member_unknown`, `recipient_spends_pool`, `figure_changed`; on raising what an allocation refuses, on
    lowering `insufficient_balance` below what only the allowance gives.

    Rule: REMAINING-1, REMAINING-2, REMAINING-3
    """
    check_permission(asked.actor, Permission.ALLOCATE)
    check_permission(asked.actor, Permission.RECLAIM)

    async def act(transaction: Transaction) -> RemainingSet:
        clock = held_still(desk.clock.of_ledger)
        await lock_books(transaction, tenant_id)
        figures = await member_balance(transaction, tenant_id, member_id, clock)
        _check_has_remaining(figures, asked.actor.identity)
        check_seen(wanted.seen, present=figures.remaining)
        if wanted.remaining == figures.remaining:
            return RemainingSet(figures.remaining, figures.remaining, None)
        transferred = await _make_the_difference(transaction, clock, asked, tenant_id, figures, wanted)
        detail = {"amount": str(Credits(transferred.amount_micro)), "kind": transferred.kind}
        changes = {"remaining": Change(str(figures.remaining), str(wanted.remaining))}
        told = Told("remaining_set", Subject("member", member_id), wanted.note, detail, changes)
        await record(transaction, desk, asked, tenant_id, told)
        return RemainingSet(figures.remaining, wanted.remaining, transferred)

    return await once(desk, asked, tenant_id, RemainingSet, act)


async def _make_the_difference(
    transaction: Transaction, clock: Clock, asked: Asked, tenant_id: UUID, figures: MemberFigures, wanted: NewRemaining
) -> Transferred:
    """Posts the transfer that leads from what is left to what is wanted."""
    difference = wanted.remaining - figures.remaining
    is_raised = difference > ZERO
    command = Transfer(
        actor_id=asked.actor.identity,
        transfer_id=new_uuid(),
        kind=(GIVEN if is_raised else TAKEN)["member"],
        amount=difference if is_raised else -difference,
        member_id=figures.member_id,
        note=wanted.note,
    )
    try:
        with asked_as(amount="remaining"):
            (outcome,) = await post(transaction, tenant_id, [command], clock)
            return posted(outcome, Transferred).answer
    except Refusal as refusal:
        if refusal.code != "insufficient_balance":
            raise
        raise _below_lowest(refusal, figures) from refusal


def _check_has_remaining(figures: MemberFigures, actor_id: UUID | None) -> None:
    """Refuses who is deleted, and a tenant admin, who has nothing of their own that could be set: first oneself.

    Rule: REMAINING-1
    """
    if figures.status == "deleted":
        raise Refusal("member_unknown", "There is no such member.", field="member_id")
    if figures.spends_pool and figures.member_id == actor_id:
        raise Refusal("recipient_is_actor", "Nobody allocates credits to oneself.", field="member_id")
    if figures.spends_pool:
        raise Refusal(
            "recipient_spends_pool", "A tenant admin spends from the pool and has nothing to set.", field="member_id"
        )


def _below_lowest(refusal: Refusal, figures: MemberFigures) -> Refusal:
    """The ledger's refusal to take more than the balance, in terms of what was asked for: how low it can be, and why.

    Rule: REMAINING-3
    """
    lowest = figures.remaining - figures.reclaimable
    return Refusal(
        refusal.code,
        f"Insufficient user balance: {lowest} of what is left comes from the allowance, which is changed under"
        " Allocations.",
        field="remaining",
        **refusal.facts,
        lowest=str(lowest),
        present=str(figures.remaining),
    )
