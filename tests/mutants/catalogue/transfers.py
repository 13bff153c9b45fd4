"""Faults in what people post."""

from __future__ import annotations

from typing import Final

from tests.mutants.catalogue.suites import CORE, rules
from tests.mutants.mutation import Mutation

MUTATIONS: Final[tuple[Mutation, ...]] = (
    Mutation(
        name="total-set-below-what-is-in-use",
        file=f"{CORE}/transfers.py",
        before="    if wanted < lowest:\n",
        after="    if False:\n",
        fault="The platform takes back what has been assigned already, and the pool owes it.",
        breaks="TRANSFER-10",
        tests=rules("transfers"),
    ),
    Mutation(
        name="total-kept-from-rising-by-a-pool-in-debt",
        file=f"{CORE}/transfers.py",
        before="    lowest = present - max(min(free(books, Account.POOL, books.control), present), 0)\n",
        after="    lowest = present - free(books, Account.POOL, books.control)\n",
        fault="A pool in debt keeps a total from being set that is higher than the present one.",
        breaks="TRANSFER-10",
        tests=rules("transfers"),
    ),
    Mutation(
        name="funds-not-checked",
        file=f"{CORE}/funds.py",
        before="    if available >= micro:\n        return\n",
        after="    if available >= -micro:\n        return\n",
        fault="A transfer takes more than there is.",
        breaks="I4, TRANSFER-4",
        tests=rules("transfers"),
    ),
    Mutation(
        name="held-funds-transferred",
        file=f"{CORE}/funds.py",
        before="    return row.balance_micro - row.balance_held_micro\n",
        after="    return row.balance_micro\n",
        fault="A reclaim takes what a call under way keeps.",
        breaks="I5, TRANSFER-4",
        tests=rules("transfers"),
    ),
    Mutation(
        name="held-pool-transferred",
        file=f"{CORE}/funds.py",
        before="row.plan_micro if account == Account.PLAN else row.pool_micro - row.pool_held_micro\n",
        after="row.plan_micro if account == Account.PLAN else row.pool_micro\n",
        fault="An allocation takes what a tenant admin's call keeps of the pool.",
        breaks="I5, TRANSFER-4",
        tests=rules("transfers"),
    ),
    Mutation(
        name="disabled-member-receives",
        file=f"{CORE}/transfers.py",
        before='    if wallet.status != "active":\n',
        after="    if False:\n",
        fault="Credits are allocated to somebody who has been disabled.",
        breaks="TRANSFER-5",
        tests=rules("transfers"),
    ),
    Mutation(
        name="admin-allocates-to-oneself",
        file=f"{CORE}/transfers.py",
        before="    if wallet.member_id == actor_id:\n",
        after="    if False:\n",
        fault="Whoever may allocate helps oneself to the pool.",
        breaks="TRANSFER-5",
        tests=rules("transfers"),
    ),
    Mutation(
        name="recipient-not-checked",
        file=f"{CORE}/transfers.py",
        before="    if isinstance(target_row, Wallet) and kind.target in _RECIPIENTS:\n",
        after="    if False:\n",
        fault="Nobody asks who receives: deleted members and tenant admins included.",
        breaks="TRANSFER-5",
        tests=rules("transfers"),
    ),
    Mutation(
        name="reversal-not-recorded",
        file=f"{CORE}/transfers.py",
        before="    books.remember_derived(reversal_key(original.transfer_id))\n",
        after="",
        fault="One allocation is reversed again and again.",
        breaks="I11, TRANSFER-6",
        tests=rules("reversals"),
    ),
    Mutation(
        name="second-reversal-not-refused",
        file=f"{CORE}/transfers.py",
        before="    if reversal_key(original.transfer_id) in books.commands:\n",
        after="    if False:\n",
        fault="Two reversals of one allocation, with different keys, are both posted.",
        breaks="I11, TRANSFER-6",
        tests=rules("reversals"),
    ),
    Mutation(
        name="reversal-not-linked",
        file=f"{CORE}/transfers.py",
        before="    books.by(command.actor_id, command.transfer_id, command.note, original.transfer_id)\n",
        after="    books.by(command.actor_id, command.transfer_id, command.note)\n",
        fault="Nothing says which transfer a reversal undoes.",
        breaks="I18, TRANSFER-6",
        tests=rules("reversals"),
    ),
    Mutation(
        name="amount-of-nothing-transferred",
        file=f"{CORE}/transfers.py",
        before="    if micro <= 0:\n",
        after="    if micro < 0:\n",
        fault="An amount of nothing is not refused, and stops the tenant's whole batch.",
        breaks="AMOUNT-2, TRANSFER-2",
        tests=rules("amounts", "transfers"),
    ),
)
