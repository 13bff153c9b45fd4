"""docs/rules/accounts.md, example by example."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bursar.domain.accounts import CHART, CLASS_OF, Account, AccountClass, Owner
from bursar.domain.refusals import Broken
from bursar.ledger import ResetCycle
from bursar.ledger.core.books import Books, Holder
from tests.support.books import ACTOR, TestBooks, identity


def busy_books() -> TestBooks:
    """A tenant with a little of everything: budgets, balances, a debt, an open hold over the end of a cycle."""
    books = TestBooks()
    books.fund_pool("100")
    books.budget(per_cycle="100", group="60")
    first = books.open_member(monthly="10", balance="5")
    books.open_member(monthly="20")
    books.open_group(balance="7")
    books.settle(books.hold(first, "12"), "17")
    second = books.open_member(monthly="3", balance="1")
    books.hold(second, "2")
    books.do(ResetCycle(actor_id=ACTOR, transfer_id=identity(), epoch=1))
    return books


@pytest.mark.rule("ACCOUNT-1")
def test_every_account_has_a_class_and_the_classes_sum_to_zero() -> None:
    books = busy_books()
    control = books.control

    totals = {name: getattr(control, f"{name}_micro") for name in AccountClass}

    assert sum(totals.values()) == 0
    assert all(totals.values()), "a class at zero proves little"
    assert set(CLASS_OF) == {str(account) for account in Account} == {str(rule.account) for rule in CHART}
    assert set(CLASS_OF.values()) == {str(name) for name in AccountClass}


@pytest.mark.rule("ACCOUNT-1")
def test_books_that_do_not_sum_to_zero_are_not_posted() -> None:
    books = TestBooks()
    control = books.control

    Books(control, books.now).check_sum()
    with pytest.raises(Broken, match="do not sum to zero"):
        Books(replace(control, pool_micro=control.pool_micro + 1), books.now).check_sum()


@pytest.mark.rule("ACCOUNT-2")
def test_the_chart_says_who_may_be_below_zero() -> None:
    may = {rule.account for rule in CHART if rule.below_zero != "never"}

    assert may == {
        Account.ISSUED_PURCHASE, Account.ISSUED_REDEMPTION, Account.ISSUED_GRANT, Account.ISSUED_CYCLE,
        Account.ISSUED_ADJUSTMENT, Account.POOL, Account.CYCLE, Account.MEMBER_BALANCE,
    }  # fmt: skip


@pytest.mark.rule("ACCOUNT-2")
@pytest.mark.parametrize("account", [rule.account for rule in CHART])
def test_what_may_not_be_below_zero_cannot_be_moved_below_it(account: Account) -> None:
    rule = next(rule for rule in CHART if rule.account == account)
    stored = TestBooks()
    member_id = stored.open_member()
    books = Books(stored.control, stored.now)
    rows: dict[Owner, Holder] = {
        Owner.MEMBER: stored.wallet(member_id),
        Owner.GROUP: stored.group(),
        Owner.TENANT: books.control,
    }
    row = books.issued_account(account) if rule.account_class is AccountClass.ISSUED else rows[rule.owner]
    target = Account.POOL if account != Account.POOL else Account.EXPIRED

    if rule.below_zero == "never":
        with pytest.raises(Broken, match="below zero"):
            books.move("usage", account, row, target, books.control, 1)
    else:
        assert books.move("usage", account, row, target, books.control, 1).source_after_micro == -1


@pytest.mark.rule("ACCOUNT-3")
def test_totals_are_the_sums_of_the_accounts_beneath_them() -> None:
    books = busy_books()  # every batch of it was checked, see `check_books`
    control = books.control
    before = (control.pool_micro, control.members_micro)

    member_id = books.open_member(balance="2.50")

    after = (books.control.pool_micro, books.control.members_micro)
    assert after == (before[0], before[1] + 2_500_000)
    assert books.balance(member_id) == "2.50"
