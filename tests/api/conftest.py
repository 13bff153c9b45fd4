"""A running office for the tests over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.offices import TestOffice, running_office
from tests.support.postgres import FreshDatabase


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[TestOffice]:
    """A Bursar of this test's own."""
    async with running_office(fresh_database) as running:
        yield running
