"""What the calls of each key to each model were like, kept in mind while this process lives.

Only how much is held for a call depends on it, never what is charged; so a process that starts anew begins with the
first guesses again, and has learned after a few calls.
"""

from __future__ import annotations

from collections import OrderedDict
from uuid import UUID

from bursar.domain.call_sizes import NO_HABIT, CallSize, Habit, learned
from bursar.domain.costs import Usage

HABITS_MAX = 50_000
"""A few megabytes; the habit that was asked for longest ago is forgotten first."""


class Habits:
    """Habits by key, or by member where a call came with none, and model.

    Rule: CALL-7
    """

    def __init__(self, most: int = HABITS_MAX) -> None:
        self._most = most
        self._habits: OrderedDict[tuple[UUID, str], Habit] = OrderedDict()

    def of(self, caller_id: UUID, model: str) -> Habit:
        """What this caller's calls to this model were like so far."""
        habit = self._habits.get((caller_id, model))
        if habit is None:
            return NO_HABIT
        self._habits.move_to_end((caller_id, model))
        return habit

    def learn(self, caller_id: UUID, model: str, size: CallSize, used: Usage) -> None:
        """One more call was made, and this is what it used."""
        self._habits[caller_id, model] = learned(self.of(caller_id, model), size, used)
        while len(self._habits) > self._most:
            self._habits.popitem(last=False)
