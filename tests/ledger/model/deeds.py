"""The model's commands: each done the obvious way on the `Office`, answering with plain figures.

An answer is a dictionary of what the ledger's answer must show; a refusal is `No`. The order of the checks is the
ledger's, because the same situation must always get the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from bursar.ledger import (
    CloseGroup,
    CloseWallet,
    Command,
    EndDueCycle,
    MoveWallet,
    OpenGroup,
    OpenWallet,
    ResetCycle,
    Reverse,
    SetCadence,
    SetCycleCeiling,
    SetExpiredHolds,
    SetGroupMonthly,
    SetMemberMonthly,
    SetPerCycle,
    SetSpendsPool,
    SetWalletStatus,
    ShareGroup,
    Transfer,
)
from tests.ledger.model import reservations
from tests.ledger.model.office import PLAN, POOL, Account, Member, No, Office, Posted, Team, text

Figures = dict[str, Any]

_PURCHASE: Account = ("issued", "issued.purchase")
_REDEMPTION: Account = ("issued", "issued.redemption")
_GRANT: Account = ("issued", "issued.grant")

# What people post: source and target. A name alone stands for the account of the member or group in question.
KINDS: dict[str, tuple[Account | str, Account | str]] = {
    "purchase": (_PURCHASE, POOL),
    "redemption": (_REDEMPTION, POOL),
    "grant": (_GRANT, POOL),
    "grant_withdrawal": (POOL, _GRANT),
    "allocation": (POOL, "member_balance"),
    "signup_credits": (POOL, "member_balance"),
    "reclaim": ("member_balance", POOL),
    "group_allocation": (POOL, "group_balance"),
    "group_reclaim": ("group_balance", POOL),
    "group_hand_out": ("group_balance", "member_balance"),
    "cycle_top_up": ("group_allowance", "member_allowance"),
}
OPPOSITES = {
    "allocation": "reclaim",
    "reclaim": "allocation",
    "group_allocation": "group_reclaim",
    "group_reclaim": "group_allocation",
}

LARGEST = 1_000_000_000_000_000


@dataclass
class Reply:
    """What the model says to one command: the figures, or the refusal's code and facts."""

    figures: Figures | None
    code: str | None = None
    facts: dict[str, str | None] = field(default_factory=dict)
    is_repeat: bool = False


@dataclass
class Kept:
    """A reply that is given again to its key."""

    body: object
    reply: Reply
    until: datetime | None


class Model:
    """The office and what it has answered to idempotency keys."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.kept: dict[str, Kept] = {}

    def answer(self, command: Command) -> Reply:
        """Do one command, or repeat what was said when it came before."""
        key, now = command.key, self.office.now
        if key is None:
            return self._do(command)
        if not 1 <= len(key) <= 200 or any(not " " <= letter <= "~" for letter in key):
            return Reply(None, "key_malformed")
        kept = self.kept.get(key)
        if kept is not None and (kept.until is None or now < kept.until):
            if kept.body != body_of(command):
                return Reply(None, "key_reused")
            return Reply(kept.reply.figures, kept.reply.code, kept.reply.facts, is_repeat=True)
        reply = self._do(command)
        until = None if reply.code is None else now + timedelta(hours=24)
        self.kept[key] = Kept(body_of(command), reply, until)
        return reply

    def _do(self, command: Command) -> Reply:
        try:
            figures = _DEEDS[type(command)](self.office, command)
        except No as no:
            return Reply(None, no.code, no.facts)
        is_repeat = figures.pop("is_repeat", False)
        return Reply(figures, is_repeat=is_repeat)


def body_of(command: Command) -> object:
    """What a command asks for, whatever its key and the id of its transfer."""
    return type(command), {
        name: value for name, value in msgspec.structs.asdict(command).items() if name not in ("key", "transfer_id")
    }


# -- Transfers --------------------------------------------------------------------------------------------------------


def _transfer(office: Office, command: Transfer) -> Figures:
    if command.kind not in KINDS:
        raise No("kind_unknown")
    micro = command.amount.micro
    if micro <= 0:
        raise No("amount_too_small")
    _level(micro)
    _note(command.note)
    figures = _post(office, command.kind, command.member_id, command.group_id, micro, command.actor_id)
    office.posted[command.transfer_id] = Posted(command.kind, command.member_id, command.group_id, micro)
    return figures


def _reverse(office: Office, command: Reverse) -> Figures:
    original = office.posted.get(command.reverses_id)
    if original is None:
        raise No("transfer_unknown")
    if original.kind not in OPPOSITES:
        raise No("not_reversible")
    if original.is_reversed:
        raise No("already_reversed")
    _note(command.note)
    kind = OPPOSITES[original.kind]
    figures = _post(office, kind, original.member, original.group, original.micro, command.actor_id)
    original.is_reversed = True
    office.posted[command.transfer_id] = Posted("reversal", original.member, original.group, original.micro)
    return figures


def _post(
    office: Office, kind: str, member_id: UUID | None, group_id: UUID | None, micro: int, actor_id: UUID | None
) -> Figures:
    named = KINDS[kind]
    if "member_balance" in named or "member_allowance" in named:
        if member_id not in office.members:
            raise No("member_unknown")
        group_id = office.members[member_id].group
    elif ("group_balance" in named) and (group_id not in office.groups or office.groups[group_id].is_closed):
        raise No("group_unknown")
    source, target = (
        (side, member_id if side.startswith("member") else group_id) if isinstance(side, str) else side
        for side in named
    )
    if target[0] in ("member_balance", "member_allowance"):
        assert member_id is not None
        member = office.members[member_id]
        if member.status == "deleted":
            raise No("member_deleted")
        if member.status == "disabled":
            raise No("member_disabled")
        if member_id == actor_id:
            raise No("recipient_is_actor")
        if member.spends_pool:
            raise No("recipient_spends_pool")
    if source[0] != "issued":
        office.need(source, micro)
    if target[0] == "issued":
        office.need(target, micro)
    office.give(source, target, micro)
    return {
        "amount_micro": micro,
        "source_after_micro": office.accounts[source],
        "target_after_micro": office.accounts[target],
        "posted_at": office.now,
    }


def _level(micro: int) -> None:
    if micro < 0:
        raise No("amount_too_small")
    if micro > LARGEST:
        raise No("amount_too_large")


def _note(note: str | None) -> None:
    if note is not None and len(note) > 200:
        raise No("note_too_long")


# -- Budgets ----------------------------------------------------------------------------------------------------------


def _set_per_cycle(office: Office, command: SetPerCycle) -> Figures:
    wanted = command.per_cycle.micro
    _level(wanted)
    _note(command.note)
    if office.ceiling is not None and wanted > office.ceiling:
        raise No("budget_above_ceiling", limit=text(office.ceiling), asked=text(wanted))
    _not_below(wanted, office.handed_to_groups())
    change = wanted - office.per_cycle
    if change < 0:
        office.need(PLAN, -change)
    issued: Account = ("issued", "issued.cycle")
    office.give(issued, PLAN, max(change, 0))
    office.give(PLAN, issued, max(-change, 0))
    office.per_cycle = wanted
    office.issued_this_cycle += change
    return _changed(office, abs(change))


def _set_ceiling(office: Office, command: SetCycleCeiling) -> Figures:
    if command.ceiling is not None:
        _level(command.ceiling.micro)
        _not_below(command.ceiling.micro, office.per_cycle)
    office.ceiling = None if command.ceiling is None else command.ceiling.micro
    return _changed(office, 0)


def _set_group_monthly(office: Office, command: SetGroupMonthly) -> Figures:
    group, wanted = _open_group(office, command.group_id), command.monthly.micro
    _level(wanted)
    _note(command.note)
    _not_below(wanted, office.handed_to_members(command.group_id))
    change = wanted - group.monthly
    allowance: Account = ("group_allowance", command.group_id)
    if change > 0:
        # This cycle must have it left, and every cycle to come must have it.
        office.need(PLAN, change)
        _spare("insufficient_plan", office.per_cycle, office.handed_to_groups(), change)
        office.give(PLAN, allowance, change)
    elif change < 0:
        office.need(allowance, -change)
        office.give(allowance, PLAN, -change)
    group.monthly = wanted
    return _changed(office, abs(change))


def _set_member_monthly(office: Office, command: SetMemberMonthly) -> Figures:
    member, wanted = _member(office, command.member_id), command.monthly.micro
    _level(wanted)
    _note(command.note)
    if member.status == "deleted":
        raise No("member_deleted")
    change = wanted - member.monthly
    budget: Account = ("group_allowance", member.group)
    allowance: Account = ("member_allowance", command.member_id)
    if change > 0:
        if member.status == "disabled":
            raise No("member_disabled")
        if member.spends_pool:
            raise No("recipient_spends_pool")
        _group_spares(office, member.group, change)
        office.give(budget, allowance, change)
    elif change < 0:
        office.need(allowance, -change)
        office.give(allowance, budget, -change)
    member.monthly = wanted
    return _changed(office, abs(change))


def _not_below(wanted: int, handed_out: int) -> None:
    if wanted < handed_out:
        raise No("budget_below_children", limit=text(handed_out), asked=text(wanted))


def _spare(code: str, whole: int, handed_out: int, micro: int) -> None:
    if whole - handed_out < micro:
        raise No(code, limit=text(whole), available=text(whole - handed_out), held="0.00", asked=text(micro))


def _group_spares(office: Office, group_id: UUID, micro: int) -> None:
    _spare("insufficient_budget", office.groups[group_id].monthly, office.handed_to_members(group_id), micro)
    office.need(("group_allowance", group_id), micro)


# -- People and groups ------------------------------------------------------------------------------------------------


def _member(office: Office, member_id: UUID, *, is_living: bool = False) -> Member:
    if member_id not in office.members:
        raise No("member_unknown")
    if is_living and office.members[member_id].status == "deleted":
        raise No("member_deleted")
    return office.members[member_id]


def _open_group(office: Office, group_id: UUID) -> Team:
    if group_id not in office.groups or office.groups[group_id].is_closed:
        raise No("group_unknown")
    return office.groups[group_id]


def _changed(office: Office, micro: int) -> Figures:
    return {"moved_micro": micro, "posted_at": office.now}


def _add_group(office: Office, command: OpenGroup) -> Figures:
    if command.group_id in office.groups:
        raise No("account_exists")
    office.groups[command.group_id] = Team(command.is_default)
    return _changed(office, 0)


def _close_group(office: Office, command: CloseGroup) -> Figures:
    group = _open_group(office, command.group_id)
    if group.is_default:
        raise No("group_is_default")
    balance: Account = ("group_balance", command.group_id)
    allowance: Account = ("group_allowance", command.group_id)
    if office.count_in(command.group_id) or office.held(balance) or office.held(allowance):
        raise No("group_not_empty")
    returned = office.accounts[balance]
    office.give(balance, POOL, returned)
    office.give(allowance, PLAN, office.accounts[allowance])
    group.monthly = 0
    group.is_closed = True
    return _changed(office, returned)


def _share_group(office: Office, command: ShareGroup) -> Figures:
    _open_group(office, command.group_id).is_shared = command.is_shared
    return _changed(office, 0)


def _add_member(office: Office, command: OpenWallet) -> Figures:
    if command.member_id in office.members:
        raise No("account_exists")
    _open_group(office, command.group_id)
    office.members[command.member_id] = Member(command.group_id, command.spends_pool)
    return _changed(office, 0)


def _set_status(office: Office, command: SetWalletStatus) -> Figures:
    member = _member(office, command.member_id, is_living=True)
    member.status = "active" if command.is_active else "disabled"
    return _changed(office, 0)


def _set_spends_pool(office: Office, command: SetSpendsPool) -> Figures:
    member = _member(office, command.member_id, is_living=True)
    before = office.accounts["member_balance", command.member_id]
    if command.spends_pool and not member.spends_pool:
        member.spends_pool = True
        member.monthly = 0
        office.hand_in(command.member_id)
    member.spends_pool = command.spends_pool
    return _changed(office, before - office.accounts["member_balance", command.member_id])


def _move_member(office: Office, command: MoveWallet) -> Figures:
    member = _member(office, command.member_id, is_living=True)
    _open_group(office, command.group_id)
    if member.group == command.group_id:
        raise No("same_group")
    if member.monthly:
        _group_spares(office, command.group_id, member.monthly)
    # The new group pays the old one back what it gave the member for this cycle.
    office.give(("group_allowance", command.group_id), ("group_allowance", member.group), member.monthly)
    member.group = command.group_id
    return _changed(office, member.monthly)


def _delete_member(office: Office, command: CloseWallet) -> Figures:
    member = _member(office, command.member_id, is_living=True)
    before = office.accounts["member_balance", command.member_id]
    member.status = "deleted"
    member.monthly = 0
    office.hand_in(command.member_id)
    return _changed(office, before - office.accounts["member_balance", command.member_id])


# -- Cycles -----------------------------------------------------------------------------------------------------------


def _end_due_cycle(office: Office, command: EndDueCycle) -> Figures:
    del command
    return {"epoch": office.cycle, "started_at": office.started_at, "ends_at": office.ends_at}


def _reset(office: Office, command: ResetCycle) -> Figures:
    _note(command.note)
    if command.epoch > office.cycle:
        raise No("cycle_changed")
    if command.epoch == office.cycle:
        office.start_cycle(office.now)
    return {"epoch": office.cycle, "started_at": office.started_at, "ends_at": office.ends_at}


def _set_cadence(office: Office, command: SetCadence) -> Figures:
    if command.cadence not in ("calendar_month", "15_days", "1_week", "1_day", "12_hours", "6_hours", "1_hour"):
        raise No("cadence_unknown")
    _note(command.note)
    if command.epoch > office.cycle:
        raise No("cycle_changed")
    if command.epoch == office.cycle:
        office.cadence, office.time_zone = command.cadence, command.time_zone
        office.start_cycle(office.now)
    elif (office.cadence, office.time_zone) != (command.cadence, command.time_zone):
        raise No("cycle_changed")
    return {"epoch": office.cycle, "started_at": office.started_at, "ends_at": office.ends_at}


def _set_expired_holds(office: Office, command: SetExpiredHolds) -> Figures:
    office.are_expired_charged = command.is_charged
    return _changed(office, 0)


_DEEDS: dict[type[Command], Callable[[Office, Any], Figures]] = {
    Transfer: _transfer,
    Reverse: _reverse,
    SetPerCycle: _set_per_cycle,
    SetCycleCeiling: _set_ceiling,
    SetGroupMonthly: _set_group_monthly,
    SetMemberMonthly: _set_member_monthly,
    OpenGroup: _add_group,
    CloseGroup: _close_group,
    ShareGroup: _share_group,
    OpenWallet: _add_member,
    SetWalletStatus: _set_status,
    SetSpendsPool: _set_spends_pool,
    MoveWallet: _move_member,
    CloseWallet: _delete_member,
    EndDueCycle: _end_due_cycle,
    ResetCycle: _reset,
    SetCadence: _set_cadence,
    SetExpiredHolds: _set_expired_holds,
    **reservations.DEEDS,
}
