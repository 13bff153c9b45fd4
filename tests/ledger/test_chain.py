"""The hash chain: whatever of the past is changed, the hash is another."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from bursar.ledger.core.chain import batch_hash, control_hash, genesis
from bursar.ledger.core.rows import Control, Line
from tests.support.books import TestBooks

_NOT_IN_THE_HASH = {"tenant_id", "posted_at"}
"""Of a line: they are the batch's, whose hash covers the time itself and the tenant by the chain it begins with."""


@pytest.fixture
def books() -> TestBooks:
    """Books in whose last batch something was transferred."""
    books = TestBooks()
    books.open_member(balance="12.00")
    return books


def _hash_of(
    control: Control, lines: list[Line], *, previous: bytes = b"previous", at: datetime | None = None
) -> bytes:
    return batch_hash(previous, control.batch_number, at or control.last_posted_at, control_hash(control), lines)


@pytest.mark.rule("CHAIN-1")
@pytest.mark.parametrize("name", sorted(set(Line._fields) - _NOT_IN_THE_HASH))
def test_a_changed_line_of_the_journal_changes_the_hash(books: TestBooks, name: str) -> None:
    line = books.journal[-1]

    changed = line._replace(**{name: _other_than(getattr(line, name))})

    assert _hash_of(books.control, [line]) != _hash_of(books.control, [changed])


@pytest.mark.rule("CHAIN-1")
def test_a_missing_an_added_and_a_swapped_line_change_the_hash(books: TestBooks) -> None:
    first, second = books.journal[-2:]

    hashes = {_hash_of(books.control, lines) for lines in ([first, second], [second, first], [first], [])}

    assert len(hashes) == 4


@pytest.mark.rule("CHAIN-1")
def test_another_past_or_time_changes_the_hash(books: TestBooks) -> None:
    control = books.control
    later = control.last_posted_at + timedelta(microseconds=1)

    hashes = {
        _hash_of(control, []),
        _hash_of(control, [], previous=b"another"),
        _hash_of(control, [], at=later),
    }

    assert len(hashes) == 3


@pytest.mark.rule("CHAIN-2")
@pytest.mark.parametrize("name", sorted(field.name for field in fields(Control) if field.name != "chain_hash"))
def test_a_changed_total_or_setting_changes_the_hash(books: TestBooks, name: str) -> None:
    control = books.control

    changed = replace(control, **{name: _other_than(getattr(control, name))})

    assert _hash_of(control, []) != batch_hash(
        b"previous", control.batch_number, control.last_posted_at, control_hash(changed), []
    )


@pytest.mark.rule("CHAIN-3")
def test_no_two_tenants_begin_their_chain_alike() -> None:
    assert genesis(UUID(int=1)) != genesis(UUID(int=2))


def _other_than(value: object) -> Any:
    """Another value that could stand in the same place."""
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, UUID):
        return UUID(int=value.int ^ 1)
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"{value}."
    assert value is None
    return 1
