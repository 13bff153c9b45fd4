"""Addresses of a database, as people write them and as the two drivers read them.

An operator gives one libpq URL (or a libpq key-value string). psycopg takes it as it is; asyncpg would send every
parameter that only libpq knows to the server as a setting and be refused, so those are dropped for it."""

from typing import Final
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

# What asyncpg understands in a URL, or may pass on to the server as a setting of the session.
_UNDERSTOOD_BY_ASYNCPG: Final = frozenset(
    {
        "application_name",
        "gsslib",
        "host",
        "krbsrvname",
        "options",
        "passfile",
        "password",
        "port",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslnegotiation",
        "sslpassword",
        "sslrootcert",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "target_session_attrs",
        "user",
    }
)

# How a person signed in as the operator must not follow Bursar's own roles: a certificate or a password file of the
# operator names another role, and a service entry may name another database.
_BELONGS_TO_THE_SIGN_IN: Final = frozenset({"passfile", "service", "sslcert", "sslkey", "sslpassword"})


def address_for_asyncpg(url: str) -> str:
    """The same database as `url`, in the parameters that asyncpg understands."""
    return _render(_parameters_of(url))


def address_with_sign_in(url: str, *, database: str, role: str, password: str) -> str:
    """The server of `url`, but this database, signed in as this role."""
    parameters = {key: value for key, value in _parameters_of(url).items() if key not in _BELONGS_TO_THE_SIGN_IN}
    return _render({**parameters, "dbname": database, "user": role, "password": password})


def address_of_database(url: str, *, database: str) -> str:
    """The server and the sign-in of `url`, but this database."""
    return _render({**_parameters_of(url), "dbname": database})


def _parameters_of(url: str) -> dict[str, str]:
    return {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}


def _render(parameters: dict[str, str]) -> str:
    """Everything but the database goes into the query part, where a socket folder needs no special form."""
    database = quote(parameters.get("dbname", ""), safe="")
    query = "&".join(
        f"{key}={quote(value, safe='')}" for key, value in sorted(parameters.items()) if key in _UNDERSTOOD_BY_ASYNCPG
    )
    return f"postgresql:///{database}?{query}"
