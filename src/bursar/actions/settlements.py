"""Settlements that must be made, whatever happens to whoever waits for them.

What a provider delivered is charged even if the database is away at that moment: the settlement is sent again until the
books take it. Sending it twice does no harm. Only the end of the process ends it; then the hold's deadline settles it.

Rule: CALL-5
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar
from uuid import UUID

import structlog

from bursar.domain.credits import Credits
from bursar.ledger import Command, Lanes, LedgerUnavailable, Outcome, PostingFault, SettleHold, VoidHold

log = structlog.get_logger(__name__)

PAUSES_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Between attempts; the last one is repeated."""
WAITING_MAX = 100_000
"""More settlements than a process can have calls under way in an hour without books."""

ENDING_SECONDS_MAX = 5.0
"""Calls that a stopping server has told to end do so at once; one that does not is left to its hold's deadline."""

NOT_NOW = (LedgerUnavailable, PostingFault)
"""What the books say that take nothing at the moment."""

Result = TypeVar("Result")


class Settlements:
    """The settlements of this process that the books have not taken yet."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._late: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._expected = 0
        self._has_all = asyncio.Event()

    def expect_one(self) -> None:
        """A call was admitted, which will be settled."""
        self._expected += 1

    def begin(self, settling: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Settles a call that was expected, in a task of its own, which whoever waits for it cannot end."""
        task = asyncio.create_task(settling, name="settlement")
        task.add_done_callback(self._has_settled)
        return task

    def _has_settled(self, _: object) -> None:
        self._expected -= 1
        if not self._expected:
            self._has_all.set()

    async def submit(self, tenant_id: UUID, command: Command) -> Outcome | None:
        """The outcome; None where the books cannot be reached now, and it will be posted later."""
        try:
            return await self._post(tenant_id, command)
        except NOT_NOW as fault:
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
        """Waits for the calls that are ending, then one more attempt for each settlement that waits for the books; what
        fails then is left to its hold's deadline.
        """
        if self._expected:
            self._has_all.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._has_all.wait(), ENDING_SECONDS_MAX)
        self._is_closing = True
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def _post(self, tenant_id: UUID, command: Command) -> Outcome:
        """Posts it. What is to be given back of a hold whose deadline came first is settled late, at nothing: the
        deadline may have charged it, and what comes along is still to be written.
        """
        outcome = await self._lanes.submit(tenant_id, command)
        is_late = outcome.refusal is not None and outcome.refusal.code == "hold_expired"
        if not is_late or not isinstance(command, VoidHold):
            return outcome
        late = SettleHold(actor_id=command.actor_id, hold_id=command.hold_id, cost=Credits(0), along=command.along)
        return await self._lanes.submit(tenant_id, late)

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
                outcome = await self._post(tenant_id, command)
            except NOT_NOW as fault:
                if self._is_closing:
                    log.error("a settlement is left to its deadline", tenant=tenant_id.hex, fault=repr(fault))
                    return
            else:
                if outcome.refusal is not None:
                    log.error("a late settlement was refused", tenant=tenant_id.hex, code=outcome.refusal.code)
                return
