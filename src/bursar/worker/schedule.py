"""What the clock asks for, as data: a name, an interval, and what to do.

A duty submits the ledger's commands like any client and holds no privilege of its own; done twice, or by two processes
at once, it moves nothing twice, because the ledger looks again, under its lock, whether there is still something to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Duty:
    """One thing to do again and again. `work` returns how many things it did, for the log.

    Where there is a `wake`, setting it ends the pause at once.
    """

    name: str
    interval_seconds: float
    sentence: str
    work: Callable[[], Awaitable[int]]
    wake: asyncio.Event | None = None
