"""Holds: set credits aside for a call, then charge its true cost, or give them back.

    open -> settled | voided | expired -> settled_late

The first end wins; the same end again gets the first answer, a different one is refused.
Read first: `docs/rules/holds.md`. What is charged above a hold is in `spending`.

Rule: HOLD-1
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from bursar.domain.accounts import Account
from bursar.domain.credits import decimal_text
from bursar.domain.ids import public_id
from bursar.domain.refusals import Broken, Refusal
from bursar.ledger.answers import Changed, Held, HoldClosed, HoldExtended, Outcome
from bursar.ledger.commands import (
    HOLD_SECONDS_MAX,
    HOLD_SECONDS_MIN,
    Charge,
    ExpireHold,
    ExtendHold,
    OpenHold,
    SetExpiredHolds,
    SettleHold,
    VoidHold,
    short_fingerprint,
)
from bursar.ledger.core import keys, spending
from bursar.ledger.core.books import Books
from bursar.ledger.core.cycles import touch
from bursar.ledger.core.rows import Hold, Wallet
from bursar.ledger.core.transfers import check_level


def open_hold(books: Books, command: OpenHold) -> Outcome:
    """Set the amount aside out of what the member can spend, in the order it is spent; all of it or nothing.

    Refuses `insufficient_quota` unless what is left is above 0 and covers the amount, of the key it comes with as well.
    The same id again gets the first answer; for something else, it is refused as `key_reused`. The hold names who
    opened it: that is who may say what the call cost.

    Rule: HOLD-2, HOLD-11, HOLD-12, HOLD-13
    """
    print_ = short_fingerprint(command)
    earlier = books.holds.get(command.hold_id)
    if earlier is not None:
        if earlier.fingerprint != print_:
            return Outcome(None, Refusal("key_reused", "This hold was opened for something else.", field="hold_id"))
        return Outcome(_held(earlier), None, replayed=True)
    wallet = books.wallet(command.member_id)
    amount = command.amount.micro
    check_level(amount, field="amount")
    _check_seconds(command.seconds)
    _check_spender(wallet)
    left = spending.spendable(books, wallet)
    if command.is_free and amount:
        raise Broken("what is free keeps nothing", command=command)
    if not command.is_free and (left <= 0 or left < amount):
        raise _insufficient_quota(books, wallet, left, amount)
    if command.with_key is not None:
        keys.check_limits(books, command.with_key, amount)
        keys.keep(books, command.with_key.key_id, amount)
    group = books.group_of(wallet)
    touch(books, wallet)
    if spending.is_shared(wallet, group):
        touch(books, group)
    legs = spending.take(books, wallet, group, amount)
    for account, row, micro in legs:
        books.hold(account, row, micro)
    kept = {account: micro for account, _, micro in legs}
    group_allowance, group_balance = kept.get(Account.GROUP_ALLOWANCE, 0), kept.get(Account.GROUP_BALANCE, 0)
    hold = Hold(
        tenant_id=books.control.tenant_id,
        hold_id=command.hold_id,
        member_id=command.member_id,
        group_id=group.group_id if group_allowance or group_balance else None,
        opened_by=command.actor_id,
        epoch=books.control.epoch,
        fingerprint=print_,
        amount_micro=amount,
        allowance_micro=kept.get(Account.MEMBER_ALLOWANCE, 0),
        balance_micro=kept.get(Account.MEMBER_BALANCE, 0),
        group_allowance_micro=group_allowance,
        group_balance_micro=group_balance,
        pool_micro=kept.get(Account.POOL, 0),
        state="open",
        settled_micro=None,
        overrun_micro=None,
        opened_at=books.now,
        expires_at=books.now + timedelta(seconds=command.seconds),
        closed_at=None,
        closed_epoch=None,
        key_id=None if command.with_key is None else command.with_key.key_id,
    )
    books.holds[hold.hold_id] = hold
    books.touched_holds[hold.hold_id] = True
    return Outcome(_held(hold), None, left_micro=left - amount)


def charge(books: Books, command: Charge) -> Outcome:
    """Hold the amount and settle the hold at it, all of it or nothing, as if nothing had come between.

    Refuses what opening a hold refuses. The same id again gets the first answer.

    Rule: HOLD-11, HOLD-13, HOLD-14
    """
    print_ = short_fingerprint(command)
    earlier = books.holds.get(command.hold_id)
    if earlier is not None and earlier.fingerprint != print_:
        return Outcome(None, Refusal("key_reused", "This charge was made for something else.", field="key"))
    if earlier is not None:
        return Outcome(_closed(earlier), None, replayed=True)
    opening = OpenHold(
        actor_id=command.actor_id,
        hold_id=command.hold_id,
        member_id=command.member_id,
        amount=command.amount,
        seconds=HOLD_SECONDS_MIN,
        is_free=command.is_free,
    )
    open_hold(books, opening)
    books.holds[command.hold_id].fingerprint = print_
    settlement = SettleHold(actor_id=command.actor_id, hold_id=command.hold_id, cost=command.amount)
    return settle(books, settlement)


def settle(books: Books, command: SettleHold) -> Outcome:
    """Charge the true cost: out of what was held first, what is above it in the order of spending.

    What nothing covers makes the balance negative. An expired hold is settled late, once.

    Rule: HOLD-3
    """
    hold = _find(books, command.hold_id)
    cost = command.cost.micro
    check_level(cost, field="cost")
    if hold.state in ("settled", "settled_late"):
        if hold.settled_micro != cost:
            raise Refusal("hold_settled", "The hold was settled with another cost.", field="cost")
        return Outcome(_closed(hold), None, replayed=True)
    if hold.state == "voided":
        raise Refusal("hold_voided", "The hold was voided and cannot be settled.", field="hold_id")
    books.by(command.actor_id, hold.hold_id)
    wallet = books.wallets[hold.member_id]
    if hold.state == "expired":
        return _settle_late(books, hold, wallet, cost)
    overrun = spending.charge_hold(books, hold, wallet, cost)
    keys.end(books, hold, cost)
    return _close(books, hold, wallet, "settled", cost, overrun)


def void(books: Books, command: VoidHold) -> Outcome:
    """Give all of a hold back.

    Rule: HOLD-4
    """
    hold = _find(books, command.hold_id)
    if hold.state == "voided":
        return Outcome(_closed(hold), None, replayed=True)
    if hold.state == "expired":
        raise Refusal("hold_expired", "The hold has expired already.", field="hold_id")
    if hold.state != "open":
        raise Refusal("hold_settled", "The hold was settled and cannot be voided.", field="hold_id")
    books.by(command.actor_id, hold.hold_id)
    wallet = books.wallets[hold.member_id]
    spending.charge_hold(books, hold, wallet, 0)
    keys.end(books, hold, 0)
    return _close(books, hold, wallet, "voided", 0, 0)


def extend(books: Books, command: ExtendHold) -> HoldExtended:
    """Move an open hold's deadline further out; a deadline is never brought forward.

    Rule: HOLD-5
    """
    hold = _find(books, command.hold_id)
    _check_seconds(command.seconds)
    if hold.state == "voided":
        raise Refusal("hold_voided", "The hold was voided and cannot be extended.", field="hold_id")
    if hold.state == "expired":
        raise Refusal("hold_expired", "The hold has expired already.", field="hold_id")
    if hold.state != "open":
        raise Refusal("hold_settled", "The hold was settled and cannot be extended.", field="hold_id")
    wanted = books.now + timedelta(seconds=command.seconds)
    if wanted > hold.expires_at:
        hold.expires_at = wanted
        books.touched_holds.setdefault(hold.hold_id, False)
    return HoldExtended(hold.hold_id, hold.expires_at)


def expire(books: Books, command: ExpireHold) -> Outcome:
    """End a hold past its deadline: void it, or charge all of it, by the tenant's policy.

    Whoever ended the hold first has won: expiring a closed hold changes nothing.

    Rule: HOLD-6
    """
    hold = _find(books, command.hold_id)
    if hold.state != "open":
        return Outcome(_closed(hold), None, replayed=True)
    if books.now < hold.expires_at:
        raise Refusal("hold_not_due", "The hold's deadline has not passed.", field="hold_id")
    books.by(command.actor_id, hold.hold_id)
    wallet = books.wallets[hold.member_id]
    charge = hold.amount_micro if books.control.expired_holds == "settle" else 0
    spending.charge_hold(books, hold, wallet, charge)
    keys.end(books, hold, charge)
    return _close(books, hold, wallet, "expired", charge, 0)


def set_policy(books: Books, command: SetExpiredHolds) -> Changed:
    """Choose what happens to holds that nobody settles: void them, or charge all of each.

    Rule: HOLD-10
    """
    books.control.expired_holds = "settle" if command.is_charged else "void"
    books.mark(books.control)
    return Changed("expired_holds", 0, books.now)


def _settle_late(books: Books, hold: Hold, wallet: Wallet, cost: int) -> Outcome:
    """Record a true cost that arrived after the hold expired: charge or refund the difference.

    Rule: HOLD-7
    """
    charged = hold.settled_micro or 0
    overrun = 0
    if cost > charged:
        overrun = cost - charged
        spending.charge_free(books, wallet, overrun)
    elif cost < charged:
        spending.refund(books, hold, wallet, charged - cost)
    keys.recount(books, hold, cost - charged)
    return _close(books, hold, wallet, "settled_late", cost, overrun)


def _close(books: Books, hold: Hold, wallet: Wallet, state: str, charged: int, overrun: int) -> Outcome:
    hold.state = state
    hold.settled_micro = charged
    hold.overrun_micro = overrun
    hold.closed_at = books.now
    hold.closed_epoch = books.control.epoch
    books.touched_holds.setdefault(hold.hold_id, False)
    spending.hand_in_rest(books, wallet)
    return Outcome(_closed(hold), None, left_micro=spending.spendable(books, wallet))


def _find(books: Books, hold_id: UUID) -> Hold:
    hold = books.holds.get(hold_id)
    if hold is None:
        raise Refusal("hold_unknown", "There is no such hold.", field="hold_id")
    return hold


def _check_seconds(seconds: int) -> None:
    """Refuses `deadline_out_of_bounds`.

    Rule: HOLD-8
    """
    if not HOLD_SECONDS_MIN <= seconds <= HOLD_SECONDS_MAX:
        raise Refusal(
            "deadline_out_of_bounds",
            f"A hold lasts between {HOLD_SECONDS_MIN} and {HOLD_SECONDS_MAX} seconds.",
            field="seconds",
        )


def _check_spender(wallet: Wallet) -> None:
    """Refuses `member_deleted`, `member_disabled`.

    Rule: HOLD-9
    """
    if wallet.status == "deleted":
        raise Refusal("member_deleted", "A deleted member cannot spend.", field="member_id")
    if wallet.status != "active":
        raise Refusal("member_disabled", "A disabled member cannot spend.", field="member_id")


def _insufficient_quota(books: Books, wallet: Wallet, left: int, asked: int) -> Refusal:
    scope, identity, limit, held = spending.limits(books, wallet)
    return Refusal(
        "insufficient_quota",
        f"Not enough credits: {decimal_text(left)} left, {decimal_text(asked)} needed for this call.",
        field="amount",
        scope=scope,
        id=identity,
        member_id=public_id("member", wallet.member_id),
        limit=decimal_text(limit),
        available=decimal_text(left),
        held=decimal_text(held),
        asked=decimal_text(asked),
        # What the tenant budgets per cycle renews; the pool, which a tenant admin spends from, does not.
        resets_at=None if wallet.spends_pool else books.control.epoch_ends_at.isoformat(),
    )


def _held(hold: Hold) -> Held:
    return Held(
        hold.hold_id,
        hold.amount_micro,
        hold.allowance_micro,
        hold.balance_micro,
        hold.group_allowance_micro,
        hold.group_balance_micro,
        hold.pool_micro,
        hold.opened_at,
    )


def _closed(hold: Hold) -> HoldClosed:
    assert hold.settled_micro is not None
    assert hold.overrun_micro is not None
    assert hold.closed_at is not None
    return HoldClosed(hold.hold_id, hold.state, hold.settled_micro, hold.overrun_micro, hold.closed_at)
