"""Tenants are kept apart by the database itself, also when a statement forgets to say which tenant it means."""

from uuid import UUID

import asyncpg
import pytest

from bursar.db.engine import Database
from bursar.db.transaction import Mode, opening_statements, platform_reading, platform_writing, reading, writing
from tests.support.people import insert_event, insert_group, insert_platform_event, insert_tenant


@pytest.fixture
async def acme(database: Database) -> UUID:
    return await insert_tenant(database, "Acme")


@pytest.fixture
async def globex(database: Database) -> UUID:
    return await insert_tenant(database, "Globex")


async def test_a_tenant_sees_its_own_rows_and_no_others(database: Database, acme: UUID, globex: UUID) -> None:
    for tenant_id, name in ((acme, "Sales"), (globex, "Research")):
        async with writing(database, tenant_id) as tx:
            await insert_group(tx, tenant_id, name)

    async with reading(database, acme) as tx:
        names = await tx.fetch("select name from groups")
        tenants = await tx.fetch("select tenant_id from tenants")

    assert [row["name"] for row in names] == ["Sales"]
    assert [row["tenant_id"] for row in tenants] == [acme]


async def test_an_empty_scope_sees_nothing_and_adds_nothing(database: Database, acme: UUID) -> None:
    async with platform_reading(database) as tx:
        assert await tx.fetch("select tenant_id from tenants") == []

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with platform_writing(database) as tx:
            await insert_group(tx, acme, "Sales")


async def test_an_unset_scope_sees_nothing(database: Database, acme: UUID) -> None:
    assert await database.pool.fetch("select tenant_id from tenants") == []


async def test_the_scope_ends_with_its_transaction(database: Database, acme: UUID) -> None:
    async with database.pool.acquire() as connection:
        await connection.execute(opening_statements(Mode.READING, [acme]))
        inside = await connection.fetchval("select count(*) from tenants")
        await connection.execute("commit")
        afterwards = await connection.fetchval("select count(*) from tenants")

    assert (inside, afterwards) == (1, 0)


async def test_a_scope_of_several_tenants_sees_exactly_those(database: Database, acme: UUID, globex: UUID) -> None:
    initech = await insert_tenant(database, "Initech")

    connection = await database.connect_posting()
    await connection.execute(opening_statements(Mode.WRITING, [acme, initech]))
    seen = await connection.fetch("select tenant_id from tenants")
    await connection.close()

    assert {row["tenant_id"] for row in seen} == {acme, initech}
    assert globex not in {row["tenant_id"] for row in seen}


async def test_a_row_cannot_be_added_to_another_tenant(database: Database, acme: UUID, globex: UUID) -> None:
    async with writing(database, acme) as tx:
        await insert_group(tx, acme, "Sales")

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with writing(database, acme) as tx:
            await insert_group(tx, globex, "Sales")


async def test_a_row_cannot_be_moved_to_another_tenant(database: Database, acme: UUID, globex: UUID) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with writing(database, acme) as tx:
            await tx.execute("update tenants set tenant_id = $1", globex)


async def test_another_tenants_rows_cannot_be_changed(database: Database, acme: UUID, globex: UUID) -> None:
    async with writing(database, acme) as tx:
        outcome = await tx.execute("update tenants set name = 'Taken over' where tenant_id = $1", globex)

    assert outcome == "UPDATE 0"


async def test_the_platform_sees_every_tenant_and_nothing_in_them(
    database: Database, platform_database: Database, acme: UUID, globex: UUID
) -> None:
    async with platform_reading(platform_database) as tx:
        seen = await tx.fetch("select tenant_id from tenants")

    assert {row["tenant_id"] for row in seen} == {acme, globex}
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with reading(platform_database, acme) as tx:
            await tx.fetch("select group_id from groups")


async def test_work_inside_tenants_cannot_read_the_super_admins(
    database: Database, platform_database: Database
) -> None:
    async with platform_reading(platform_database) as tx:
        assert await tx.fetch("select password_hash from platform_admins") == []

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with platform_reading(database) as tx:
            await tx.fetch("select password_hash from platform_admins")


@pytest.mark.rule("AUDIT-7")
@pytest.mark.parametrize("change", ["update events set note = 'x'", "delete from events", "truncate events"])
async def test_the_audit_log_can_only_grow(database: Database, acme: UUID, change: str) -> None:
    async with writing(database, acme) as tx:
        await insert_event(tx, acme, "tenant.created")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with writing(database, acme) as tx:
            await tx.execute(change)
    async with reading(database, acme) as tx:
        assert await tx.fetchval("select kind from events where tenant_id = $1", acme) == "tenant.created"


@pytest.mark.rule("AUDIT-7")
@pytest.mark.parametrize("change", ["update {} set note = 'x'", "delete from {}", "truncate {}"])
async def test_the_platforms_own_log_and_a_tenants_can_only_grow_for_either_role(
    database: Database, platform_database: Database, acme: UUID, change: str
) -> None:
    async with platform_writing(platform_database) as tx:
        await insert_platform_event(tx, "price_set")

    for opened, table in (
        (platform_database, "platform_events"),
        (platform_database, "events"),
        (database, "platform_events"),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with writing(opened, acme) as tx:
                await tx.execute(change.format(table))
    async with platform_reading(platform_database) as tx:
        assert await tx.fetchval("select kind from platform_events") == "price_set"


async def test_the_scope_filters_rows_and_never_steers_an_index(database: Database, acme: UUID) -> None:
    connection = await database.connect_posting()
    await connection.execute(opening_statements(Mode.WRITING, [acme]))
    plan = await connection.fetch(
        f"explain (costs off) select name from groups where tenant_id = '{acme}' and group_id = '{acme}'"
    )
    await connection.close()

    lines = [row[0].strip() for row in plan]
    conditions = [line for line in lines if line.startswith("Index Cond")]
    filters = [line for line in lines if line.startswith("Filter")]
    assert len(conditions) == 1
    assert "tenant_id" in conditions[0]
    assert "group_id" in conditions[0]
    assert "array_position" not in conditions[0]
    assert len(filters) == 1
    assert "array_position" in filters[0]
