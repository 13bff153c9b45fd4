"""Doing something for one tenant after another, of which none keeps another one waiting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog

log = structlog.get_logger("bursar.worker")


class Turns:
    """Gives tenants their turn; whatever breaks in one is raised by `finish` when all have had theirs.

    It is an outermost loop: what it catches is logged at once, and makes the duty fail visibly.
    """

    def __init__(self) -> None:
        self.done = 0
        self._first_fault: Exception | None = None

    @property
    def has_fault(self) -> bool:
        """Whether somebody's turn has failed."""
        return self._first_fault is not None

    async def give(self, tenant_ids: Sequence[UUID], work: Callable[[UUID], Awaitable[int]]) -> None:
        """Lets each of these have its turn, and counts what was done."""
        for tenant_id in tenant_ids:
            try:
                self.done += await work(tenant_id)
            except Exception as fault:  # noqa: BLE001
                log.warning("a tenant's turn failed", tenant_id=str(tenant_id), fault=repr(fault))
                self._first_fault = self._first_fault or fault

    def finish(self) -> int:
        """How many things were done; raises the first fault, if there was any."""
        if self._first_fault is not None:
            raise self._first_fault
        return self.done
