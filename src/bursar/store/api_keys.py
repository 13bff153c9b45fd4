"""What programs sign in with. Their secrets are in `secret_hashes`, and only as hashes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.api_keys import KeyKind, KeyLimits, KeySettings
from bursar.domain.roles import Scope
from bursar.store.key_limits import limits_of, stored_limits
from bursar.store.tenants import Tenant


@dataclass(frozen=True)
class KeyOwner:
    """The member in whose name a key acts."""

    member_id: UUID
    username: str
    display_name: str
    email: str | None
    role: str
    status: str
    kind: str


@dataclass(frozen=True)
class ApiKey:
    """One key, its owner, and the limits that it inherits where it has none of its own."""

    key_id: UUID
    kind: KeyKind
    prefix: str
    status: str
    settings: KeySettings
    created_at: datetime
    created_by: UUID
    rotated_at: datetime | None
    last_used_at: datetime | None
    owner: KeyOwner
    tenant_limits: KeyLimits


@dataclass(frozen=True)
class KeyInTenant:
    """A key with the tenant it is of."""

    key: ApiKey
    tenant: Tenant


async def lock_key_owner(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> KeyOwner | None:
    """The member, kept from changing and from getting other keys until the transaction ends."""
    row = await transaction.fetchrow(
        """
        select member_id, username, display_name, email, role, status, kind
        from members
        where tenant_id = $1
          and member_id = $2
        for no key update
        """,
        tenant_id,
        member_id,
    )
    return None if row is None else KeyOwner(**dict(row))


async def count_keys_of_member(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> int:
    """How many keys the member has, deleted ones left out."""
    count = await transaction.fetchval(
        """
        select count(*)
        from api_keys
        where tenant_id = $1
          and member_id = $2
          and status <> 'deleted'
        """,
        tenant_id,
        member_id,
    )
    return int(count)


@dataclass(frozen=True)
class NewApiKey:
    """A key to be kept."""

    key_id: UUID
    member_id: UUID
    kind: KeyKind
    prefix: str
    settings: KeySettings
    created_at: datetime
    created_by: UUID


async def insert_api_key(transaction: Transaction, tenant_id: UUID, key: NewApiKey) -> None:
    """Adds a key, active."""
    await transaction.execute(
        """
        insert into api_keys
            (tenant_id, key_id, member_id, kind, prefix, status, created_at, created_by, name, expires_at, scopes,
             allowed_models, allowed_networks, requests_per_minute, tokens_per_minute, calls_at_once, per_cycle_micro,
             in_total_micro)
        values ($1, $2, $3, $4, $5, 'active', $6, $7, $8, $9, $10, $11, $12::text[]::cidr[], $13, $14, $15, $16, $17)
        """,
        tenant_id,
        key.key_id,
        key.member_id,
        key.kind,
        key.prefix,
        key.created_at,
        key.created_by,
        *_settings_values(key.settings),
    )


async def update_api_key_settings(
    transaction: Transaction, tenant_id: UUID, key_id: UUID, settings: KeySettings
) -> None:
    """Replaces all that an owner chooses."""
    await transaction.execute(
        """
        update api_keys
        set name = $3, expires_at = $4, scopes = $5, allowed_models = $6, allowed_networks = $7::text[]::cidr[],
            requests_per_minute = $8, tokens_per_minute = $9, calls_at_once = $10, per_cycle_micro = $11,
            in_total_micro = $12
        where tenant_id = $1
          and key_id = $2
        """,
        tenant_id,
        key_id,
        *_settings_values(settings),
    )


async def update_api_key_status(transaction: Transaction, tenant_id: UUID, key_id: UUID, status: str) -> None:
    """Switches a key off or on."""
    await transaction.execute(
        """
        update api_keys
        set status = $3
        where tenant_id = $1
          and key_id = $2
        """,
        tenant_id,
        key_id,
        status,
    )


async def update_api_key_deleted(transaction: Transaction, tenant_id: UUID, key_id: UUID, *, now: datetime) -> None:
    """Leaves of a key what usage goes on naming."""
    await transaction.execute(
        """
        update api_keys
        set status = 'deleted', deleted_at = $3
        where tenant_id = $1
          and key_id = $2
        """,
        tenant_id,
        key_id,
        now,
    )


async def update_keys_of_member_deleted(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, *, now: datetime
) -> list[UUID]:
    """Deletes all keys of a member; the ids of those that were not deleted before."""
    rows = await transaction.fetch(
        """
        update api_keys
        set status = 'deleted',
            deleted_at = $3
        where tenant_id = $1
          and member_id = $2
          and status <> 'deleted'
        returning key_id
        """,
        tenant_id,
        member_id,
        now,
    )
    return [row["key_id"] for row in rows]


async def update_api_key_rotated(
    transaction: Transaction, tenant_id: UUID, key_id: UUID, *, prefix: str, now: datetime
) -> None:
    """Notes the beginning of the new secret."""
    await transaction.execute(
        """
        update api_keys
        set prefix = $3, rotated_at = $4
        where tenant_id = $1
          and key_id = $2
        """,
        tenant_id,
        key_id,
        prefix,
        now,
    )


async def update_api_key_used(
    transaction: Transaction, tenant_id: UUID, key_id: UUID, *, now: datetime, before: datetime
) -> None:
    """Notes a use, unless one was noted since `before`. Waits for nobody: whoever holds the row writes it anyway."""
    await transaction.execute(
        """
        update api_keys
        set last_used_at = $3
        where tenant_id = $1
          and key_id = (
              select key_id
              from api_keys
              where tenant_id = $1
                and key_id = $2
                and status <> 'deleted'
                and (last_used_at is null or last_used_at <= $4)
              for no key update skip locked
          )
        """,
        tenant_id,
        key_id,
        now,
        before,
    )


async def lock_api_key(transaction: Transaction, tenant_id: UUID, key_id: UUID) -> bool:
    """Keeps the key from changing until the transaction ends; False where there is none that is not deleted."""
    row = await transaction.fetchrow(
        """
        select key_id
        from api_keys
        where tenant_id = $1
          and key_id = $2
          and status <> 'deleted'
        for no key update
        """,
        tenant_id,
        key_id,
    )
    return row is not None


_KEYS = """
    select k.key_id, k.kind, k.prefix, k.status, k.created_at, k.created_by, k.rotated_at, k.last_used_at,
           k.name, k.expires_at, k.scopes, k.allowed_models, k.allowed_networks::text[] as allowed_networks,
           k.requests_per_minute as k_requests_per_minute, k.tokens_per_minute as k_tokens_per_minute,
           k.calls_at_once as k_calls_at_once, k.per_cycle_micro as k_per_cycle_micro,
           k.in_total_micro as k_in_total_micro,
           m.member_id, m.username, m.display_name, m.email, m.role, m.status as member_status, m.kind as member_kind,
           t.tenant_id, t.name as tenant_name, t.status as tenant_status, t.created_at as tenant_created_at,
           t.key_requests_per_minute as t_requests_per_minute, t.key_tokens_per_minute as t_tokens_per_minute,
           t.key_calls_at_once as t_calls_at_once, t.key_per_cycle_micro as t_per_cycle_micro,
           t.key_in_total_micro as t_in_total_micro
    from api_keys k
    join members m on m.tenant_id = k.tenant_id and m.member_id = k.member_id
    join tenants t on t.tenant_id = k.tenant_id
"""


async def find_api_key(transaction: Transaction, tenant_id: UUID, key_id: UUID) -> KeyInTenant | None:
    """The key of this tenant with this id, unless it is deleted."""
    row = await transaction.fetchrow(
        _KEYS + "where k.tenant_id = $1 and k.key_id = $2 and k.status <> 'deleted'", tenant_id, key_id
    )
    if row is None:
        return None
    tenant = Tenant(row["tenant_id"], row["tenant_name"], row["tenant_status"], row["tenant_created_at"])
    return KeyInTenant(_key(row), tenant)


async def list_api_keys(
    transaction: Transaction, tenant_id: UUID, member_id: UUID | None, *, after: UUID | None, limit: int
) -> list[ApiKey]:
    """Keys of one member, or of all, in the order they were made, those after `after`; deleted ones are left out."""
    rows = await transaction.fetch(
        _KEYS
        + """
        where k.tenant_id = $1
          and k.status <> 'deleted'
          and ($2::uuid is null or k.member_id = $2)
          and ($3::uuid is null or k.key_id > $3)
        order by k.key_id
        limit $4
        """,
        tenant_id,
        member_id,
        after,
        limit,
    )
    return [_key(row) for row in rows]


async def count_api_keys(transaction: Transaction, tenant_id: UUID) -> int:
    """How many keys the tenant has, deleted ones left out."""
    count = await transaction.fetchval(
        """
        select count(*)
        from api_keys
        where tenant_id = $1
          and status <> 'deleted'
        """,
        tenant_id,
    )
    return int(count)


def _settings_values(settings: KeySettings) -> tuple[Any, ...]:
    return (
        settings.name,
        settings.expires_at,
        settings.scopes,
        settings.allowed_models,
        settings.allowed_networks,
        *stored_limits(settings.limits),
    )


def _key(row: Any) -> ApiKey:
    models, networks = row["allowed_models"], row["allowed_networks"]
    return ApiKey(
        key_id=row["key_id"],
        kind=KeyKind(row["kind"]),
        prefix=row["prefix"],
        status=row["status"],
        settings=KeySettings(
            name=row["name"],
            expires_at=row["expires_at"],
            allowed_models=None if models is None else tuple(models),
            allowed_networks=None if networks is None else tuple(networks),
            scopes=tuple(Scope(scope) for scope in row["scopes"]),
            limits=limits_of(row, "k"),
        ),
        created_at=row["created_at"],
        created_by=row["created_by"],
        rotated_at=row["rotated_at"],
        last_used_at=row["last_used_at"],
        owner=KeyOwner(
            member_id=row["member_id"],
            username=row["username"],
            display_name=row["display_name"],
            email=row["email"],
            role=row["role"],
            status=row["member_status"],
            kind=row["member_kind"],
        ),
        tenant_limits=limits_of(row, "t"),
    )
