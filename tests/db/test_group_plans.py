"""The plans by which a group's members and a tenant's credit requests are found where there are many of others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.credit_requests import RequestStatus
from bursar.ledger import children
from bursar.store import credit_requests
from bursar.store.credit_requests import RequestFilter
from tests.support.people import SOME_TIME, insert_tenant
from tests.support.postgres import FreshDatabase

ROWS = 20_000
GROUP = UUID(int=7)


@pytest.fixture
async def tenant_id(fresh_database: FreshDatabase, database: Database) -> UUID:
    """A tenant with many members in a hundred groups and many requests, of which one in a thousand was denied and one
    waits."""
    tenant_id = await insert_tenant(database, "Acme")
    connection = await asyncpg.connect(fresh_database.admin_url)
    # Only what is looked through is there, and not what it refers to.
    await connection.execute("set session_replication_role = replica")
    # Else what vacuum finds is too young for it to say that everybody sees it.
    await connection.execute("set synchronous_commit = on")
    await connection.execute(
        """
        insert into bursar.ledger_wallets
            (tenant_id, member_id, group_id, monthly_micro, allowance_micro, allowance_held_micro, balance_micro,
             balance_held_micro, used_micro, consumed_micro, allowance_sequence, balance_sequence, consumed_sequence,
             epoch, status, spends_pool)
        select $1, lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n % 100), 32, '0')::uuid, n, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               1, 'active', false
        from generate_series(1, $2) n
        """,
        tenant_id,
        ROWS,
    )
    await connection.execute(
        """
        insert into bursar.credit_requests
            (tenant_id, request_id, member_id, group_id, amount_micro, reason, status, submitted_at, epoch,
             approved_micro, of_allowance_micro, of_balance_micro, of_pool_micro, decided_by, decided_at)
        select $1::uuid, lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n % 500), 32, '0')::uuid, $4::uuid, 1,
               repeat('x', 900),
               status, $3::timestamptz, 1, given, given, given - given, given - given,
               case when status <> 'pending' then $1::uuid end, case when status <> 'pending' then $3::timestamptz end
        from generate_series(1, $2) n
        cross join lateral (
            select case when n = 1 then 'pending' when n % 1000 = 0 then 'denied' else 'approved' end
        ) as became (status)
        cross join lateral (select case became.status when 'approved' then 1 end) as approved (given)
        """,
        tenant_id,
        ROWS,
        SOME_TIME,
        GROUP,
    )
    await connection.execute("vacuum analyze bursar.ledger_wallets, bursar.credit_requests")
    await connection.close()
    return tenant_id


@pytest.mark.rule("BUDGET-6")
async def test_whom_a_group_gave_the_most_is_found_among_its_own_members(database: Database, tenant_id: UUID) -> None:
    async with reading(database, tenant_id) as transaction:
        plan = f"explain (format json) {children._LARGEST_ALLOWANCES}"
        (row,) = await transaction.fetch(plan, tenant_id, GROUP, 11)
        largest = await children.list_largest_allowances(transaction, tenant_id, GROUP, limit=2)

    assert indexes_of(row[0]) == {"ledger_wallets_by_group"}
    assert [(part.identity.int, part.monthly.micro) for part in largest] == [(19_907, 19_907), (19_807, 19_807)]


@pytest.mark.rule("REQUEST-9")
@pytest.mark.parametrize("status", [RequestStatus.PENDING, RequestStatus.DENIED])
async def test_requests_of_one_status_are_found_without_looking_through_the_others(
    database: Database, tenant_id: UUID, status: RequestStatus
) -> None:
    async with reading(database, tenant_id) as transaction:
        statement = credit_requests._LISTED.format(narrowest="request.status = $5")
        values = credit_requests._filter_values(RequestFilter())
        (row,) = await transaction.fetch(f"explain (format json) {statement}", tenant_id, *values, status, None, 51)

    assert "credit_requests_of_status" in indexes_of(row[0])
    assert "credit_requests_pkey" not in indexes_of(row[0])


@pytest.mark.rule("REQUEST-10")
async def test_requests_are_counted_without_reading_one(database: Database, tenant_id: UUID) -> None:
    async with reading(database, tenant_id) as transaction:
        statement = credit_requests._COUNTED.format(narrowest="true")
        values = credit_requests._filter_values(RequestFilter())
        (row,) = await transaction.fetch(f"explain (format json) {statement}", tenant_id, *values)
        counts = await credit_requests.count_credit_requests(transaction, tenant_id, RequestFilter())

    scans = [node for node in nodes(json.loads(row[0])[0]["Plan"]) if "Relation Name" in node]
    assert [(scan["Node Type"], scan.get("Index Name")) for scan in scans] == [
        ("Index Only Scan", "credit_requests_of_status")
    ]
    assert list(counts.values()) == [1, 19_979, 20, 0]


def indexes_of(plan: str) -> set[str]:
    return {node["Index Name"] for node in nodes(json.loads(plan)[0]["Plan"]) if "Index Name" in node}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
