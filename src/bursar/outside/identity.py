"""New identifiers. Time-ordered (UUID version 7), so rows made together lie together and pages follow time."""

from __future__ import annotations

import itertools
import secrets
from datetime import datetime
from uuid import UUID

import uuid_utils

from bursar.domain.ids import first_uuid_of

_TURN_BITS, _CHANCE_BITS = 20, 42
"""How the 62 bits below a moment are used: a million identifiers of one moment, each with four billion chances."""

_turns = itertools.count()


def new_uuid() -> UUID:
    """An identifier that no other call returns; later ones sort after earlier ones."""
    return UUID(bytes=uuid_utils.uuid7().bytes)


def new_uuid_at(moment: datetime) -> UUID:
    """An identifier for what happened at this moment; sorted by it, what happened is in the order of time.

    What one process made for one moment is in the order it was made.
    """
    turn = next(_turns) % 2**_TURN_BITS
    return UUID(int=first_uuid_of(moment).int | turn << _CHANCE_BITS | secrets.randbits(_CHANCE_BITS))
