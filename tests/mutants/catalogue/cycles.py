"""Faults in ending one cycle and beginning the next."""

from __future__ import annotations

from typing import Final

from tests.mutants.catalogue.suites import CORE, POSTED, rules
from tests.mutants.mutation import Mutation

MUTATIONS: Final[tuple[Mutation, ...]] = (
    Mutation(
        name="touch-compares-epochs-the-wrong-way",
        file=f"{CORE}/cycles.py",
        before="    control = books.control\n    if row.epoch == control.epoch:\n        return\n",
        after="    control = books.control\n    if row.epoch != control.epoch:\n        return\n",
        fault="Rows of the running cycle roll over at every touch, and those of ended ones never.",
        breaks="I14, CYCLE-5",
        tests=rules("cycles"),
    ),
    Mutation(
        name="allowance-compares-epochs-the-wrong-way",
        file=f"{CORE}/books.py",
        before="        if row.epoch == self.control.epoch:\n"
        "            return row.allowance_micro - row.allowance_held_micro\n",
        after="        if row.epoch != self.control.epoch:\n"
        "            return row.allowance_micro - row.allowance_held_micro\n",
        fault="An untouched row is read as it was left, and a touched one as if nothing had been used.",
        breaks="I5, I14, CYCLE-5",
        tests=rules("cycles"),
    ),
    Mutation(
        name="untouched-row-shows-last-cycles-allowance",
        file=f"{CORE}/books.py",
        before="            return row.allowance_micro\n        return self.renewal(row)\n",
        after="            return row.allowance_micro\n        return row.allowance_micro\n",
        fault="The limit a refusal names is last cycle's until the member's row is touched.",
        breaks="CYCLE-5, REFUSAL-2",
        tests=rules("cycles", "refusals"),
    ),
    Mutation(
        name="rollover-forgets-what-is-held",
        file=f"{CORE}/cycles.py",
        before="    carried = control.pot_held_micro\n",
        after="    carried = 0\n",
        fault="Calls under way at the boundary have nothing left to be charged to.",
        breaks="I2, I14, CYCLE-4",
        tests=rules("cycles"),
    ),
    Mutation(
        name="rollover-keeps-old-holds-in-the-pot",
        file=f"{CORE}/cycles.py",
        before="    control.pot_held_micro = 0\n",
        after="",
        fault="The new pot counts as held what the old cycle's holds keep.",
        breaks="I2, CYCLE-4",
        tests=rules("cycles"),
    ),
    Mutation(
        name="missed-cycles-counted-once",
        file=f"{CORE}/cycles.py",
        before="    _roll(books, span.passed, span.started_at, span.ends_at)\n",
        after="    _roll(books, 1, span.started_at, span.ends_at)\n",
        fault="Cycles that passed while nobody called are missing from the books.",
        breaks="I3, CYCLE-3",
        tests=rules("cycles"),
    ),
    Mutation(
        name="missed-cycles-do-not-lapse",
        file=f"{CORE}/cycles.py",
        before=" + (passed - 1) * control.per_cycle_micro\n",
        after="\n",
        fault="The credits of cycles that passed unused pile up in the pot.",
        breaks="I3, CYCLE-3",
        tests=rules("cycles"),
    ),
    Mutation(
        name="nothing-lapses",
        file=f"{CORE}/cycles.py",
        before="    if unused:\n",
        after="    if False:\n",
        fault="What nobody used of an ended cycle is added to the next one.",
        breaks="I3, I14, CYCLE-4",
        tests=rules("cycles"),
    ),
    Mutation(
        name="cycle-ends-late",
        file=f"{CORE}/cycles.py",
        before="    if books.now < control.epoch_ends_at:\n",
        after="    if books.now <= control.epoch_ends_at:\n",
        fault="A command at the boundary itself still spends the cycle that has ended.",
        breaks="I14, CYCLE-3",
        tests=rules("cycles"),
    ),
    Mutation(
        name="reset-twice-done-twice",
        file=f"{CORE}/cycles.py",
        before="    return epoch == books.control.epoch\n",
        after="    return True\n",
        fault="Two people who reset the same cycle end two cycles.",
        breaks="I14, CYCLE-6",
        tests=rules("cycles"),
    ),
    Mutation(
        name="group-renewal-forgets-its-members",
        file=f"{CORE}/books.py",
        before="        return row.monthly_micro - row.members_monthly_micro\n",
        after="        return row.monthly_micro\n",
        fault="A group gets its whole budget anew, although its members have been given their parts of it.",
        breaks="I2, I3, CYCLE-5",
        tests=rules("cycles"),
    ),
    Mutation(
        name="old-allowance-is-kept",
        file=f"{CORE}/cycles.py",
        before='    if row.allowance_micro > 0:\n        books.move("allowance_return"',
        after='    if row.allowance_micro < 0:\n        books.move("allowance_return"',
        fault="What a member did not use in the last cycle is added to this one's allowance.",
        breaks="I2, I14, CYCLE-5",
        tests=rules("cycles"),
    ),
    Mutation(
        name="use-not-set-back",
        file=f"{CORE}/cycles.py",
        before="        row.used_micro = 0\n",
        after="        pass\n",
        fault="A member's use of the last cycle is shown as this one's.",
        breaks="I3, CYCLE-5",
        tests=rules("cycles"),
    ),
    Mutation(
        name="time-runs-backwards",
        file=f"{CORE}/books.py",
        before="        self.now = max(now, control.last_posted_at)\n",
        after="        self.now = now\n",
        fault="A process whose clock lags posts before what has been posted already.",
        breaks="I12, I17, CHAIN-1",
        tests=(POSTED,),
    ),
)
