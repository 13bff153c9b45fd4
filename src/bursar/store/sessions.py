"""Who is signed in. Rows hold the digest of a token, never the token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class SessionRow:
    """One sign-in."""

    token_hash: bytes
    tenant_id: UUID | None
    principal_id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None


async def insert_session(transaction: Transaction, session: SessionRow) -> None:
    """Remembers a sign-in."""
    await transaction.execute(
        """
        insert into sessions
            (token_hash, tenant_id, principal_id, created_at, last_seen_at, expires_at, address, user_agent)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        session.token_hash,
        session.tenant_id,
        session.principal_id,
        session.created_at,
        session.last_seen_at,
        session.expires_at,
        session.address,
        session.user_agent,
    )


async def find_live_session(
    transaction: Transaction, token_hash: bytes, *, now: datetime, seen_after: datetime
) -> SessionRow | None:
    """The sign-in with this token, unless it was revoked, has expired, or was not used since `seen_after`."""
    row = await transaction.fetchrow(
        """
        select token_hash, tenant_id, principal_id, created_at, last_seen_at, expires_at, address, user_agent
        from sessions
        where token_hash = $1
          and revoked_at is null
          and expires_at > $2
          and last_seen_at > $3
        """,
        token_hash,
        now,
        seen_after,
    )
    return None if row is None else SessionRow(**dict(row))


async def update_session_seen(transaction: Transaction, token_hash: bytes, *, now: datetime) -> None:
    """Notes that the sign-in was used."""
    await transaction.execute(
        """
        update sessions
        set last_seen_at = $2
        where token_hash = $1
        """,
        token_hash,
        now,
    )


async def revoke_session(transaction: Transaction, token_hash: bytes, *, now: datetime) -> None:
    """Ends a sign-in; ending it again changes nothing."""
    await transaction.execute(
        """
        update sessions
        set revoked_at = $2
        where token_hash = $1
          and revoked_at is null
        """,
        token_hash,
        now,
    )


async def delete_expired_sessions(transaction: Transaction, *, before: datetime, rows_max: int) -> int:
    """Clears away at most `rows_max` sign-ins that ended before this time; returns how many."""
    rows = await transaction.fetch(
        """
        delete from sessions
        where token_hash in (select token_hash from sessions where expires_at < $1 order by expires_at limit $2)
        returning 1
        """,
        before,
        rows_max,
    )
    return len(rows)
