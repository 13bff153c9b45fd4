"""Brings a database to the schema of this version, by numbered steps forward.

The steps are in `migrations/versions`; what they add up to is written, readable, in `schema/`. The roles that grants
are given to come first, see `roles`."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from bursar.db.faults import MigrationRefused, OlderThanDatabase
from bursar.db.roles import SCHEMA, make_group_roles

VERSION_TABLE: Final = "alembic_version"

# Any fixed number will do, as long as every version of Bursar uses the same.
_MIGRATE_LOCK: Final = 0x62757273_6D696772
# Another process that started at the same moment is migrating; ten minutes is longer than any migration may take.
_MIGRATE_LOCK_TIMEOUT: Final = "10min"
# The version still running must not queue up behind a migration: rather give up, and be started again at a better time.
_LOCK_TIMEOUT: Final = "5s"


def migrate(admin_url: str) -> None:
    """Applies the steps that are missing, each in a transaction of its own. Harmless when there are none, and when
    another process does the same at this moment. `admin_url` must reach PostgreSQL itself, not a connection pooler.

    Raises `RolesNotProvisioned`, `MigrationRefused` or `OlderThanDatabase`, each with a hint."""
    with psycopg.connect(admin_url) as raw, _alone(raw), _alembic(raw) as (config, connection):
        _refuse_newer_database(connection, ScriptDirectory.from_config(config))
        command.upgrade(config, "head")


def current(admin_url: str) -> str | None:
    """The number of the last step that was applied, as `0003`; None for a database without Bursar's schema."""
    with psycopg.connect(admin_url) as raw, _alembic(raw) as (_, connection):
        return _current(connection)


def pending(admin_url: str) -> list[str]:
    """The steps that `migrate` would apply, oldest first, as `0002 tenants`."""
    with psycopg.connect(admin_url) as raw, _alembic(raw) as (config, connection):
        scripts = ScriptDirectory.from_config(config)
        _refuse_newer_database(connection, scripts)
        missing = list(scripts.iterate_revisions("head", _current(connection) or "base"))
        return [f"{step.revision} {step.doc}" for step in reversed(missing)]


@contextmanager
def _alone(raw: psycopg.Connection) -> Iterator[None]:
    """Holds the migration lock, and prepares what the first step builds on."""
    # The lock is the session's, so it outlives the steps' transactions and falls when the connection does.
    raw.execute(sql.SQL("set lock_timeout = {}").format(_MIGRATE_LOCK_TIMEOUT))
    raw.execute("select pg_advisory_lock(%s)", [_MIGRATE_LOCK])
    raw.execute(sql.SQL("set lock_timeout = {}").format(_LOCK_TIMEOUT))
    make_group_roles(raw)
    # Alembic keeps its own table in the schema, so the schema is there before the first step. Asked first, because
    # `if not exists` still wants the right to create schemas.
    if raw.execute("select to_regnamespace(%s)", [SCHEMA]).fetchone() == (None,):
        try:
            raw.execute(sql.SQL("create schema {}").format(sql.Identifier(SCHEMA)))
        except psycopg.errors.InsufficientPrivilege as refused:
            admin, database = raw.info.user, raw.info.dbname
            raise MigrationRefused(
                f"The role {admin} may not create a schema in the database {database}.",
                hint=f'as a superuser, run: alter database "{database}" owner to "{admin}";',
            ) from refused
    raw.execute(sql.SQL("set search_path = {}").format(sql.Identifier(SCHEMA)))
    raw.commit()
    yield


@contextmanager
def _alembic(raw: psycopg.Connection) -> Iterator[tuple[Config, Connection]]:
    """Alembic on a connection that is already there, with the steps that came with this package."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: raw, poolclass=StaticPool)
    with as_file(files("bursar.db") / "migrations") as folder, engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "newline")
        config.attributes["connection"] = connection
        config.attributes["version_table"] = VERSION_TABLE
        config.attributes["version_table_schema"] = SCHEMA
        yield config, connection


def _current(connection: Connection) -> str | None:
    options = {"version_table": VERSION_TABLE, "version_table_schema": SCHEMA}
    revision = MigrationContext.configure(connection, opts=options).get_current_revision()
    # Alembic commits its steps only where it finds no transaction open, and asking has opened one.
    connection.rollback()
    return revision


def _refuse_newer_database(connection: Connection, scripts: ScriptDirectory) -> None:
    revision = _current(connection)
    known = {step.revision for step in scripts.walk_revisions()}
    if revision is not None and revision not in known:
        raise OlderThanDatabase(
            f"The database is at step {revision}, which this version of Bursar does not know.",
            hint="start the newer version of Bursar again; going back needs a backup from before it.",
        )
