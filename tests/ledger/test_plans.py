"""The plans of posting statements: made on empty tables, they must be right for full ones."""

from __future__ import annotations

import json
import re
from uuid import UUID

import pytest

from bursar.db.engine import Database
from bursar.ledger import balances
from bursar.ledger.posting import loading, writing

_STATEMENTS = {
    name: statement
    for module in (loading, writing)
    for name, statement in vars(module).items()
    if re.match(r"_(LOCK|FIND|LIST|INSERT|UPDATE|UPSERT)_", name) and isinstance(statement, str)
}


@pytest.mark.parametrize("name", sorted(set(_STATEMENTS) - {"_FIND_ORIGINALS"}))
async def test_a_posting_statement_finds_rows_by_their_primary_key_even_if_planned_on_empty_tables(
    database: Database, name: str
) -> None:
    statement = _STATEMENTS[name]
    arrays = max(int(number) for number in re.findall(r"\$(\d+)", statement))
    connection = await database.connect_posting()
    try:
        arguments: list[list[object]] = [[] for _ in range(arrays)]
        (row,) = await connection.fetch(f"explain (format json) {statement}", *arguments)
    finally:
        await connection.close()

    nodes = _nodes(json.loads(row[0])[0]["Plan"])
    scans = [node for node in nodes if "Relation Name" in node and node["Node Type"] != "ModifyTable"]
    assert [node["Node Type"] for node in scans if node["Node Type"] not in ("Index Scan", "Index Only Scan")] == []
    assert {node["Index Name"] for node in scans} <= {f"{node['Relation Name']}_pkey" for node in scans}


async def test_a_reversal_finds_its_original_by_the_index_made_for_it(database: Database) -> None:
    connection = await database.connect_posting()
    try:
        (row,) = await connection.fetch(f"explain (format json) {loading._FIND_ORIGINALS}", [], [])
    finally:
        await connection.close()

    scans = [node for node in _nodes(json.loads(row[0])[0]["Plan"]) if "Relation Name" in node]
    assert scans
    assert all("transfer_id" in str(node.get("Index Cond")) for node in scans)


async def test_a_tenants_summary_reads_no_members_rows_but_those_of_who_spends_from_the_pool(
    database: Database,
) -> None:
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        (row,) = await connection.fetch(
            f"explain (format json) {balances._SUM_CONSUMED_BY_POOL_SPENDERS}", [UUID(int=1)]
        )

    scans = [node for node in _nodes(json.loads(row[0])[0]["Plan"]) if "Index Name" in node]
    assert [node["Index Name"] for node in scans] == ["ledger_wallets_of_pool_spenders"]


def _nodes(plan: dict[str, object]) -> list[dict[str, object]]:
    children = plan.get("Plans", [])
    assert isinstance(children, list)
    return [plan, *(node for child in children for node in _nodes(child))]
