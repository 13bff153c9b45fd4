"""Settlements that must be made, whatever happens to whoever waits for them.

What a provider delivered is charged even if the database is away at that moment: the settlement is sent again until the
books take it. Sending it twice does no harm. Only the end of the process ends it; then the hold's deadline settles it.

Rule: CALL-5
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog

from bursar.ledger import Command, Lanes, LedgerUnavailable, Outcome, PostingFault

log = structlog.get_logger(__name__)

PAUSES_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Between attempts; the last one is repeated."""
WAITING_MAX = 100_000
"""More settlements than a process can have calls under way in an hour without books."""


class Settlements:
    """The settlements of this process that the books have not taken yet."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._late: set[asyncio.Task[None]] = set()
        self._is_closing = False

    async def submit(self, tenant_id: UUID, command: Command) -> Outcome | None:
        """The outcome; None where the books cannot be reached now, and it will be posted later."""
        try:
            return await self._lanes.submit(tenant_id, command)
        except (LedgerUnavailable, PostingFault) as fault:
            log.error("a settlement has to wait", tenant=tenant_id.hex, fault=repr(fault))
        self.see_to(tenant_id, command)
        return None

    def see_to(self, tenant_id: UUID, command: Command) -> None:
        """Posts it as soon as the books take it, with nobody waiting; a refusal then is only noted."""
        if len(self._late) < WAITING_MAX:
            task = asyncio.create_task(self._insist(tenant_id, command), name="late settlement")
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    @property
    def late_count(self) -> int:
        """How many are waiting for the books."""
        return len(self._late)

    async def close(self) -> None:
        """One more attempt for each that waits; what fails then is left to its hold's deadline."""
        self._is_closing = True
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def _insist(self, tenant_id: UUID, command: Command) -> None:
        attempt = 0
        while True:
            try:
                await asyncio.sleep(PAUSES_SECONDS[min(attempt, len(PAUSES_SECONDS) - 1)])
            except asyncio.CancelledError:
                if not self._is_closing:
                    raise
            attempt += 1
            try:
                outcome = await self._lanes.submit(tenant_id, command)
            except (LedgerUnavailable, PostingFault) as fault:
                if self._is_closing:
                    log.error("a settlement is left to its deadline", tenant=tenant_id.hex, fault=repr(fault))
                    return
            else:
                if outcome.refusal is not None:
                    log.error("a late settlement was refused", tenant=tenant_id.hex, code=outcome.refusal.code)
                return
