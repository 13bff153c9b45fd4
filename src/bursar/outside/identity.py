"""New identifiers. Time-ordered (UUID version 7), so rows made together lie together and pages follow time."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

import uuid_utils

from bursar.domain.ids import first_uuid_of


def new_uuid() -> UUID:
    """An identifier that no other call returns; later ones sort after earlier ones."""
    return UUID(bytes=uuid_utils.uuid7().bytes)


def new_uuid_at(moment: datetime) -> UUID:
    """An identifier for what happened at this moment; sorted by it, what happened is in the order of time."""
    return UUID(int=first_uuid_of(moment).int | secrets.randbits(62))
