"""Histories at random, worked out beforehand, so that one can be posted in several ways and the ends compared."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from bursar.ledger import Command, OpenGroup
from tests.ledger.model.deeds import Model
from tests.ledger.model.intents import ANY, CADENCES, JUMPS, START, ZONES, Desk, Intent, opening_commands
from tests.ledger.model.office import Office
from tests.ledger.model.store import DEFAULT_GROUP, Store


class History(NamedTuple):
    """What was sent at which moments, and how the tenant's cycles began."""

    cadence: str
    time_zone: str
    moments: list[tuple[datetime, list[Command]]]

    def new_store(self) -> Store:
        """The tenant before anything was sent."""
        return Store(START, cadence=self.cadence, time_zone=self.time_zone)


def _worked_out(
    cadence: str,
    time_zone: str,
    is_shared: bool,
    is_charged: bool,
    moments: list[tuple[timedelta, list[Intent]]],
) -> History:
    model = Model(Office(START, cadence, time_zone))
    model.answer(OpenGroup(actor_id=None, group_id=DEFAULT_GROUP, is_default=True))
    desk = Desk(model.office)
    opening = opening_commands(is_shared=is_shared, is_charged=is_charged, per_cycle=90_000_000)
    for command in opening:
        model.answer(command)
    now = START
    sent: list[tuple[datetime, list[Command]]] = [(now, opening)]
    for jump, intents in moments:
        now += jump
        model.office.turn_clock(now)
        commands = [desk.command(intent) for intent in intents]
        for command in commands:
            model.answer(command)
        sent.append((now, commands))
    return History(cadence, time_zone, sent)


HISTORIES = st.builds(
    _worked_out,
    st.sampled_from(CADENCES),
    st.sampled_from(ZONES),
    st.booleans(),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(JUMPS), st.lists(ANY, min_size=1, max_size=8)), min_size=1, max_size=8),
)
