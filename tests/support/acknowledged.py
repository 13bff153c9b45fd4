"""What callers were told, to be compared with what the database says afterwards: nothing lost, nothing twice."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from uuid import UUID

import psycopg

from bursar import ledger
from bursar.ledger.commands import stored_key

_Seen = tuple[object, ...]


class Acknowledged:
    """The outcomes that reached their callers."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self._holds: dict[tuple[UUID, UUID], _Seen] = {}
        self._ends: dict[tuple[UUID, UUID], _Seen] = {}
        self._transfers: dict[tuple[UUID, UUID], _Seen] = {}
        self._keys: set[tuple[UUID, str]] = set()

    def note(self, tenant_id: UUID, command: ledger.Command, outcome: ledger.Outcome) -> None:
        """Take down what became of a command."""
        answer = outcome.answer
        self.kinds[type(answer).__name__ if outcome.refusal is None else outcome.refusal.code] += 1
        if command.key is not None:
            self._keys.add((tenant_id, stored_key(command, command.key)))
        match answer:
            case ledger.Held(hold_id, amount, opened_at=opened_at):
                self._note_one(self._holds, (tenant_id, hold_id), (amount, opened_at))
            case ledger.HoldClosed(hold_id, state, charged, overrun, closed_at):
                self._note_one(self._ends, (tenant_id, hold_id), (state, charged, overrun, closed_at))
            case ledger.Transferred(transfer_id, kind, amount, source_after, target_after, posted_at):
                seen = (kind, amount, source_after, target_after, posted_at)
                self._note_one(self._transfers, (tenant_id, transfer_id), seen)
            case _:
                pass

    def check(self, admin_url: str) -> None:
        """Every outcome is in the database as it was told, once."""
        with psycopg.connect(admin_url) as connection:
            _compare(
                self._holds,
                connection.execute("select tenant_id, hold_id, amount_micro, opened_at from bursar.ledger_holds"),
            )
            _compare(
                self._ends,
                connection.execute(
                    "select tenant_id, hold_id, state, settled_micro, overrun_micro, closed_at from bursar.ledger_holds"
                ),
            )
            _compare(
                self._transfers,
                connection.execute(
                    "select tenant_id, transfer_id, kind, amount_micro, source_after_micro, target_after_micro, "
                    "posted_at from bursar.ledger_journal where kind in "
                    "('grant', 'allocation', 'reclaim', 'allocation_reversal', 'reclaim_reversal')"
                ),
            )
            stored = set(connection.execute("select tenant_id, key from bursar.ledger_commands"))
            assert self._keys <= stored, f"{len(self._keys - stored)} keys were answered and are not there"

    @staticmethod
    def _note_one(seen: dict[tuple[UUID, UUID], _Seen], identity: tuple[UUID, UUID], told: _Seen) -> None:
        # A repeat must be told what the first was told; only an expired hold may be told a second, later end.
        assert seen.setdefault(identity, told) == told or told[0] == "settled_late", (seen[identity], told)
        seen[identity] = told


def _compare(told: dict[tuple[UUID, UUID], _Seen], rows: psycopg.Cursor[tuple[object, ...]]) -> None:
    found: dict[tuple[object, object], list[_Seen]] = {}
    for tenant_id, identity, *values in rows:
        found.setdefault((tenant_id, identity), []).append(_comparable(tuple(values)))
    for key, answer in told.items():
        assert found.get(key) == [_comparable(answer)], (key, answer, found.get(key))


def _comparable(values: _Seen) -> _Seen:
    return tuple(value.timestamp() if isinstance(value, datetime) else value for value in values)
