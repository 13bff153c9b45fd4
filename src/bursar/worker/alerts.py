"""Looks for what has fallen below the marks that tenants set, wherever something was posted since the last look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from bursar.actions.alerts import look_at_members, look_at_pool
from bursar.actions.desk import Desk
from bursar.db.transaction import platform_reading
from bursar.ledger import Turn, list_turns
from bursar.store.alerts import Marks, list_marks
from bursar.worker.turns import Turns

TENANTS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Seen:
    """What a look at a tenant depends on: where its books were, and its marks."""

    turn: Turn | None
    marks: Marks


class LowWatch:
    """Looks again and again; a tenant whose books and marks are as they were the last time costs nothing.

    What it remembers is only what spares a look: a process that starts anew looks at everything once, and tells of
    nothing twice, since what was told of stands in the database.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._seen: dict[UUID, Seen] = {}

    async def look(self) -> int:
        """Looks at every tenant with a mark where something may have changed; returns how many were told.

        Rule: NOTIFY-8, NOTIFY-9
        """
        turns, after = Turns(), None
        before, self._seen = self._seen, {}
        while present := await self._present(after):
            unchanged = {tenant_id: seen for tenant_id, seen in present.items() if before.get(tenant_id) == seen}
            self._seen.update(unchanged)
            await turns.give(sorted(present.keys() - unchanged.keys()), self._look_at_as(present))
            after = max(present)
        return turns.finish()

    async def _present(self, after: UUID | None) -> dict[UUID, Seen]:
        """The next tenants with a mark, as they are before anybody looks: what changes meanwhile is looked at again."""
        async with platform_reading(self._desk.platform) as transaction:
            marks = await list_marks(transaction, after=after, limit=TENANTS_AT_ONCE)
            books = await list_turns(transaction, [one.tenant_id for one in marks], self._desk.clock.now())
        return {one.tenant_id: Seen(books.get(one.tenant_id), one) for one in marks}

    def _look_at_as(self, present: Mapping[UUID, Seen]) -> Callable[[UUID], Awaitable[int]]:
        async def look_at(tenant_id: UUID) -> int:
            """Remembers a tenant only once all of it was looked at."""
            looked = await look_at_pool(self._desk, tenant_id)
            told, after = looked.told_count, None
            while looked.was_free:
                looked = await look_at_members(self._desk, tenant_id, after=after)
                told, after = told + looked.told_count, looked.until
                if looked.was_free and after is None:
                    self._seen[tenant_id] = present[tenant_id]
                    break
            return told

        return look_at
