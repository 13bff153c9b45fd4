"""Who asks with an API key: the key behind a secret, its owner, and whether all of them may act.

Nothing is remembered between requests, so whoever is disabled is so at once, on every process, and back as quickly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bursar.actions.desk import Desk
from bursar.actions.persons import Person
from bursar.db.transaction import platform_reading, reading, writing
from bursar.domain.api_keys import KeyKind, is_address_allowed, is_secret
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Role
from bursar.outside.secrets import keyed_hash
from bursar.store.api_keys import ApiKey, KeyInTenant, find_api_key, update_api_key_used
from bursar.store.secret_hashes import find_secret_owner

SECRET_KIND = "api_key"  # noqa: S105  a word in a column, not a secret
HASHES_OF_KEYS = "api keys"
"""What the office's key is used for, where secrets are hashed."""
USED_EVERY = timedelta(minutes=1)
"""A key's last use is noted this often, not with every call."""


@dataclass(frozen=True)
class KeyCaller:
    """A program with a key: the owner, who may do what the key's scopes allow, and the key itself."""

    person: Person
    key: ApiKey


async def authenticate_key(desk: Desk, secret: str, *, address: str | None, wanted: KeyKind) -> KeyCaller:
    """Who acts with this secret, from this address. Asked in this order, so that one situation gets one answer.

    Refuses `api_key_invalid`, `api_key_expired`, `api_key_disabled`, `tenant_suspended`, `network_not_allowed`,
    `api_key_kind_wrong`.

    Rule: KEY-6
    """
    now = desk.clock.now()
    found = await _find(desk, secret, now)
    if found is None:
        raise key_invalid()
    check_key(found, now=now, address=address, wanted=wanted)
    await _note_use(desk, found, now)
    return KeyCaller(_person(found), found.key)


def check_key(found: KeyInTenant, *, now: datetime, address: str | None, wanted: KeyKind) -> None:
    """Whether a key that was found may be used now, from this address, for this. Refuses as `authenticate_key` does.

    Rule: KEY-6
    """
    key = found.key
    if key.owner.status == "deleted":
        raise key_invalid()
    if key.settings.expires_at is not None and key.settings.expires_at <= now:
        raise Refusal("api_key_expired", "This API key has expired.")
    if key.status != "active":
        raise Refusal("api_key_disabled", "This API key is disabled.")
    if key.owner.status != "active":
        raise Refusal("api_key_disabled", "The account behind this API key is disabled.")
    if found.tenant.status != "active":
        raise Refusal("tenant_suspended", "The organisation of this API key is suspended.")
    if not is_address_allowed(address, key.settings.allowed_networks):
        raise Refusal("network_not_allowed", "This API key may not be used from this address.")
    _check_kind(key, wanted)


def key_invalid() -> Refusal:
    """What is said of a secret that opens nothing, whatever it was once."""
    return Refusal("api_key_invalid", "This API key is not valid.")


def secret_hash(desk: Desk, secret: str) -> bytes:
    """What is stored of a key's secret."""
    return keyed_hash(desk.secret_for(HASHES_OF_KEYS), secret)


async def _find(desk: Desk, secret: str, now: datetime) -> KeyInTenant | None:
    if not is_secret(secret):
        return None
    async with platform_reading(desk.platform) as transaction:
        owner = await find_secret_owner(transaction, secret_hash(desk, secret), kind=SECRET_KIND, now=now)
    if owner is None:
        return None
    async with reading(desk.tenants, owner.tenant_id) as transaction:
        return await find_api_key(transaction, owner.tenant_id, owner.owner_id)


def _check_kind(key: ApiKey, wanted: KeyKind) -> None:
    if key.kind is wanted:
        return
    sentence = (
        "This is a management key: models are called with a model key."
        if wanted is KeyKind.MODEL
        else "This is a model key: the management API takes a management key."
    )
    raise Refusal("api_key_kind_wrong", sentence)


async def _note_use(desk: Desk, found: KeyInTenant, now: datetime) -> None:
    """At most once a minute.

    Rule: KEY-11
    """
    last, before = found.key.last_used_at, now - USED_EVERY
    if last is not None and last > before:
        return
    async with writing(desk.tenants, found.tenant.tenant_id) as transaction:
        await update_api_key_used(
            transaction, found.tenant.tenant_id, found.key.key_id, now=now, before=before
        )  # fmt: skip


def _person(found: KeyInTenant) -> Person:
    """The owner, with no more than the key's scopes; a model key has none, so it can ask for nothing but models."""
    key, owner = found.key, found.key.owner
    return Person(
        identity=owner.member_id,
        username=owner.username,
        display_name=owner.display_name,
        email=owner.email,
        role=Role(owner.role),
        tenant=found.tenant,
        is_active=True,
        password_hash=None,
        key_id=key.key_id,
        scopes=frozenset(key.settings.scopes),
    )
