"""Transfers that people post, and their reversal. What each kind takes from where is the catalogue's to say."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from bursar.domain.accounts import CLASS_OF, OWNER_OF, Account, AccountClass, Owner
from bursar.domain.credits import AMOUNT_MAX_MICRO, decimal_text
from bursar.domain.refusals import Refusal
from bursar.domain.transfers import KINDS, Channel, TransferKind
from bursar.ledger.answers import Changed, Transferred
from bursar.ledger.commands import Reverse, SetTotal, Transfer, check_note
from bursar.ledger.core.books import Books, Holder
from bursar.ledger.core.cycles import touch
from bursar.ledger.core.funds import check_funds, check_issuable, free, scope_of
from bursar.ledger.core.rows import Group, Wallet

_RECIPIENTS = frozenset({Account.MEMBER_BALANCE, Account.MEMBER_ALLOWANCE})


def transfer(books: Books, command: Transfer) -> Transferred:
    """Post one transfer of a kind that people post.

    Checks, in this order: the kind, the amount, the note, the rows, the recipient, the funds.

    Rule: TRANSFER-3
    """
    kind = KINDS.get(command.kind)
    if kind is None or kind.channel is not Channel.COMMAND:
        raise Refusal("kind_unknown", "No such kind of transfer can be posted.", field="kind")
    check_amount(command.amount.micro)
    check_note(command.note)
    books.by(command.actor_id, command.transfer_id, command.note)
    return _post(books, kind, command.member_id, command.group_id, command.amount.micro, field="amount")


def reverse(books: Books, command: Reverse) -> Transferred:
    """Post the exact opposite of an allocation or a reclaim, linked to it, while the funds are still there.

    Rule: TRANSFER-6
    """
    original = books.originals.get(command.reverses_id)
    if original is None:
        raise Refusal("transfer_unknown", "There is no such transfer.", field="reverses_id")
    opposite = KINDS[original.kind].reversed_by
    if opposite is None:
        raise Refusal("not_reversible", "Only an allocation or a reclaim can be reversed.", field="reverses_id")
    if reversal_key(original.transfer_id) in books.commands:
        raise Refusal("already_reversed", "This transfer has been reversed already.", field="reverses_id")
    check_note(command.note)
    books.by(command.actor_id, command.transfer_id, command.note, original.transfer_id)
    kind = KINDS[opposite]
    owner_id = original.source_id or original.target_id
    to_member = Owner.MEMBER in (OWNER_OF[kind.source], OWNER_OF[kind.target])
    member_id = owner_id if to_member else None
    answer = _post(books, kind, member_id, owner_id, original.amount_micro, field="reverses_id")
    books.remember_derived(reversal_key(original.transfer_id))
    return answer


def set_total(books: Books, command: SetTotal) -> Changed:
    """Set what the platform has granted in all, by granting the difference or taking it back out of the pool.

    Rule: TRANSFER-10
    """
    wanted = command.total.micro
    check_level(wanted, field="total")
    check_note(command.note)
    granted = books.issued_account(Account.ISSUED_GRANT)
    present = -granted.issued_micro
    change = wanted - present
    lowest = present - max(min(free(books, Account.POOL, books.control), present), 0)
    if wanted < lowest:
        scope, identity = scope_of(books.control)
        raise Refusal(
            "total_in_use",
            f"The total cannot be below {decimal_text(lowest)}: that much is assigned or consumed.",
            field="total",
            scope=scope,
            id=identity,
            lowest=decimal_text(lowest),
            present=decimal_text(present),
            asked=decimal_text(wanted),
        )
    books.by(command.actor_id, command.transfer_id, command.note)
    if change > 0:
        check_issuable(books, change, field="total")
        books.move("grant", Account.ISSUED_GRANT, granted, Account.POOL, books.control, change)
    elif change < 0:
        books.move("grant_withdrawal", Account.POOL, books.control, Account.ISSUED_GRANT, granted, -change)
    return Changed("total", abs(change), books.now)


def reversal_key(transfer_id: UUID) -> str:
    """The derived key under which the reversal of a transfer is recorded, so that there is only one."""
    return f"reverse:{transfer_id.hex}"


def check_amount(micro: int) -> None:
    """Refuses `amount_too_small`, `amount_too_large`: also for callers inside the house.

    Rule: AMOUNT-7
    """
    if micro <= 0:
        raise Refusal("amount_too_small", "The amount must be above 0.", field="amount", smallest="0.01")
    check_level(micro, field="amount")


def check_level(micro: int, *, field: str) -> None:
    """Refuses `amount_too_small` below zero and `amount_too_large` above the largest amount.

    Rule: AMOUNT-7
    """
    if micro < 0:
        raise Refusal("amount_too_small", "The amount must not be negative.", field=field, smallest="0.00")
    if micro > AMOUNT_MAX_MICRO:
        largest = decimal_text(AMOUNT_MAX_MICRO)
        raise Refusal("amount_too_large", f"The amount may be at most {largest}.", field=field, largest=largest)


class Recipient(Protocol):
    """What is asked of whoever is to receive: a wallet of the books, or the figures that were read from one."""

    @property
    def member_id(self) -> UUID: ...

    @property
    def status(self) -> str: ...

    @property
    def spends_pool(self) -> bool: ...


def check_recipient(wallet: Recipient, actor_id: UUID | None) -> None:
    """Refuses a recipient that is not active, is who acts, or spends from the pool.

    Rule: TRANSFER-5
    """
    if wallet.status == "deleted":
        raise Refusal("member_deleted", "A deleted member cannot receive credits.", field="member_id")
    if wallet.status != "active":
        raise Refusal("member_disabled", "A disabled member cannot receive credits.", field="member_id")
    if wallet.member_id == actor_id:
        raise Refusal("recipient_is_actor", "Nobody allocates credits to oneself.", field="member_id")
    if wallet.spends_pool:
        raise Refusal("recipient_spends_pool", "A tenant admin spends from the pool.", field="member_id")


def note_removal(books: Books, wallet: Wallet) -> None:
    """Whoever has nothing left after something was taken back, and gets no allowance either, is without credits.

    Rule: WALLET-8
    """
    left = books.allowance(wallet) + wallet.balance_micro
    if left <= 0 and wallet.monthly_micro == 0:
        wallet.has_credits = False


def _post(
    books: Books, kind: TransferKind, member_id: UUID | None, group_id: UUID | None, micro: int, *, field: str
) -> Transferred:
    """Check recipient and funds, then move. What goes back to where credits come from must have come from there.

    Rule: TRANSFER-9
    """
    if Owner.MEMBER not in (OWNER_OF[kind.source], OWNER_OF[kind.target]):
        # Only a group is meant: which one is not to be guessed from a member, whose group may even be closed.
        member_id = None
    source_row = _row(books, kind.source, member_id, group_id)
    target_row = _row(books, kind.target, member_id, group_id)
    if isinstance(target_row, Wallet) and kind.target in _RECIPIENTS:
        check_recipient(target_row, books.actor_id)
    if CLASS_OF[kind.source] == AccountClass.ISSUED:
        check_issuable(books, micro, field=field)
    else:
        check_funds(books, kind.source, source_row, micro, field=field)
    if CLASS_OF[kind.target] == AccountClass.ISSUED:
        check_funds(books, kind.target, target_row, micro, field=field)
    for row in (source_row, target_row):
        if isinstance(row, Wallet | Group):
            touch(books, row)
    line = books.move(kind.code, kind.source, source_row, kind.target, target_row, micro)
    if isinstance(target_row, Wallet):
        target_row.has_credits = True
    if isinstance(source_row, Wallet):
        note_removal(books, source_row)
    return Transferred(
        line.transfer_id, line.kind, micro, line.source_after_micro, line.target_after_micro, line.posted_at
    )


def _row(books: Books, account: Account, member_id: UUID | None, group_id: UUID | None) -> Holder:
    """The row of an account, found by what the command names; refuses `member_unknown`, `group_unknown`.

    Rule: TRANSFER-8
    """
    owner = OWNER_OF[account]
    if owner is Owner.TENANT:
        return books.issued_account(account) if CLASS_OF[account] == AccountClass.ISSUED else books.control
    if member_id is not None:
        # Where a kind names a group and a member, it is the member's own group.
        wallet = books.wallet(member_id)
        return wallet if owner is Owner.MEMBER else books.group_of(wallet)
    if owner is Owner.GROUP and group_id is not None:
        return books.group(group_id)
    raise Refusal(f"{owner}_unknown", f"The command names no {owner}.", field=f"{owner}_id")
