"""Writing: what the core decided for each tenant of a round, in one statement per table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.ledger.commands import Along
from bursar.ledger.core.books import Books
from bursar.ledger.core.chain import batch_hash, control_hash
from bursar.ledger.posting import tables

_control_values = tables.CONTROL.values()
_issued_values = tables.ISSUED.values()
_group_values = tables.GROUPS.values()
_wallet_values = tables.WALLETS.values()
_hold_values = tables.HOLDS.values()
_key_values = tables.KEYS.values()
_opened_values = tables.HOLDS_OPENED.values()
_changed_values = tables.HOLDS_CHANGED.values()
_Row = tuple[Any, ...]

_INSERT_GROUPS, _UPDATE_GROUPS = tables.GROUPS.insert, tables.GROUPS.update
_INSERT_WALLETS, _UPDATE_WALLETS = tables.WALLETS.insert, tables.WALLETS.update
_INSERT_WHOLE_HOLDS = tables.HOLDS.insert
_INSERT_HOLDS, _UPDATE_HOLDS = tables.HOLDS_OPENED.insert, tables.HOLDS_CHANGED.update
_UPSERT_ISSUED = tables.ISSUED.upsert
_UPSERT_KEYS = tables.KEYS.upsert
_UPSERT_COMMANDS = tables.COMMANDS.upsert
_INSERT_JOURNAL = tables.JOURNAL.insert
_INSERT_BATCHES = tables.BATCHES.insert
_UPDATE_CONTROLS = tables.CONTROL.update


async def write(transaction: Transaction, decided: Sequence[Books], posting_id: UUID) -> None:
    """Write every row the batches changed, their journal lines, their place in the chain and the control rows.

    Batches that changed nothing write nothing. Does not commit.

    Rule: POSTING-6
    """
    changed = [books for books in decided if books.is_changed]
    if not changed:
        return
    batches = [_close_batch(books, posting_id) for books in changed]
    await _write_rows(transaction, changed)
    await _run(transaction, _INSERT_JOURNAL, [line for books in changed for line in books.lines])
    await _run(
        transaction,
        _UPSERT_COMMANDS,
        [(books.control.tenant_id, *remembered) for books in changed for remembered in books.remembered.values()],
    )
    await _run(transaction, _INSERT_BATCHES, batches)
    await _run(transaction, _UPDATE_CONTROLS, [_control_values(books.control) for books in changed])


async def write_along(transaction: Transaction, carried: Iterable[tuple[UUID, int, Along]]) -> None:
    """Write the rows that came along, in one statement for each kind of them.

    Rule: COMMAND-8
    """
    rows: dict[str, list[_Row]] = {}
    for tenant_id, batch_number, along in carried:
        rows.setdefault(along.statement, []).append((tenant_id, *along.values, batch_number))
    for statement, of_kind in rows.items():
        await _run(transaction, statement, of_kind)


def _close_batch(books: Books, posting_id: UUID) -> tuple[object, ...]:
    """Give the batch its number and its place in the chain; the answer is its row."""
    control = books.control
    control.batch_number = books.batch_number
    control.last_posted_at = books.now
    row_hash = control_hash(control)
    control.chain_hash = batch_hash(control.chain_hash, books.batch_number, books.now, row_hash, books.lines)
    return (
        control.tenant_id,
        books.batch_number,
        books.now,
        len(books.lines),
        row_hash,
        control.chain_hash,
        posting_id,
    )


async def _write_rows(transaction: Transaction, changed: Sequence[Books]) -> None:
    issued = [_issued_values(books.issued[account]) for books in changed for account in books.touched_issued]
    await _run(transaction, _UPSERT_ISSUED, issued)

    new_groups: list[_Row] = []
    groups: list[_Row] = []
    new_wallets: list[_Row] = []
    wallets: list[_Row] = []
    new_holds: list[_Row] = []
    whole_holds: list[_Row] = []
    holds: list[_Row] = []
    for books in changed:
        for group_id in books.touched_groups:
            (groups if group_id in books.stored_groups else new_groups).append(_group_values(books.groups[group_id]))
        for member_id in books.touched_wallets:
            values = _wallet_values(books.wallets[member_id])
            (wallets if member_id in books.stored_wallets else new_wallets).append(values)
        for hold_id, is_new in books.touched_holds.items():
            hold = books.holds[hold_id]
            if not is_new:
                holds.append(_changed_values(hold))
            elif hold.closed_at is None:
                new_holds.append(_opened_values(hold))
            else:
                whole_holds.append(_hold_values(hold))
    await _run(transaction, _INSERT_GROUPS, new_groups)
    await _run(transaction, _UPDATE_GROUPS, groups)
    await _run(transaction, _INSERT_WALLETS, new_wallets)
    await _run(transaction, _UPDATE_WALLETS, wallets)
    await _run(transaction, _INSERT_HOLDS, new_holds)
    await _run(transaction, _INSERT_WHOLE_HOLDS, whole_holds)
    await _run(transaction, _UPDATE_HOLDS, holds)
    keys = [_key_values(books.keys[key_id]) for books in changed for key_id in books.touched_keys]
    await _run(transaction, _UPSERT_KEYS, keys)


async def _run(transaction: Transaction, statement: str, rows: Iterable[_Row]) -> None:
    columns = list(zip(*rows, strict=True))
    if columns:
        await transaction.fetch(statement, *columns)
