"""The order of spending: own allowance, own balance, then the group's allowance and balance where it is shared.

A tenant admin spends straight from the pool. What is held is taken in this order when the hold is opened; what a call
costs above its hold is taken in the same order when it is settled.

Rule: SPEND-1
"""

from __future__ import annotations

from bursar.domain.accounts import Account
from bursar.domain.ids import public_id
from bursar.domain.refusals import Broken
from bursar.ledger.core.books import Books
from bursar.ledger.core.cycles import touch
from bursar.ledger.core.rows import Control, Group, Hold, Wallet

Leg = tuple[str, Control | Group | Wallet, int]

_POT = frozenset({str(Account.MEMBER_ALLOWANCE), str(Account.GROUP_ALLOWANCE)})


def spendable(books: Books, wallet: Wallet) -> int:
    """What the member can still use: allowance and balance less holds, and the group's where it is shared.

    A tenant admin can use what the pool has and no hold keeps.

    Rule: SPEND-2, SPEND-7
    """
    if wallet.spends_pool:
        return books.control.pool_micro - books.control.pool_held_micro
    left = books.allowance_free(wallet) + wallet.balance_micro - wallet.balance_held_micro
    group = books.group_of(wallet)
    if is_shared(wallet, group):
        left += books.allowance_free(group) + group.balance_micro - group.balance_held_micro
    return left


def is_shared(wallet: Wallet, group: Group) -> bool:
    """Whether the member may spend what the group has."""
    return group.is_shared and not wallet.spends_pool


def limits(books: Books, wallet: Wallet) -> tuple[str, str, int, int]:
    """The scope that bounds the member's spending, its public id, all it has, and what of that is held."""
    control = books.control
    if wallet.spends_pool:
        identity = public_id("tenant", control.tenant_id)
        return "tenant", identity, control.pool_micro, control.pool_held_micro
    held = books.allowance_held(wallet) + wallet.balance_held_micro
    limit = books.allowance(wallet) + wallet.balance_micro
    group = books.group_of(wallet)
    if not is_shared(wallet, group):
        return "member", public_id("member", wallet.member_id), limit, held
    held += books.allowance_held(group) + group.balance_held_micro
    limit += books.allowance(group) + group.balance_micro
    return "group", public_id("group", group.group_id), limit, held


def take(books: Books, wallet: Wallet, group: Group, micro: int) -> list[Leg]:
    """The accounts an amount comes out of, in the order of spending; what nothing covers is not in it.

    Rule: SPEND-1
    """
    control = books.control
    if wallet.spends_pool:
        free = max(control.pool_micro - control.pool_held_micro, 0)
        return [(Account.POOL, control, min(micro, free))] if micro and free else []
    sources: list[Leg] = [
        (Account.MEMBER_ALLOWANCE, wallet, books.allowance_free(wallet)),
        (Account.MEMBER_BALANCE, wallet, wallet.balance_micro - wallet.balance_held_micro),
    ]
    if is_shared(wallet, group):
        sources.append((Account.GROUP_ALLOWANCE, group, books.allowance_free(group)))
        sources.append((Account.GROUP_BALANCE, group, group.balance_micro - group.balance_held_micro))
    legs: list[Leg] = []
    for account, row, free in sources:
        part = min(micro, free)
        if part > 0:
            legs.append((account, row, part))
            micro -= part
    return legs


def charge_hold(books: Books, hold: Hold, wallet: Wallet, cost: int) -> int:
    """End a hold's keeping and charge the cost; the answer is what of it was above the hold.

    Legs of allowance belong to the hold's own cycle. If that has ended, they are kept in `pot_previous`, and what is
    not charged of them lapses.

    Rule: SPEND-3, CYCLE-9
    """
    rest = cost
    is_old = hold.epoch != books.control.epoch
    for account, row, micro in _legs(books, hold):
        charged = min(rest, micro)
        rest -= charged
        if is_old and account in _POT:
            if charged:
                _charge(books, Account.POT_PREVIOUS, books.control, wallet, charged)
            if micro > charged:
                books.move(
                    "hold_lapse", Account.POT_PREVIOUS, books.control, Account.EXPIRED, books.control, micro - charged
                )
            continue
        books.hold(account, row, -micro)
        if charged:
            _charge(books, account, row, wallet, charged)
    if rest:
        charge_free(books, wallet, rest)
    return rest


def charge_free(books: Books, wallet: Wallet, cost: int) -> None:
    """Charge what no hold covers, in the order of spending; what nothing covers makes a debt.

    Rule: SPEND-4
    """
    group = books.group_of(wallet)
    touch(books, wallet)
    if is_shared(wallet, group):
        touch(books, group)
    for account, row, micro in take(books, wallet, group, cost):
        _charge(books, account, row, wallet, micro)
        cost -= micro
    if cost and wallet.spends_pool:
        _charge(books, Account.POOL, books.control, wallet, cost)
    elif cost:
        _charge(books, Account.MEMBER_BALANCE, wallet, wallet, cost)


def refund(books: Books, hold: Hold, wallet: Wallet, micro: int) -> None:
    """Give back a part of what was charged when the hold expired: the last leg first, where it came from.

    A leg of an ended cycle's allowance lapses instead, and a removed group's goes where its funds went. What was used
    in the running cycle falls only if the charge was in this cycle too. Only what was charged at expiry is refunded,
    and that was the hold itself, so its legs cover the refund.

    Rule: SPEND-5
    """
    touch(books, wallet)
    is_old = hold.epoch != books.control.epoch
    for account, row, leg in reversed(_legs(books, hold)):
        part = min(micro, leg)
        if not part:
            continue
        micro -= part
        target: str = account
        target_row = row
        if account in _POT and is_old:
            target, target_row = Account.EXPIRED, books.control
        elif type(row) is Group and row.is_closed:
            target, target_row = (Account.PLAN if account in _POT else Account.POOL), books.control
        books.move("usage_refund", Account.CONSUMED, wallet, target, target_row, part)
        if hold.closed_epoch == books.control.epoch:
            in_pot = account in _POT
            # An ended cycle's leg was charged out of `pot_previous`, which no group's use counts.
            group = row if type(row) is Group and not (in_pot and is_old) else None
            _count_use(books, wallet, group, -part, in_pot=in_pot and not is_old)
    if micro:
        raise Broken("a refund above what was charged", hold=hold.hold_id, rest=micro)


def hand_in_rest(books: Books, wallet: Wallet) -> None:
    """What a deleted member, or one who spends from the pool now, still has and nothing holds, goes back.

    A balance goes to the pool, a debt is taken from it (and what the pool lacks from an adjustment), an allowance goes
    to the group's budget, or to the plan if the group is gone.

    Rule: SPEND-6
    """
    if wallet.status != "deleted" and not wallet.spends_pool:
        return
    control = books.control
    free = wallet.balance_micro - wallet.balance_held_micro
    if wallet.balance_micro < 0:
        debt = -wallet.balance_micro
        from_pool = min(debt, max(control.pool_micro - control.pool_held_micro, 0))
        if from_pool:
            books.move("member_debt", Account.POOL, control, Account.MEMBER_BALANCE, wallet, from_pool)
        if debt > from_pool:
            issued = books.issued_account(Account.ISSUED_ADJUSTMENT)
            rest = debt - from_pool
            books.move("debt_adjustment", Account.ISSUED_ADJUSTMENT, issued, Account.MEMBER_BALANCE, wallet, rest)
    elif free > 0:
        books.move("member_return", Account.MEMBER_BALANCE, wallet, Account.POOL, control, free)
    allowance = books.allowance_free(wallet)
    if wallet.epoch == control.epoch and allowance > 0:
        group = books.group_of(wallet)
        touch(books, group)
        books.move("allowance_reduction", Account.MEMBER_ALLOWANCE, wallet, Account.GROUP_ALLOWANCE, group, allowance)
        if group.is_closed:
            books.move("budget_reduction", Account.GROUP_ALLOWANCE, group, Account.PLAN, control, allowance)


def _legs(books: Books, hold: Hold) -> list[Leg]:
    wallet = books.wallets[hold.member_id]
    legs: list[Leg] = []
    if hold.allowance_micro:
        legs.append((Account.MEMBER_ALLOWANCE, wallet, hold.allowance_micro))
    if hold.balance_micro:
        legs.append((Account.MEMBER_BALANCE, wallet, hold.balance_micro))
    if hold.group_id is not None:
        group = books.groups[hold.group_id]
        if hold.group_allowance_micro:
            legs.append((Account.GROUP_ALLOWANCE, group, hold.group_allowance_micro))
        if hold.group_balance_micro:
            legs.append((Account.GROUP_BALANCE, group, hold.group_balance_micro))
    if hold.pool_micro:
        legs.append((Account.POOL, books.control, hold.pool_micro))
    return legs


def _charge(books: Books, account: str, row: Control | Group | Wallet, wallet: Wallet, micro: int) -> None:
    touch(books, wallet)
    books.move("usage", account, row, Account.CONSUMED, wallet, micro)
    _count_use(books, wallet, row if type(row) is Group else None, micro, in_pot=account in _POT)


def _count_use(
    books: Books, wallet: Wallet, group: Control | Group | Wallet | None, micro: int, *, in_pot: bool
) -> None:
    """Keep what was used in this cycle in step with a charge, or (negative) with a refund.

    Rule: SPEND-8
    """
    control = books.control
    wallet.used_micro += micro
    control.epoch_used_micro += micro
    if in_pot:
        control.epoch_pot_used_micro += micro
    if isinstance(group, Group):
        touch(books, group)
        group.shared_used_micro += micro
        books.mark(group)
