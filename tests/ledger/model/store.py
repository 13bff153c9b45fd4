"""One tenant's tables in memory, behind the ledger's own loading, deciding and writing.

Every batch sees exactly the rows that would be loaded for it, and what it changes without marking it is lost, as it
would be.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from bursar.ledger import Command, Outcome, open_books, post
from bursar.ledger.core.rows import Control, Group, Hold, Issued, Line, Wallet
from bursar.ledger.posting import tables
from tests.support.tables_in_memory import TablesInMemory, finish

TENANT = UUID(int=0xBA2)
DEFAULT_GROUP = UUID(int=0xD0)


class Store:
    """The books of a new tenant, with nothing in them but the group Default, and how they are read back."""

    def __init__(self, now: datetime, *, cadence: str = "calendar_month", time_zone: str = "UTC") -> None:
        self._tables = TablesInMemory()
        opening = open_books(
            self._tables.transaction,
            TENANT,
            default_group_id=DEFAULT_GROUP,
            cadence=cadence,
            time_zone=time_zone,
            now=now,
        )
        finish(opening)

    def post(self, now: datetime, *commands: Command) -> list[Outcome]:
        """Post one batch."""
        return finish(post(self._tables.transaction, TENANT, commands, lambda _: now))

    def unkeyed_rows(self) -> dict[str, Any]:
        """All that decides about credits, to be compared later: every row but the chain and the remembered keys."""
        kept = {
            table.name: dict(self._tables.rows[table.name])
            for table in (tables.ISSUED, tables.GROUPS, tables.WALLETS, tables.HOLDS, tables.JOURNAL)
        }
        chain = ("batch_number", "chain_hash", "last_posted_at")
        return kept | {"control": {name: value for name, value in self._control.items() if name not in chain}}

    @property
    def control(self) -> Control:
        """A copy of the control row."""
        return Control(**self._control)

    @property
    def issued(self) -> list[Issued]:
        """Copies of the accounts that credits come from."""
        return [Issued(**row) for row in self._tables.list(tables.ISSUED)]

    @property
    def groups(self) -> list[Group]:
        """Copies of the groups' rows."""
        return [Group(**row) for row in self._tables.list(tables.GROUPS)]

    @property
    def wallets(self) -> list[Wallet]:
        """Copies of the members' rows."""
        return [Wallet(**row) for row in self._tables.list(tables.WALLETS)]

    @property
    def holds(self) -> list[Hold]:
        """Copies of the holds."""
        return [Hold(**row) for row in self._tables.list(tables.HOLDS)]

    def hold(self, hold_id: UUID) -> Hold:
        """A copy of one hold."""
        row = self._tables.find(tables.HOLDS, TENANT, hold_id)
        assert row is not None
        return Hold(**row)

    def lines_after(self, count: int) -> list[Line]:
        """The journal without its first lines."""
        return [Line(**row) for row in list(self._tables.list(tables.JOURNAL))[count:]]

    def batches_after(self, count: int) -> list[dict[str, Any]]:
        """The batches without the first ones."""
        return list(self._tables.list(tables.BATCHES))[count:]

    @property
    def _control(self) -> dict[str, Any]:
        row = self._tables.find(tables.CONTROL, TENANT)
        assert row is not None
        return row
