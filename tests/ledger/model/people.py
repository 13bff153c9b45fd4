"""The model's members and groups: they come, move, change and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bursar.ledger import (
    CloseGroup,
    CloseWallet,
    Command,
    MoveWallet,
    OpenGroup,
    OpenWallet,
    SetSpendsPool,
    SetWalletStatus,
    ShareGroup,
)
from tests.ledger.model.budgeting import Figures, changed, find_group, find_member, group_spares
from tests.ledger.model.office import PLAN, POOL, Account, Member, No, Office, Team


def _add_group(office: Office, command: OpenGroup) -> Figures:
    if command.group_id in office.groups:
        raise No("account_exists")
    office.groups[command.group_id] = Team(command.is_default)
    return changed(office, 0)


def _close_group(office: Office, command: CloseGroup) -> Figures:
    group = find_group(office, command.group_id)
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
    return changed(office, returned)


def _share_group(office: Office, command: ShareGroup) -> Figures:
    find_group(office, command.group_id).is_shared = command.is_shared
    return changed(office, 0)


def _add_member(office: Office, command: OpenWallet) -> Figures:
    if command.member_id in office.members:
        raise No("account_exists")
    find_group(office, command.group_id)
    office.members[command.member_id] = Member(command.group_id, command.spends_pool)
    return changed(office, 0)


def _set_status(office: Office, command: SetWalletStatus) -> Figures:
    member = find_member(office, command.member_id, is_living=True)
    member.status = "active" if command.is_active else "disabled"
    return changed(office, 0)


def _set_spends_pool(office: Office, command: SetSpendsPool) -> Figures:
    member = find_member(office, command.member_id, is_living=True)
    before = office.accounts["member_balance", command.member_id]
    if command.spends_pool and not member.spends_pool:
        member.spends_pool = True
        member.monthly = 0
        office.hand_in(command.member_id)
    member.spends_pool = command.spends_pool
    return changed(office, before - office.accounts["member_balance", command.member_id])


def _move_member(office: Office, command: MoveWallet) -> Figures:
    member = find_member(office, command.member_id, is_living=True)
    find_group(office, command.group_id)
    if member.group == command.group_id:
        raise No("same_group")
    if member.monthly:
        group_spares(office, command.group_id, member.monthly)
    # The new group pays the old one back what it gave the member for this cycle.
    office.give(("group_allowance", command.group_id), ("group_allowance", member.group), member.monthly)
    member.group = command.group_id
    return changed(office, member.monthly)


def _delete_member(office: Office, command: CloseWallet) -> Figures:
    member = find_member(office, command.member_id, is_living=True)
    before = office.accounts["member_balance", command.member_id]
    member.status = "deleted"
    member.monthly = 0
    office.hand_in(command.member_id)
    return changed(office, before - office.accounts["member_balance", command.member_id])


DEEDS: dict[type[Command], Callable[[Office, Any], Figures]] = {
    OpenGroup: _add_group,
    CloseGroup: _close_group,
    ShareGroup: _share_group,
    OpenWallet: _add_member,
    SetWalletStatus: _set_status,
    SetSpendsPool: _set_spends_pool,
    MoveWallet: _move_member,
    CloseWallet: _delete_member,
}
