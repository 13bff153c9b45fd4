"""New identifiers. Time-ordered (UUID version 7), so rows made together lie together and pages follow time."""

from __future__ import annotations

from uuid import UUID

import uuid_utils


def new_uuid() -> UUID:
    """An identifier that no other call returns; later ones sort after earlier ones."""
    return UUID(bytes=uuid_utils.uuid7().bytes)
