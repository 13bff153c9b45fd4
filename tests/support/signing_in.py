"""Signing in from wherever a test likes, behind a proxy that says what the test says; and what came of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from bursar.db.transaction import writing
from bursar.outside.clock import TurnedClock
from bursar.outside.secrets import Passwords
from tests.support.offices import CHEAP_HASHER, PASSWORD, Place, TestOffice, running_office
from tests.support.postgres import FreshDatabase

WRONG = "wrong password"
SESSION = "/api/v1/session"


class CountingPasswords(Passwords):
    """Counts how many passwords are checked; the tests' own, so that they cost next to nothing."""

    def __init__(self) -> None:
        super().__init__(CHEAP_HASHER)
        self.checked = 0

    async def matches(self, stored: str | None, password: str) -> bool:
        is_right = await super().matches(stored, password)
        self.checked += 1
        return is_right


@dataclass
class StoppedClock(TurnedClock):
    """A clock that goes on only when it is turned: how long a test takes changes no wait."""

    stopped_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.stopped_at + self.turned_by

    def seconds(self) -> float:
        return self.turned_by.total_seconds()


@asynccontextmanager
async def office_behind_a_proxy(
    fresh: FreshDatabase, *, passwords: Passwords | None = None, clock: TurnedClock | None = None
) -> AsyncIterator[TestOffice]:
    """A Bursar that believes what this machine says of a client's address, at a time that stands still."""
    async with running_office(
        fresh, passwords=passwords, clock=clock or StoppedClock(), trusted_proxies=("127.0.0.1",)
    ) as house:
        yield house


async def tried(
    house: TestOffice,
    name: str = "acme-member",
    password: str = WRONG,
    *,
    address: str = "203.0.113.1",
    client: httpx.AsyncClient | None = None,
) -> httpx.Response:
    """One attempt from an address, by a new visitor or by this client."""
    async with httpx.AsyncClient(base_url=house.url, timeout=30) as stranger:
        return await (client or stranger).post(
            SESSION,
            json={"name": name, "password": password},
            headers={"x-forwarded-for": address},
        )


async def device_of(house: TestOffice, name: str = "acme-member") -> httpx.AsyncClient:
    """A browser that this person has signed in with, from home, and out again."""
    browser = house.visitor()
    response = await tried(house, name, PASSWORD, address="198.51.100.1", client=browser)
    assert response.status_code == 200, response.text
    assert (await browser.delete(SESSION)).status_code == 204
    return browser


async def with_token(house: TestOffice, token: str, path: str = SESSION) -> httpx.Response:
    """Asked by somebody who holds this token and keeps no cookies."""
    async with httpx.AsyncClient(base_url=house.url, timeout=30) as holder:
        return await holder.get(path, headers={"cookie": f"bursar_session={token}"})


def token_of(client: httpx.AsyncClient) -> str:
    """The token that this browser would send."""
    return client.cookies["bursar_session"]


async def changed(house: TestOffice, place: Place, statement: str) -> None:
    """Puts something about the tenant's people in place that has other tests of its own."""
    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        await transaction.execute(statement, place.tenant.tenant_id)


async def events_of(house: TestOffice, place: Place, *kinds: str) -> list[dict[str, Any]]:
    """The tenant's events of these kinds, in order."""
    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        rows = await transaction.fetch(
            "select kind, actor_id, subject_id, address, request_id, detail from events "
            "where tenant_id = $1 and kind = any($2) order by event_id",
            place.tenant.tenant_id,
            list(kinds),
        )
    return [{**dict(row), "detail": json.loads(row["detail"])} for row in rows]
