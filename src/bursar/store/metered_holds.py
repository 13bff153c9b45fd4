"""What holds and charges of the metering API are for, and the terms on which a member is metered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from bursar.db.transaction import Transaction
from bursar.domain.costs import PARTS_PER_PICO, Cost, Factor
from bursar.domain.metering import ENDPOINT, Purpose
from bursar.store.calls import factor_of, micro_of


@dataclass(frozen=True, slots=True)
class MeteredHold:
    """What the ledger does not know of a hold: what for, in dollars if it was, and the terms when it was opened."""

    group_id: UUID
    key_id: UUID | None
    purpose: Purpose
    dollars: Cost | None
    credit_factor: Factor


@dataclass(frozen=True, slots=True)
class MeteringTerms:
    """What a member is metered on: the group it is in, what a dollar comes to, and which day it is where they are."""

    group_id: UUID
    credit_factor: Factor
    day: date


INSERT_METERED_HOLDS = """
insert into bursar.metered_holds (
  tenant_id, hold_id, group_id, key_id, dollars_pico, credit_factor_micro, label, metadata, batch_number
)
select * from unnest(
  $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::text[], $8::jsonb[], $9::bigint[]
)
"""
"""For rows that are carried by the ledger: one array a column, the tenants first and the batches last."""


def values_of_metered_hold(hold_id: UUID, metered: MeteredHold) -> tuple[object, ...]:
    """The row of a hold, as `INSERT_METERED_HOLDS` takes it between tenant and batch."""
    words = metered.purpose.words
    return (
        hold_id,
        metered.group_id,
        metered.key_id,
        None if metered.dollars is None else metered.dollars.pico_dollars,
        micro_of(metered.credit_factor),
        metered.purpose.label,
        None if words is None else msgspec.json.encode(words).decode(),
    )


async def find_metering_terms(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, *, at: datetime
) -> MeteringTerms | None:
    """The terms for what this member was metered at a moment; None if there is no such member."""
    row = await transaction.fetchrow(
        """
        select members.group_id, tenants.credit_factor_micro,
          ($3::timestamptz at time zone control.time_zone)::date as day
        from tenants
        join bursar.ledger_control as control
          on control.tenant_id = tenants.tenant_id
        join members
          on members.tenant_id = tenants.tenant_id
        where tenants.tenant_id = $1
          and members.tenant_id = $1
          and members.member_id = $2
        """,
        tenant_id,
        member_id,
        at,
    )
    return None if row is None else MeteringTerms(row["group_id"], factor_of(row["credit_factor_micro"]), row["day"])


# A charge has no row of its own: its usage says what it was for.
_SELECT = """
select metered.hold_id, metered.group_id, metered.key_id, metered.dollars_pico, metered.credit_factor_micro,
  metered.label, metered.metadata
from bursar.metered_holds as metered
where metered.tenant_id = $1
  and metered.hold_id = any($2::uuid[])
union all
select called.call_id, called.group_id, called.key_id, nullif(called.cost_pico, 0), called.credit_factor_micro,
  called.label, called.metadata
from bursar.calls as called
where called.tenant_id = $1
  and called.call_id = any($2::uuid[])
  and called.endpoint = $3
  and not exists (
    select from bursar.metered_holds as metered
    where metered.tenant_id = $1
      and metered.hold_id = called.call_id
  )
"""


async def find_metered_hold(transaction: Transaction, tenant_id: UUID, hold_id: UUID) -> MeteredHold | None:
    """What this hold or charge is for; None if an application opened none such."""
    return (await list_metered_holds(transaction, tenant_id, [hold_id])).get(hold_id)


async def list_metered_holds(
    transaction: Transaction, tenant_id: UUID, hold_ids: Sequence[UUID]
) -> Mapping[UUID, MeteredHold]:
    """What those among these holds and charges are for that an application opened."""
    rows = await transaction.fetch(_SELECT, tenant_id, list(hold_ids), ENDPOINT)
    return {row["hold_id"]: _metered(row) for row in rows}


def _metered(row: Any) -> MeteredHold:
    pico, words = row["dollars_pico"], row["metadata"]
    return MeteredHold(
        group_id=row["group_id"],
        key_id=row["key_id"],
        purpose=Purpose(row["label"], None if words is None else msgspec.json.decode(words, type=dict[str, str])),
        dollars=None if pico is None else Cost(pico * PARTS_PER_PICO),
        credit_factor=factor_of(row["credit_factor_micro"]),
    )
