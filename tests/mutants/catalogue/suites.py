"""The tests that mutations name, by what they look at, and the files that mutations change."""

from __future__ import annotations

from typing import Final

MODEL: Final = "tests/ledger/test_core_against_the_model.py"
"""The core played against an independent model: quick for a test of everything, slow beside an example."""

RULES: Final = "tests/rules"

POSTED: Final = "tests/ledger/test_posting.py"
"""Posting on PostgreSQL: locks, commits and scopes, one at a time."""

SUMS: Final = "tests/ledger/test_core_sums.py"

CHAIN: Final = "tests/ledger/test_chain.py"

_CONNECTIONS_CUT = "tests/ledger/crash/test_connections_cut.py"

COMMIT_CUT_OFF: Final = f"{_CONNECTIONS_CUT}::test_a_command_whose_commit_was_cut_off_is_answered_and_there_once"

OTHER_PROCESS: Final = f"{_CONNECTIONS_CUT}::test_a_poster_does_not_take_the_batch_of_another_process_for_its_own"

CORE: Final = "src/bursar/ledger/core"
POSTING: Final = "src/bursar/ledger/posting"


def rules(*subjects: str) -> tuple[str, ...]:
    """The examples of these rules first; then, should those have moved to another page, all of them, and the model."""
    return (*(f"{RULES}/test_{subject}.py" for subject in subjects), RULES, MODEL)
