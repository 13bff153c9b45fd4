"""The first answer to each write that came with an idempotency key. What is kept is sealed; see `actions/once`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class RememberedAnswer:
    """One request that was answered: the digest of what it asked, and the sealed answer."""

    fingerprint: bytes
    answer: bytes


async def claim_request(
    transaction: Transaction, caller_id: UUID, key_hash: bytes, *, fingerprint: bytes, now: datetime
) -> bool:
    """Takes the key for this request; False if it was answered before. A twin that is under way is waited for."""
    row = await transaction.fetchrow(
        """
        insert into remembered_answers (caller_id, key_hash, fingerprint, made_at)
        values ($1, $2, $3, $4)
        on conflict (caller_id, key_hash) do nothing
        returning caller_id
        """,
        caller_id,
        key_hash,
        fingerprint,
        now,
    )
    return row is not None


async def find_remembered_answer(transaction: Transaction, caller_id: UUID, key_hash: bytes) -> RememberedAnswer | None:
    """What this caller was answered under this key."""
    row = await transaction.fetchrow(
        """
        select fingerprint, answer
        from remembered_answers
        where caller_id = $1
          and key_hash = $2
        """,
        caller_id,
        key_hash,
    )
    return None if row is None else RememberedAnswer(**dict(row))


async def update_remembered_answer(transaction: Transaction, caller_id: UUID, key_hash: bytes, answer: bytes) -> None:
    """Keeps the sealed answer to a claimed request, in the transaction of what it answers."""
    await transaction.execute(
        """
        update remembered_answers
        set answer = $3
        where caller_id = $1
          and key_hash = $2
        """,
        caller_id,
        key_hash,
        answer,
    )


async def delete_remembered_answers(transaction: Transaction, *, before: datetime, rows_max: int) -> int:
    """Forgets at most `rows_max` answers made before this time; returns how many."""
    rows = await transaction.fetch(
        """
        delete from remembered_answers
        where (caller_id, key_hash) in (
            select caller_id, key_hash
            from remembered_answers
            where made_at < $1
            order by made_at
            limit $2
        )
        returning 1
        """,
        before,
        rows_max,
    )
    return len(rows)
