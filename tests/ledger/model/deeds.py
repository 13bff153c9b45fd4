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
    Command,
    EndDueCycle,
    ResetCycle,
    Reverse,
    SetCadence,
    SetExpiredHolds,
    Transfer,
)
from tests.ledger.model import budgeting, people, reservations
from tests.ledger.model.budgeting import Figures, changed, check_level, check_note
from tests.ledger.model.office import POOL, Account, No, Office, Posted

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
        self.kept: dict[tuple[UUID | None, str], Kept] = {}

    def answer(self, command: Command) -> Reply:
        """Do one command, or repeat what was said when it came before."""
        key, now = command.key, self.office.now
        if key is None:
            return self._do(command)
        if not 1 <= len(key) <= 200 or any(not " " <= letter <= "~" for letter in key):
            return Reply(None, "key_malformed")
        kept = self.kept.get((command.actor_id, key))
        if kept is not None and (kept.until is None or now < kept.until):
            if kept.body != body_of(command):
                return Reply(None, "key_reused")
            return Reply(kept.reply.figures, kept.reply.code, kept.reply.facts, is_repeat=True)
        reply = self._do(command)
        until = None if reply.code is None else now + timedelta(hours=24)
        self.kept[command.actor_id, key] = Kept(body_of(command), reply, until)
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
    check_level(micro)
    check_note(command.note)
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
    check_note(command.note)
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


# -- Cycles -----------------------------------------------------------------------------------------------------------


def _end_due_cycle(office: Office, command: EndDueCycle) -> Figures:
    del command
    return _running(office, None)


def _reset(office: Office, command: ResetCycle) -> Figures:
    check_note(command.note)
    if command.epoch > office.cycle:
        raise No("cycle_changed")
    ended = command.epoch if command.epoch == office.cycle else None
    if ended is not None:
        office.start_cycle(office.now)
    return _running(office, ended)


def _set_cadence(office: Office, command: SetCadence) -> Figures:
    if command.cadence not in ("calendar_month", "15_days", "1_week", "1_day", "12_hours", "6_hours", "1_hour"):
        raise No("cadence_unknown")
    check_note(command.note)
    if command.epoch > office.cycle:
        raise No("cycle_changed")
    ended = command.epoch if command.epoch == office.cycle else None
    if ended is not None:
        office.cadence, office.time_zone = command.cadence, command.time_zone
        office.start_cycle(office.now)
    elif (office.cadence, office.time_zone) != (command.cadence, command.time_zone):
        raise No("cycle_changed")
    return _running(office, ended)


def _running(office: Office, ended: int | None) -> Figures:
    return {
        "epoch": office.cycle,
        "started_at": office.started_at,
        "ends_at": office.ends_at,
        "ended_epoch": ended,
    }


def _set_expired_holds(office: Office, command: SetExpiredHolds) -> Figures:
    office.are_expired_charged = command.is_charged
    return changed(office, 0)


_DEEDS: dict[type[Command], Callable[[Office, Any], Figures]] = {
    Transfer: _transfer,
    Reverse: _reverse,
    EndDueCycle: _end_due_cycle,
    ResetCycle: _reset,
    SetCadence: _set_cadence,
    SetExpiredHolds: _set_expired_holds,
    **budgeting.DEEDS,
    **people.DEEDS,
    **reservations.DEEDS,
}
