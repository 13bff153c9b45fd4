"""One intent: what is asked for, under one idempotency key however often it is sent; and what each verb sends.

Nothing here sends anything. Read next: `attempts`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bursar.client.amounts import Amount, one_amount

HOLD_SECONDS = 1200
"""How long a hold lasts unless it is told otherwise or extended."""

Metadata: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Intent:
    """One request to be made once, though perhaps sent several times. A read has no key."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None

    @property
    def is_write(self) -> bool:
        """Whether it changes something, so that whether it was done matters."""
        return self.idempotency_key is not None

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every sending of it."""
        return {} if self.idempotency_key is None else {"idempotency-key": self.idempotency_key}


@dataclass(frozen=True, slots=True)
class Purpose:
    """What something is for: a line for people, and words for programs. Both stand in the usage log."""

    label: str | None = None
    metadata: Metadata | None = None

    def body(self) -> dict[str, Any]:
        """The fields of it that were given."""
        body: dict[str, Any] = {}
        if self.label is not None:
            body["label"] = self.label
        if self.metadata is not None:
            body["metadata"] = dict(self.metadata)
        return body


def opening(
    member: str | None,
    amount: Amount | None,
    amount_usd: Amount | None,
    seconds: int,
    purpose: Purpose,
    *,
    key: str | None,
) -> Intent:
    """Set credits aside."""
    body = {**_of(member), **one_amount(amount, amount_usd, name="amount"), "seconds": seconds, **purpose.body()}
    return _write("/holds", body, key)


def settling(hold_id: str, cost: Amount | None, cost_usd: Amount | None, *, key: str | None) -> Intent:
    """Charge what it cost."""
    return _write(f"/holds/{_plain(hold_id)}/settle", one_amount(cost, cost_usd, name="cost"), key)


def voiding(hold_id: str, *, key: str | None) -> Intent:
    """Give all of it back."""
    return _write(f"/holds/{_plain(hold_id)}/void", None, key)


def extending(hold_id: str, seconds: int, *, key: str | None) -> Intent:
    """Move the deadline to so many seconds from now."""
    return _write(f"/holds/{_plain(hold_id)}/extend", {"seconds": seconds}, key)


def charging(
    member: str | None, amount: Amount | None, amount_usd: Amount | None, purpose: Purpose, *, key: str | None
) -> Intent:
    """Charge at once."""
    body = {**_of(member), **one_amount(amount, amount_usd, name="amount"), **purpose.body()}
    return _write("/charges", body, key)


def looking_at_hold(hold_id: str) -> Intent:
    """One hold."""
    return Intent("GET", f"/holds/{_plain(hold_id)}")


def listing_holds(member: str | None, *, limit: int | None, cursor: str | None) -> Intent:
    """A page of somebody's open holds."""
    query = _of(member)
    if limit is not None:
        query["limit"] = str(limit)
    if cursor is not None:
        query["cursor"] = cursor
    return Intent("GET", "/holds", query=query)


def looking_at_balance(member: str | None) -> Intent:
    """What somebody can spend."""
    return Intent("GET", "/spendable", query=_of(member))


def _write(path: str, body: Mapping[str, Any] | None, key: str | None) -> Intent:
    return Intent("POST", path, body, idempotency_key=key or uuid.uuid4().hex)


def _of(member: str | None) -> dict[str, str]:
    return {} if member is None else {"member_id": member}


def _plain(identity: str) -> str:
    """An id as a part of a path. Raises `ValueError` for what would lead elsewhere."""
    if not identity.isascii() or not identity.replace("_", "").isalnum():
        raise ValueError(f'an id looks like "hld_" and 32 hex digits, not {identity!r}')
    return identity
