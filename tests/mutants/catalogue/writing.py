"""Faults in what the journal says and in what is written at all."""

from __future__ import annotations

from typing import Final

from tests.mutants.catalogue.suites import CHAIN, CORE, MODEL, POSTING, RULES
from tests.mutants.mutation import Mutation

_ALL = (RULES, MODEL)

MUTATIONS: Final[tuple[Mutation, ...]] = (
    Mutation(
        name="journal-shows-the-targets-balance-at-the-source",
        file=f"{CORE}/books.py",
        before="            source_after,\n            source_sequence,\n",
        after="            target_after,\n            source_sequence,\n",
        fault="The statement shows the wrong balance after a transfer.",
        breaks="I12",
        tests=_ALL,
    ),
    Mutation(
        name="sequence-not-raised",
        file=f"{CORE}/books.py",
        before="        sequence: int = getattr(row, sequence_field) + 1\n",
        after="        sequence: int = getattr(row, sequence_field)\n",
        fault="A missing line of the journal cannot be noticed.",
        breaks="I12",
        tests=_ALL,
    ),
    Mutation(
        name="total-of-the-class-not-kept",
        file=f"{CORE}/books.py",
        before="        if total_field is not None:\n            control = self.control\n",
        after='        if total_field not in (None, "members_micro"):\n            control = self.control\n',
        fault="A total of the control row drifts away from the rows beneath it.",
        breaks="I1, I2",
        tests=_ALL,
    ),
    Mutation(
        name="held-total-not-kept",
        file=f"{CORE}/books.py",
        before="getattr(control, total_field) + micro)\n        if field is not None:\n",
        after="getattr(control, total_field))\n        if field is not None:\n",
        fault="What is held of a class is not what is held of its rows, and a rollover carries too little.",
        breaks="I2",
        tests=_ALL,
    ),
    Mutation(
        name="wallet-not-marked",
        file=f"{CORE}/books.py",
        before="            self.touched_wallets.add(row.member_id)  # type: ignore[union-attr]\n",
        after="            pass\n",
        fault="A member's new balance is answered and not written.",
        breaks="I2, I8",
        tests=_ALL,
    ),
    Mutation(
        name="group-not-marked",
        file=f"{CORE}/books.py",
        before="            self.touched_groups.add(row.group_id)  # type: ignore[union-attr]\n",
        after="            pass\n",
        fault="A group's new balance is answered and not written.",
        breaks="I2, I8",
        tests=_ALL,
    ),
    Mutation(
        name="issued-not-marked",
        file=f"{CORE}/books.py",
        before="            self.touched_issued.add(row.account)  # type: ignore[union-attr]\n",
        after="            pass\n",
        fault="Where credits came from is not written.",
        breaks="I2, I4",
        tests=_ALL,
    ),
    Mutation(
        name="control-not-marked",
        file=f"{CORE}/books.py",
        before="            self.is_control_marked = True\n",
        after="            pass\n",
        fault="A change of the tenant's settings that moves no credits is answered and not written.",
        breaks="I8",
        tests=_ALL,
    ),
    Mutation(
        name="hold-not-marked",
        file=f"{CORE}/holds.py",
        before="    books.touched_holds.setdefault(hold.hold_id, False)\n    spending",
        after="    spending",
        fault="A hold ends and its row stays open, so it is ended again.",
        breaks="I7, I8",
        tests=_ALL,
    ),
    Mutation(
        name="new-hold-not-marked",
        file=f"{CORE}/holds.py",
        before="    books.touched_holds[hold.hold_id] = True\n",
        after="",
        fault="A hold is answered, its credits are set aside, and its row is not written.",
        breaks="I2, I8",
        tests=_ALL,
    ),
    Mutation(
        name="chain-without-the-previous-hash",
        file=f"{CORE}/chain.py",
        before="    digest = hashlib.sha256(previous)\n",
        after="    digest = hashlib.sha256()\n",
        fault="A batch of the past can be rewritten without breaking the later hashes.",
        breaks="I12, CHAIN-1",
        tests=(CHAIN,),
    ),
    Mutation(
        name="chain-without-the-lines",
        file=f"{CORE}/chain.py",
        before="        digest.update(_encode(line[2:]))\n",
        after="        digest.update(_encode(line[2:4]))\n",
        fault="Amounts in the journal can be changed without breaking the chain.",
        breaks="I12, CHAIN-1",
        tests=(CHAIN,),
    ),
    Mutation(
        name="chain-without-the-control-row",
        file=f"{CORE}/chain.py",
        before="    digest.update(control)\n",
        after="",
        fault="The totals can be changed without breaking the chain.",
        breaks="I12, CHAIN-1",
        tests=(CHAIN,),
    ),
    Mutation(
        name="batch-number-not-raised",
        file=f"{POSTING}/writing.py",
        before="    control.batch_number = books.batch_number\n",
        after="",
        fault="The next batch takes the number of this one.",
        breaks="I12",
        tests=_ALL,
    ),
)
