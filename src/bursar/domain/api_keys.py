"""API keys: what kinds there are, what a key may be bound to, what it may be limited to, and what makes one refused.

A key acts in its owner's name. A *model key* spends the owner's credits at the gateway; a *management key* asks the
management API for what both its owner's role and its own scopes allow. What a key's limits do to a call is decided
where the call is admitted; here they are only read, compared and inherited.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Literal, TypeAlias, TypeVar

from bursar.domain.credits import AMOUNT_MAX_MICRO, Credits, decimal_text
from bursar.domain.people import check_shown_name
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Scope

KEYS_PER_MEMBER_MAX = 100
"""A person tells keys apart by name; more than a page of them is a mistake of some program."""
MODELS_MAX = 200
MODEL_LENGTH_MAX = 200
NETWORKS_MAX = 100
NETWORK_LENGTH_MAX = 64
LIFE_MAX = timedelta(days=36_500)
"""A hundred years is longer than anybody means, and short enough to be counted with."""
OVERLAP_SECONDS_MAX = 7 * 24 * 3600
"""A week is long enough to bring a new secret everywhere, and short enough to be rid of the old one."""
COUNT_MAX = 1_000_000_000
PREFIX_LENGTH = 14


class KeyKind(StrEnum):
    """What a key is for; never both, so that a key that leaks does one kind of harm."""

    MODEL = "model"
    MANAGEMENT = "management"


SECRET_BEGINNINGS: Mapping[KeyKind, str] = {KeyKind.MODEL: "sk-bursar-", KeyKind.MANAGEMENT: "mk-bursar-"}
"""How a secret begins: a person sees what it opens, and a scanner for leaked secrets finds it."""

_SECRET = re.compile(r"(sk|mk)-bursar-[A-Za-z0-9_-]{43}", re.ASCII)


class LimitWord(StrEnum):
    """What stands where a limit could be a number: as the level above has it, or none at all. Neither is 0."""

    INHERIT = "inherit"
    UNLIMITED = "unlimited"


CountLimit: TypeAlias = LimitWord | int
CreditsLimit: TypeAlias = LimitWord | Credits
INHERIT, UNLIMITED = LimitWord.INHERIT, LimitWord.UNLIMITED

Number = TypeVar("Number", int, Credits)


@dataclass(frozen=True)
class KeyLimits:
    """What bounds the calls made with a key. A tenant has one of these as well: what its keys inherit."""

    requests_per_minute: CountLimit = INHERIT
    tokens_per_minute: CountLimit = INHERIT
    calls_at_once: CountLimit = INHERIT
    credits_per_cycle: CreditsLimit = INHERIT
    credits_in_total: CreditsLimit = INHERIT


NO_LIMITS_OF_ITS_OWN = KeyLimits()
LIMIT_NAMES: tuple[str, ...] = tuple(field.name for field in fields(KeyLimits))


@dataclass(frozen=True)
class Effective(Generic[Number]):
    """The limit that counts, which is never *inherit*, and who set it: the key, its tenant, or nobody."""

    limit: LimitWord | Number
    source: Literal["key", "tenant", "none"]


def effective(own: LimitWord | Number, of_tenant: LimitWord | Number) -> Effective[Number]:
    """The key's own limit, unless it inherits; then the tenant's, unless that inherits as well; then there is none.

    Rule: KEY-5
    """
    if own is not INHERIT:
        return Effective(own, "key")
    if of_tenant is not INHERIT:
        return Effective(of_tenant, "tenant")
    return Effective(UNLIMITED, "none")


@dataclass(frozen=True)
class KeySettings:
    """What an owner chooses for a key. A list that is None allows everything; an empty one allows nothing."""

    name: str
    expires_at: datetime | None = None
    allowed_models: tuple[str, ...] | None = None
    allowed_networks: tuple[str, ...] | None = None
    scopes: tuple[Scope, ...] = ()
    limits: KeyLimits = NO_LIMITS_OF_ITS_OWN


def check_settings(kind: KeyKind, settings: KeySettings) -> KeySettings:
    """The settings in the form they are kept in. Refuses `invalid_input` for the name, scopes, models, networks or
    limits, in that order.

    Rule: KEY-4
    """
    check_shown_name(settings.name, field="name")
    return KeySettings(
        name=settings.name,
        expires_at=settings.expires_at,
        scopes=_checked_scopes(kind, settings.scopes),
        allowed_models=_checked_models(kind, settings.allowed_models),
        allowed_networks=_checked_networks(settings.allowed_networks),
        limits=_checked_limits(kind, settings.limits),
    )


def check_expiry(expires_at: datetime | None, *, now: datetime) -> None:
    """Refuses `invalid_input` unless a key's end is still to come, and within a hundred years.

    Rule: KEY-4
    """
    if expires_at is None:
        return
    if expires_at <= now:
        raise Refusal("invalid_input", "A key's end must be in the future.", field="expires_at")
    if expires_at - now > LIFE_MAX:
        raise Refusal("invalid_input", "A key ends within a hundred years, or never.", field="expires_at")


def check_overlap(seconds: int) -> None:
    """Refuses `invalid_input` for an old secret that is to work on for less than no time or more than a week.

    Rule: KEY-7
    """
    if not 0 <= seconds <= OVERLAP_SECONDS_MAX:
        raise Refusal(
            "invalid_input",
            f"The old secret works on for 0 to {OVERLAP_SECONDS_MAX} seconds.",
            field="overlap_seconds",
        )


def check_tenant_limits(limits: KeyLimits) -> None:
    """Refuses `invalid_input` for a number that no limit can be.

    Rule: KEY-5
    """
    for name in LIMIT_NAMES:
        check_limit(getattr(limits, name), field=name)


def check_limit(limit: LimitWord | int | Credits, *, field: str) -> None:
    """Refuses `invalid_input` for a number that no limit can be."""
    if isinstance(limit, LimitWord):
        return
    number, largest = (limit.micro, AMOUNT_MAX_MICRO) if isinstance(limit, Credits) else (limit, COUNT_MAX)
    if not 0 <= number <= largest:
        most = decimal_text(largest) if isinstance(limit, Credits) else str(largest)
        sentence = f'A limit is "inherit", "unlimited", or a number from 0 to {most}.'
        raise Refusal("invalid_input", sentence, field=field)


def parse_network(text: str, *, field: str) -> str:
    """A network as it is kept, such as `10.0.0.0/8`; a single address is a network of its own. Refuses
    `invalid_input`, also where bits beyond the prefix are set: one of the two was not meant.

    Rule: KEY-4
    """
    try:
        if len(text) > NETWORK_LENGTH_MAX:
            raise ValueError
        interface = ipaddress.ip_interface(text)
    except ValueError:
        sentence = 'A network is written like "10.0.0.0/8" or "2001:db8::/32".'
        raise Refusal("invalid_input", sentence, field=field) from None
    network = interface.network
    if interface.ip != network.network_address:
        sentence = f"{interface.ip} is an address inside {network}: write {network}, or {interface.ip} alone."
        raise Refusal("invalid_input", sentence, field=field)
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise Refusal("invalid_input", "Write a network of IPv4 in the form of IPv4.", field=field)
    return str(network)


def is_address_allowed(address: str | None, allowed_networks: tuple[str, ...] | None) -> bool:
    """Whether a request from this address may use the key. An address that nobody knows is in no network.

    Rule: KEY-4
    """
    if allowed_networks is None:
        return True
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in ipaddress.ip_network(network) for network in allowed_networks)


def is_secret(text: str) -> bool:
    """Whether this could be the secret of a key; what could not is not even looked up."""
    return _SECRET.fullmatch(text) is not None


def shown_prefix(secret: str) -> str:
    """The beginning of a secret, by which a person tells keys apart; the 39 letters after it cannot be guessed."""
    return secret[:PREFIX_LENGTH]


def settings_as_text(settings: KeySettings) -> dict[str, str | None]:
    """Each setting as an event tells it; None where there is none."""
    texts: dict[str, str | None] = {
        "name": settings.name,
        "expires_at": None if settings.expires_at is None else settings.expires_at.isoformat(),
        "scopes": " ".join(settings.scopes) or None,
        "allowed_models": _listed(settings.allowed_models),
        "allowed_networks": _listed(settings.allowed_networks),
    }
    return texts | limits_as_text(settings.limits)


def limits_as_text(limits: KeyLimits) -> dict[str, str | None]:
    """Each limit as an event tells it: a word or a number."""
    return {name: str(getattr(limits, name)) for name in LIMIT_NAMES}


def _listed(allowed: tuple[str, ...] | None) -> str | None:
    """An empty list must not look like none."""
    if allowed is None:
        return None
    return ", ".join(allowed) or "nothing"


def _checked_scopes(kind: KeyKind, scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    if kind is KeyKind.MODEL and scopes:
        raise Refusal("invalid_input", "Only a management key has scopes.", field="scopes")
    if kind is KeyKind.MANAGEMENT and not scopes:
        raise Refusal("invalid_input", "A management key has at least one scope.", field="scopes")
    return tuple(scope for scope in Scope if scope in scopes)


def _checked_models(kind: KeyKind, models: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if models is None:
        return None
    if kind is KeyKind.MANAGEMENT:
        raise Refusal("invalid_input", "A management key calls no models.", field="allowed_models")
    is_named = all(0 < len(model) <= MODEL_LENGTH_MAX and model.isprintable() for model in models)
    if len(models) > MODELS_MAX or not is_named or any(model != model.strip() for model in models):
        sentence = f"At most {MODELS_MAX} models, each named with 1 to {MODEL_LENGTH_MAX} printable characters."
        raise Refusal("invalid_input", sentence, field="allowed_models")
    return tuple(dict.fromkeys(models))


def _checked_networks(networks: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if networks is None:
        return None
    if len(networks) > NETWORKS_MAX:
        raise Refusal("invalid_input", f"At most {NETWORKS_MAX} networks.", field="allowed_networks")
    return tuple(dict.fromkeys(parse_network(text, field="allowed_networks") for text in networks))


def _checked_limits(kind: KeyKind, limits: KeyLimits) -> KeyLimits:
    """What limits calls to models limits nothing else."""
    for name in LIMIT_NAMES:
        limit = getattr(limits, name)
        if kind is KeyKind.MANAGEMENT and limit is not LimitWord.INHERIT:
            raise Refusal("invalid_input", "Only a model key has limits.", field=f"limits.{name}")
        check_limit(limit, field=f"limits.{name}")
    return limits
