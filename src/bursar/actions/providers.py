"""Providers of models: added, changed, removed and tested by super admins.

Whoever changes providers or routes waits for whoever is changing them, so that what is looked at is what is changed.
A secret comes in and never goes out again: events say where a key comes from, not what it is.

Rule: PROVIDER-4
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from bursar.actions.connections import sealed_key, sealed_secret
from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once_on_platform
from bursar.actions.simulated_prices import set_simulated_prices
from bursar.db.transaction import Transaction
from bursar.domain.permissions import check_permission
from bursar.domain.providers import (
    POSITION_MAX,
    PROVIDERS_MAX,
    ConfiguredProvider,
    Header,
    ProviderSettings,
    check_key,
    check_provider,
)
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.outside.identity import new_uuid
from bursar.store.catalogue_version import lock_catalogue, raise_catalogue_version
from bursar.store.model_routes import list_routes_to
from bursar.store.providers import delete_provider, find_provider, insert_provider, list_providers, update_provider

POSITION_STEP = 10
"""A new provider comes last, with room before it for one that is to come in between."""


@dataclass(frozen=True)
class Secrets:
    """What is to be sealed: the key, and secret headers by their names. None leaves the key as it is."""

    key: str | None = None
    headers: Mapping[str, str] | None = None


async def add_provider(desk: Desk, asked: Asked, new: ProviderSettings, secrets: Secrets) -> Done[ConfiguredProvider]:
    """Adds a provider; without a position it comes last. One without a model brings its prices.

    Refuses `invalid_input`, `name_taken`, `too_many_providers`.

    Rule: PROVIDER-1, PROVIDER-10
    """
    check_permission(asked.actor, Permission.MANAGE_PROVIDERS)

    async def act(transaction: Transaction) -> ConfiguredProvider:
        await lock_catalogue(transaction)
        present = [provider.settings for provider in await list_providers(transaction)]
        if any(other.name == new.name for other in present):
            raise Refusal("name_taken", "There is a provider of this name already.", field="name")
        if len(present) >= PROVIDERS_MAX:
            raise Refusal("too_many_providers", f"There are {PROVIDERS_MAX} providers already.")
        now, provider_id = desk.clock.now(), new_uuid()
        last = max((other.position for other in present), default=0)
        settings = replace(
            _sealed(desk, provider_id, new, secrets),
            position=new.position or min(last + POSITION_STEP, POSITION_MAX),
            priced_as=new.priced_as or (new.name,),
        )
        added = ConfiguredProvider(provider_id, check_provider(settings), now, now)
        await insert_provider(transaction, added)
        if settings.is_simulated:
            await set_simulated_prices(transaction, desk, asked, settings.priced_as[0])
        await raise_catalogue_version(transaction)
        await record(transaction, desk, asked, None, _told("provider_added", added, None, settings))
        return added

    return await once_on_platform(desk, asked, ConfiguredProvider, act)


async def change_provider(
    desk: Desk, asked: Asked, provider_id: UUID, changes: Mapping[str, Any], secrets: Secrets
) -> Done[ConfiguredProvider]:
    """Changes what is named and leaves the rest. What is sealed stays, as long as it goes where it went.

    Refuses `provider_unknown`, `invalid_input`.

    Rule: PROVIDER-4
    """
    check_permission(asked.actor, Permission.MANAGE_PROVIDERS)

    async def act(transaction: Transaction) -> ConfiguredProvider:
        await lock_catalogue(transaction)
        present = await _get(transaction, provider_id)
        before = present.settings
        wanted = replace(before, **_whole(before, changes))
        # A variable takes the place of a sealed key, and the other way round.
        if changes.get("key_variable") is not None:
            wanted = replace(wanted, key=None)
        if secrets.key is not None and "key_variable" not in changes:
            wanted = replace(wanted, key_variable=None)
        after = check_provider(_sealed(desk, provider_id, wanted, secrets))
        _check_secrets_stay(before, after)
        if after == before:
            return present
        changed = replace(present, settings=after, changed_at=desk.clock.now())
        await update_provider(transaction, changed)
        await raise_catalogue_version(transaction)
        await record(transaction, desk, asked, None, _told("provider_changed", changed, before, after))
        return changed

    return await once_on_platform(desk, asked, ConfiguredProvider, act)


def _whole(before: ProviderSettings, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes with what they leave unsaid: the other time-outs, and what is sealed of a secret header."""
    whole = dict(changes)
    if "timeouts" in whole:
        whole["timeouts"] = replace(before.timeouts, **whole["timeouts"])
    if "headers" in whole:
        kept = {header.name: header for header in before.headers if header.is_secret}
        whole["headers"] = tuple(kept.get(one.name, one) if one.is_secret else one for one in whole["headers"])
    return whole


async def remove_provider(desk: Desk, asked: Asked, provider_id: UUID) -> Done[ConfiguredProvider]:
    """Takes a provider away, with its sealed key. Its prices stay. Refuses `provider_unknown`, `provider_in_use`.

    Rule: PROVIDER-4
    """
    check_permission(asked.actor, Permission.MANAGE_PROVIDERS)

    async def act(transaction: Transaction) -> ConfiguredProvider:
        await lock_catalogue(transaction)
        present = await _get(transaction, provider_id)
        routes = await list_routes_to(transaction, present.settings.name)
        if routes:
            raise Refusal(
                "provider_in_use",
                f"The route {routes[0].route.name} leads to this provider; change or remove it first.",
                route=routes[0].route.name,
                routes=str(len(routes)),
            )
        await delete_provider(transaction, provider_id)
        await raise_catalogue_version(transaction)
        await record(transaction, desk, asked, None, _told("provider_removed", present, present.settings, None))
        return present

    return await once_on_platform(desk, asked, ConfiguredProvider, act)


async def _get(transaction: Transaction, provider_id: UUID) -> ConfiguredProvider:
    found = await find_provider(transaction, provider_id)
    if found is None:
        raise Refusal("provider_unknown", "There is no such provider.", field="provider_id")
    return found


def _sealed(desk: Desk, provider_id: UUID, settings: ProviderSettings, secrets: Secrets) -> ProviderSettings:
    """The settings with what is secret sealed into them. A secret header without a value keeps the one it has.

    Rule: PROVIDER-3
    """
    if secrets.key is not None:
        check_key(secrets.key, field="key")
        settings = replace(settings, key=sealed_key(desk, provider_id, secrets.key))
    if secrets.headers is None:
        return settings
    headers: list[Header] = []
    for header in settings.headers:
        secret = secrets.headers.get(header.name)
        if secret is not None:
            check_key(secret, field="headers")
            headers.append(Header(header.name, None, sealed_secret(desk, provider_id, secret)))
        elif header.is_secret and header.sealed is None:
            raise Refusal("invalid_input", f"Give the secret header {header.name} a value.", field="headers")
        else:
            headers.append(header)
    return replace(settings, headers=tuple(headers))


def _check_secrets_stay(before: ProviderSettings, after: ProviderSettings) -> None:
    """Refuses `invalid_input` where what is sealed would go to another place than it was given for: else whoever may
    change providers could read keys that they were never told.

    Rule: PROVIDER-4
    """
    is_key_kept = after.key is not None and after.key == before.key
    if is_key_kept and after.key_header.lower() != before.key_header.lower():
        raise Refusal("invalid_input", "The key goes in another header now: give it anew.", field="key")
    if before.base_url is None or after.base_url is None or _origin(before.base_url) == _origin(after.base_url):
        return
    if is_key_kept:
        raise Refusal("invalid_input", "The provider is elsewhere now: give its key anew.", field="key")
    kept = {header for header in before.headers if header.is_secret} & set(after.headers)
    if kept:
        raise Refusal("invalid_input", "The provider is elsewhere now: give its secret headers anew.", field="headers")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _told(
    kind: str, provider: ConfiguredProvider, before: ProviderSettings | None, after: ProviderSettings | None
) -> Told:
    """Each field that is another one; of a secret that it was set, never what it is."""
    one, other = _texts(before), _texts(after)
    changes = {
        name: Change(one.get(name), other.get(name)) for name in (other or one) if one.get(name) != other.get(name)
    }
    if before is not None and after is not None and before.key != after.key:
        changes["key"] = Change(one["key"], other["key"])  # also where both keys end alike
    settings = provider.settings
    subject = Subject("provider", provider.provider_id)
    return Told(kind, subject, settings.note, {"name": settings.name, "shape": str(settings.shape)}, changes)


def _texts(settings: ProviderSettings | None) -> dict[str, str | None]:
    if settings is None:
        return {}
    timeouts = {field.name: str(getattr(settings.timeouts, field.name)) for field in fields(settings.timeouts)}
    return {
        "base_url": settings.base_url,
        "key": key_text(settings),
        "key_header": settings.key_header,
        "headers": _joined([f"{one.name}: {'(sealed)' if one.is_secret else one.value}" for one in settings.headers]),
        "priced_as": _joined(settings.priced_as),
        "models": _joined(settings.models),
        **timeouts,
        "position": str(settings.position),
        "is_enabled": "yes" if settings.is_enabled else "no",
    }


def _joined(values: Sequence[str]) -> str | None:
    return ", ".join(values) or None


def key_text(settings: ProviderSettings) -> str | None:
    """Where a key comes from, for people; None for a provider that has none."""
    if settings.key_variable is not None:
        return f"from {settings.key_variable}"
    if settings.key is None:
        return None
    return "sealed" if settings.key.ending is None else f"sealed, ending in {settings.key.ending}"
