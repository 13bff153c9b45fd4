"""Who signs in under a name. The one table that is asked before the tenant is known."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class SignInName:
    """The person behind a name; a super admin has no tenant."""

    tenant_id: UUID | None
    principal_id: UUID


def folded(name: str) -> str:
    """The one spelling under which a name is kept: `Ann` and `ann` are one name."""
    return unicodedata.normalize("NFKC", name).strip().lower()


async def find_sign_in_name(transaction: Transaction, name: str) -> SignInName | None:
    """The person who signs in under this name or e-mail address, in any spelling."""
    if "\0" in name:
        return None  # no name can hold it, and PostgreSQL cannot even be asked for it
    row = await transaction.fetchrow(
        """
        select tenant_id, principal_id
        from sign_in_names
        where name = $1
        """,
        folded(name),
    )
    return None if row is None else SignInName(row["tenant_id"], row["principal_id"])


async def list_members_named(transaction: Transaction, tenant_id: UUID, names: Sequence[str]) -> dict[str, UUID]:
    """Who of this tenant signs in under these usernames or addresses, by each as it was written."""
    spelled = {name: folded(name) for name in names}
    rows = await transaction.fetch(
        """
        select name, principal_id
        from sign_in_names
        where tenant_id = $1
          and name = any($2::text[])
        """,
        tenant_id,
        list(set(spelled.values())),
    )
    members = {row["name"]: row["principal_id"] for row in rows}
    return {name: members[kept] for name, kept in spelled.items() if kept in members}


async def insert_sign_in_name(
    transaction: Transaction, tenant_id: UUID | None, principal_id: UUID, *, name: str, kind: str
) -> bool:
    """Takes the name for this person; False if it is somebody's already, in any tenant."""
    row = await transaction.fetchrow(
        """
        insert into sign_in_names (name, tenant_id, principal_id, kind)
        values ($1, $2, $3, $4)
        on conflict (name) do nothing
        returning name
        """,
        folded(name),
        tenant_id,
        principal_id,
        kind,
    )
    return row is not None


async def delete_sign_in_name(transaction: Transaction, principal_id: UUID, *, name: str) -> None:
    """Gives up one name of this person."""
    await transaction.execute(
        """
        delete from sign_in_names
        where name = $1
          and principal_id = $2
        """,
        folded(name),
        principal_id,
    )


async def delete_sign_in_names(transaction: Transaction, principal_id: UUID) -> None:
    """Gives up all names of this person."""
    await transaction.execute(
        """
        delete from sign_in_names
        where principal_id = $1
        """,
        principal_id,
    )
