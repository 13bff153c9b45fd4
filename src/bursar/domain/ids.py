"""Public ids: a prefix that says what it names, and a time-ordered UUID.

Making a new UUID needs time and chance, so it happens in `outside/identity`; here ids are only written and read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bursar.domain.refusals import Refusal

PREFIXES = {
    "tenant": "ten",
    "member": "mem",
    "group": "grp",
    "hold": "hld",
    "call": "cal",
    "transfer": "trf",
    "session": "ses",
    "event": "evt",
    "platform_admin": "adm",
    "invitation": "inv",
    "api_key": "key",
    "code": "cod",
    "code_batch": "cob",
    "purchase": "pur",
    "allocation_batch": "alb",
    "credit_request": "crq",
    "notification": "ntf",
    "conversation": "cnv",
    "message": "msg",
    "provider_job": "job",
    "provider_file": "fil",
    "price": "prc",
    "price_refresh": "prr",
    "provider": "prv",
    "model_route": "rte",
}
"""What an id may name, and the three letters it is written with."""

NOUNS = {prefix: noun for noun, prefix in PREFIXES.items()}
"""What an id that begins so names."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MILLISECONDS_MAX = 2**48 - 1
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


def parse_any_public_id(text: str, *, field: str) -> tuple[str, UUID]:
    """The noun and the UUID behind a public id of whatever noun; refuses `invalid_input` for anything else."""
    noun = NOUNS.get(text.partition("_")[0])
    if noun is None:
        raise Refusal("invalid_input", 'An id looks like "mem_" and 32 hex digits.', field=field)
    return noun, parse_public_id(noun, text, field=field)


def first_uuid_of(moment: datetime) -> UUID:
    """The lowest of all ids made for a moment: those of earlier microseconds are below it, its own and later ones not.

    A UUID of version 7 whose twelve bits after the milliseconds count on in fractions of one.
    """
    passed = max(moment - _EPOCH, timedelta(0)) // _MICROSECOND
    milliseconds, rest = divmod(passed, 1000)
    fraction = rest * 4096 // 1000
    return UUID(int=min(milliseconds, _MILLISECONDS_MAX) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62)
