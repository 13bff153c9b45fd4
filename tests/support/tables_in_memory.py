"""The ledger's tables as dictionaries, for the statements that loading and writing send, and for nothing else.

With it the pure core can be asked thousands of times without a database, through the very code that chooses which rows
are loaded and which are written. What PostgreSQL itself contributes (locks, constraints, commits) is not here; tests of
those use the real one.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.ledger.posting import loading, tables
from bursar.ledger.posting.tables import Table

_Result = TypeVar("_Result")
_Row = dict[str, Any]

_ALL = (
    tables.CONTROL, tables.ISSUED, tables.GROUPS, tables.WALLETS, tables.HOLDS, tables.KEYS, tables.JOURNAL,
    tables.COMMANDS, tables.BATCHES,
)  # fmt: skip

# Read while waiting for the lock, so nothing may depend on it; the clock that is passed to loading turns it anyway.
_TIME_OF_THE_DATABASE = datetime(2000, 1, 1, tzinfo=UTC)


class _Record(tuple[Any, ...]):
    """A row as the driver hands it out: a sequence whose first column can be asked for by name."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(0 if key == "tenant_id" else key)


class TablesInMemory:
    """What stands where a transaction stands: `fetch` answers the statements of a posting."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[tuple[Any, ...], _Row]] = {table.name: {} for table in _ALL}

    @property
    def transaction(self) -> Transaction:
        """These tables, as loading and writing see them."""
        return cast("Transaction", self)

    async def fetch(self, statement: str, *columns: list[Any]) -> list[_Record]:
        """The rows found, or none after a write."""
        if statement in _WRITES:
            verb, table = _WRITES[statement]
            for values in zip(*columns, strict=True):
                self._write(verb, table, dict(zip(table.names, values, strict=True)))
            return []
        if statement == loading.LOCK_CONTROLS:
            found = (self.find(tables.CONTROL, tenant_id) for tenant_id in columns[0])
            return [_Record((*row.values(), _TIME_OF_THE_DATABASE)) for row in found if row is not None]
        if statement == loading._LIST_ISSUED:
            return [_Record(row.values()) for row in self.list(tables.ISSUED) if row["tenant_id"] in columns[0]]
        if statement == loading._FIND_ORIGINALS:
            wanted = set(zip(*columns, strict=True))
            lines = (row for row in self.list(tables.JOURNAL) if row["kind"] != "usage")
            return [_Record(row.values()) for row in lines if (row["tenant_id"], row["transfer_id"]) in wanted]
        rows = (self.find(_FINDS[statement], *key) for key in zip(*columns, strict=True))
        return [_Record(row.values()) for row in rows if row is not None]

    def find(self, table: Table, *key: Any) -> _Row | None:
        """The row of this key."""
        return self.rows[table.name].get(key)

    def list(self, table: Table) -> Iterable[_Row]:
        """All rows, in the order they were first written."""
        return self.rows[table.name].values()

    def _write(self, verb: str, table: Table, row: _Row) -> None:
        rows = self.rows[table.name]
        key = tuple(row[name] for name in table.key)
        if verb == "update":
            rows[key] = rows[key] | row
        else:
            assert verb == "upsert" or key not in rows, f"{table.name} has {key} already"
            rows[key] = _BLANKS.get(table.name, {}) | row


def finish(coroutine: Coroutine[Any, None, _Result]) -> _Result:
    """The result of a coroutine that has nothing to wait for, as over these tables."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast("_Result", stop.value)
    raise AssertionError("tables in memory never make anybody wait")


def rows_of(tables_in_memory: TablesInMemory, table: Table, tenant_id: UUID) -> Iterable[_Row]:
    """The tenant's rows of a table."""
    return (row for row in tables_in_memory.list(table) if row["tenant_id"] == tenant_id)


_FINDS = {
    loading._FIND_HOLDS: tables.HOLDS,
    loading._FIND_SPENDING_KEYS: tables.KEYS,
    loading._FIND_WALLETS: tables.WALLETS,
    loading._FIND_GROUPS: tables.GROUPS,
    loading._FIND_COMMANDS: tables.COMMANDS,
}
_WRITES: dict[str, tuple[str, Table]] = {
    **{table.insert: ("insert", table) for table in _ALL},
    **{table.update: ("update", table) for table in _ALL},
    **{table.upsert: ("upsert", table) for table in (tables.ISSUED, tables.COMMANDS, tables.KEYS)},
    tables.HOLDS_OPENED.insert: ("insert", tables.HOLDS_OPENED),
    tables.HOLDS_CHANGED.update: ("update", tables.HOLDS_CHANGED),
}

# What a hold that is opened does not say yet is null, in the order of the columns.
_BLANKS: dict[str, _Row] = {tables.HOLDS.name: dict.fromkeys(tables.HOLDS.names)}
