"""Members and groups as the books see them: opening, moving and closing their accounts.

Names, roles and sign-in are not here; a wallet knows only what decides about credits.

Rule: WALLET-1
"""

from __future__ import annotations

from bursar.domain.accounts import Account
from bursar.domain.ids import public_id
from bursar.domain.refusals import Refusal
from bursar.ledger.answers import Changed
from bursar.ledger.commands import (
    CloseGroup,
    CloseWallet,
    MoveWallet,
    OpenGroup,
    OpenWallet,
    SetSpendsPool,
    SetWalletStatus,
    ShareGroup,
)
from bursar.ledger.core.books import Books
from bursar.ledger.core.budgets import check_undistributed
from bursar.ledger.core.cycles import touch
from bursar.ledger.core.rows import Group, Wallet
from bursar.ledger.core.spending import hand_in_rest


def open_group(books: Books, command: OpenGroup) -> Changed:
    """Open a group's accounts, all at zero.

    Rule: GROUP-1
    """
    if command.group_id in books.groups:
        raise Refusal("account_exists", "The group's accounts are open already.", field="group_id")
    group = Group(
        tenant_id=books.control.tenant_id,
        group_id=command.group_id,
        is_default=command.is_default,
        is_closed=False,
        is_shared=False,
        members_count=0,
        epoch=books.control.epoch,
        monthly_micro=0,
        members_monthly_micro=0,
        allowance_micro=0,
        allowance_held_micro=0,
        balance_micro=0,
        balance_held_micro=0,
        shared_used_micro=0,
        allowance_sequence=0,
        balance_sequence=0,
    )
    books.groups[group.group_id] = group
    books.mark(group)
    return Changed("group_opened", 0, books.now)


def close_group(books: Books, command: CloseGroup) -> Changed:
    """Close a group that nobody is in and nothing is held of: its balance to the pool, its budget to the plan.

    Rule: GROUP-2
    """
    control, group = books.control, books.group(command.group_id)
    if group.is_default:
        raise Refusal("group_is_default", "The group Default cannot be removed.", field="group_id")
    if group.members_count:
        raise Refusal("group_not_empty", "The group still has members; move them first.", field="group_id")
    if books.allowance_held(group) or group.balance_held_micro:
        raise Refusal("group_not_empty", "Calls under way still hold credits of the group.", field="group_id")
    touch(books, group)
    books.by(command.actor_id, command.transfer_id)
    returned = group.balance_micro
    if returned:
        books.move("group_return", Account.GROUP_BALANCE, group, Account.POOL, control, returned)
    if group.allowance_micro:
        books.move("budget_reduction", Account.GROUP_ALLOWANCE, group, Account.PLAN, control, group.allowance_micro)
    control.groups_monthly_micro -= group.monthly_micro
    group.monthly_micro = 0
    group.is_closed = True
    books.mark(group)
    return Changed("group_closed", returned, books.now)


def share_group(books: Books, command: ShareGroup) -> Changed:
    """Switch the group's shared budget on or off; holds under way keep what they have.

    Rule: GROUP-3
    """
    group = books.group(command.group_id)
    group.is_shared = command.is_shared
    books.mark(group)
    return Changed("group_shared", 0, books.now)


def open_wallet(books: Books, command: OpenWallet) -> Changed:
    """Open a member's accounts in a group, all at zero.

    Rule: WALLET-2
    """
    if command.member_id in books.wallets:
        raise Refusal("account_exists", "The member's accounts are open already.", field="member_id")
    group = books.group(command.group_id)
    wallet = Wallet(
        tenant_id=books.control.tenant_id,
        member_id=command.member_id,
        group_id=group.group_id,
        status="active",
        spends_pool=command.spends_pool,
        epoch=books.control.epoch,
        monthly_micro=0,
        allowance_micro=0,
        allowance_held_micro=0,
        balance_micro=0,
        balance_held_micro=0,
        used_micro=0,
        consumed_micro=0,
        allowance_sequence=0,
        balance_sequence=0,
        consumed_sequence=0,
    )
    books.wallets[wallet.member_id] = wallet
    group.members_count += 1
    books.mark(wallet)
    books.mark(group)
    return Changed("wallet_opened", 0, books.now)


def set_status(books: Books, command: SetWalletStatus) -> Changed:
    """Enable or disable a member. Disabling freezes what it has and returns nothing.

    Rule: WALLET-3
    """
    wallet = _living(books.wallet(command.member_id))
    wallet.status = "active" if command.is_active else "disabled"
    books.mark(wallet)
    return Changed("wallet_status", 0, books.now)


def set_spends_pool(books: Books, command: SetSpendsPool) -> Changed:
    """Let a member spend from the pool, handing in what it had, or from its own accounts again.

    Rule: WALLET-4
    """
    wallet = _living(books.wallet(command.member_id))
    if wallet.spends_pool == command.spends_pool:
        return Changed("wallet_spends_pool", 0, books.now)
    touch(books, wallet)
    books.by(command.actor_id, command.transfer_id)
    before = wallet.balance_micro
    wallet.spends_pool = command.spends_pool
    if command.spends_pool:
        _drop_budget(books, wallet)
        hand_in_rest(books, wallet)
        wallet.has_credits = False
    books.mark(wallet)
    return Changed("wallet_spends_pool", before - wallet.balance_micro, books.now)


def move_wallet(books: Books, command: MoveWallet) -> Changed:
    """Move a member to another group. The new group's budget takes the member's monthly over from the old one's.

    The member keeps what it has left of its allowance. Refuses `insufficient_budget` if the new group has less.

    Rule: WALLET-5
    """
    wallet = _living(books.wallet(command.member_id))
    old, new = books.group_of(wallet), books.group(command.group_id)
    if old is new:
        raise Refusal("same_group", "The member is in this group already.", field="group_id")
    monthly = wallet.monthly_micro
    if monthly:
        check_undistributed(books, new, monthly, field="group_id")
    # The member rolls over first: as a member of its old group, whose budget its allowance came out of until now.
    touch(books, wallet)
    touch(books, old)
    touch(books, new)
    books.by(command.actor_id, command.transfer_id)
    if monthly:
        books.move("budget_move", Account.GROUP_ALLOWANCE, new, Account.GROUP_ALLOWANCE, old, monthly)
        old.members_monthly_micro -= monthly
        new.members_monthly_micro += monthly
    old.members_count -= 1
    new.members_count += 1
    wallet.group_id = new.group_id
    books.mark(wallet)
    books.mark(old)
    books.mark(new)
    return Changed("wallet_moved", monthly, books.now)


def close_wallet(books: Books, command: CloseWallet) -> Changed:
    """Delete a member's accounts: what is not held goes back at once, the rest when its holds end.

    Rule: WALLET-6
    """
    wallet = _living(books.wallet(command.member_id))
    touch(books, wallet)
    books.by(command.actor_id, command.transfer_id)
    before = wallet.balance_micro
    wallet.status = "deleted"
    _drop_budget(books, wallet)
    hand_in_rest(books, wallet)
    group = books.group_of(wallet)
    group.members_count -= 1
    books.mark(group)
    books.mark(wallet)
    return Changed("wallet_closed", before - wallet.balance_micro, books.now)


def _drop_budget(books: Books, wallet: Wallet) -> None:
    """The member's monthly is its group's to give again, from the next cycle on."""
    group = books.group_of(wallet)
    touch(books, group)
    group.members_monthly_micro -= wallet.monthly_micro
    wallet.monthly_micro = 0
    books.mark(group)


def _living(wallet: Wallet) -> Wallet:
    """The wallet itself; refuses `member_deleted`.

    Rule: WALLET-7
    """
    if wallet.status == "deleted":
        identity = public_id("member", wallet.member_id)
        raise Refusal("member_deleted", "The member has been deleted.", field="member_id", id=identity)
    return wallet
