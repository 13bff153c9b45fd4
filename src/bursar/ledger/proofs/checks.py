"""The table of invariants: what must hold of every tenant's books, and the function that recomputes it."""

from __future__ import annotations

from typing import Final

from bursar.ledger.proofs import batches, calls, commands, cycles, fences, folds, totals, usage
from bursar.ledger.proofs.findings import Check

CHECKS: Final = (
    Check("I1", "The classes of the control row sum to 0.", totals.sums_to_zero),
    Check("I2", "Each class, and what is held of it, is the sum of its rows.", totals.classes_are_their_rows),
    Check("I3", "The pot is what the cycle was given less what was used of it.", totals.pot_is_issued_less_used),
    Check("I4", "Each account holds what its transfers add up to.", folds.accounts_are_their_transfers),
    Check("I5", "No hold keeps more than there is.", calls.holds_are_covered),
    Check("I6", "A balance below 0 has calls above their holds behind it.", calls.debts_have_a_cause),
    Check("I7", "Every hold ends once, and is charged what the journal says.", calls.holds_end_once),
    Check("I8", "Nothing that was acknowledged is missing.", batches.nothing_is_lost),
    Check("I9", "Nothing is there that was not posted.", batches.nothing_was_slipped_in),
    Check("I10", "Nothing is there twice.", batches.nothing_is_twice),
    Check("I11", "Every remembered answer tells what was done.", commands.answers_are_true),
    Check(
        "I12", "Each transfer begins where the last one ended; the chain verifies.", folds.nothing_is_missing_between
    ),
    Check("I13", "What expires sooner is used sooner.", cycles.spent_in_order),
    Check("I14", "An ended cycle pays for its own holds only, and began once.", cycles.ended_cycles_rest),
    Check("I15", "A refusal changed no balance.", commands.refusals_moved_nothing),
    Check("I16", "Tenants neither see nor name each other's rows.", fences.tenants_are_apart),
    Check("I17", "The order of batches respects time.", batches.time_runs_forward),
    Check(
        "I18", "Every change has somebody, a time and a kind, and stays as recorded.", fences.changes_are_accounted_for
    ),
    Check("I19", "What was used is what was charged, once.", usage.answers_are_settled_once),
    Check("I20", "What calls come to by day is their sum.", usage.days_are_their_calls),
)
"""Every invariant that a tenant's own data can show, in order."""
