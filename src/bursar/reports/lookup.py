"""Finding what somebody names at the command line: a tenant, a member, a group."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import platform_reading, reading
from bursar.domain.ids import PREFIXES, parse_public_id
from bursar.domain.refusals import Refusal
from bursar.store.groups import Group, find_group_by_name
from bursar.store.sign_in_names import find_sign_in_name
from bursar.store.tenants import Tenant, list_tenants_named


@dataclass(frozen=True)
class FoundMember:
    """A member and the tenant they are in."""

    tenant_id: UUID
    member_id: UUID


async def find_tenant(platform: Database, text: str) -> Tenant:
    """The tenant with this id or name. Refuses `tenant_unknown`, and `invalid_input` where several have the name."""
    tenant_id = _id_in("tenant", text)
    async with platform_reading(platform) as transaction:
        found = await list_tenants_named(transaction, text.strip(), tenant_id)
    if not found:
        raise Refusal("tenant_unknown", f"There is no tenant {text!r}.", field="tenant")
    if len(found) > 1:
        raise Refusal("invalid_input", f"Several tenants are called {text!r}: use an id.", field="tenant")
    return found[0]


async def find_member_named(platform: Database, text: str) -> FoundMember:
    """The member with this username or e-mail address, in whatever tenant. Refuses `member_unknown`."""
    async with platform_reading(platform) as transaction:
        found = await find_sign_in_name(transaction, text)
    if found is None or found.tenant_id is None:
        raise Refusal("member_unknown", f"There is no member {text!r}.", field="member")
    return FoundMember(found.tenant_id, found.principal_id)


async def find_group_named(database: Database, tenant_id: UUID, text: str) -> Group:
    """The group of this tenant with this name. Refuses `group_unknown`."""
    async with reading(database, tenant_id) as transaction:
        group = await find_group_by_name(transaction, tenant_id, text.strip())
    if group is None:
        raise Refusal("group_unknown", f"There is no group {text!r}.", field="group")
    return group


def _id_in(noun: str, text: str) -> UUID | None:
    """The id, if the text is one; a name that merely begins like one is a name."""
    if not text.startswith(f"{PREFIXES[noun]}_"):
        return None
    try:
        return parse_public_id(noun, text, field=noun)
    except Refusal:
        return None
