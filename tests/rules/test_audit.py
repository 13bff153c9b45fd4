"""docs/rules/audit.md, example by example."""

from __future__ import annotations

import pytest

from bursar.actions.desk import Asked, Subject, Told, record
from bursar.db.transaction import writing
from bursar.domain.events import EVENTS
from bursar.domain.permissions import SYSTEM
from bursar.domain.refusals import Broken
from tests.support.offices import TestOffice


@pytest.mark.rule("AUDIT-1")
async def test_a_change_leaves_an_event_with_who_when_where_and_what(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")

    answer = await admin.post("/api/v1/groups", json={"name": "Research"})

    async with house.desk.tenants.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local bursar.scope = '{{{place.tenant.tenant_id}}}'")
        event = await connection.fetchrow("select * from events where kind = 'group_created'")
    assert event is not None
    assert (event["actor_id"], event["actor_kind"]) == (place.admin.member_id, "member")
    assert event["happened_at"] is not None
    assert event["address"] == "127.0.0.1"
    assert event["request_id"] == answer.headers["x-request-id"]
    assert event["changes"] == '{"name": {"after": "Research", "before": null}}'


@pytest.mark.rule("AUDIT-2")
async def test_what_is_not_in_the_catalogue_cannot_be_recorded(house: TestOffice) -> None:
    place = await house.tenant()
    subject = Subject("tenant", place.tenant.tenant_id)

    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        with pytest.raises(Broken):
            await record(transaction, house.desk, Asked(SYSTEM), place.tenant.tenant_id, Told("nonsense", subject))

    assert all(kind.label and kind.meaning.endswith(".") for kind in EVENTS.values())
