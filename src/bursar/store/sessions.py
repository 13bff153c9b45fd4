"""Who is signed in. Rows hold the digest of a token, never the token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class SessionRow:
    """One sign-in."""

    session_id: UUID
    tenant_id: UUID | None
    principal_id: UUID
    method: str
    created_at: datetime
    last_seen_at: datetime
    rotated_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None


async def insert_session(transaction: Transaction, session: SessionRow) -> None:
    """Remembers a sign-in."""
    await transaction.execute(
        """
        insert into sessions
            (session_id, tenant_id, principal_id, method, created_at, last_seen_at, rotated_at, expires_at, address,
             user_agent)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        session.session_id,
        session.tenant_id,
        session.principal_id,
        session.method,
        session.created_at,
        session.last_seen_at,
        session.rotated_at,
        session.expires_at,
        session.address,
        session.user_agent,
    )


async def insert_session_token(
    transaction: Transaction, session_id: UUID, token_hash: bytes, *, issued_at: datetime
) -> None:
    """Gives the sign-in a token."""
    await transaction.execute(
        """
        insert into session_tokens (token_hash, session_id, issued_at)
        values ($1, $2, $3)
        """,
        token_hash,
        session_id,
        issued_at,
    )


async def find_live_session(
    transaction: Transaction, token_hash: bytes, *, now: datetime, seen_after: datetime
) -> SessionRow | None:
    """The sign-in with this token, unless it was revoked, has expired, or was not used since `seen_after`."""
    row = await transaction.fetchrow(
        """
        select s.session_id, s.tenant_id, s.principal_id, s.method, s.created_at, s.last_seen_at, s.rotated_at,
               s.expires_at, s.address, s.user_agent
        from session_tokens t
        join sessions s on s.session_id = t.session_id
        where t.token_hash = $1
          and (t.valid_until is null or t.valid_until > $2)
          and s.revoked_at is null
          and s.expires_at > $2
          and s.last_seen_at > $3
        """,
        token_hash,
        now,
        seen_after,
    )
    return None if row is None else SessionRow(**dict(row))


async def update_session_seen(transaction: Transaction, session_id: UUID, *, now: datetime) -> None:
    """Notes that the sign-in was used."""
    await transaction.execute(
        """
        update sessions
        set last_seen_at = $2
        where session_id = $1
        """,
        session_id,
        now,
    )


async def revoke_session(transaction: Transaction, session_id: UUID, *, now: datetime) -> None:
    """Ends a sign-in; ending it again changes nothing."""
    await transaction.execute(
        """
        update sessions
        set revoked_at = $2
        where session_id = $1
          and revoked_at is null
        """,
        session_id,
        now,
    )


async def delete_expired_sessions(transaction: Transaction, *, before: datetime, rows_max: int) -> int:
    """Clears away at most `rows_max` sign-ins that ended before this time, with their tokens; returns how many."""
    rows = await transaction.fetch(
        """
        delete from sessions
        where session_id in (select session_id from sessions where expires_at < $1 order by expires_at limit $2)
        returning session_id
        """,
        before,
        rows_max,
    )
    await transaction.execute(
        "delete from session_tokens where session_id = any($1::uuid[])", [row["session_id"] for row in rows]
    )
    return len(rows)
