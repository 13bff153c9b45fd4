"""How often wrong redemption codes came lately, counted beside failed sign-ins. What is counted is a bucket's hash."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bursar.db.transaction import Transaction


@dataclass(frozen=True)
class Failures:
    """How often it failed in this bucket, and since when."""

    bucket: bytes
    count: int
    since: datetime


async def list_failures(transaction: Transaction, buckets: Collection[bytes], *, since: datetime) -> list[Failures]:
    """The failures in these buckets, those whose count began after `since`."""
    rows = await transaction.fetch(
        """
        select bucket, failures, first_failed_at
        from sign_in_attempts
        where bucket = any($1::bytea[])
          and first_failed_at > $2
        """,
        list(buckets),
        since,
    )
    return [Failures(row["bucket"], row["failures"], row["first_failed_at"]) for row in rows]


async def count_failure(
    transaction: Transaction, buckets: Collection[bytes], *, now: datetime, since: datetime
) -> list[Failures]:
    """Counts one more failure in each bucket and tells the counts; one that began at `since` or before begins anew."""
    rows = await transaction.fetch(
        """
        insert into sign_in_attempts as counted (bucket, failures, first_failed_at, last_failed_at)
        select bucket, 1, $2, $2
        from unnest($1::bytea[]) as bucket
        -- In one order, so that two who fail at once never wait for each other.
        order by bucket
        on conflict (bucket) do update
        set failures = case when counted.first_failed_at > $3 then counted.failures + 1 else 1 end,
            first_failed_at = case when counted.first_failed_at > $3 then counted.first_failed_at else $2 end,
            last_failed_at = $2
        returning bucket, failures, first_failed_at
        """,
        list(buckets),
        now,
        since,
    )
    return [Failures(row["bucket"], row["failures"], row["first_failed_at"]) for row in rows]
