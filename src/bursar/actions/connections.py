"""From a provider as it is set up to one that can be asked: where its key is, and how secrets are sealed.

A secret is sealed with a key that follows from the office's own and from the provider's id, so a copy of the database
opens nothing, and a sealed key that was moved to another provider does not open there.
"""

from __future__ import annotations

from uuid import UUID

import structlog

from bursar.actions.desk import Desk
from bursar.domain.providers import BEARER_HEADER, KEY_SHOWN_OF_MIN, ConfiguredProvider, SealedKey, ending_of
from bursar.domain.refusals import Refusal
from bursar.outside.providers import Provider
from bursar.outside.providers.http import Connection, HttpProvider
from bursar.outside.providers.simulated import SimulatedProvider
from bursar.outside.secrets import SealBroken, seal, unseal

log = structlog.get_logger(__name__)


def sealed_secret(desk: Desk, provider_id: UUID, secret: str) -> bytes:
    """A key or header as it is kept.

    Rule: PROVIDER-3
    """
    return seal(_sealing_key(desk, provider_id), secret.encode())


def sealed_key(desk: Desk, provider_id: UUID, key: str) -> SealedKey:
    """A key as it is kept, with as much of its end as may be shown.

    Rule: PROVIDER-3
    """
    return SealedKey(sealed_secret(desk, provider_id, key), ending_of(key))


def connect(desk: Desk, provider: ConfiguredProvider, *, known: Provider | None = None) -> Provider:
    """The provider, ready to be asked; the known one, with its open connections, unless something of it changed.

    One whose key is missing is there all the same: asked, it says why it cannot be reached, and whoever comes after it
    is asked instead.
    """
    if provider.settings.is_simulated:
        # The known one remembers the jobs that it was asked for.
        is_known = isinstance(known, SimulatedProvider) and known.name == provider.settings.name
        return known if is_known and known is not None else SimulatedProvider(provider.settings.name)
    connection = connection_to(desk, provider)
    if connection.problem is not None:
        log.warning("provider cannot be asked", provider=provider.settings.name, problem=connection.problem)
    if isinstance(known, HttpProvider) and known.connection == connection:
        return known
    return HttpProvider(connection)


def connection_to(desk: Desk, provider: ConfiguredProvider) -> Connection:
    """Where and how a provider is asked, with its key.

    Rule: PROVIDER-2, PROVIDER-3
    """
    settings = provider.settings
    assert settings.base_url is not None, "only a simulated provider is nowhere"
    headers: list[tuple[str, str]] = []
    secrets: list[str] = []
    problem = None
    try:
        for header in settings.headers:
            value = _opened(desk, provider, header.value, header.sealed)
            headers.append((header.name, value))
            # One that is not said to be secret may be a key all the same, unless it is as short as a word or a number.
            if header.is_secret or len(value) >= KEY_SHOWN_OF_MIN:
                secrets.append(value)
        key = key_of(desk, provider)
        if key is not None:
            secrets.append(key)
            bearer = settings.key_header.lower() == BEARER_HEADER
            headers.append((settings.key_header, f"Bearer {key}" if bearer else key))
    except Refusal as refusal:
        problem = refusal.detail
        headers, secrets = [], []
    return Connection(
        settings.name,
        settings.base_url,
        settings.timeouts,
        tuple(headers),
        tuple(secrets),
        desk.outbound.proxy,
        problem,
    )


def problem_of(desk: Desk, provider: ConfiguredProvider) -> str | None:
    """Why a provider cannot be asked at present; None if nothing stands in the way here."""
    if provider.settings.is_simulated:
        return None
    return connection_to(desk, provider).problem


def key_of(desk: Desk, provider: ConfiguredProvider) -> str | None:
    """The provider's key; None for one that has none. Refuses `provider_keyless` where there should be one."""
    settings = provider.settings
    if settings.key_variable is not None:
        key = desk.outbound.variables.get(settings.key_variable, "").strip()
        if not key:
            raise _keyless(f"The key of {settings.name} is missing: {settings.key_variable} is not set.")
        if not (key.isascii() and key.isprintable()):
            raise _keyless(f"The key of {settings.name} in {settings.key_variable} is no visible text.")
        return key
    return None if settings.key is None else _opened(desk, provider, None, settings.key.sealed)


def _opened(desk: Desk, provider: ConfiguredProvider, value: str | None, sealed: bytes | None) -> str:
    if value is not None:
        return value
    assert sealed is not None, "a value that is not kept is sealed"
    try:
        return unseal(_sealing_key(desk, provider.provider_id), sealed).decode()
    except SealBroken:
        raise _keyless(
            f"What is sealed of {provider.settings.name} cannot be opened with this server's secret key: set it anew."
        ) from None


def _keyless(sentence: str) -> Refusal:
    return Refusal("provider_keyless", sentence)


def _sealing_key(desk: Desk, provider_id: UUID) -> bytes:
    return desk.secret_for(f"provider {provider_id.hex}")
