"""The superuser's address, and the few things asked through it before anyone else connects."""

from pathlib import Path
from urllib.parse import quote

from bursar.db.embedded.cluster import SUPERUSER
from bursar.db.embedded.layout import PORT

DATABASE = "bursar"
CONNECT_SECONDS_MAX = 10


def make_admin_url(*, password: str, socket_folder: Path, database: str = DATABASE) -> str:
    """The address as libpq, psycopg and asyncpg all read it: everything quoted, the socket's folder as the host."""
    host = quote(str(socket_folder), safe="")
    return f"postgresql://{SUPERUSER}:{quote(password, safe='')}@/{quote(database, safe='')}?host={host}&port={PORT}"


def create_database_if_missing(*, password: str, socket_folder: Path) -> None:
    """See to it that Bursar's database exists."""
    # The driver is loaded here, so that the watchdog can use this package without it.
    import psycopg

    if find_complaint(password=password, socket_folder=socket_folder) is None:
        return
    url = make_admin_url(password=password, socket_folder=socket_folder, database="postgres")
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX) as connection:
        exists = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
        if not exists:
            connection.execute(f'create database "{DATABASE}"')


def find_complaint(*, password: str, socket_folder: Path) -> str | None:
    """Why Bursar's database cannot be reached as the superuser just now; None if it can."""
    import psycopg

    url = make_admin_url(password=password, socket_folder=socket_folder)
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS_MAX).close()
    except psycopg.OperationalError as error:
        return str(error).strip()
    return None
