"""The fixtures that every test may ask for."""

from collections.abc import AsyncIterator, Iterator

import pytest

from bursar.db.engine import Database
from tests.support.offices import TestOffice, running_office
from tests.support.postgres import (
    FreshDatabase,
    Server,
    copied_database,
    empty_database,
    running_server,
    template_database,
)

pytest_plugins = ("tests.support.machine",)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server of this session."""
    with running_server(fsync=False) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres: Server) -> Iterator[str]:
    """The database that others are copied from, by name."""
    with template_database(postgres) as name:
        yield name


@pytest.fixture
def fresh_database(postgres: Server, migrated_template: str) -> Iterator[FreshDatabase]:
    """A database of this test's own, migrated and provisioned."""
    with copied_database(postgres, migrated_template) as fresh:
        yield fresh


@pytest.fixture
def empty_database_url(postgres: Server) -> Iterator[str]:
    """The superuser's URL of a database with nothing in it."""
    with empty_database(postgres) as admin_url:
        yield admin_url


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    """This test's database, as the application sees it."""
    opened = await Database.open(fresh_database.app_url, application_name="bursar tests", size=8)
    yield opened
    await opened.close()


@pytest.fixture
async def platform_database(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    """This test's database, as the platform's own work sees it."""
    opened = await Database.open(fresh_database.platform_url, application_name="bursar tests", size=4)
    yield opened
    await opened.close()


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[TestOffice]:
    """A running Bursar of this test's own, asked over HTTP."""
    async with running_office(fresh_database) as running:
        yield running
