"""Programs that ask too often, over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.keys import made_key
from tests.support.offices import running_office
from tests.support.postgres import FreshDatabase
from tests.support.signing_in import StoppedClock


@pytest.mark.rule("LIMIT-13")
async def test_a_management_key_that_asks_too_often_waits_and_nobody_else_does(fresh_database: FreshDatabase) -> None:
    clock = StoppedClock()
    async with running_office(fresh_database, clock=clock, key_requests_per_minute=3) as house:
        await house.tenant()
        boss = await house.signed_in("acme-admin")
        secrets = [(await made_key(boss, "management", scopes=["groups:read"]))["secret"] for _ in range(2)]
        one, other = [house.visitor(authorization=f"Bearer {secret}") for secret in secrets]

        async def statuses(count: int) -> list[int]:
            return [(await one.get("/api/v1/groups")).status_code for _ in range(count)]

        assert await statuses(2) == [200, 200]
        clock.turn(timedelta(seconds=20))
        assert await statuses(2) == [200, 429]
        refused = await one.get("/api/v1/groups")
        assert refused.headers["retry-after"] == "40"
        assert refused.headers["content-type"] == "application/problem+json"
        assert (refused.json()["code"], refused.json()["may_retry"]) == ("rate_limit_exceeded", True)
        assert (await other.get("/api/v1/groups")).status_code == 200
        assert [(await boss.get("/api/v1/groups")).status_code for _ in range(4)] == [200] * 4
        clock.turn(timedelta(seconds=40))
        assert await statuses(3) == [200, 200, 429]
