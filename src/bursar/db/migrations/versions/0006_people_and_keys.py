"""people_and_keys"""

import unicodedata

import psycopg
from alembic import op

from bursar.db.migrations import run_sql_beside

revision = "0006"
down_revision = "0005"

ROWS_AT_ONCE = 1_000


def upgrade() -> None:
    run_sql_beside(__file__)
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    # The owner of a table sees no rows either while row-level security is forced and no scope is set.
    connection.execute("alter table bursar.members no force row level security")
    _fill_search_texts(connection)
    connection.execute("alter table bursar.members force row level security")


def _fill_search_texts(connection: psycopg.Connection) -> None:
    """What a search looks into, for everybody who is there already."""
    with connection.cursor(name="members_before_searching") as reading, connection.cursor() as writing:
        reading.itersize = ROWS_AT_ONCE
        reading.execute(
            "select tenant_id, member_id, username, display_name, email from bursar.members where status <> 'deleted'"
        )
        while rows := reading.fetchmany(ROWS_AT_ONCE):
            writing.executemany(
                "update bursar.members set search_text = %s where tenant_id = %s and member_id = %s",
                [(_search_text(names), tenant_id, member_id) for tenant_id, member_id, *names in rows],
            )


def _search_text(names: list[str | None]) -> str:
    """As the product made it when this step was written; a step does not change with the product."""
    parts = [_folded(part).encode()[:640].decode(errors="ignore") for part in names if part]
    longest_first = sorted(dict.fromkeys(parts), key=len, reverse=True)
    kept = [part for number, part in enumerate(longest_first) if not any(part in one for one in longest_first[:number])]
    return " ".join(kept)


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFKC", "".join(letter for letter in plain if not unicodedata.combining(letter)))
