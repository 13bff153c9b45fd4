"""Counting over the last minute, exactly: what was counted leaves a minute later, and never at once with all the rest.

A limit of so many a minute is kept over every minute that can be chosen, not only over those that a clock's hand shows:
nobody gets twice as much around the full minute. What happens within a quarter of a second is counted as one, and
leaves together when the last of it is a minute old: so a minute never takes more than `ENTRIES_MAX` entries, however
much happens in it, and errs towards counting a quarter of a second too long.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar
from uuid import UUID

MINUTE_MS = 60_000
TOGETHER_MS = 250
ENTRIES_MAX = 241
"""As many quarters as fit into a minute and a quarter of a second."""


class LastMinute:
    """How much happened within the last minute. Moments are whole milliseconds that never go back."""

    __slots__ = ("_entries", "_total")

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._total = 0

    def __len__(self) -> int:
        """How many entries there are: the room that it takes."""
        return len(self._entries)

    def add(self, amount: int, *, now: int) -> None:
        """Counts this much more, from now on for a minute."""
        self.total(now)
        self._total += amount
        if self._entries and now - self._entries[-1].first < TOGETHER_MS:
            self._entries[-1].last = now
            self._entries[-1].amount += amount
        else:
            self._entries.append(_Entry(now, amount))

    def total(self, now: int) -> int:
        """How much is counted now."""
        entries = self._entries
        while entries and now - entries[0].last >= MINUTE_MS:
            self._total -= entries.pop(0).amount
        return self._total

    def wait_until(self, most: int, *, now: int) -> int:
        """Milliseconds until no more than this much is counted, if nothing is added; never more than a minute."""
        total, wait = self.total(now), 0
        if most <= 0 and self._entries:
            return self._entries[-1].last + MINUTE_MS - now
        for entry in self._entries:
            if total <= most:
                break
            total -= entry.amount
            wait = entry.last + MINUTE_MS - now
        return wait


class _Entry:
    __slots__ = ("amount", "first", "last")

    def __init__(self, moment: int, amount: int) -> None:
        self.first = self.last = moment
        self.amount = amount


Kept = TypeVar("Kept")

LOOKED_AT = 3
"""Of those longest unseen so many are looked at each time: more than come, so that what is idle goes faster."""


class Recent(Generic[Kept]):
    """What is kept of whoever was seen within the last minute, and of whoever is still busy.

    Room is taken by those who come and not by all there are: whoever was not seen for a minute is forgotten while
    others come.
    """

    def __init__(self, make: Callable[[], Kept], *, is_busy: Callable[[Kept], bool]) -> None:
        self._make = make
        self._is_busy = is_busy
        self._nothing = make()
        self._kept: OrderedDict[UUID, tuple[int, Kept]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, owner: UUID) -> Kept:
        """What is kept of somebody, to look at; of a stranger nothing is."""
        found = self._kept.get(owner)
        return self._nothing if found is None else found[1]

    def seen(self, owner: UUID, now: int) -> Kept:
        """What is kept of somebody, to add to."""
        found = self._kept.pop(owner, None)
        kept = self._make() if found is None else found[1]
        self._kept[owner] = (now, kept)
        return kept

    def forget_idle(self, now: int) -> None:
        """Forgets who was not seen for a minute and is not busy."""
        for _ in range(min(LOOKED_AT, len(self._kept))):
            owner, (seen_at, kept) = next(iter(self._kept.items()))
            if now - seen_at <= MINUTE_MS:
                return
            if self._is_busy(kept):
                self.seen(owner, now)
            else:
                del self._kept[owner]
