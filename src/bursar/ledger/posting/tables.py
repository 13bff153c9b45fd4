"""The ledger's tables as the posting statements see them: which columns, of which types, found by which key.

Column lists and `unnest` casts are made from this, because a posting writes whole rows of up to forty columns and a
list kept by hand in four statements would drift. Every statement takes one array per column and is planned once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from types import NoneType
from typing import Any, get_args, get_type_hints
from uuid import UUID

from bursar.ledger.core.rows import Control, Group, Hold, Issued, Line, SpendingKey, Wallet

_TYPES = {UUID: "uuid", bool: "boolean", bytes: "bytea", datetime: "timestamptz", int: "bigint", str: "text"}


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, its columns with their types in order, and the columns of its key."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(name for name, _ in self.columns)

    def listed(self, alias: str) -> str:
        """The columns for a select list."""
        return ", ".join(f"{alias}.{name}" for name in self.names)

    def values(self) -> Callable[[Any], tuple[Any, ...]]:
        """A function from a row to its values in column order."""
        return attrgetter(*self.names)

    @property
    def insert(self) -> str:
        """Insert many rows, one array a column."""
        return f"insert into bursar.{self.name} ({', '.join(self.names)})\nselect * from {self._unnest()}"

    @property
    def update(self) -> str:
        """Rewrite many rows found by their key, one array a column."""
        changed = [name for name in self.names if name not in self.key]
        return (
            f"update bursar.{self.name} as stored\n"
            f"set {', '.join(f'{name} = changed.{name}' for name in changed)}\n"
            f"from {self._unnest('changed')}\n"
            f"where {' and '.join(f'stored.{name} = changed.{name}' for name in self.key)}"
        )

    @property
    def upsert(self) -> str:
        """Insert many rows, or rewrite those that are there."""
        changed = [name for name in self.names if name not in self.key]
        return (
            f"{self.insert}\n"
            f"on conflict ({', '.join(self.key)}) do update\n"
            f"set {', '.join(f'{name} = excluded.{name}' for name in changed)}"
        )

    def _unnest(self, alias: str = "added") -> str:
        arrays = ", ".join(f"${number}::{type_}[]" for number, (_, type_) in enumerate(self.columns, 1))
        return f"unnest({arrays}) as {alias} ({', '.join(self.names)})"


def _of(name: str, row_type: type, *key: str) -> Table:
    hints = get_type_hints(row_type)
    return Table(name, tuple((field, _type_of(hint)) for field, hint in hints.items()), key)


def _type_of(hint: Any) -> str:
    """The column type of a field: that of its one type besides None."""
    (plain,) = set(get_args(hint) or (hint,)) - {NoneType}
    return _TYPES[plain]


CONTROL = _of("ledger_control", Control, "tenant_id")
ISSUED = _of("ledger_issued", Issued, "tenant_id", "account")
GROUPS = _of("ledger_groups", Group, "tenant_id", "group_id")
WALLETS = _of("ledger_wallets", Wallet, "tenant_id", "member_id")
HOLDS = _of("ledger_holds", Hold, "tenant_id", "hold_id")
KEYS = _of("ledger_keys", SpendingKey, "tenant_id", "key_id")
JOURNAL = _of("ledger_journal", Line, "tenant_id", "batch_number", "line", "posted_at")
COMMANDS = Table(
    "ledger_commands",
    (
        ("tenant_id", "uuid"),
        ("key", "text"),
        ("fingerprint", "bytea"),
        ("outcome", "bytea"),
        ("batch_number", "bigint"),
        ("posted_at", "timestamptz"),
        ("forget_at", "timestamptz"),
    ),
    ("tenant_id", "key"),
)
BATCHES = Table(
    "ledger_batches",
    (
        ("tenant_id", "uuid"),
        ("batch_number", "bigint"),
        ("posted_at", "timestamptz"),
        ("lines_count", "integer"),
        ("control_hash", "bytea"),
        ("hash", "bytea"),
        ("posting_id", "uuid"),
    ),
    ("tenant_id", "batch_number"),
)

_AT_THE_END = frozenset({"settled_micro", "overrun_micro", "closed_at", "closed_epoch"})

# What is known of a hold when it is opened, and what of it changes afterwards. A call writes both once, and every
# column costs it something. A hold opened and ended within one batch is written whole.
HOLDS_OPENED = Table(HOLDS.name, tuple(column for column in HOLDS.columns if column[0] not in _AT_THE_END), HOLDS.key)
HOLDS_CHANGED = Table(
    HOLDS.name,
    tuple(column for column in HOLDS.columns if column[0] in {*HOLDS.key, "state", "expires_at", *_AT_THE_END}),
    HOLDS.key,
)
