"""Who runs models for this installation: where they are, how they are asked, and what may be set up.

Not here: which of them a model's name leads to (`routing`), and what a call costs (`costs`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from bursar.domain.dialects import Dialect
from bursar.domain.prices import MODEL_LENGTH_MAX, PROVIDER_LENGTH_MAX
from bursar.domain.refusals import Refusal

PROVIDERS_MAX = 100
"""All of them are looked through for a model that has no route."""
URL_LENGTH_MAX = 500
KEY_LENGTH_MAX = 4_000
"""Some providers take signed tokens for keys; the longest of those have about two thousand characters."""
KEY_SHOWN = 4
"""How much of a sealed key's end is shown, so that people can tell one from another."""
KEY_SHOWN_OF_MIN = 16
"""Of a key shorter than this nothing is shown: four of eight characters would be half of it."""
HEADERS_MAX = 20
HEADER_LENGTH_MAX = 1_000
MODELS_MAX = 500
PRICED_AS_MAX = 10
POSITION_MAX = 10_000
NOTE_LENGTH_MAX = 200


class Shape(StrEnum):
    """How a provider is asked and answers."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    SIMULATED = "simulated"


SPOKEN: Mapping[Shape, frozenset[Dialect]] = {
    Shape.OPENAI: frozenset({Dialect.OPENAI}),
    Shape.ANTHROPIC: frozenset({Dialect.ANTHROPIC}),
    Shape.SIMULATED: frozenset(Dialect),
}
"""Which dialects a provider of each shape answers in: nothing is translated from one to the other."""

BEARER_HEADER = "authorization"
"""A key in this header goes after the word `Bearer`; in any other it stands alone."""

KEY_HEADERS: Mapping[Shape, str] = {
    Shape.OPENAI: BEARER_HEADER,
    Shape.ANTHROPIC: "x-api-key",
    Shape.SIMULATED: BEARER_HEADER,
}
"""Where a provider of each shape looks for its key, unless told otherwise."""

KNOWN_ADDRESSES: Mapping[str, tuple[Shape, str | None]] = {
    "openai": (Shape.OPENAI, "https://api.openai.com/v1"),
    "anthropic": (Shape.ANTHROPIC, "https://api.anthropic.com/v1"),
    "openrouter": (Shape.OPENAI, "https://openrouter.ai/api/v1"),
    "ollama": (Shape.OPENAI, "http://127.0.0.1:11434/v1"),
    "simulated": (Shape.SIMULATED, None),
}
"""How providers of these names are asked, and where, unless somebody says otherwise."""

NEVER_PASSED_ON = frozenset(
    {
        "authorization",
        "x-api-key",
        "api-key",
        "cookie",
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "forwarded",
        "via",
        "accept-encoding",
    }
)
"""Headers of a caller that never reach a provider, whoever forgot to leave them out: its own key, its cookies, and what
is said between two neighbours on the way."""

_CONNECTION_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect"}
)
"""What nobody can set: each request says it of itself."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The seconds that one time-out may have."""

    smallest: int
    largest: int
    usual: int


TIMEOUT_BOUNDS: Mapping[str, Bound] = {
    "connect_seconds": Bound(1, 60, 5),
    "first_byte_seconds": Bound(1, 3_600, 600),
    "between_pieces_seconds": Bound(1, 3_600, 120),
    "whole_seconds": Bound(1, 6 * 3_600, 3_600),
}
"""Until there is a connection; until an answer begins, which for one that is not streamed is until it is ready; between
two pieces of it; and for all of it."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a provider is waited for, in seconds."""

    connect_seconds: int = TIMEOUT_BOUNDS["connect_seconds"].usual
    first_byte_seconds: int = TIMEOUT_BOUNDS["first_byte_seconds"].usual
    between_pieces_seconds: int = TIMEOUT_BOUNDS["between_pieces_seconds"].usual
    whole_seconds: int = TIMEOUT_BOUNDS["whole_seconds"].usual


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key as it is kept in the database: nobody can read it there, and people are shown how it ends."""

    sealed: bytes = field(repr=False)
    ending: str | None


@dataclass(frozen=True, slots=True)
class Header:
    """A header that goes with every call. Of a secret one `value` is None, and `sealed` is what is kept of it."""

    name: str
    value: str | None
    sealed: bytes | None = field(default=None, repr=False)

    @property
    def is_secret(self) -> bool:
        """Whether its value is shown to nobody."""
        return self.value is None


@dataclass(frozen=True)
class ProviderSettings:
    """A provider as it is set up. Its name stays as it is; everything else may change.

    Its key comes from the variable `key_variable` of the server's environment, else it is `key`; with neither of them
    none is sent. `priced_as` names the providers of the price list under which its models stand. `models` are those
    that it runs beside the ones that are known by their price.
    """

    name: str
    shape: Shape
    base_url: str | None
    key_variable: str | None = None
    key: SealedKey | None = None
    key_header: str = BEARER_HEADER
    headers: tuple[Header, ...] = ()
    priced_as: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    timeouts: Timeouts = Timeouts()
    position: int = 0
    is_enabled: bool = True
    note: str | None = None

    @property
    def is_simulated(self) -> bool:
        """Whether no model stands behind it."""
        return self.shape is Shape.SIMULATED

    def speaks(self, dialect: Dialect) -> bool:
        """Whether it answers in this dialect."""
        return dialect in SPOKEN[self.shape]


@dataclass(frozen=True)
class ConfiguredProvider:
    """A provider and since when it is there."""

    provider_id: UUID
    settings: ProviderSettings
    created_at: datetime
    changed_at: datetime


_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}", re.ASCII)
_PRICED_AS = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{PROVIDER_LENGTH_MAX - 1}}}", re.ASCII)
_MODEL = re.compile(rf"[!-~]{{1,{MODEL_LENGTH_MAX}}}", re.ASCII)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}", re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)
_VISIBLE = re.compile(r"[ -~]+", re.ASCII)
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.ASCII)
_ENDS_IN_A_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$", re.ASCII)

OWN_VARIABLES = "BURSAR_PROVIDER_"
KEY_VARIABLES_END = "_API_KEY"


def check_provider(settings: ProviderSettings) -> ProviderSettings:
    """The settings in the form they are kept in. Refuses `invalid_input` for the first that cannot be, in the order of
    the fields.

    Rule: PROVIDER-1, PROVIDER-2
    """
    if not _NAME.fullmatch(settings.name):
        raise _malformed("name", "A provider's name is 1 to 40 lower-case letters, digits, points, dashes.")
    _check_place(settings)
    if settings.key_variable is not None:
        if settings.key is not None:
            raise _malformed("key_variable", "A key comes from a variable or is kept here, not both.")
        check_variable(settings.key_variable)
    if not _HEADER_NAME.fullmatch(settings.key_header) or settings.key_header.lower() in _CONNECTION_HEADERS:
        raise _malformed("key_header", "This is the name of a header, such as authorization, x-api-key or api-key.")
    _check_headers(settings)
    _check_listed("priced_as", settings.priced_as, _PRICED_AS, PRICED_AS_MAX, "names of providers in the price list")
    _check_listed("models", settings.models, _MODEL, MODELS_MAX, "names of models without blanks")
    for name, bound in TIMEOUT_BOUNDS.items():
        if not bound.smallest <= getattr(settings.timeouts, name) <= bound.largest:
            raise _malformed(f"timeouts.{name}", f"This is {bound.smallest} to {bound.largest} seconds.")
    if not 0 <= settings.position <= POSITION_MAX:
        raise _malformed("position", f"A position is 0 to {POSITION_MAX}.")
    if settings.note is not None and not (len(settings.note) <= NOTE_LENGTH_MAX and settings.note.isprintable()):
        raise _malformed("note", f"A note is one line of at most {NOTE_LENGTH_MAX} characters.")
    return settings


def _check_place(settings: ProviderSettings) -> None:
    if settings.is_simulated:
        if settings.base_url is not None:
            raise _malformed("base_url", "A simulated provider is nowhere, so it has no address.")
        if settings.key_variable is not None or settings.key is not None:
            raise _malformed("key", "A simulated provider takes no key.")
        return
    if settings.base_url is None:
        raise _malformed("base_url", "Say where the provider is, such as https://api.openai.com/v1.")
    check_base_url(settings.base_url)


def check_base_url(url: str) -> None:
    """Refuses `invalid_input` for what is no plain address: it is written down, shown and logged, so nothing secret
    stands in it; and paths are put behind it, so nothing follows its path.

    Rule: PROVIDER-1
    """
    reason = "This is an address such as https://api.openai.com/v1, without a user, a query or a fragment."
    if len(url) > URL_LENGTH_MAX or not url.isascii() or not url.isprintable() or any(c in url for c in ' "<>\\^`{|}'):
        raise _malformed("base_url", reason)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _malformed("base_url", reason) from None
    has_more = "?" in url or "#" in url or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or not _is_host(parts) or has_more or port == 0:
        raise _malformed("base_url", reason)
    if parts.path.strip("/") and not is_below(parts.path.rstrip("/")):
        raise _malformed("base_url", reason)


def _is_host(parts: SplitResult) -> bool:
    """Whether a machine can be found under this name or number; what ends like a number, or is in brackets, is one."""
    host = parts.hostname or ""
    is_number = parts.netloc.startswith("[") or _ENDS_IN_A_NUMBER.search(host)
    if not is_number:
        return _HOST_NAME.fullmatch(host) is not None
    try:
        ip_address(host)
    except ValueError:
        return False
    return "%" not in host  # an address that holds on one network card only


def check_variable(name: str) -> None:
    """Refuses `invalid_input` for a variable that may not be named. Only those that are keys of providers by their
    name: else a super admin could have any secret of the server sent to an address of their choice.

    Rule: PROVIDER-2
    """
    is_ours = name.startswith(OWN_VARIABLES)
    is_a_providers = name.endswith(KEY_VARIABLES_END) and not name.startswith("BURSAR_")
    if not _VARIABLE.fullmatch(name) or not (is_ours or is_a_providers):
        raise _malformed(
            "key_variable",
            f"A key is read from a variable whose name ends in {KEY_VARIABLES_END} or begins with {OWN_VARIABLES}.",
        )


def check_key(key: str, *, field: str) -> None:
    """Refuses `invalid_input` for what can be no key or secret header. What was sent is not repeated."""
    if not (len(key) <= KEY_LENGTH_MAX and _VISIBLE.fullmatch(key) and key == key.strip()):
        raise _malformed(field, f"This is 1 to {KEY_LENGTH_MAX} visible characters, without blanks around them.")


def ending_of(key: str) -> str | None:
    """As much of a key's end as may be shown."""
    return key[-KEY_SHOWN:] if len(key) >= KEY_SHOWN_OF_MIN else None


def _check_headers(settings: ProviderSettings) -> None:
    if len(settings.headers) > HEADERS_MAX:
        raise _malformed("headers", f"At most {HEADERS_MAX} headers.")
    names = [header.name.lower() for header in settings.headers]
    if settings.is_simulated and names:
        raise _malformed("headers", "A simulated provider takes no headers.")
    if len(set(names)) < len(names) or (settings.key_header.lower() in names and _has_key(settings)):
        raise _malformed("headers", "Each header once, and the key's own not among them.")
    for header in settings.headers:
        if not _HEADER_NAME.fullmatch(header.name) or header.name.lower() in _CONNECTION_HEADERS:
            raise _malformed("headers", f"{header.name[:100]!r} is no header that can be set.")
        if header.value is not None and not (
            len(header.value) <= HEADER_LENGTH_MAX
            and _VISIBLE.fullmatch(header.value)
            and header.value == header.value.strip()
        ):
            raise _malformed("headers", f"A header has 1 to {HEADER_LENGTH_MAX} visible characters.")


def _has_key(settings: ProviderSettings) -> bool:
    return settings.key is not None or settings.key_variable is not None


def _check_listed(field: str, values: Sequence[str], form: re.Pattern[str], most: int, what: str) -> None:
    if len(values) > most or len(set(values)) < len(values) or not all(form.fullmatch(value) for value in values):
        raise _malformed(field, f"At most {most} {what}, each once.")


def _malformed(name: str, sentence: str) -> Refusal:
    return Refusal("invalid_input", sentence, field=name)


_PATH = re.compile(r"(?:/[A-Za-z0-9._~:@!$&'()*+,;=%-]+)+(?:\?[A-Za-z0-9._~:@!$&'()*+,;=%/?-]*)?", re.ASCII)
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:/|\?|$)", re.ASCII | re.IGNORECASE)
PATHS_KEPT = 1_024
"""More than there are endpoints; what names a task or a file is looked at anew."""


@lru_cache(maxsize=PATHS_KEPT)
def is_below(path: str) -> bool:
    """Whether a path, with a query or without, stays below the address that it is put behind.

    Rule: PROVIDER-5
    """
    return _PATH.fullmatch(path) is not None and _DOTS.search(path) is None and "//" not in path


def joined(base_url: str, path: str) -> str:
    """The address of a path at a provider."""
    return base_url.rstrip("/") + path
