"""Callers who are looked up together: each gets their own key and terms, and nothing of it outlives the look-up."""

from __future__ import annotations

import asyncio

import pytest

from bursar.actions.call_desk import call_desk
from bursar.domain.refusals import Refusal
from tests.support.keys import made_key
from tests.support.offices import Place, TestOffice


async def secret_of(house: TestOffice, place: Place) -> str:
    """The secret of a new key of the place's member."""
    secret: str = (await made_key(await house.signed_in(place.member.username)))["secret"]
    return secret


@pytest.mark.rule("KEY-6")
async def test_callers_of_several_tenants_who_come_at_once_each_get_their_own(house: TestOffice) -> None:
    places = [await house.tenant("Acme"), await house.tenant("Globex"), await house.tenant("Initech")]
    secrets = [await secret_of(house, place) for place in places]
    unknown = secrets[0][:-8] + "abcdefgh"

    async with call_desk(house.desk, hold_seconds=60) as calls:
        found = await asyncio.gather(
            *(calls.callers.authenticate(secret, address=None) for secret in [*secrets, *secrets, unknown]),
            return_exceptions=True,
        )

    refused = found.pop()
    assert isinstance(refused, Refusal)
    assert refused.code == "api_key_invalid"
    for place, caller in zip([*places, *places], found, strict=True):
        assert not isinstance(caller, BaseException)
        assert caller.found.tenant.tenant_id == place.tenant.tenant_id
        assert caller.found.key.owner.member_id == place.member.member_id
        assert caller.terms.group_id == place.member.group_id


async def test_whoever_asks_next_on_the_same_connection_sees_nobodys_rows(house: TestOffice) -> None:
    place = await house.tenant()
    secret = await secret_of(house, place)

    async with call_desk(house.desk, hold_seconds=60) as calls:
        await calls.callers.authenticate(secret, address=None)
        await calls.callers.close()

    pool = house.desk.tenants.pool
    connections = [await pool.acquire() for _ in range(pool.get_size())]
    try:
        assert connections
        for connection in connections:
            assert await connection.fetchval("select count(*) from api_keys") == 0
            assert not await connection.fetchval("select current_setting('bursar.scope', true)")
    finally:
        for connection in connections:
            await pool.release(connection)
