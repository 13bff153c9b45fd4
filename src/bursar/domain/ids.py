"""Public ids: a prefix that says what it names, and a time-ordered UUID.

Making a new UUID needs time and chance, so it happens in `outside/identity`; here ids are only written and read.
"""

from __future__ import annotations

import re
from uuid import UUID

from bursar.domain.refusals import Refusal

PREFIXES = {
    "tenant": "ten",
    "member": "mem",
    "group": "grp",
    "hold": "hld",
    "transfer": "trf",
    "session": "ses",
    "event": "evt",
    "platform_admin": "adm",
    "invitation": "inv",
    "api_key": "key",
    "code": "cod",
    "code_batch": "cob",
    "price": "prc",
}
"""What an id may name, and the three letters it is written with."""

_HEX = re.compile(r"[0-9a-f]{32}")


def public_id(noun: str, identity: UUID) -> str:
    """The id as people and programs see it, such as `mem_0198…`: prefix, underscore, 32 hex digits."""
    return f"{PREFIXES[noun]}_{identity.hex}"


def parse_public_id(noun: str, text: str, *, field: str) -> UUID:
    """The UUID behind a public id of this noun; refuses `invalid_input` for anything else."""
    prefix, _, digits = text.partition("_")
    if prefix != PREFIXES[noun] or not _HEX.fullmatch(digits):
        raise Refusal("invalid_input", f'A {noun} id looks like "{PREFIXES[noun]}_" and 32 hex digits.', field=field)
    return UUID(hex=digits)
