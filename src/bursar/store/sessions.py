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


@dataclass(frozen=True)
class LiveSession:
    """A sign-in that can be used, and what is known of the token that found it."""

    session: SessionRow
    token_valid_until: datetime | None
    is_first_use: bool


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
) -> LiveSession | None:
    """The sign-in with this token, unless it was ended, has expired, or was not used since `seen_after`."""
    row = await transaction.fetchrow(
        """
        select s.session_id, s.tenant_id, s.principal_id, s.method, s.created_at, s.last_seen_at, s.rotated_at,
               s.expires_at, s.address, s.user_agent,
               t.valid_until as token_valid_until,
               exists (
                   select from session_tokens older
                   where older.session_id = t.session_id
                     and older.issued_at < t.issued_at
                     and older.valid_until is null
               ) as is_first_use
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
    if row is None:
        return None
    columns = dict(row)
    valid_until, is_first_use = columns.pop("token_valid_until"), columns.pop("is_first_use")
    return LiveSession(SessionRow(**columns), valid_until, is_first_use)


async def lock_session(transaction: Transaction, session_id: UUID) -> None:
    """Holds the sign-in until the transaction ends, so that its tokens change one after the other."""
    await transaction.execute("select from sessions where session_id = $1 for update", session_id)


async def list_live_sessions(
    transaction: Transaction,
    principal_id: UUID,
    *,
    now: datetime,
    seen_after: datetime,
    before: UUID | None,
    limit: int,
) -> list[SessionRow]:
    """The sign-ins of one person that can still be used, the latest first; those older than `before`."""
    rows = await transaction.fetch(
        """
        select session_id, tenant_id, principal_id, method, created_at, last_seen_at, rotated_at, expires_at, address,
               user_agent
        from sessions
        where principal_id = $1
          and revoked_at is null
          and expires_at > $2
          and last_seen_at > $3
          and ($4::uuid is null or session_id < $4)
        order by session_id desc
        limit $5
        """,
        principal_id,
        now,
        seen_after,
        before,
        limit,
    )
    return [SessionRow(**dict(row)) for row in rows]


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


async def update_session_rotated(transaction: Transaction, session_id: UUID, *, now: datetime) -> None:
    """Notes that the sign-in has a new token."""
    await transaction.execute(
        """
        update sessions
        set rotated_at = $2
        where session_id = $1
        """,
        session_id,
        now,
    )


async def end_other_tokens(
    transaction: Transaction, session_id: UUID, token_hash: bytes, *, valid_until: datetime
) -> None:
    """Lets all tokens of the sign-in but this one work for a little while longer."""
    await transaction.execute(
        """
        update session_tokens
        set valid_until = $3
        where session_id = $1
          and token_hash <> $2
          and valid_until is null
        """,
        session_id,
        token_hash,
        valid_until,
    )


async def delete_other_tokens(transaction: Transaction, session_id: UUID, token_hash: bytes) -> None:
    """Leaves the sign-in with this token only: those that were used up, and one that nobody ever used."""
    await transaction.execute(
        """
        delete from session_tokens
        where session_id = $1
          and token_hash <> $2
        """,
        session_id,
        token_hash,
    )


async def revoke_session(
    transaction: Transaction, principal_id: UUID, session_id: UUID, *, now: datetime, seen_after: datetime
) -> bool:
    """Ends one sign-in of this person; False where there is none that could still be used."""
    row = await transaction.fetchrow(
        """
        update sessions
        set revoked_at = $3
        where session_id = $2
          and principal_id = $1
          and revoked_at is null
          and expires_at > $3
          and last_seen_at > $4
        returning session_id
        """,
        principal_id,
        session_id,
        now,
        seen_after,
    )
    return row is not None


async def revoke_live_sessions(
    transaction: Transaction, principal_id: UUID, *, now: datetime, seen_after: datetime, kept: UUID | None
) -> int:
    """Ends all sign-ins of this person but the one that is kept; returns how many of them could still be used."""
    rows = await transaction.fetch(
        """
        update sessions
        set revoked_at = $2
        where principal_id = $1
          and revoked_at is null
          and expires_at > $2
          and session_id is distinct from $4
        returning last_seen_at > $3 as was_live
        """,
        principal_id,
        now,
        seen_after,
        kept,
    )
    return sum(row["was_live"] for row in rows)


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
