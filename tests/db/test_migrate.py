"""The numbered steps: harmless to repeat, safe to start twice, and together the same as the readable schema."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import psycopg
import pytest
from alembic import command
from uuid_utils.compat import uuid7

from bursar.db.faults import OlderThanDatabase
from bursar.db.migrate import VERSION_TABLE, _alembic, _alone, current, migrate, pending
from bursar.db.roles import SCHEMA, make_group_roles
from bursar.domain.search import search_text_of
from tests.support.catalogue import Facts, facts_of
from tests.support.postgres import FreshDatabase, Server, copied_database, empty_database

OF_ALEMBIC = frozenset({VERSION_TABLE})


def apply_readable_schema(admin_url: str) -> None:
    folder = files("bursar.db") / "schema"
    with psycopg.connect(admin_url) as connection:
        make_group_roles(connection)
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.name.endswith(".sql"):
                connection.execute(file.read_bytes())


def facts(admin_url: str) -> Facts:
    with psycopg.connect(admin_url) as connection:
        return facts_of(connection, SCHEMA, without=OF_ALEMBIC)


@pytest.fixture(scope="module")
def shared(postgres: Server, migrated_template: str) -> Iterator[FreshDatabase]:
    """A migrated database for tests that take back what they change."""
    with copied_database(postgres, migrated_template) as fresh:
        yield fresh


@pytest.fixture
def migrated_facts(empty_database_url: str) -> Facts:
    migrate(empty_database_url)
    return facts(empty_database_url)


def test_an_empty_database_has_every_step_before_it(empty_database_url: str) -> None:
    assert current(empty_database_url) is None
    assert pending(empty_database_url)[:2] == ["0001 platform", "0002 tenants"]


def test_a_migrated_database_has_no_step_before_it(empty_database_url: str) -> None:
    last = pending(empty_database_url)[-1]

    migrate(empty_database_url)

    assert current(empty_database_url) == last.split()[0]
    assert pending(empty_database_url) == []


def test_who_was_there_before_searches_is_found_as_everybody_is(empty_database_url: str) -> None:
    tenant_id, group_id, kept_id, deleted_id = (uuid7() for _ in range(4))
    with psycopg.connect(empty_database_url) as raw, _alone(raw), _alembic(raw) as (config, _):
        command.upgrade(config, "0005")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(
            "insert into bursar.tenants (tenant_id, name, status, created_at) values (%s, 'Acme', 'active', now())",
            [tenant_id],
        )
        connection.execute("insert into bursar.groups values (%s, %s, 'Default', true)", [tenant_id, group_id])
        for number, (member_id, status) in enumerate([(kept_id, "active"), (deleted_id, "deleted")], 1):
            connection.execute(
                "insert into bursar.members (tenant_id, member_id, number, username, display_name, email, role, "
                "status, group_id, created_at, changed_at) "
                "values (%s, %s, %s, 'jose', 'José Ärger-Straße', 'j@example.com', 'member', %s, %s, now(), now())",
                [tenant_id, member_id, number, status, group_id],
            )

    migrate(empty_database_url)

    with psycopg.connect(empty_database_url) as connection:
        rows = connection.execute(
            "select username, display_name, email, search_text from bursar.members order by number"
        ).fetchall()
    wanted = search_text_of(username="jose", display_name="José Ärger-Straße", email="j@example.com")
    assert rows[0] == ("jose", "José Ärger-Straße", "j@example.com", wanted)
    assert rows[1] == ("deleted-2", "Deleted member #2", None, "")


def test_migrating_again_changes_nothing(empty_database_url: str, migrated_facts: Facts) -> None:
    migrate(empty_database_url)

    assert facts(empty_database_url) == migrated_facts


def test_several_processes_may_migrate_at_the_same_moment(empty_database_url: str) -> None:
    with ThreadPoolExecutor(max_workers=4) as threads:
        for outcome in [threads.submit(migrate, empty_database_url) for _ in range(4)]:
            outcome.result()

    assert pending(empty_database_url) == []


def test_a_database_of_a_newer_version_is_refused(empty_database_url: str) -> None:
    migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("update bursar.alembic_version set version_num = '9999'")

    with pytest.raises(OlderThanDatabase, match=r"step 9999[^\n]*\n\nhint: "):
        migrate(empty_database_url)


def test_all_steps_together_are_the_readable_schema(migrated_facts: Facts, postgres: Server) -> None:
    with empty_database(postgres) as admin_url:
        apply_readable_schema(admin_url)
        readable = facts(admin_url)

    assert sorted(migrated_facts - readable) == []
    assert sorted(readable - migrated_facts) == []


@pytest.mark.parametrize(
    "change",
    [
        "create table bursar.surplus (tenant_id uuid)",
        "create view bursar.surplus as select 1 as one",
        "create sequence bursar.surplus",
        "create type bursar.surplus as enum ('one')",
        "create function bursar.surplus() returns int language sql as 'select 1'",
        "alter table bursar.members add column surplus text",
        "alter table bursar.members alter column number type numeric",
        "alter table bursar.members alter column email set not null",
        "alter table bursar.members alter column job_title set default 'x'",
        "alter table bursar.members alter column job_title set statistics 10",
        "alter table bursar.members drop constraint members_know_their_role",
        "alter table bursar.members drop constraint members_are_in_a_group",
        "alter table bursar.members set (fillfactor = 50)",
        "alter table bursar.members disable row level security",
        "alter table bursar.members no force row level security",
        "alter policy tenant_scope on bursar.members using (true)",
        "alter policy tenant_scope on bursar.members with check (true)",
        "alter policy tenant_scope on bursar.members to bursar_app",
        "drop policy tenant_scope on bursar.members",
        "drop index bursar.members_of_group",
        "alter index bursar.members_of_group set (fillfactor = 50)",
        "create index surplus on bursar.members (tenant_id, username)",
        "comment on table bursar.members is 'x'",
        "comment on column bursar.members.password_hash is 'x'",
        "comment on constraint members_know_their_role on bursar.members is 'x'",
        "grant delete on bursar.members to bursar_app",
        "revoke update on bursar.members from bursar_app",
        "grant update (note) on bursar.events to bursar_app",
        "grant create on schema bursar to bursar_app",
        "revoke usage on schema bursar from bursar_platform",
    ],
)
def test_a_difference_between_two_schemas_is_noticed(shared: FreshDatabase, change: str) -> None:
    with psycopg.connect(shared.admin_url) as connection:
        before = facts_of(connection, SCHEMA, without=OF_ALEMBIC)
        connection.execute(change.encode())
        after = facts_of(connection, SCHEMA, without=OF_ALEMBIC)
        connection.rollback()

    assert after != before


def test_a_step_that_fails_leaves_no_trace(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("create schema bursar; create table bursar.sessions (token_hash bytea)")

    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate(empty_database_url)

    assert current(empty_database_url) is None
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("select to_regclass('bursar.platform_admins')").fetchone() == (None,)
        connection.execute("drop table bursar.sessions")
    migrate(empty_database_url)
    assert pending(empty_database_url) == []
