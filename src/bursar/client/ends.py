"""How the block around a hold ends it, which is one rule for programs that wait and for those that do not.

settled inside                  nothing more to do
voided inside                   nothing more to do
a settlement did not get through  left open: it was to be charged, so it is not given back behind its back
an exception                    voided
nothing of all that             voided; or settled in full, where that was asked for
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

from bursar.client.answers import ClosedHold, OpenedHold
from bursar.client.errors import Refused


class End(Enum):
    """What is left to be done when the block is over."""

    NOTHING = "nothing"
    SETTLE = "settle in full"
    VOID = "void"


class Course:
    """What has become of a hold within its block."""

    def __init__(self, *, settles_in_full: bool) -> None:
        self._settles_in_full = settles_in_full
        self._is_unsettled = False
        self.closed: ClosedHold | None = None

    def failed_to_settle(self, error: BaseException) -> None:
        """A settlement was meant. It may still get through, or be sent again, unless it was refused or never sent."""
        if not isinstance(error, Refused | TypeError | ValueError):
            self._is_unsettled = True

    def end(self, *, by_exception: bool) -> End:
        """What to do now that the block is over."""
        if self.closed is not None or self._is_unsettled:
            return End.NOTHING
        return End.SETTLE if self._settles_in_full and not by_exception else End.VOID


def in_full(opened: OpenedHold) -> dict[str, Decimal]:
    """What settles a hold at all that it keeps, in the unit that it was opened in."""
    return {"cost": opened.amount} if opened.amount_usd is None else {"cost_usd": opened.amount_usd}
