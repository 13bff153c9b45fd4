"""The model's holds: opened, settled, voided, extended, expired, settled late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from bursar.ledger import Charge, Command, ExpireHold, ExtendHold, OpenHold, SettleHold, VoidHold
from tests.ledger.model.office import (
    EXPIRED,
    LASTING_ONE_CYCLE,
    PLAN,
    POOL,
    Account,
    Leg,
    No,
    Office,
    Reservation,
    text,
)

_LARGEST = 1_000_000_000_000_000
_A_WEEK = 7 * 24 * 3600


def _open(office: Office, command: OpenHold) -> dict[str, Any]:
    body = (command.actor_id, command.member_id, command.amount, command.seconds)
    earlier = office.holds.get(command.hold_id)
    if earlier is not None:
        if earlier.body != body:
            raise No("key_reused")
        return {**_shown(earlier), "is_repeat": True}
    if command.member_id not in office.members:
        raise No("member_unknown")
    _check_amount(command.amount.micro)
    _check_seconds(command.seconds)
    member = office.members[command.member_id]
    if member.status != "active":
        raise No("member_deleted" if member.status == "deleted" else "member_disabled")
    micro, left = command.amount.micro, office.spendable(command.member_id)
    if not command.is_free and (left <= 0 or left < micro):
        held = sum(office.held(account) for account in office.purses(command.member_id))
        raise No(
            "insufficient_quota",
            limit=text(left + held),
            available=text(left),
            held=text(held),
            asked=text(micro),
            # The pool renews with no cycle.
            resets_at=None if member.spends_pool else office.ends_at.isoformat(),
        )
    hold = office.holds[command.hold_id] = Reservation(
        member=command.member_id,
        opener=command.actor_id,
        body=body,
        amount=micro,
        cycle=office.cycle,
        opened_at=office.now,
        expires_at=office.now + timedelta(seconds=command.seconds),
        legs=[Leg(account, account, part) for account, part in office.pick(command.member_id, micro)],
    )
    return _shown(hold)


def _charge(office: Office, command: Charge) -> dict[str, Any]:
    body = ("charge", command.actor_id, command.member_id, command.amount)
    earlier = office.holds.get(command.hold_id)
    if earlier is not None:
        if earlier.body != body:
            raise No("key_reused")
        return {**_ended(earlier), "is_repeat": True}
    opening = OpenHold(
        actor_id=command.actor_id,
        hold_id=command.hold_id,
        member_id=command.member_id,
        amount=command.amount,
        seconds=1,
        is_free=command.is_free,
    )
    _open(office, opening)
    office.holds[command.hold_id].body = body
    return _settle(office, SettleHold(actor_id=command.actor_id, hold_id=command.hold_id, cost=command.amount))


def _settle(office: Office, command: SettleHold) -> dict[str, Any]:
    hold = _find(office, command.hold_id)
    cost = command.cost.micro
    _check_amount(cost)
    if hold.state in ("settled", "settled_late"):
        if hold.charged != cost:
            raise No("hold_settled")
        return {**_ended(hold), "is_repeat": True}
    if hold.state == "voided":
        raise No("hold_voided")
    if hold.state == "open":
        overrun = _use_up(office, hold, cost)
        return _end(office, hold, "settled", cost, overrun)
    # It had expired: what was charged then was too little or too much.
    missing = max(cost - hold.charged, 0)
    _charge_beyond(office, hold.member, missing)
    _give_back(office, hold, max(hold.charged - cost, 0))
    return _end(office, hold, "settled_late", cost, missing)


def _void(office: Office, command: VoidHold) -> dict[str, Any]:
    hold = _find(office, command.hold_id)
    if hold.state == "voided":
        return {**_ended(hold), "is_repeat": True}
    if hold.state != "open":
        raise No("hold_expired" if hold.state == "expired" else "hold_settled")
    _use_up(office, hold, 0)
    return _end(office, hold, "voided", 0, 0)


def _extend(office: Office, command: ExtendHold) -> dict[str, Any]:
    hold = _find(office, command.hold_id)
    _check_seconds(command.seconds)
    if hold.state != "open":
        raise No({"voided": "hold_voided", "expired": "hold_expired"}.get(hold.state, "hold_settled"))
    hold.expires_at = max(hold.expires_at, office.now + timedelta(seconds=command.seconds))
    return {"expires_at": hold.expires_at}


def _expire(office: Office, command: ExpireHold) -> dict[str, Any]:
    hold = _find(office, command.hold_id)
    if hold.state != "open":
        return {**_ended(hold), "is_repeat": True}
    if office.now < hold.expires_at:
        raise No("hold_not_due")
    cost = hold.amount if office.are_expired_charged else 0
    _use_up(office, hold, cost)
    return _end(office, hold, "expired", cost, 0)


def _use_up(office: Office, hold: Reservation, cost: int) -> int:
    """End the keeping and charge the cost, first out of what was kept; the answer is what went beyond it."""
    hold.state = "ending"
    for leg in hold.legs:
        part = min(leg.micro, cost)
        office.charge(hold.member, leg.kept_in, part)
        cost -= part
        if leg.kept_in[0] == "carried":
            office.give(leg.kept_in, EXPIRED, leg.micro - part)
    _charge_beyond(office, hold.member, cost)
    return cost


def _charge_beyond(office: Office, member_id: UUID, micro: int) -> None:
    """Charge what no hold kept, in the order of spending; the rest is a debt of the first account that may owe."""
    for account, part in office.pick(member_id, micro):
        office.charge(member_id, account, part)
        micro -= part
    owes: Account = POOL if office.members[member_id].spends_pool else ("member_balance", member_id)
    office.charge(member_id, owes, micro)


def _give_back(office: Office, hold: Reservation, micro: int) -> None:
    """Undo a part of a charge made at expiry, last leg first."""
    for leg in reversed(hold.legs):
        part = min(leg.micro, micro)
        micro -= part
        target = leg.origin
        is_of_cycle = target[0] in LASTING_ONE_CYCLE
        if is_of_cycle and hold.cycle != office.cycle:
            target = EXPIRED
        elif target[0].startswith("group") and office.groups[_uuid(target)].is_closed:
            target = PLAN if is_of_cycle else POOL
        office.give(("consumed", hold.member), target, part)
        if hold.closed_cycle == office.cycle:
            # Counted as used in this cycle when it was charged, out of where it was kept then.
            office.count_use(hold.member, leg.kept_in, -part)


def _end(office: Office, hold: Reservation, state: str, charged: int, overrun: int) -> dict[str, Any]:
    hold.state, hold.charged, hold.overrun = state, charged, overrun
    hold.closed_at, hold.closed_cycle = office.now, office.cycle
    office.hand_in(hold.member)
    return _ended(hold)


def _find(office: Office, hold_id: UUID) -> Reservation:
    if hold_id not in office.holds:
        raise No("hold_unknown")
    return office.holds[hold_id]


def _check_amount(micro: int) -> None:
    if not 0 <= micro <= _LARGEST:
        raise No("amount_too_small" if micro < 0 else "amount_too_large")


def _check_seconds(seconds: int) -> None:
    if not 1 <= seconds <= _A_WEEK:
        raise No("deadline_out_of_bounds")


def _uuid(account: Account) -> UUID:
    assert isinstance(account[1], UUID)
    return account[1]


def _shown(hold: Reservation) -> dict[str, Any]:
    kept = {leg.origin[0]: leg.micro for leg in hold.legs}
    return {
        "amount_micro": hold.amount,
        "allowance_micro": kept.get("member_allowance", 0),
        "balance_micro": kept.get("member_balance", 0),
        "group_allowance_micro": kept.get("group_allowance", 0),
        "group_balance_micro": kept.get("group_balance", 0),
        "pool_micro": kept.get("pool", 0),
        "opened_at": hold.opened_at,
    }


def _ended(hold: Reservation) -> dict[str, Any]:
    return {
        "state": hold.state,
        "charged_micro": hold.charged,
        "overrun_micro": hold.overrun,
        "closed_at": hold.closed_at,
    }


DEEDS: dict[type[Command], Callable[[Office, Any], dict[str, Any]]] = {
    OpenHold: _open,
    Charge: _charge,
    SettleHold: _settle,
    VoidHold: _void,
    ExtendHold: _extend,
    ExpireHold: _expire,
}
