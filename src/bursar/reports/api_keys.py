"""API keys as people see them: never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.api_keys import KeyLimits
from bursar.domain.refusals import Refusal
from bursar.store.api_keys import ApiKey, count_api_keys, count_keys_of_member, find_api_key, list_api_keys
from bursar.store.key_limits import find_tenant_key_limits
from bursar.store.members import find_member


@dataclass(frozen=True)
class KeyPage:
    """Some keys, and how many there are in all."""

    keys: list[ApiKey]
    total: int


async def see_api_keys(
    database: Database, tenant_id: UUID, member_id: UUID | None, *, after: UUID | None, limit: int
) -> KeyPage:
    """A page of one member's keys, or of everybody's for None, as they were made. Refuses `member_unknown`."""
    async with reading(database, tenant_id) as transaction:
        if member_id is None:
            total = await count_api_keys(transaction, tenant_id)
        else:
            member = await find_member(transaction, tenant_id, member_id)
            if member is None or member.status == "deleted":
                raise Refusal("member_unknown", "There is no such member.", field="member_id")
            total = await count_keys_of_member(transaction, tenant_id, member_id)
        keys = await list_api_keys(transaction, tenant_id, member_id, after=after, limit=limit)
    return KeyPage(keys, total)


async def see_api_key(database: Database, tenant_id: UUID, key_id: UUID, *, only_of: UUID | None) -> ApiKey:
    """One key; with `only_of`, only if it is that member's. Refuses `api_key_unknown`.

    Rule: KEY-2
    """
    async with reading(database, tenant_id) as transaction:
        found = await find_api_key(transaction, tenant_id, key_id)
    if found is None or only_of not in (None, found.key.owner.member_id):
        raise Refusal("api_key_unknown", "There is no such API key.", field="key_id")
    return found.key


async def see_key_limits(database: Database, tenant_id: UUID) -> KeyLimits:
    """What the tenant's keys inherit. Refuses `tenant_unknown`."""
    async with reading(database, tenant_id) as transaction:
        limits = await find_tenant_key_limits(transaction, tenant_id)
    if limits is None:
        raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
    return limits
