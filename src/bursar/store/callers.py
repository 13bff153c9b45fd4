"""Who calls models: the keys behind many secrets at once, and what decides about their calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.call_sizes import AdmissionPolicy
from bursar.domain.costs import ONE, Factor
from bursar.store.api_keys import KEY_COLUMNS, KeyInTenant, key_in_tenant
from bursar.store.calls import factor_of

LOOK_UP_SECONDS_MAX = 10
"""It takes a millisecond. Where it takes this long the database is down as far as callers are concerned."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides about the calls of a member: the group, what a dollar is in credits and what prices are multiplied
    with, how calls are admitted, where the tenant's days begin, and whom to ask for more.
    """

    group_id: UUID
    credit_factor: Factor
    price_factor: Factor
    admission: AdmissionPolicy
    time_zone: str
    contact: str | None


@dataclass(frozen=True, slots=True)
class CallingKey:
    """A key with its owner and tenant, the terms of its owner's calls, and the catalogue's version at that moment."""

    found: KeyInTenant
    terms: Terms
    catalogue_version: int


_TERMS = """
    m.group_id, t.credit_factor_micro, t.admission, t.contact, c.time_zone,
    coalesce(
        (select f.ten_thousandths from price_factors f where f.tenant_id = m.tenant_id and f.holder_id = m.group_id),
        (select f.ten_thousandths from price_factors f where f.tenant_id = m.tenant_id and f.holder_id = m.tenant_id)
    ) as price_factor
"""


_FIND_CALLING_KEYS = f"""
with wanted as materialized (
  select secret_hash, tenant_id, owner_id
  from secret_hashes
  where secret_hash = any($1::bytea[])
    and kind = 'api_key'
    and (valid_until is null or valid_until > $2)
),
-- Whose rows are seen is known from here on; `offset 0` keeps the planner from looking at any of them before.
scoped as materialized (
  select set_config('bursar.scope', '{{' || string_agg(distinct tenant_id::text, ',') || '}}', true) as scope
  from wanted
)
select wanted.secret_hash, found.*
from scoped
cross join wanted
cross join lateral (
  select {KEY_COLUMNS}, {_TERMS}, (select version from catalogue_version) as catalogue_version
  from api_keys k
  join members m on m.tenant_id = k.tenant_id and m.member_id = k.member_id
  join tenants t on t.tenant_id = k.tenant_id
  join ledger_control c on c.tenant_id = k.tenant_id
  where k.tenant_id = wanted.tenant_id
    and k.key_id = wanted.owner_id
    and k.status <> 'deleted'
    and scoped.scope is not null
  offset 0
) as found
"""


async def list_calling_keys(
    connection: Transaction, secret_hashes: Sequence[bytes], *, now: datetime
) -> dict[bytes, CallingKey]:
    """The keys that these secrets open, where they still work and are not deleted, by the secrets' hashes.

    Asked on a connection that is in no transaction: whose tenants' rows are seen follows from the secrets, and is
    over with the statement. One way to the database for a call instead of four.
    """
    rows = await connection.fetch(_FIND_CALLING_KEYS, secret_hashes, now, timeout=LOOK_UP_SECONDS_MAX)
    return {
        row["secret_hash"]: CallingKey(key_in_tenant(row), _terms(row), row["catalogue_version"]) for row in rows
    }  # fmt: skip


async def find_terms(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> Terms | None:
    """The terms of a member's calls: for those that come with no key."""
    row = await transaction.fetchrow(
        f"""
        select {_TERMS}
        from members m
        join tenants t on t.tenant_id = m.tenant_id
        join ledger_control c on c.tenant_id = m.tenant_id
        where m.tenant_id = $1
          and m.member_id = $2
        """,
        tenant_id,
        member_id,
    )
    return None if row is None else _terms(row)


def _terms(row: Any) -> Terms:
    factor = row["price_factor"]
    return Terms(
        group_id=row["group_id"],
        credit_factor=factor_of(row["credit_factor_micro"]),
        price_factor=ONE if factor is None else Factor(factor),
        admission=AdmissionPolicy(row["admission"]),
        time_zone=row["time_zone"],
        contact=row["contact"],
    )


async def find_or_insert_call_key(
    transaction: Transaction, tenant_id: UUID, key_hash: bytes, call_id: UUID, *, now: datetime
) -> UUID:
    """The id of the call that was made under this key, which is `call_id` if it is the first."""
    found = await transaction.fetchval(
        """
        insert into call_keys (tenant_id, key_hash, call_id, asked_at)
        values ($1, $2, $3, $4)
        on conflict do nothing
        returning call_id
        """,
        tenant_id,
        key_hash,
        call_id,
        now,
    )
    if found is None:
        found = await transaction.fetchval(
            """
            select call_id
            from call_keys
            where tenant_id = $1
              and key_hash = $2
            """,
            tenant_id,
            key_hash,
        )
    return UUID(int=found.int)


async def delete_call_key(transaction: Transaction, tenant_id: UUID, key_hash: bytes) -> None:
    """Makes the key free again."""
    await transaction.execute(
        """
        delete from call_keys
        where tenant_id = $1
          and key_hash = $2
        """,
        tenant_id,
        key_hash,
    )


async def delete_call_keys(transaction: Transaction, tenant_id: UUID, *, before: datetime) -> int:
    """Forgets what was asked before this moment; returns how many it was."""
    status = await transaction.execute(
        """
        delete from call_keys
        where tenant_id = $1
          and asked_at < $2
        """,
        tenant_id,
        before,
    )
    return int(status.split()[-1])
