"""What a secret opens, found by its keyed hash before anybody knows whose it is. The secret itself is nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class SecretOwner:
    """The tenant and the thing that a secret opens."""

    tenant_id: UUID
    owner_id: UUID


async def insert_secret_hash(
    transaction: Transaction, tenant_id: UUID, owner_id: UUID, secret_hash: bytes, *, kind: str
) -> None:
    """Gives a thing a secret."""
    await transaction.execute(
        """
        insert into secret_hashes (secret_hash, tenant_id, kind, owner_id)
        values ($1, $2, $3, $4)
        """,
        secret_hash,
        tenant_id,
        kind,
        owner_id,
    )


async def find_secret_owner(
    transaction: Transaction, secret_hash: bytes, *, kind: str, now: datetime
) -> SecretOwner | None:
    """What the secret with this hash opens, if it is of this kind and still works."""
    row = await transaction.fetchrow(
        """
        select tenant_id, owner_id
        from secret_hashes
        where secret_hash = $1
          and kind = $2
          and (valid_until is null or valid_until > $3)
        """,
        secret_hash,
        kind,
        now,
    )
    return None if row is None else SecretOwner(**dict(row))


async def delete_secret_hashes(transaction: Transaction, tenant_id: UUID, owner_id: UUID) -> None:
    """Nothing opens this thing any more."""
    await transaction.execute(
        """
        delete from secret_hashes
        where tenant_id = $1
          and owner_id = $2
        """,
        tenant_id,
        owner_id,
    )


async def delete_secrets_of_keys(transaction: Transaction, tenant_id: UUID, key_ids: list[UUID]) -> None:
    """Makes the secrets of these keys open nothing."""
    await transaction.execute(
        """
        delete from secret_hashes
        where tenant_id = $1
          and kind = 'api_key'
          and owner_id = any($2::uuid[])
        """,
        tenant_id,
        key_ids,
    )


async def delete_retired_secret_hashes(transaction: Transaction, tenant_id: UUID, owner_id: UUID) -> None:
    """Only the present secret still opens this thing."""
    await transaction.execute(
        """
        delete from secret_hashes
        where tenant_id = $1
          and owner_id = $2
          and valid_until is not null
        """,
        tenant_id,
        owner_id,
    )


async def update_secret_hash_end(
    transaction: Transaction, tenant_id: UUID, owner_id: UUID, *, valid_until: datetime
) -> None:
    """The present secret works until then."""
    await transaction.execute(
        """
        update secret_hashes
        set valid_until = $3
        where tenant_id = $1
          and owner_id = $2
          and valid_until is null
        """,
        tenant_id,
        owner_id,
        valid_until,
    )
