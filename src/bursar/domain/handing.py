"""Whether credits can be handed out or taken back at all at this moment, and if not, why: what a person is told before
they try. The same is decided once more, and by amount, when they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bursar.domain.credits import ZERO, Credits


class Obstacle(StrEnum):
    """Why there is nothing to begin with."""

    POOL_EMPTY = "pool_empty"
    NOBODY_TO_RECEIVE = "nobody_to_receive"
    NO_BALANCES = "no_balances"


@dataclass(frozen=True)
class Openings:
    """What stands in the way of allocating and of reclaiming; None where nothing does."""

    allocating: Obstacle | None
    reclaiming: Obstacle | None


def openings_of(pool_available: Credits, *, has_recipient: bool, has_balances: bool) -> Openings:
    """What can be begun: allocating takes credits in the pool and then somebody to give them to; reclaiming takes
    somebody with a balance.

    Rule: ALLOC-7, RECLAIM-5
    """
    allocating = None
    if pool_available <= ZERO:
        allocating = Obstacle.POOL_EMPTY
    elif not has_recipient:
        allocating = Obstacle.NOBODY_TO_RECEIVE
    return Openings(allocating, None if has_balances else Obstacle.NO_BALANCES)
