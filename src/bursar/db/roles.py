"""The roles Bursar signs in as, which own nothing and cannot step around row-level security.

Two group roles hold the grants that the schema gives table by table; roles belong to a whole PostgreSQL server, so
several Bursar databases may share them. Each database has two login roles of its own, which are members of them. Their
passwords follow from the installation's secret key, so no password needs to be stored anywhere."""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import psycopg
from psycopg import sql

from bursar.db.addresses import address_with_sign_in
from bursar.db.faults import RolesNotProvisioned

APP_ROLE: Final = "bursar_app"
PLATFORM_ROLE: Final = "bursar_platform"
GROUP_ROLES: Final = (APP_ROLE, PLATFORM_ROLE)
SCHEMA: Final = "bursar"

# PostgreSQL cuts longer names off, and then two databases could come to share a role.
ROLE_NAME_BYTES_MAX: Final = 63

# Provisioning of one database is done by one process at a time; the number only has to differ from `migrate`'s.
_PROVISION_LOCK: Final = 0x62757273_70726F76
# Another process provisions in a fraction of a second; a longer wait means that it hangs.
_PROVISION_LOCK_TIMEOUT: Final = "30s"


@dataclass(frozen=True)
class Endpoints:
    """Where the application signs in: `app_url` for work inside tenants, `platform_url` for the platform's own.

    They hold passwords, so they are not printed."""

    app_url: str = field(repr=False)
    platform_url: str = field(repr=False)


def provision(admin_url: str, secret_key: bytes) -> Endpoints:
    """Makes Bursar's roles on the server and in the database of `admin_url`; doing it again changes nothing.

    Raises `RolesNotProvisioned` with a hint when the admin may not do so."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        database = connection.info.dbname
        passwords = {
            role: _password_of(role, secret_key) for role in (f"{database}_app_login", f"{database}_platform_login")
        }
        for role in passwords:
            if len(role.encode()) > ROLE_NAME_BYTES_MAX:
                raise RolesNotProvisioned(
                    f"The database name {database} is too long: its role {role} exceeds {ROLE_NAME_BYTES_MAX} bytes.",
                    hint="use a database with a shorter name.",
                )
        connection.execute(sql.SQL("set lock_timeout = {}").format(_PROVISION_LOCK_TIMEOUT))
        connection.execute("select pg_advisory_lock(%s)", [_PROVISION_LOCK])
        try:
            make_group_roles(connection)
            with connection.transaction():
                for (role, password), group in zip(passwords.items(), GROUP_ROLES, strict=True):
                    _make_login_role(connection, role=role, group=group, password=password)
                _close_database_to_others(connection, database, list(passwords))
        except psycopg.errors.InsufficientPrivilege as refused:
            raise _not_permitted(connection, refused) from refused
    app_url, platform_url = (
        address_with_sign_in(admin_url, database=database, role=role, password=password)
        for role, password in passwords.items()
    )
    return Endpoints(app_url=app_url, platform_url=platform_url)


def make_group_roles(connection: psycopg.Connection) -> None:
    """Makes the two group roles unless they are there, and refuses roles that could step around the fences."""
    for role in GROUP_ROLES:
        if not _role_exists(connection, role):
            try:
                with connection.transaction():
                    connection.execute(
                        sql.SQL("create role {} nologin nosuperuser nobypassrls nocreatedb nocreaterole").format(
                            sql.Identifier(role)
                        )
                    )
            except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                # Another database of this server was set up at the same moment and made it.
                pass
            except psycopg.errors.InsufficientPrivilege as refused:
                raise _not_permitted(connection, refused) from refused
        _refuse_unsafe_role(connection, role)


def _password_of(role: str, secret_key: bytes) -> str:
    return hmac.new(secret_key, f"database role {role}".encode(), sha256).hexdigest()


def _role_exists(connection: psycopg.Connection, role: str) -> bool:
    return connection.execute("select from pg_roles where rolname = %s", [role]).fetchone() is not None


def _refuse_unsafe_role(connection: psycopg.Connection, role: str) -> None:
    unsafe = connection.execute(
        "select from pg_roles where rolname = %s and (rolsuper or rolbypassrls or rolcreaterole)", [role]
    ).fetchone()
    if unsafe is not None:
        raise RolesNotProvisioned(
            f"The role {role} may step around row-level security, so tenants would not be kept apart.",
            hint=f'as a superuser, run: alter role "{role}" nosuperuser nobypassrls nocreaterole;',
        )


def _make_login_role(connection: psycopg.Connection, *, role: str, group: str, password: str) -> None:
    name = sql.Identifier(role)
    if not _role_exists(connection, role):
        connection.execute(sql.SQL("create role {} login nosuperuser nobypassrls nocreatedb nocreaterole").format(name))
    _refuse_unsafe_role(connection, role)
    # Hashed here, so that the password itself never reaches the server's log.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("alter role {} login password {}").format(name, verifier))
    is_member = connection.execute(
        """
        select from pg_auth_members
        where roleid = (select oid from pg_roles where rolname = %s)
          and member = (select oid from pg_roles where rolname = %s)
        """,
        [group, role],
    ).fetchone()
    if is_member is None:
        connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(group), name))
    connection.execute(
        sql.SQL("alter role {} in database {} set search_path = {}").format(
            name, sql.Identifier(connection.info.dbname), sql.Identifier(SCHEMA)
        )
    )


def _close_database_to_others(connection: psycopg.Connection, database: str, login_roles: list[str]) -> None:
    """Only the owner and this database's own roles may connect: those of another Bursar on this server are members of
    the same groups, and would have the same grants here. Left to the operator where the admin is not the owner."""
    owns = connection.execute(
        "select pg_has_role(current_user, datdba, 'usage') from pg_database where datname = %s", [database]
    ).fetchone()
    if owns != (True,):
        return
    name = sql.Identifier(database)
    roles = sql.SQL(", ").join(sql.Identifier(role) for role in login_roles)
    connection.execute(sql.SQL("revoke connect, temporary on database {} from public").format(name))
    connection.execute(sql.SQL("grant connect on database {} to {}").format(name, roles))


def _not_permitted(connection: psycopg.Connection, refused: psycopg.Error) -> RolesNotProvisioned:
    admin, database = connection.info.user, connection.info.dbname
    return RolesNotProvisioned(
        f"The role {admin} may not set up Bursar's roles for the database {database}: "
        f"{refused.diag.message_primary or refused}.",
        hint=f'as a superuser, run: alter role "{admin}" createrole; '
        f"and, if {' and '.join(GROUP_ROLES)} were made by another role: "
        f'grant {", ".join(GROUP_ROLES)} to "{admin}" with admin option;',
    )
