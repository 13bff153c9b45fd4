"""What the gateway works with: one of these for a process."""

from __future__ import annotations

from dataclasses import dataclass

from bursar.actions.call_desk import CallDesk
from bursar.gateway.limits import CallLimits
from bursar.gateway.receiving import BodyBounds
from bursar.gateway.room import Room


@dataclass(frozen=True)
class Gate:
    """Where calls are made and counted, how many may be and fit in. `site` is where people find the console;
    `send_seconds_max` how long a client may take nothing of its answer.
    """

    calls: CallDesk
    limits: CallLimits
    room: Room
    bounds: BodyBounds
    send_seconds_max: float
    site: str | None = None
