"""How a call comes into the books: its row is carried by the command of the ledger that charges it."""

from __future__ import annotations

from bursar.domain.calls import Call
from bursar.ledger import Along
from bursar.store.calls import INSERT_CALLS, values_of


def written_with(call: Call) -> Along:
    """The row, for the command that settles or voids the call's hold, or for `WriteAlong` where there is none.

    Rule: COMMAND-8, CALL-9
    """
    return Along(INSERT_CALLS, values_of(call))
