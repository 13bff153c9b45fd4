"""The hash chain over a tenant's batches: change one line of the past and every later hash is wrong.

Rule: CHAIN-1
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from uuid import UUID

import msgspec

from bursar.ledger.core.rows import Control, Line

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# All of the control row but its place in the chain, which the hash itself gives it.
_CONTROL_FIELDS = tuple(field.name for field in fields(Control) if field.name != "chain_hash")
_control_values = attrgetter(*_CONTROL_FIELDS)

_encode = msgspec.json.Encoder().encode


def genesis(tenant_id: UUID) -> bytes:
    """The hash a tenant's chain begins with.

    Rule: CHAIN-3
    """
    return hashlib.sha256(b"bursar ledger " + tenant_id.bytes).digest()


def control_hash(control: Control) -> bytes:
    """SHA-256 of the control row as a JSON list of its values, times in whole microseconds since 1970.

    Rule: CHAIN-2
    """
    values = [microseconds(value) if isinstance(value, datetime) else value for value in _control_values(control)]
    return hashlib.sha256(_encode(values)).digest()


def batch_hash(previous: bytes, batch_number: int, posted_at: datetime, control: bytes, lines: Sequence[Line]) -> bytes:
    """SHA-256 over the previous hash, the batch's number and time, the control row's hash and the journal lines.

    Each line counts as a JSON list of its values without the tenant and the time, which are the batch's.

    Rule: CHAIN-1
    """
    digest = hashlib.sha256(previous)
    digest.update(_encode([batch_number, microseconds(posted_at)]))
    digest.update(control)
    for line in lines:
        digest.update(_encode(line[2:]))
    return digest.digest()


def microseconds(time: datetime) -> int:
    """Whole microseconds since 1970, exactly."""
    return (time - _EPOCH) // _MICROSECOND
