"""The roles Bursar signs in as: made once, safe to make again, and shut out of everything that is not theirs."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql

from bursar.db.addresses import address_of_database, address_with_sign_in
from bursar.db.faults import MigrationRefused, RolesNotProvisioned
from bursar.db.migrate import migrate, pending
from bursar.db.roles import Endpoints, provision
from tests.support.postgres import SECRET_KEY, FreshDatabase, Server, copied_database, empty_database


@pytest.fixture
def operator_url(postgres: Server, migrated_template: str) -> Iterator[str]:
    """An empty database, reached by an operator's role that may create roles, and no more than that."""
    operator = f"bursar_test_{os.getpid()}_operator"
    run_as_superuser(postgres.admin_url, "create role {} login createrole password 'operator'", operator)
    # The template's migration made the groups, as another role.
    run_as_superuser(postgres.admin_url, "grant bursar_app, bursar_platform to {} with admin option", operator)
    with empty_database(postgres) as admin_url:
        yield address_with_sign_in(admin_url, database=database_of(admin_url), role=operator, password="operator")
    run_as_superuser(postgres.admin_url, "drop role {}", operator)


def run_as_superuser(admin_url: str, statement: str, *names: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


def database_of(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


def user_of(url: str) -> tuple[str, ...]:
    with psycopg.connect(url) as connection:
        row = connection.execute("select session_user::text, current_setting('search_path')").fetchone()
    assert row is not None
    return row


def test_both_roles_can_sign_in_and_find_the_schema(fresh_database: FreshDatabase) -> None:
    assert user_of(fresh_database.app_url) == (f"{fresh_database.name}_app_login", "bursar")
    assert user_of(fresh_database.platform_url) == (f"{fresh_database.name}_platform_login", "bursar")


def test_provisioning_again_gives_the_same_endpoints(fresh_database: FreshDatabase) -> None:
    again = provision(fresh_database.admin_url, SECRET_KEY)

    assert again == Endpoints(app_url=fresh_database.app_url, platform_url=fresh_database.platform_url)
    assert user_of(again.app_url) == (f"{fresh_database.name}_app_login", "bursar")


def test_a_database_called_bursar_does_not_collide_with_the_group_roles(postgres: Server) -> None:
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        # The embedded server has one of this name already, and nothing in it.
        is_there = connection.execute("select from pg_database where datname = 'bursar'").fetchone() is not None
        if not is_there:
            connection.execute("create database bursar")
    try:
        endpoints = provision(address_of_database(postgres.admin_url, database="bursar"), SECRET_KEY)

        assert user_of(endpoints.app_url)[0] == "bursar_app_login"
        assert user_of(endpoints.platform_url)[0] == "bursar_platform_login"
    finally:
        with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
            if is_there:
                connection.execute("drop owned by bursar_app_login, bursar_platform_login")
            else:
                connection.execute("drop database bursar with (force)")
            connection.execute("drop role if exists bursar_app_login, bursar_platform_login")


def test_several_processes_may_provision_at_the_same_moment(fresh_database: FreshDatabase) -> None:
    with ThreadPoolExecutor(max_workers=4) as threads:
        outcomes = [threads.submit(provision, fresh_database.admin_url, SECRET_KEY) for _ in range(4)]

    assert {outcome.result().app_url for outcome in outcomes} == {fresh_database.app_url}


def test_passwords_are_not_printed(fresh_database: FreshDatabase) -> None:
    endpoints = provision(fresh_database.admin_url, SECRET_KEY)
    password = str(psycopg.conninfo.conninfo_to_dict(endpoints.app_url)["password"])

    assert len(password) == 64
    assert password not in repr(endpoints)


def test_another_secret_key_shuts_the_old_passwords_out(fresh_database: FreshDatabase) -> None:
    provision(fresh_database.admin_url, b"another key")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(fresh_database.app_url)


def test_the_roles_of_another_bursar_on_the_same_server_are_shut_out(
    postgres: Server, migrated_template: str, fresh_database: FreshDatabase
) -> None:
    with copied_database(postgres, migrated_template) as other:
        theirs = psycopg.conninfo.conninfo_to_dict(other.app_url)
        stolen = address_with_sign_in(
            other.app_url,
            database=fresh_database.name,
            role=str(theirs["user"]),
            password=str(theirs["password"]),
        )

        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(stolen)


def test_a_login_role_that_could_step_around_the_fences_is_refused(fresh_database: FreshDatabase) -> None:
    run_as_superuser(fresh_database.admin_url, "alter role {} bypassrls", f"{fresh_database.name}_app_login")

    with pytest.raises(RolesNotProvisioned, match=r"may step around row-level security[^\n]*\n\nhint: as a superuser"):
        provision(fresh_database.admin_url, SECRET_KEY)


def test_an_operator_who_owns_the_database_and_may_create_roles_is_enough(postgres: Server, operator_url: str) -> None:
    operator = str(psycopg.conninfo.conninfo_to_dict(operator_url)["user"])
    run_as_superuser(postgres.admin_url, "alter database {} owner to {}", database_of(operator_url), operator)

    migrate(operator_url)
    endpoints = provision(operator_url, SECRET_KEY)

    assert pending(operator_url) == []
    assert user_of(endpoints.app_url)[1] == "bursar"
    with psycopg.connect(endpoints.app_url) as connection:
        # A foreign key is checked as the owner, who is not let through the policy of the table it points to either.
        connection.execute("set bursar.scope = '{00000000-0000-0000-0000-000000000001}'")
        connection.execute(
            """
            insert into tenants (tenant_id, name, status, created_at)
            values ('00000000-0000-0000-0000-000000000001', 'Acme', 'active', '2026-03-01');
            insert into groups (tenant_id, group_id, name, is_default)
            values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002', 'Sales', false);
            """
        )


def test_an_operator_who_may_not_create_a_schema_is_told_what_to_run(operator_url: str) -> None:
    with pytest.raises(MigrationRefused, match=r"may not create a schema[^\n]*\n\nhint: .*alter database .* owner to"):
        migrate(operator_url)


def test_an_operator_who_may_not_create_roles_is_told_what_to_run(postgres: Server, operator_url: str) -> None:
    operator = str(psycopg.conninfo.conninfo_to_dict(operator_url)["user"])
    run_as_superuser(postgres.admin_url, "alter role {} nocreaterole", operator)

    with pytest.raises(RolesNotProvisioned, match=rf'hint: as a superuser, run: alter role "{operator}" createrole'):
        provision(operator_url, SECRET_KEY)


def test_a_database_whose_name_leaves_no_room_for_its_roles_is_refused(postgres: Server) -> None:
    name = "bursar_test_" + "x" * 48
    run_as_superuser(postgres.admin_url, "create database {}", name)

    try:
        with pytest.raises(RolesNotProvisioned, match="is too long"):
            provision(address_of_database(postgres.admin_url, database=name), SECRET_KEY)
    finally:
        run_as_superuser(postgres.admin_url, "drop database {}", name)
