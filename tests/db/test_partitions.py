"""The journal's months are there before they begin, once each, and as closed as the journal itself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from bursar.db.partitions import MONTHS_AHEAD, ensure_journal_partitions
from tests.architecture.schema_rules import RULES, what_breaks
from tests.support.postgres import FreshDatabase

INSERT_LINE = """
    insert into bursar.ledger_journal
      (tenant_id, transfer_id, posted_at, batch_number, amount_micro, source_after_micro, source_sequence,
       target_after_micro, target_sequence, line, epoch, kind, source, target)
    values (%s, %s, clock_timestamp() + %s::interval, 1, 1, -1, 1, 1, 1, 1, 1, 'purchase', 'issued.purchase', 'pool')
"""


@pytest.fixture
def fresh_database(fresh_database: FreshDatabase) -> FreshDatabase:
    """A database as it is migrated, before its first start: no month has a partition."""
    with psycopg.connect(fresh_database.admin_url) as connection:
        for name in month_names(fresh_database.admin_url, months_ahead=MONTHS_AHEAD):
            connection.execute(sql.SQL("drop table bursar.{}").format(sql.Identifier(name)))
    return fresh_database


def month_names(admin_url: str, *, months_ahead: int) -> list[str]:
    """The names of this month's partition and the next ones', by the database's clock."""
    with psycopg.connect(admin_url) as connection:
        rows = connection.execute(
            "select to_char(date_trunc('month', clock_timestamp() at time zone 'UTC') + make_interval(months => ahead),"
            " '\"ledger_journal_\"YYYY_MM') from generate_series(0, %s) as ahead",
            [months_ahead],
        )
        return [name for (name,) in rows]


def insert_line(admin_url: str, *, later: str) -> UUID:
    """One line of the journal, this much later than now."""
    tenant_id = uuid4()
    with psycopg.connect(admin_url) as connection:
        connection.execute(INSERT_LINE, [tenant_id, uuid4(), later])
    return tenant_id


def partition_of(admin_url: str, tenant_id: UUID) -> str:
    with psycopg.connect(admin_url) as connection:
        row = connection.execute(
            "select tableoid::regclass::text from bursar.ledger_journal where tenant_id = %s", [tenant_id]
        ).fetchone()
    assert row is not None
    return str(row[0])


def test_this_month_and_the_next_ones_are_made(fresh_database: FreshDatabase) -> None:
    made = ensure_journal_partitions(fresh_database.admin_url, months_ahead=2)

    assert list(made.created) == month_names(fresh_database.admin_url, months_ahead=2)
    assert made.left == ()


def test_making_them_again_makes_only_what_is_missing(fresh_database: FreshDatabase) -> None:
    ensure_journal_partitions(fresh_database.admin_url, months_ahead=1)

    again = ensure_journal_partitions(fresh_database.admin_url, months_ahead=1)
    further = ensure_journal_partitions(fresh_database.admin_url, months_ahead=2)

    assert again.created == ()
    assert list(further.created) == month_names(fresh_database.admin_url, months_ahead=2)[-1:]


def test_several_processes_may_make_them_at_the_same_moment(fresh_database: FreshDatabase) -> None:
    with ThreadPoolExecutor(max_workers=4) as threads:
        futures = [threads.submit(ensure_journal_partitions, fresh_database.admin_url) for _ in range(4)]
        created = sorted(name for future in futures for name in future.result().created)

    assert created == month_names(fresh_database.admin_url, months_ahead=3)


def test_a_line_goes_to_its_own_month(fresh_database: FreshDatabase) -> None:
    (this_month,) = ensure_journal_partitions(fresh_database.admin_url, months_ahead=0).created

    tenant_id = insert_line(fresh_database.admin_url, later="0 seconds")

    assert partition_of(fresh_database.admin_url, tenant_id) == f"bursar.{this_month}"


def test_a_line_of_a_month_without_partition_is_kept_all_the_same(fresh_database: FreshDatabase) -> None:
    ensure_journal_partitions(fresh_database.admin_url, months_ahead=0)

    tenant_id = insert_line(fresh_database.admin_url, later="400 days")

    assert partition_of(fresh_database.admin_url, tenant_id) == "bursar.ledger_journal_other"


def test_a_month_that_the_default_partition_has_lines_of_is_left_there(fresh_database: FreshDatabase) -> None:
    this_month, next_month = month_names(fresh_database.admin_url, months_ahead=1)
    tenant_id = insert_line(fresh_database.admin_url, later="0 seconds")

    made = ensure_journal_partitions(fresh_database.admin_url, months_ahead=1)

    assert (made.created, made.left) == ((next_month,), (this_month,))
    assert f"left to the default partition, which has lines of them: {this_month}" in str(made)
    assert partition_of(fresh_database.admin_url, tenant_id) == "bursar.ledger_journal_other"


def test_a_month_is_put_off_while_somebody_reads_the_journal(fresh_database: FreshDatabase) -> None:
    (this_month,) = month_names(fresh_database.admin_url, months_ahead=0)
    with psycopg.connect(fresh_database.app_url) as reader:
        reader.execute("select count(*) from ledger_journal")

        made = ensure_journal_partitions(fresh_database.admin_url, months_ahead=0)

    assert (made.created, made.put_off) == ((), (this_month,))
    assert ensure_journal_partitions(fresh_database.admin_url, months_ahead=0).created == (this_month,)


def test_a_month_begins_and_ends_at_midnight_of_utc(fresh_database: FreshDatabase) -> None:
    with psycopg.connect(fresh_database.admin_url, autocommit=True) as connection:
        connection.execute(
            psycopg.sql.SQL("alter database {} set timezone = 'Asia/Tokyo'").format(
                psycopg.sql.Identifier(fresh_database.name)
            )
        )
    (this_month,) = ensure_journal_partitions(fresh_database.admin_url, months_ahead=0).created

    with psycopg.connect(fresh_database.admin_url) as connection:
        connection.execute("set timezone = 'UTC'")
        row = connection.execute(
            "select pg_get_expr(relpartbound, oid) from pg_class where relname = %s", [this_month]
        ).fetchone()

    first = datetime.strptime(this_month, "ledger_journal_%Y_%m").replace(tzinfo=UTC)
    assert row is not None
    assert row[0].startswith(f"FOR VALUES FROM ('{first:%Y-%m-%d} 00:00:00+00')")


def test_the_schema_with_months_in_it_keeps_every_rule(fresh_database: FreshDatabase) -> None:
    ensure_journal_partitions(fresh_database.admin_url)

    with psycopg.connect(fresh_database.admin_url) as connection:
        connection.execute("set local search_path = bursar")
        broken = {rule.sentence: what_breaks(rule, connection) for rule in RULES}

    assert {sentence: names for sentence, names in broken.items() if names} == {}


def test_a_month_is_closed_to_the_application_and_fenced(fresh_database: FreshDatabase) -> None:
    (this_month,) = ensure_journal_partitions(fresh_database.admin_url, months_ahead=0).created

    with psycopg.connect(fresh_database.admin_url) as connection:
        fenced = connection.execute(
            "select relrowsecurity, relforcerowsecurity from pg_class where relname = %s", [this_month]
        ).fetchone()
    assert fenced == (True, True)
    for url in (fresh_database.app_url, fresh_database.platform_url):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(psycopg.sql.SQL("select from {}").format(psycopg.sql.Identifier(this_month)))
