"""Faults in opening, moving and closing accounts."""

from __future__ import annotations

from typing import Final

from tests.mutants.catalogue.suites import CORE, rules
from tests.mutants.mutation import Mutation

MUTATIONS: Final[tuple[Mutation, ...]] = (
    Mutation(
        name="move-forgets-the-new-groups-budget",
        file=f"{CORE}/people.py",
        before="        new.members_monthly_micro += monthly\n",
        after="",
        fault="The new group's budget does not know of the member it has taken over, and gives its part away again.",
        breaks="I2, WALLET-5",
        tests=rules("wallets"),
    ),
    Mutation(
        name="move-does-not-ask-the-new-group",
        file=f"{CORE}/people.py",
        before='        check_undistributed(books, new, monthly, field="group_id")\n',
        after="        pass\n",
        fault="A member moves to a group that has not the budget for it.",
        breaks="WALLET-5, BUDGET-5",
        tests=rules("wallets"),
    ),
    Mutation(
        name="held-rest-of-a-deleted-member-lost",
        file=f"{CORE}/holds.py",
        before="    spending.hand_in_rest(books, wallet)\n",
        after="",
        fault="What a deleted member's last calls give back stays with a member who no longer exists.",
        breaks="WALLET-6, SPEND-6",
        tests=rules("wallets", "spending"),
    ),
    Mutation(
        name="deleted-members-balance-lost",
        file=f"{CORE}/spending.py",
        before='    elif free > 0:\n        books.move("member_return"',
        after='    elif free < 0:\n        books.move("member_return"',
        fault="Deleting a member loses its balance.",
        breaks="I4, WALLET-6, SPEND-6",
        tests=rules("wallets", "spending"),
    ),
    Mutation(
        name="debt-of-a-deleted-member-forgotten",
        file=f"{CORE}/spending.py",
        before="    if wallet.balance_micro < 0:\n",
        after="    if False:\n",
        fault="A deleted member's debt stays in the books for ever, and the pool looks larger than it is.",
        breaks="WALLET-6, SPEND-6",
        tests=rules("wallets", "spending"),
    ),
    Mutation(
        name="debt-beyond-the-pool-forgotten",
        file=f"{CORE}/spending.py",
        before="        if debt > from_pool:\n",
        after="        if False:\n",
        fault="The part of a deleted member's debt that the pool lacks is not adjusted.",
        breaks="WALLET-6, SPEND-6",
        tests=rules("wallets", "spending"),
    ),
    Mutation(
        name="allowance-of-a-deleted-member-lost",
        file=f"{CORE}/spending.py",
        before="    if wallet.epoch == control.epoch and allowance > 0:\n",
        after="    if False:\n",
        fault="What a deleted member had left of its allowance is lost to its group.",
        breaks="WALLET-6, SPEND-6",
        tests=rules("wallets", "spending"),
    ),
    Mutation(
        name="budget-of-a-deleted-member-kept",
        file=f"{CORE}/people.py",
        before="    group.members_monthly_micro -= wallet.monthly_micro\n",
        after="",
        fault="A group's budget stays promised to members who no longer exist.",
        breaks="I2, WALLET-6",
        tests=rules("wallets"),
    ),
    Mutation(
        name="closed-group-keeps-its-balance",
        file=f"{CORE}/people.py",
        before='    if returned:\n        books.move("group_return"',
        after='    if False:\n        books.move("group_return"',
        fault="The balance of a removed group is lost.",
        breaks="I4, GROUP-2",
        tests=rules("groups"),
    ),
    Mutation(
        name="group-closed-under-its-holds",
        file=f"{CORE}/people.py",
        before="    if books.allowance_held(group) or group.balance_held_micro:\n",
        after="    if False:\n",
        fault="A group is removed while calls under way keep credits of it.",
        breaks="I2, GROUP-2",
        tests=rules("groups"),
    ),
    Mutation(
        name="group-closed-with-members",
        file=f"{CORE}/people.py",
        before="    if group.members_count:\n",
        after="    if False:\n",
        fault="A group is removed while members are in it.",
        breaks="GROUP-2",
        tests=rules("groups"),
    ),
)
