"""What the figures on screens mean: percentages, and what always adds up, whatever was done.

The figures themselves are the ledger's (`ledger/balances`); an answer that breaks one of these is a fault.

Rule: FIGURE-1
"""

from __future__ import annotations

from dataclasses import dataclass

from bursar.domain.credits import ZERO, Credits


@dataclass(frozen=True, slots=True)
class Percent:
    """A percentage in whole tenths, so that 12.5 % is 125; it can be negative, and above 100 %.

    Rule: FIGURE-2
    """

    tenths: int

    def __str__(self) -> str:
        whole, tenth = divmod(abs(self.tenths), 10)
        return f"{'-' if self.tenths < 0 else ''}{whole}.{tenth}"

    def __sub__(self, other: Percent) -> Percent:
        return Percent(self.tenths - other.tenths)


NOTHING, ALL = Percent(0), Percent(1000)


def percent_of(part: Credits, whole: Credits) -> Percent:
    """How much of the whole the part is, rounded to the nearest tenth and up from the middle; of nothing it is 0.0.

    Rule: FIGURE-2
    """
    if whole.micro <= 0:
        return NOTHING
    return Percent((2 * 1000 * part.micro + whole.micro) // (2 * whole.micro))


@dataclass(frozen=True, slots=True)
class Cards:
    """The summary of a tenant. `assigned` is what members have and what they consumed, `pool_used` what tenant admins
    use of the pool themselves, `unassigned` what nobody has yet; `spendable` is the members' own, `held` what calls
    under way keep.
    """

    purchased: Credits
    utilized: Credits
    available: Credits
    assigned: Credits
    pool_used: Credits
    unassigned: Credits
    spendable: Credits
    held: Credits
    users_with_credits: int
    users: int

    @property
    def utilized_percent(self) -> Percent:
        """How much of what was purchased is consumed."""
        return percent_of(self.utilized, self.purchased)

    @property
    def available_percent(self) -> Percent:
        """The rest: the two make 100 % unless nothing was purchased.

        Rule: FIGURE-2
        """
        return NOTHING if self.purchased.micro <= 0 else ALL - self.utilized_percent


def cards_add_up(cards: Cards) -> bool:
    """Every credit is counted once: what came in is consumed or available, and assigned, used of the pool or neither.

    Rule: FIGURE-1
    """
    return (
        cards.available == cards.purchased - cards.utilized
        and cards.unassigned == cards.purchased - cards.assigned - cards.pool_used
        and cards.unassigned + cards.spendable + cards.held == cards.available
        and cards.users_with_credits <= cards.users
    )


def assigned_to(*, remaining: Credits, held: Credits, consumed: Credits) -> Credits:
    """What one member was given in all and not taken back or lapsed: what is left, kept for calls, and consumed.

    Rule: FIGURE-5
    """
    return remaining + held + consumed


def used_of_cycle(*, used: Credits, per_cycle: Credits) -> Percent | None:
    """How much of the cycle's credits is used; None where no credits per cycle are set, which is no limit.

    Rule: FIGURE-4
    """
    return None if per_cycle == ZERO else percent_of(used, per_cycle)
