"""What everybody works with who makes model calls: the gateway, and the conversations of the console."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bursar.actions.callers import Callers
from bursar.actions.catalogue import Catalogues
from bursar.actions.desk import Desk
from bursar.actions.model_calls import Counter


@dataclass(frozen=True)
class CallDesk:
    """Who calls, what there is to call, and where calls are counted; one of these for a process."""

    desk: Desk
    callers: Callers
    catalogues: Catalogues
    counter: Counter


@asynccontextmanager
async def call_desk(desk: Desk, *, hold_seconds: int) -> AsyncIterator[CallDesk]:
    """Opened at the desk; on leaving, what is still to be settled is settled as far as the books can be reached."""
    opened = CallDesk(desk, Callers(desk), Catalogues(desk), Counter(desk, hold_seconds=hold_seconds))
    try:
        yield opened
    finally:
        await opened.counter.close()
        await opened.callers.close()
