"""The journal's months: a partition for each, made ahead of time.

A line whose month has no partition goes to the default one, so that no posting ever fails for want of a partition; but
lines do not leave it again, and it grows. So the months to come are made whenever Bursar starts, and once a day
while it runs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

import psycopg
from psycopg import sql

from bursar.db.roles import SCHEMA

JOURNAL: Final = "ledger_journal"

# A quarter in which nobody could make them, because the journal was always being read, still keeps its months apart.
MONTHS_AHEAD: Final = 3

# Attaching one waits for whoever reads the journal, and later readers wait behind it. A proof reads for minutes: then
# rather give up, and try again later. Postings go on throughout.
_LOCK_TIMEOUT: Final = "2s"
# One process at a time; the number only has to differ from `migrate`'s and `provision`'s.
_PARTITION_LOCK: Final = 0x62757273_70617274


@dataclass(frozen=True)
class JournalPartitions:
    """What was made; which months were left to the default partition because it has lines of them already; and which
    were put off because somebody reads the journal at this moment."""

    created: tuple[str, ...]
    left: tuple[str, ...]
    put_off: tuple[str, ...]

    def __str__(self) -> str:
        told = [f"journal partitions made: {', '.join(self.created) or 'none'}"]
        if self.left:
            told.append(f"left to the default partition, which has lines of them: {', '.join(self.left)}")
        if self.put_off:
            told.append(f"put off until later, because the journal is being read: {', '.join(self.put_off)}")
        return "; ".join(told)


def ensure_journal_partitions(admin_url: str, *, months_ahead: int = MONTHS_AHEAD) -> JournalPartitions:
    """Makes the partitions of this month and the next ones that are missing; doing it again changes nothing.

    A month of which the default partition has lines already is left there: moving them would mean changing what is
    recorded. `admin_url` is the role that migrates, and the month is that of the database's clock."""
    created: list[str] = []
    left: list[str] = []
    put_off: list[str] = []
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [_PARTITION_LOCK])
        connection.execute(sql.SQL("set lock_timeout = {}").format(_LOCK_TIMEOUT))
        for first, following in _months(connection, months_ahead):
            name = f"{JOURNAL}_{first:%Y_%m}"
            if _is_there(connection, name):
                continue
            if put_off:
                # Whoever was in the way of the last one is in the way of this one too.
                put_off.append(name)
                continue
            try:
                _make(connection, name, first, following)
                created.append(name)
            except psycopg.errors.CheckViolation:
                left.append(name)
            except psycopg.errors.LockNotAvailable:
                put_off.append(name)
    return JournalPartitions(created=tuple(created), left=tuple(left), put_off=tuple(put_off))


def _months(connection: psycopg.Connection, months_ahead: int) -> list[tuple[datetime, datetime]]:
    """The first moment of each month and of the one after it, in UTC, from the running month on."""
    row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    now: datetime = row[0].astimezone(UTC)
    firsts = []
    for ahead in range(months_ahead + 2):
        year, month = divmod(now.year * 12 + now.month - 1 + ahead, 12)
        firsts.append(datetime(year, month + 1, 1, tzinfo=UTC))
    return list(pairwise(firsts))


def _is_there(connection: psycopg.Connection, name: str) -> bool:
    row = connection.execute("select to_regclass(%s)", [f"{SCHEMA}.{name}"]).fetchone()
    return row != (None,)


def _make(connection: psycopg.Connection, name: str, first: datetime, following: datetime) -> None:
    """One month's partition. Nobody but its owner is given any right to it: its rows are reached through the journal,
    whose grants and policy count; and row-level security shuts out whoever would be given one by mistake."""
    partition = sql.Identifier(SCHEMA, name)
    journal = sql.Identifier(SCHEMA, JOURNAL)
    with connection.transaction():
        # Made beside the journal and attached, because that lets reads and postings go on until the very end. The
        # default partition is searched for lines of the month then, and there being one is the check that fails.
        connection.execute(
            sql.SQL("create table {} (like {} including defaults including constraints)").format(partition, journal)
        )
        connection.execute(
            sql.SQL("alter table {} enable row level security, force row level security").format(partition)
        )
        connection.execute(
            sql.SQL("alter table {} attach partition {} for values from ({}) to ({})").format(
                journal, partition, sql.Literal(first.isoformat()), sql.Literal(following.isoformat())
            )
        )
