"""A running office, an application that meters, and both kinds of client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import bursar
from bursar.client import Retries
from tests.support.metering import Meter, metering
from tests.support.offices import TestOffice

AT_ONCE = Retries(attempts_max=4, pause_first_seconds=0.001, pause_longest_seconds=0.001)
"""Tries again without waiting for anybody."""


@pytest.fixture
async def meter(house: TestOffice) -> Meter:
    """An application whose member has 10 credits."""
    return await metering(house)


@pytest.fixture
async def client(meter: Meter) -> AsyncIterator[bursar.AsyncClient]:
    """A client of the application, to be awaited."""
    async with bursar.AsyncClient(meter.house.url, api_key=meter.secret, retries=AT_ONCE) as opened:
        yield opened
