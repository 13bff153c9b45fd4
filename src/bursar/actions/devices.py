"""Devices that somebody has signed in with: a signed cookie that proves nothing but that.

It opens nothing. It only says by what failed attempts are counted, so that a stranger who fails a thousand times from
everywhere does not keep the owner waiting on a device of their own.

Rule: SESSION-6
"""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bursar.actions.desk import Desk
from bursar.outside.identity import new_uuid
from bursar.outside.secrets import keyed_hash

DEVICE_LASTS = timedelta(days=365)
"""Somebody who signs in less than once a year is a stranger to the device again."""


def device_token(desk: Desk, principal_id: UUID) -> str:
    """What this device shows from now on: whose it is, since when, which one, and the office's signature."""
    issued_at = int(desk.clock.now().timestamp())
    text = f"{principal_id.hex}.{issued_at}.{new_uuid().hex}"
    return f"{text}.{_signature(desk, text)}"


def known_device(desk: Desk, token: str | None, principal_id: UUID) -> str | None:
    """Which device this is, if this person signed in with it before, within the last year."""
    text, _, signature = (token or "").rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(desk, text).encode()):
        return None
    owner, issued_at, device = text.split(".")
    signed_in_at = datetime.fromtimestamp(int(issued_at), UTC)
    if owner != principal_id.hex or desk.clock.now() - signed_in_at > DEVICE_LASTS:
        return None
    return device


def _signature(desk: Desk, text: str) -> str:
    digest = keyed_hash(desk.secret_for("known devices"), text)
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")
