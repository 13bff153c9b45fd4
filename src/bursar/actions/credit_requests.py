"""Asking for credits, and deciding about it. Deciding one thing is one transaction: the credits move, the request is
marked and the event is left, or nothing is.

The tenant's books are locked first, so of all who decide at once one is first, and what group and pool have when it is
looked at is still there when it is taken.

Rule: REQUEST-8
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.actions.posting import asked_as, held_still
from bursar.db.transaction import Transaction
from bursar.domain.credit_requests import (
    FIELD,
    STATUS_LABELS,
    Funds,
    Means,
    Parts,
    RequestStatus,
    Source,
    check_denial_note,
    check_open_requests,
    check_reason,
    parts_of_approval,
    parts_of_auto_approval,
    request_unknown,
    reserve_left,
)
from bursar.domain.credits import ZERO, Credits
from bursar.domain.ids import public_id
from bursar.domain.permissions import Target, check_may_reach, check_permission
from bursar.domain.refusals import Broken, Refusal
from bursar.domain.roles import Permission, Role
from bursar.ledger import (
    Clock,
    Transfer,
    check_note,
    check_recipient,
    group_figures,
    lock_books,
    member_balance,
    pool_figures,
    post,
    tenant_figures,
)
from bursar.outside.identity import new_uuid, new_uuid_at
from bursar.store.credit_requests import (
    CreditRequest,
    Denial,
    KnownRequest,
    count_open_requests,
    find_credit_request,
    insert_credit_request,
    lock_credit_request,
    update_credit_request_decided,
    update_open_requests_denied,
)
from bursar.store.groups import find_group, list_reserves_used

APPROVED_NOTE = "Credit request approved"
AUTO_APPROVED_NOTE = "Credit request auto-approved"
"""What stands with the transfers of an approval where nobody wrote a note."""


@dataclass(frozen=True)
class NewRequest:
    """How much is asked for, and why."""

    amount: Credits
    reason: str


@dataclass(frozen=True)
class Approval:
    """How much is approved, where it comes from, and what there is to say about it."""

    amount: Credits
    source: Source
    note: str | None = None


async def submit_request(desk: Desk, asked: Asked, tenant_id: UUID, new: NewRequest) -> Done[KnownRequest]:
    """Asks for credits of one's own. What is within the reserve is given at once, all else waits to be decided.

    Refuses `invalid_input`, `member_unknown`, `member_disabled`, `recipient_spends_pool`, `too_many_credit_requests`.

    Rule: REQUEST-1, REQUEST-2
    """
    check_permission(asked.actor, Permission.REQUEST_CREDITS)
    check_reason(new.reason)
    member_id = asked.actor.identity
    if member_id is None:
        raise Broken("credits are asked for by somebody", role=asked.actor.role)

    async def act(transaction: Transaction) -> KnownRequest:
        clock, now = held_still(desk.clock.of_ledger), desk.clock.now()
        await lock_books(transaction, tenant_id)
        wallet = await member_balance(transaction, tenant_id, member_id, clock)
        check_recipient(wallet, None)
        means = await _means(transaction, tenant_id, wallet.group_id, clock)
        parts = parts_of_auto_approval(new.amount, means)
        request = CreditRequest(
            request_id=new_uuid_at(now),
            member_id=member_id,
            group_id=wallet.group_id,
            amount=new.amount,
            reason=new.reason,
            status=RequestStatus.PENDING if parts is None else RequestStatus.AUTO_APPROVED,
            submitted_at=now,
            epoch=means.epoch,
            parts=parts,
            decided_at=None if parts is None else now,
        )
        if parts is None:
            check_open_requests(await count_open_requests(transaction, tenant_id, member_id))
        else:
            await _give(transaction, tenant_id, request, parts, actor_id=None, note=AUTO_APPROVED_NOTE, clock=clock)
        await insert_credit_request(transaction, tenant_id, request)
        kind = "credit_request_submitted" if parts is None else "credit_request_auto_approved"
        await record(transaction, desk, asked, tenant_id, _told(kind, request, before=None))
        return await _known(transaction, tenant_id, request.request_id)

    return await once(desk, asked, tenant_id, KnownRequest, act)


async def approve_request(
    desk: Desk, asked: Asked, tenant_id: UUID, request_id: UUID, approval: Approval
) -> Done[KnownRequest]:
    """Gives a member what is approved, which need not be what was asked for, out of the named source.

    Checks, in this order: the note, the request, whom the actor reaches, whether it waits, the recipient, the funds.
    Refuses `note_too_long`, `note_malformed`, `credit_request_unknown`, `not_to_oneself`, `not_permitted`,
    `credit_request_decided`, `member_disabled`, `recipient_spends_pool`, `insufficient_budget`, `insufficient_pool`.

    Rule: REQUEST-5, REQUEST-6
    """
    check_permission(asked.actor, Permission.DECIDE_CREDIT_REQUESTS)
    check_note(approval.note)

    async def act(transaction: Transaction) -> KnownRequest:
        clock = held_still(desk.clock.of_ledger)
        await lock_books(transaction, tenant_id)
        request = await _waiting(transaction, asked, tenant_id, request_id)
        with asked_as(member_id=FIELD):
            wallet = await member_balance(transaction, tenant_id, request.member_id, clock)
            check_recipient(wallet, asked.actor.identity)
        means = await _means(transaction, tenant_id, wallet.group_id, clock)
        parts = parts_of_approval(approval.amount, means.funds, approval.source)
        decided = replace(
            _decided(request, asked, RequestStatus.APPROVED, desk.clock.now(), approval.note),
            group_id=wallet.group_id,
            epoch=means.epoch,
            parts=parts,
        )
        await _give(
            transaction, tenant_id, decided, parts,
            actor_id=asked.actor.identity, note=approval.note or APPROVED_NOTE, clock=clock,
        )  # fmt: skip
        return await _write_decision(transaction, desk, asked, tenant_id, decided, kind="credit_request_approved")

    return await once(desk, asked, tenant_id, KnownRequest, act)


async def deny_request(desk: Desk, asked: Asked, tenant_id: UUID, request_id: UUID, note: str) -> Done[KnownRequest]:
    """Says no, and why; nothing moves.

    Checks, in this order: the note, the request, whom the actor reaches, whether it waits. Refuses `invalid_input`,
    `credit_request_unknown`, `not_to_oneself`, `not_permitted`, `credit_request_decided`.

    Rule: REQUEST-7
    """
    check_permission(asked.actor, Permission.DECIDE_CREDIT_REQUESTS)
    check_denial_note(note)

    async def act(transaction: Transaction) -> KnownRequest:
        await lock_books(transaction, tenant_id)
        request = await _waiting(transaction, asked, tenant_id, request_id)
        epoch = (await group_figures(transaction, tenant_id, request.group_id, desk.clock.of_ledger)).epoch
        denied = replace(_decided(request, asked, RequestStatus.DENIED, desk.clock.now(), note), epoch=epoch)
        return await _write_decision(transaction, desk, asked, tenant_id, denied, kind="credit_request_denied")

    return await once(desk, asked, tenant_id, KnownRequest, act)


async def deny_open_requests(
    transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID, *, note: str
) -> int:
    """Denies what waits of a member who can be given nothing any more; returns how many. The books are locked.

    Rule: REQUEST-11
    """
    if not await count_open_requests(transaction, tenant_id, member_id):
        return 0
    epoch = (await tenant_figures(transaction, tenant_id, desk.clock.of_ledger)).cycle.epoch
    denial = Denial(asked.actor.identity, desk.clock.now(), epoch, note)
    return await update_open_requests_denied(transaction, tenant_id, member_id, denial)


async def _means(transaction: Transaction, tenant_id: UUID, group_id: UUID, clock: Clock) -> Means:
    """What a member of this group can be given at this moment. The books are locked."""
    pool = await pool_figures(transaction, tenant_id, clock)
    figures = await group_figures(transaction, tenant_id, group_id, clock)
    group = await find_group(transaction, tenant_id, group_id)
    if group is None:
        raise Broken("a group with a member is there", group=group_id)
    used = await list_reserves_used(transaction, tenant_id, [group_id], epoch=figures.epoch)
    return Means(
        Funds(figures.allowance_available, figures.balance_available, pool.available),
        reserve_left(group.auto_approve, used.get(group_id, ZERO)),
        figures.epoch,
    )


async def _give(
    transaction: Transaction,
    tenant_id: UUID,
    request: CreditRequest,
    parts: Parts,
    *,
    actor_id: UUID | None,
    note: str,
    clock: Clock,
) -> None:
    """Posts a transfer for each part of an approval. Raises the ledger's refusal, and then none of them is posted."""
    by_kind = {"cycle_top_up": parts.of_allowance, "group_hand_out": parts.of_balance, "allocation": parts.of_pool}
    commands = [
        Transfer(
            actor_id=actor_id,
            transfer_id=new_uuid(),
            kind=kind,
            amount=amount,
            member_id=request.member_id,
            note=note,
        )
        for kind, amount in by_kind.items()
        if amount > ZERO
    ]
    for outcome in await post(transaction, tenant_id, commands, clock):
        outcome.unwrap()


async def _waiting(transaction: Transaction, asked: Asked, tenant_id: UUID, request_id: UUID) -> CreditRequest:
    """The request, locked, if the actor may decide it and nobody has. Refuses `credit_request_unknown`,
    `not_to_oneself`, `not_permitted`, `credit_request_decided`, in this order.

    Rule: REQUEST-8
    """
    known = await lock_credit_request(transaction, tenant_id, request_id)
    if known is None:
        raise request_unknown()
    request, role = known.request, Role(known.requester.role)
    check_may_reach(asked.actor, Permission.DECIDE_CREDIT_REQUESTS, Target(role, request.member_id), field=FIELD)
    if request.decided_at is not None:
        raise Refusal(
            "credit_request_decided",
            f"{known.decider} decided this request already: it is {STATUS_LABELS[request.status].lower()}.",
            field=FIELD,
            decision=str(request.status),
            decided_by=known.decider,
            decided_at=request.decided_at.isoformat(),
        )
    return request


def _decided(
    request: CreditRequest, asked: Asked, status: RequestStatus, now: datetime, note: str | None
) -> CreditRequest:
    return replace(request, status=status, decided_by=asked.actor.identity, decided_at=now, note=note)


async def _write_decision(
    transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID, decided: CreditRequest, *, kind: str
) -> KnownRequest:
    if not await update_credit_request_decided(transaction, tenant_id, decided):
        raise Broken("a request that is locked and waits can be decided", request=decided.request_id)
    await record(transaction, desk, asked, tenant_id, _told(kind, decided, before=RequestStatus.PENDING))
    return await _known(transaction, tenant_id, decided.request_id)


async def _known(transaction: Transaction, tenant_id: UUID, request_id: UUID) -> KnownRequest:
    known = await find_credit_request(transaction, tenant_id, request_id)
    if known is None:
        raise Broken("a request that was just written is there", request=request_id)
    return known


def _told(kind: str, request: CreditRequest, *, before: RequestStatus | None) -> Told:
    """The event: whose request it is, how much was asked for and approved, why, and out of what.

    Rule: REQUEST-12
    """
    detail: dict[str, str | None] = {
        "member": public_id("member", request.member_id),
        "group": public_id("group", request.group_id),
        "amount": str(request.amount),
        "reason": request.reason,
    }
    if request.parts is not None:
        detail["approved"] = str(request.parts.sum)
        detail["of_allowance"] = str(request.parts.of_allowance)
        detail["of_balance"] = str(request.parts.of_balance)
        detail["of_pool"] = str(request.parts.of_pool)
    changes = {"status": Change(None if before is None else str(before), str(request.status))}
    return Told(kind, Subject("credit_request", request.request_id), request.note, detail, changes)
