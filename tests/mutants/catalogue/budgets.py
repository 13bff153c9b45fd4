"""Faults in budgets within a cycle."""

from __future__ import annotations

from typing import Final

from tests.mutants.catalogue.suites import CORE, MODEL, SUMS, rules
from tests.mutants.mutation import Mutation

MUTATIONS: Final[tuple[Mutation, ...]] = (
    Mutation(
        name="budget-below-its-parts",
        file=f"{CORE}/budgets.py",
        before="    if wanted < given_out:\n",
        after="    if False:\n",
        fault="A parent is lowered below what has been given out of it, so the next cycle promises credits twice.",
        breaks="BUDGET-6",
        tests=rules("budgets"),
    ),
    Mutation(
        name="ceiling-ignored",
        file=f"{CORE}/budgets.py",
        before="    if ceiling is not None and wanted > ceiling:\n",
        after="    if False and ceiling is not None:\n",
        fault="A tenant sets more credits per cycle than the platform allows.",
        breaks="BUDGET-3",
        tests=rules("budgets"),
    ),
    Mutation(
        name="group-given-more-than-the-plan-has",
        file=f"{CORE}/budgets.py",
        before="    control.groups_monthly_micro += change\n",
        after="    control.groups_monthly_micro -= change\n",
        fault="What groups have been promised is counted the wrong way.",
        breaks="I2, BUDGET-4",
        tests=rules("budgets"),
    ),
    Mutation(
        name="members-budget-not-counted-in-its-group",
        file=f"{CORE}/budgets.py",
        before="    group.members_monthly_micro += change\n",
        after="",
        fault="A group promises each member the same credits.",
        breaks="I2, BUDGET-5",
        tests=rules("budgets"),
    ),
    Mutation(
        name="used-allowance-taken-back",
        file=f"{CORE}/budgets.py",
        before='        check_funds(books, Account.MEMBER_ALLOWANCE, wallet, -change, field="monthly")\n',
        after="        pass\n",
        fault="A member's allowance is lowered by what it has used already, or by what a call keeps.",
        breaks="I5, BUDGET-5",
        tests=rules("budgets"),
    ),
    Mutation(
        name="level-before-told-as-the-level-after",
        file=f"{CORE}/budgets.py",
        before='return Changed("group_monthly", abs(change), books.now, before)\n',
        after='return Changed("group_monthly", abs(change), books.now, wanted)\n',
        fault="The audit log cannot say what a group's budget was before somebody changed it.",
        breaks="BUDGET-1",
        tests=rules("budgets"),
    ),
    Mutation(
        name="change-of-budget-waits-for-the-next-cycle",
        file=f"{CORE}/budgets.py",
        before="    control.epoch_issued_micro += change\n",
        after="",
        fault="What was issued for the running cycle no longer agrees with its pot.",
        breaks="I3, BUDGET-2",
        tests=(SUMS, MODEL),
    ),
)
