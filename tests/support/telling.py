"""What people were told, and events to tell them of, for tests of notifications."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from bursar.actions.desk import Asked, Subject, Told, record
from bursar.db.transaction import writing
from bursar.domain.permissions import SYSTEM, Actor
from bursar.domain.roles import Role
from bursar.outside.identity import new_uuid
from bursar.store.members import Member
from bursar.worker.outbox import tell_what_happened
from tests.support.calls.scenes import fresh_member
from tests.support.offices import Place, TestOffice

NOTIFICATIONS = "/api/v1/notifications"


@dataclass(frozen=True)
class Own:
    """What somebody sees of their notifications."""

    titles: list[str]
    unread_count: int


async def event(
    house: TestOffice,
    place: Place,
    kind: str,
    *,
    subject: Subject | None = None,
    by: Member | None = None,
    note: str | None = None,
    **detail: str | None,
) -> None:
    """An event as an action leaves it; unless told, Bursar's own and about the tenant."""
    tenant_id = place.tenant.tenant_id
    actor = SYSTEM if by is None else Actor(Role(by.role), by.member_id, tenant_id, by.display_name)
    told = Told(kind, subject or Subject("tenant", tenant_id), note, detail)
    async with writing(house.desk.tenants, tenant_id) as transaction:
        await record(transaction, house.desk, Asked(actor), tenant_id, told)


async def told(house: TestOffice) -> None:
    """Everybody is told of everything that has happened."""
    while await tell_what_happened(house.desk):
        pass


async def own(client: httpx.AsyncClient, query: str = "") -> Own:
    """The titles of one's own notifications, newest first, and how many are unread."""
    answer = await seen(client, query)
    return Own([one["title"] for one in answer["notifications"]], answer["unread_count"])


async def seen(client: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    """The answer to who looks at their own notifications."""
    response = await client.get(NOTIFICATIONS + query)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def changed(house: TestOffice, statement: str, *arguments: object) -> None:
    """What no route does yet, done by the database's owner."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


async def asked_for(house: TestOffice, place: Place, member: Member, amount: int = 50) -> Subject:
    """A credit request of this member, as it stands in its table."""
    request_id = new_uuid()
    await changed(
        house,
        """
        insert into bursar.credit_requests
            (tenant_id, request_id, member_id, group_id, amount_micro, reason, status, submitted_at, epoch)
        values ($1, $2, $3, $4, $5, 'a report', 'pending', $6, 1)
        """,
        place.tenant.tenant_id,
        request_id,
        member.member_id,
        member.group_id,
        amount * 1_000_000,
        house.clock.now(),
    )
    return Subject("credit_request", request_id)


async def ordered(house: TestOffice, place: Place, member: Member) -> Subject:
    """A purchase that this member ordered, as it stands in its table."""
    purchase_id = new_uuid()
    await changed(
        house,
        """
        insert into bursar.purchases
            (tenant_id, purchase_id, number, amount_micro, currency, credit_price, total, provider, status, ordered_by,
             ordered_at)
        values ($1, $2, 1, 1000000, 'USD', 1, 1, 'invoice', 'pending', $3, $4)
        """,
        place.tenant.tenant_id,
        purchase_id,
        member.member_id,
        house.clock.now(),
    )
    return Subject("purchase", purchase_id)


async def started(house: TestOffice, place: Place, member: Member) -> Subject:
    """A batch that this member started, as it stands in its table."""
    batch_id: UUID = new_uuid()
    await changed(
        house,
        """
        insert into bursar.allocation_batches
            (tenant_id, batch_id, kind, state, amount_micro, rows_count, given_count, failed_count, given_micro,
             total_micro, created_by, created_at)
        values ($1, $2, 'equal', 'running', 1000000, 3, 0, 0, 0, 3000000, $3, $4)
        """,
        place.tenant.tenant_id,
        batch_id,
        member.member_id,
        house.clock.now(),
    )
    return Subject("allocation_batch", batch_id)


async def everybody(house: TestOffice, place: Place) -> dict[str, httpx.AsyncClient]:
    """The tenant admin, an admin, a member, and another member, who have been told of all so far."""
    deputy, other = await house.admin(place), await fresh_member(house, place)
    people = {"boss": place.admin, "deputy": deputy, "member": place.member, "other": other}
    await told(house)
    return {name: await house.signed_in(one.username) for name, one in people.items()}


async def told_of(house: TestOffice, clients: dict[str, httpx.AsyncClient]) -> dict[str, list[str]]:
    """What each of them is told, for those who are told something."""
    await told(house)
    titles = {name: (await own(client)).titles for name, client in clients.items()}
    return {name: shown for name, shown in titles.items() if shown}
