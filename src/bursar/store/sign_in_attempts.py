"""How often a password was got wrong lately, by whatever is counted. A row holds a keyed hash of that, never itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bursar.db.transaction import Transaction
from bursar.domain.attempts import Count


async def lock_attempt_counts(
    transaction: Transaction, buckets: Sequence[bytes], *, now: datetime
) -> dict[bytes, Count]:
    """The counts of these buckets, made where there are none, and held until the transaction ends."""
    rows = await transaction.fetch(
        # The update changes nothing: it is what locks a row that is there already.
        """
        insert into sign_in_attempts as known (bucket, failures, first_failed_at, last_failed_at)
        select asked.bucket, 0, $2, $2
        from unnest($1::bytea[]) as asked (bucket)
        order by asked.bucket
        on conflict (bucket) do update
        set failures = known.failures
        returning bucket, failures, first_failed_at, last_failed_at
        """,
        list(buckets),
        now,
    )
    return {bytes(row["bucket"]): Count(row["failures"], row["first_failed_at"], row["last_failed_at"]) for row in rows}


async def update_attempt_counts(transaction: Transaction, counts: Mapping[bytes, Count]) -> None:
    """Sets counts that are held."""
    await transaction.execute(
        """
        update sign_in_attempts a
        set failures = changed.failures,
            first_failed_at = changed.first_failed_at,
            last_failed_at = changed.last_failed_at
        from unnest($1::bytea[], $2::integer[], $3::timestamptz[], $4::timestamptz[])
             as changed (bucket, failures, first_failed_at, last_failed_at)
        where a.bucket = changed.bucket
        """,
        list(counts),
        [count.failures for count in counts.values()],
        [count.first_failed_at for count in counts.values()],
        [count.last_failed_at for count in counts.values()],
    )


async def delete_attempt_counts(transaction: Transaction, *, before: datetime, rows_max: int) -> int:
    """Forgets at most `rows_max` counts whose last attempt was before this time; returns how many."""
    rows = await transaction.fetch(
        """
        delete from sign_in_attempts
        where bucket in (
            select bucket
            from sign_in_attempts
            where last_failed_at < $1
            order by last_failed_at
            limit $2
            for update skip locked
        )
        returning 1
        """,
        before,
        rows_max,
    )
    return len(rows)
