"""API keys: making, changing, rotating, switching and deleting them.

A secret is returned by `create_api_key` and `rotate_api_key`, and is nowhere else: what is stored is its keyed hash.
Signing in with one is in `key_sign_in`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.key_sign_in import SECRET_KIND, secret_hash
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction
from bursar.domain.api_keys import (
    KEYS_PER_MEMBER_MAX,
    SECRET_BEGINNINGS,
    KeyKind,
    KeySettings,
    check_expiry,
    check_overlap,
    check_settings,
    settings_as_text,
    shown_prefix,
)
from bursar.domain.ids import public_id
from bursar.domain.permissions import Target, check_may_reach, check_permission, may
from bursar.domain.refusals import Refusal
from bursar.domain.roles import PERMISSIONS, Permission, Reach, Role
from bursar.outside.identity import new_uuid
from bursar.outside.secrets import new_token
from bursar.store.api_keys import (
    ApiKey,
    KeyOwner,
    NewApiKey,
    count_keys_of_member,
    find_api_key,
    insert_api_key,
    lock_api_key,
    lock_key_owner,
    update_api_key_deleted,
    update_api_key_rotated,
    update_api_key_settings,
    update_api_key_status,
)
from bursar.store.secret_hashes import (
    delete_retired_secret_hashes,
    delete_secret_hashes,
    insert_secret_hash,
    update_secret_hash_end,
)


@dataclass(frozen=True)
class KeyDraft:
    """A key to be. Without a member it is one's own; only a service account's can be made by somebody else."""

    kind: KeyKind
    settings: KeySettings
    member_id: UUID | None = None


@dataclass(frozen=True)
class KeyWithSecret:
    """A key and its new secret, which nobody is told again."""

    key: ApiKey
    secret: str


@dataclass(frozen=True)
class DeletedKey:
    """A key that is gone."""

    key_id: UUID


Edit = Callable[[KeySettings], KeySettings]
"""What somebody wants changed: from the settings as they are to the settings as they are to be."""


async def create_api_key(desk: Desk, asked: Asked, tenant_id: UUID, draft: KeyDraft) -> Done[KeyWithSecret]:
    """Makes a key and its secret. Refuses `not_permitted`, `invalid_input`, `member_unknown`, `too_many_keys`.

    Rule: KEY-1, KEY-2, KEY-3
    """
    check_permission(asked.actor, Permission.OWN_KEYS)
    settings = check_settings(draft.kind, draft.settings)
    creator_id = asked.actor.identity
    assert creator_id is not None, "Bursar itself owns no key"
    owner_id = draft.member_id or creator_id
    if owner_id != creator_id:
        check_permission(asked.actor, Permission.MANAGE_SERVICE_KEYS)
    secret = _new_secret(draft.kind)

    async def act(transaction: Transaction) -> KeyWithSecret:
        # In here, so that a repeat gets its answer also when the key has expired meanwhile.
        check_expiry(settings.expires_at, now=desk.clock.now())
        owner = await lock_key_owner(transaction, tenant_id, owner_id)
        if owner is None or owner.status == "deleted":
            raise Refusal("member_unknown", "There is no such member.", field="member_id")
        _check_may_own(asked, owner, draft.kind)
        if await count_keys_of_member(transaction, tenant_id, owner_id) >= KEYS_PER_MEMBER_MAX:
            raise Refusal("too_many_keys", f"One member has at most {KEYS_PER_MEMBER_MAX} keys: delete one first.")
        new = NewApiKey(
            key_id=new_uuid(),
            member_id=owner_id,
            kind=draft.kind,
            prefix=shown_prefix(secret),
            settings=settings,
            created_at=desk.clock.now(),
            created_by=creator_id,
        )
        await insert_api_key(transaction, tenant_id, new)
        hashed = secret_hash(desk, secret)
        await insert_secret_hash(transaction, tenant_id, new.key_id, hashed, kind=SECRET_KIND)
        texts = {"kind": str(draft.kind), "prefix": new.prefix, **settings_as_text(settings)}
        changes = {name: Change(None, text) for name, text in texts.items() if text is not None}
        key = await _key(transaction, tenant_id, new.key_id)
        await record(transaction, desk, asked, tenant_id, _told("api_key_created", key, changes))
        return KeyWithSecret(key, secret)

    return await once(desk, asked, tenant_id, KeyWithSecret, act)


async def change_api_key(desk: Desk, asked: Asked, tenant_id: UUID, key_id: UUID, edit: Edit) -> Done[ApiKey]:
    """Changes what an owner chooses. Refuses `api_key_unknown`, `not_permitted`, `invalid_input`.

    Rule: KEY-2, KEY-4
    """

    async def act(transaction: Transaction) -> ApiKey:
        key = await _owned(transaction, asked, tenant_id, key_id)
        _check_owner_may_hold(key.owner, key.kind)
        settings = check_settings(key.kind, edit(key.settings))
        if settings.expires_at != key.settings.expires_at:
            check_expiry(settings.expires_at, now=desk.clock.now())
        before, after = settings_as_text(key.settings), settings_as_text(settings)
        changes = {name: Change(before[name], after[name]) for name in after if before[name] != after[name]}
        if settings == key.settings:
            return key
        await update_api_key_settings(transaction, tenant_id, key_id, settings)
        await record(transaction, desk, asked, tenant_id, _told("api_key_changed", key, changes))
        return await _key(transaction, tenant_id, key_id)

    return await once(desk, asked, tenant_id, ApiKey, act)


async def rotate_api_key(
    desk: Desk, asked: Asked, tenant_id: UUID, key_id: UUID, *, overlap_seconds: int
) -> Done[KeyWithSecret]:
    """Gives the key a new secret; the old one works for so much longer. Refuses as `change_api_key` does.

    Rule: KEY-1, KEY-2, KEY-7
    """
    check_overlap(overlap_seconds)
    token = new_token()

    async def act(transaction: Transaction) -> KeyWithSecret:
        key = await _owned(transaction, asked, tenant_id, key_id)
        _check_owner_may_hold(key.owner, key.kind)
        secret, now = SECRET_BEGINNINGS[key.kind] + token, desk.clock.now()
        if overlap_seconds == 0:
            await delete_secret_hashes(transaction, tenant_id, key_id)
        else:
            await delete_retired_secret_hashes(transaction, tenant_id, key_id)
            valid_until = now + timedelta(seconds=overlap_seconds)
            await update_secret_hash_end(transaction, tenant_id, key_id, valid_until=valid_until)
        await insert_secret_hash(transaction, tenant_id, key_id, secret_hash(desk, secret), kind=SECRET_KIND)
        prefix = shown_prefix(secret)
        await update_api_key_rotated(transaction, tenant_id, key_id, prefix=prefix, now=now)
        told = _told("api_key_rotated", key, {"prefix": Change(key.prefix, prefix)}, overlap=overlap_seconds)
        await record(transaction, desk, asked, tenant_id, told)
        return KeyWithSecret(await _key(transaction, tenant_id, key_id), secret)

    return await once(desk, asked, tenant_id, KeyWithSecret, act)


async def disable_api_key(desk: Desk, asked: Asked, tenant_id: UUID, key_id: UUID) -> Done[ApiKey]:
    """Switches a key off. Refuses `api_key_unknown`, `not_permitted`.

    Rule: KEY-2
    """
    return await _switch(desk, asked, tenant_id, key_id, status="disabled", told_kind="api_key_disabled")


async def enable_api_key(desk: Desk, asked: Asked, tenant_id: UUID, key_id: UUID) -> Done[ApiKey]:
    """Switches a key on again. Refuses `api_key_unknown`, `not_permitted`.

    Rule: KEY-2
    """
    return await _switch(desk, asked, tenant_id, key_id, status="active", told_kind="api_key_enabled")


async def delete_api_key(desk: Desk, asked: Asked, tenant_id: UUID, key_id: UUID) -> Done[DeletedKey]:
    """Ends a key for good. Refuses `api_key_unknown`, `not_permitted`.

    Rule: KEY-2, KEY-8
    """

    async def act(transaction: Transaction) -> DeletedKey:
        key = await _stoppable(transaction, asked, tenant_id, key_id)
        await update_api_key_deleted(transaction, tenant_id, key_id, now=desk.clock.now())
        await delete_secret_hashes(transaction, tenant_id, key_id)
        changes = {"status": Change(key.status, "deleted")}
        await record(transaction, desk, asked, tenant_id, _told("api_key_deleted", key, changes))
        return DeletedKey(key_id)

    return await once(desk, asked, tenant_id, DeletedKey, act)


async def _switch(
    desk: Desk, asked: Asked, tenant_id: UUID, key_id: UUID, *, status: str, told_kind: str
) -> Done[ApiKey]:
    async def act(transaction: Transaction) -> ApiKey:
        key = await _stoppable(transaction, asked, tenant_id, key_id)
        if key.status == status:
            return key
        await update_api_key_status(transaction, tenant_id, key_id, status)
        changes = {"status": Change(key.status, status)}
        await record(transaction, desk, asked, tenant_id, _told(told_kind, key, changes))
        return await _key(transaction, tenant_id, key_id)

    return await once(desk, asked, tenant_id, ApiKey, act)


async def _stoppable(transaction: Transaction, asked: Asked, tenant_id: UUID, key_id: UUID) -> ApiKey:
    """The key, locked, if this actor may switch or delete it.

    Rule: KEY-2
    """
    key = await _locked(transaction, tenant_id, key_id)
    if key.owner.member_id == asked.actor.identity:
        check_permission(asked.actor, Permission.STOP_OWN_KEYS)
        return key
    if not _may_see(asked, Permission.STOP_KEYS):
        raise key_unknown()
    check_may_reach(asked.actor, Permission.STOP_KEYS, _target(key.owner))
    return key


async def _owned(transaction: Transaction, asked: Asked, tenant_id: UUID, key_id: UUID) -> ApiKey:
    """The key, locked, if this actor may change it and know its secret: its owner, or who runs a service account.

    Rule: KEY-2
    """
    check_permission(asked.actor, Permission.OWN_KEYS)
    key = await _locked(transaction, tenant_id, key_id)
    if key.owner.member_id == asked.actor.identity:
        return key
    if not _may_see(asked, Permission.MANAGE_SERVICE_KEYS):
        raise key_unknown()
    _check_may_make_for(asked, key.owner)
    return key


def _check_may_own(asked: Asked, owner: KeyOwner, kind: KeyKind) -> None:
    """Refuses `not_permitted` unless this actor may give this member a key of this kind.

    Rule: KEY-2
    """
    if owner.member_id != asked.actor.identity:
        _check_may_make_for(asked, owner)
    _check_owner_may_hold(owner, kind)


def _check_owner_may_hold(owner: KeyOwner, kind: KeyKind) -> None:
    """Refuses `not_permitted` for a management key of somebody who is, or has become, a plain member.

    Rule: KEY-2
    """
    if kind is not KeyKind.MANAGEMENT:
        return
    if PERMISSIONS[Permission.OWN_MANAGEMENT_KEYS].reach(Role(owner.role)) is Reach.NO:
        sentence = "A management key belongs to an admin, or to a service account in that role."
        raise Refusal("not_permitted", sentence, field="kind", permission=str(Permission.OWN_MANAGEMENT_KEYS))


def _check_may_make_for(asked: Asked, owner: KeyOwner) -> None:
    """Whoever makes or rotates a key knows its secret, and acts as its owner: so never for a person."""
    check_permission(asked.actor, Permission.MANAGE_SERVICE_KEYS)
    if owner.kind != "service_account":
        sentence = "Only its owner makes, changes or rotates a key; others can disable and delete it."
        raise Refusal("not_permitted", sentence, permission=str(Permission.MANAGE_SERVICE_KEYS))
    check_may_reach(asked.actor, Permission.MANAGE_SERVICE_KEYS, _target(owner))


async def _locked(transaction: Transaction, tenant_id: UUID, key_id: UUID) -> ApiKey:
    if not await lock_api_key(transaction, tenant_id, key_id):
        raise key_unknown()
    return await _key(transaction, tenant_id, key_id)


async def _key(transaction: Transaction, tenant_id: UUID, key_id: UUID) -> ApiKey:
    found = await find_api_key(transaction, tenant_id, key_id)
    assert found is not None, "a key that is locked is there"
    return found.key


def _may_see(asked: Asked, permission: Permission) -> bool:
    return may(asked.actor, Permission.SEE_KEYS) or may(asked.actor, permission)


def _target(owner: KeyOwner) -> Target:
    return Target(Role(owner.role), owner.member_id)


def _new_secret(kind: KeyKind) -> str:
    return SECRET_BEGINNINGS[kind] + new_token()


def _told(kind: str, key: ApiKey, changes: dict[str, Change], *, overlap: int | None = None) -> Told:
    detail: dict[str, str | None] = {"member_id": public_id("member", key.owner.member_id), "name": key.settings.name}
    if overlap is not None:
        detail["overlap_seconds"] = str(overlap)
    return Told(kind, Subject("api_key", key.key_id), detail=detail, changes=changes)


def key_unknown() -> Refusal:
    """What is said of a key that is not there, or not for this person to know of."""
    return Refusal("api_key_unknown", "There is no such API key.", field="key_id")
