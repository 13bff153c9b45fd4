"""Addresses keep their meaning on the way from an operator to the two drivers."""

import asyncpg
import psycopg
import pytest

from bursar.db.addresses import address_for_asyncpg, address_of_database, address_with_sign_in
from tests.support.postgres import FreshDatabase

PASSWORD = "p@ss/w:rd?&=# %41"


def meaning(address: str) -> dict[str, str | int | None]:
    return dict(psycopg.conninfo.conninfo_to_dict(address))


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:secret@db.example:6432/books?sslmode=require",
        "postgresql://ann:secret@/books?host=/var/run/a%20folder&port=6432&sslmode=require",
        "host=one,two port=5432,5433 user=ann password=secret dbname=books target_session_attrs=primary",
    ],
)
def test_only_the_database_and_the_sign_in_are_replaced(address: str) -> None:
    changed = address_with_sign_in(address, database="other books", role="bob", password=PASSWORD)

    assert meaning(changed) == {**meaning(address), "dbname": "other books", "user": "bob", "password": PASSWORD}
    assert meaning(address_of_database(address, database="other books")) == {
        **meaning(address),
        "dbname": "other books",
    }


def test_what_belongs_to_the_operators_sign_in_is_left_behind() -> None:
    changed = address_with_sign_in(
        "postgresql://ann@db.example/books?sslcert=ann.pem&sslkey=ann.key&sslrootcert=ca.pem",
        database="books",
        role="bob",
        password="x",
    )

    assert set(meaning(changed)) == {"host", "dbname", "user", "password", "sslrootcert"}


async def test_asyncpg_connects_where_only_libpq_knows_a_parameter(fresh_database: FreshDatabase) -> None:
    address = f"{fresh_database.app_url}&connect_timeout=5&keepalives_idle=30"

    with pytest.raises(asyncpg.PostgresError):
        await asyncpg.connect(address)
    connection = await asyncpg.connect(address_for_asyncpg(address))
    database = await connection.fetchval("select current_database()")
    await connection.close()

    assert database == fresh_database.name
