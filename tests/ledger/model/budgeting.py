"""The model's budgets, from the tenant to its groups to their members; and the checks that other deeds share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from bursar.ledger import Command, SetCycleCeiling, SetGroupMonthly, SetMemberMonthly, SetPerCycle, SetTotal
from tests.ledger.model.office import PLAN, POOL, Account, Member, No, Office, Team, text

Figures = dict[str, Any]

LARGEST = 1_000_000_000_000_000


def _set_per_cycle(office: Office, command: SetPerCycle) -> Figures:
    wanted = command.per_cycle.micro
    check_level(wanted)
    check_note(command.note)
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
    return changed(office, abs(change), before=wanted - change)


def _set_total(office: Office, command: SetTotal) -> Figures:
    wanted = command.total.micro
    check_level(wanted)
    check_note(command.note)
    issued: Account = ("issued", "issued.grant")
    granted = -office.accounts[issued]
    can_go = min(granted, office.free(POOL)) if office.free(POOL) > 0 else 0
    if granted - wanted > can_go:
        raise No("total_in_use", lowest=text(granted - can_go), present=text(granted), asked=text(wanted))
    office.give(issued, POOL, max(wanted - granted, 0))
    office.give(POOL, issued, max(granted - wanted, 0))
    return changed(office, abs(wanted - granted))


def _set_ceiling(office: Office, command: SetCycleCeiling) -> Figures:
    if command.ceiling is not None:
        check_level(command.ceiling.micro)
        _not_below(command.ceiling.micro, office.per_cycle)
    before, office.ceiling = office.ceiling, None if command.ceiling is None else command.ceiling.micro
    return changed(office, 0, before=before)


def _set_group_monthly(office: Office, command: SetGroupMonthly) -> Figures:
    group, wanted = find_group(office, command.group_id), command.monthly.micro
    check_level(wanted)
    check_note(command.note)
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
    return changed(office, abs(change), before=wanted - change)


def _set_member_monthly(office: Office, command: SetMemberMonthly) -> Figures:
    member, wanted = find_member(office, command.member_id), command.monthly.micro
    check_level(wanted)
    check_note(command.note)
    if member.status == "deleted":
        raise No("member_deleted")
    change = wanted - member.monthly
    budget: Account = ("group_allowance", member.group)
    allowance: Account = ("member_allowance", command.member_id)
    if change > 0:
        if member.status == "disabled":
            raise No("member_disabled")
        if command.member_id == command.actor_id:
            raise No("recipient_is_actor")
        if member.spends_pool:
            raise No("recipient_spends_pool")
        group_spares(office, member.group, change)
        office.give(budget, allowance, change)
    elif change < 0:
        office.need(allowance, -change)
        office.give(allowance, budget, -change)
    member.monthly = wanted
    return changed(office, abs(change), before=wanted - change)


def _not_below(wanted: int, handed_out: int) -> None:
    if wanted < handed_out:
        raise No("budget_below_children", limit=text(handed_out), asked=text(wanted))


def _spare(code: str, whole: int, handed_out: int, micro: int) -> None:
    if whole - handed_out < micro:
        raise No(code, limit=text(whole), available=text(whole - handed_out), held="0.00", asked=text(micro))


def group_spares(office: Office, group_id: UUID, micro: int) -> None:
    _spare("insufficient_budget", office.groups[group_id].monthly, office.handed_to_members(group_id), micro)
    office.need(("group_allowance", group_id), micro)


def check_level(micro: int) -> None:
    if micro < 0:
        raise No("amount_too_small")
    if micro > LARGEST:
        raise No("amount_too_large")


def check_note(note: str | None) -> None:
    if note is not None and len(note) > 200:
        raise No("note_too_long")


def find_member(office: Office, member_id: UUID, *, is_living: bool = False) -> Member:
    if member_id not in office.members:
        raise No("member_unknown")
    if is_living and office.members[member_id].status == "deleted":
        raise No("member_deleted")
    return office.members[member_id]


def find_group(office: Office, group_id: UUID) -> Team:
    if group_id not in office.groups or office.groups[group_id].is_closed:
        raise No("group_unknown")
    return office.groups[group_id]


def changed(office: Office, micro: int, *, before: int | None = None) -> Figures:
    return {"moved_micro": micro, "posted_at": office.now, "before_micro": before}


DEEDS: dict[type[Command], Callable[[Office, Any], Figures]] = {
    SetTotal: _set_total,
    SetPerCycle: _set_per_cycle,
    SetCycleCeiling: _set_ceiling,
    SetGroupMonthly: _set_group_monthly,
    SetMemberMonthly: _set_member_monthly,
}
