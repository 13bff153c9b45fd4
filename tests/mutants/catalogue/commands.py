"""Faults in recognising a command that comes again."""

from __future__ import annotations

from typing import Final

from tests.mutants.catalogue.suites import CORE, rules
from tests.mutants.mutation import Mutation

MUTATIONS: Final[tuple[Mutation, ...]] = (
    Mutation(
        name="idempotency-key-not-looked-up",
        file=f"{CORE}/decide.py",
        before="    earlier = books.commands.get(kept_as)\n",
        after="    earlier = None\n",
        fault="A command that is sent again is done again.",
        breaks="I11, COMMAND-2",
        tests=rules("commands"),
    ),
    Mutation(
        name="keys-shared-between-callers",
        file=f"{CORE.removesuffix('/core')}/commands.py",
        before="""    return f"key:{'' if command.actor_id is None else command.actor_id.hex}:{key}"\n""",
        after="""    return f"key:{key}"\n""",
        fault="Two people who use the same key get in each other's way.",
        breaks="I16, COMMAND-7",
        tests=rules("commands"),
    ),
    Mutation(
        name="fingerprint-not-compared",
        file=f"{CORE}/decide.py",
        before="        if earlier.fingerprint != print_:\n",
        after="        if False:\n",
        fault="A key used for another command is answered with the first one's answer, and nothing is done.",
        breaks="I11, COMMAND-2",
        tests=rules("commands"),
    ),
    Mutation(
        name="amount-not-in-the-fingerprint",
        file="src/bursar/ledger/commands.py",
        before='_NOT_IN_BODY = frozenset({"key", "transfer_id", ',
        after='_NOT_IN_BODY = frozenset({"key", "transfer_id", "amount", "cost", ',
        fault="The same key with another amount passes for a repeat.",
        breaks="I11, COMMAND-2",
        tests=rules("commands"),
    ),
    Mutation(
        name="refusals-remembered-for-ever",
        file=f"{CORE}/decide.py",
        before=" and (earlier.forget_at is None or earlier.forget_at > books.now):\n",
        after=":\n",
        fault="A refusal is given again although what was lacking has long been there.",
        breaks="COMMAND-2",
        tests=rules("commands"),
    ),
    Mutation(
        name="refusals-not-remembered",
        file=f"{CORE}/decide.py",
        before="    outcome = _apply(books, command)\n    # Remembered",
        after="    outcome = _apply(books, command)\n    if outcome.refusal is not None:\n        return outcome\n"
        "    # Remembered",
        fault="A command that was refused is done when it is sent again, though its sender was told that it was not.",
        breaks="I11, COMMAND-2",
        tests=rules("commands"),
    ),
    Mutation(
        name="answers-forgotten-like-refusals",
        file=f"{CORE}/decide.py",
        before="    forget_at = None if outcome.refusal is None else books.now + REFUSALS_REMEMBERED\n",
        after="    forget_at = books.now + REFUSALS_REMEMBERED\n",
        fault="A command that was done is done once more if it is sent again after a day.",
        breaks="I11, COMMAND-2",
        tests=rules("commands"),
    ),
)
