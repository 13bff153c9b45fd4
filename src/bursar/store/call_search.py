"""Finding calls among all that were kept: newest first, narrowed by whatever is asked.

Most ways of narrowing have no index, since each would cost every call. So a page looks at a bounded number of calls,
those of one key or member where one is named; where few of them are wanted it is short, and says where to go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from bursar.db.transaction import Transaction
from bursar.domain.calls import Call, CallOutcome, usage_of
from bursar.domain.costs import Cost, Factor
from bursar.domain.credits import TOTAL_MAX_MICRO, Credits
from bursar.domain.prices import Service
from bursar.store.calls import factor_of

LOOKED_AT_MAX = 20_000
"""Calls that a page looks at, and that are counted: what is read while a person hardly notices."""


class CallPlace(NamedTuple):
    """Where a call stands in the order of time."""

    started_at: datetime
    call_id: UUID


_END = CallPlace(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are meant; what is None lets all through. A time is when a call began: from `since` on, before
    `until`."""

    since: datetime | None = None
    until: datetime | None = None
    member_id: UUID | None = None
    group_id: UUID | None = None
    key_id: UUID | None = None
    model: str | None = None
    provider: str | None = None
    endpoint: str | None = None
    outcome: CallOutcome | None = None
    is_streamed: bool | None = None
    credits_min: Credits | None = None
    credits_max: Credits | None = None


@dataclass(frozen=True, slots=True)
class FoundCalls:
    """Some calls, and the place behind which there may be more; None where there are no more."""

    calls: list[Call]
    next_place: CallPlace | None


@dataclass(frozen=True, slots=True)
class CallCount:
    """How many calls there are; there may be more where so many had to be looked at that counting ended."""

    total: int
    is_at_least: bool


async def find_calls(
    transaction: Transaction, tenant_id: UUID, wanted: CallFilter, *, before: CallPlace | None, limit: int
) -> FoundCalls:
    """The latest calls that the filter lets through, newest first; `before` continues where an earlier page ended.

    Rule: USAGE-2, USAGE-3
    """
    # The bounds decide whether a page is found in ten rows or in millions, so each is planned for what it asks.
    await transaction.execute(_PLANNED_ANEW)
    asked = _asked(wanted, before)
    rows = await transaction.fetch(_page_of(wanted), tenant_id, *asked, *_narrowing(wanted), limit + 1)
    calls = [call_of(dict(row)) for row in rows[:limit]]
    if len(rows) > limit:
        return FoundCalls(calls, CallPlace(calls[-1].started_at, calls[-1].call_id))
    last = await transaction.fetchrow(_last_looked_at(wanted), tenant_id, *asked)
    if last is None or last["looked_at"] < LOOKED_AT_MAX:
        return FoundCalls(calls, None)
    return FoundCalls(calls, CallPlace(last["started_at"], last["call_id"]))


async def count_calls(transaction: Transaction, tenant_id: UUID, wanted: CallFilter) -> CallCount:
    """How many calls the filter lets through, of the latest that are looked at.

    Rule: USAGE-3
    """
    await transaction.execute(_PLANNED_ANEW)
    row = await transaction.fetchrow(_count_of(wanted), tenant_id, *_asked(wanted, None), *_narrowing(wanted))
    assert row is not None, "a count is one row"
    return CallCount(row["found"], is_at_least=row["looked_at"] == LOOKED_AT_MAX)


async def find_call(transaction: Transaction, tenant_id: UUID, call_id: UUID) -> Call | None:
    """One call, with all that is kept of it."""
    row = await transaction.fetchrow(
        f"select {_COLUMNS}, reported, metadata from calls where tenant_id = $1 and call_id = $2", tenant_id, call_id
    )
    return None if row is None else call_of(dict(row))


def call_of(row: Mapping[str, Any]) -> Call:
    """The call that a row is of. What the provider reported is only in some."""
    reported, metadata = row.get("reported"), row.get("metadata")
    held = row["held_micro"]
    return Call(
        usage=usage_of(_counts.decode(row["used"])),
        cost=Cost.of_pico_dollars(row["cost_pico"]),
        outcome=CallOutcome(row["outcome"]),
        service=Service(row["service"]),
        credit_factor=factor_of(row["credit_factor_micro"]),
        price_factor=Factor(row["price_factor"]),
        credits=Credits(row["credits_micro"]),
        held=None if held is None else Credits(held),
        reported=None if reported is None else reported.encode(),
        metadata=None if metadata is None else _words.decode(metadata),
        **{column: row[column] for column in _AS_THEY_ARE},
    )


_counts = msgspec.json.Decoder(dict[str, int])
_words = msgspec.json.Decoder(dict[str, str])

_AS_THEY_ARE = (
    "call_id", "member_id", "group_id", "key_id", "endpoint", "model", "provider", "provider_model", "is_streamed",
    "is_simulated", "started_at", "ended_at", "day", "is_estimated", "price_id", "total_ms", "first_byte_ms", "status",
    "fault", "request_id", "provider_request_id", "label",
)  # fmt: skip
_COLUMNS = ", ".join(
    (*_AS_THEY_ARE, "outcome", "used", "service", "cost_pico", "credit_factor_micro", "price_factor", "credits_micro",
     "held_micro")
)  # fmt: skip

# A plan that sorts a whole tenant's calls looks cheap wherever most of them fit into the bound.
_PLANNED_ANEW = (
    "set local plan_cache_mode = force_custom_plan; set local enable_seqscan = off; set local enable_bitmapscan = off"
)

_LOOKED_AT = """(
    select {columns}
    from calls
    where tenant_id = $1
      and {narrowest}
      and started_at >= $4
      and started_at < $5
      and (started_at, call_id) < ($2, $3)
      and ($6::uuid is null or member_id = $6)
      and ($7::uuid is null or key_id = $7)
    order by started_at desc, call_id desc
    limit {limit}
) as looked_at"""

_LET_THROUGH = """
    ($8::uuid is null or group_id = $8)
    and ($9::text is null or model = $9)
    and ($10::text is null or provider = $10)
    and ($11::text is null or endpoint = $11)
    and ($12::text is null or outcome = $12)
    and ($13::boolean is null or is_streamed = $13)
    and credits_micro >= $14
    and credits_micro <= $15
"""


def _page_of(wanted: CallFilter) -> str:
    return f"""
select *
from {_looked_at(wanted, _COLUMNS)}
where {_LET_THROUGH}
order by started_at desc, call_id desc
limit $16
"""


def _last_looked_at(wanted: CallFilter) -> str:
    return f"""
select started_at, call_id, count(*) over () as looked_at
from {_looked_at(wanted, "started_at, call_id")}
order by started_at, call_id
limit 1
"""


def _count_of(wanted: CallFilter) -> str:
    columns = "group_id, model, provider, endpoint, outcome, is_streamed, credits_micro"
    return f"""
select count(*) as looked_at, count(*) filter (where {_LET_THROUGH}) as found
from {_looked_at(wanted, columns)}
"""


def _looked_at(wanted: CallFilter, columns: str) -> str:
    """The latest calls by the index of what narrows them most: of a key, else of a member, else of the tenant."""
    if wanted.key_id is not None:
        narrowest = "key_id = $7"
    elif wanted.member_id is not None:
        narrowest = "member_id = $6"
    else:
        narrowest = "true"
    return _LOOKED_AT.format(columns=columns, narrowest=narrowest, limit=LOOKED_AT_MAX)


def _asked(wanted: CallFilter, before: CallPlace | None) -> tuple[object, ...]:
    return (
        *(before or _END),
        wanted.since or _EARLIEST,
        wanted.until or _END.started_at,
        wanted.member_id,
        wanted.key_id,
    )


def _narrowing(wanted: CallFilter) -> tuple[object, ...]:
    return (
        wanted.group_id,
        wanted.model,
        wanted.provider,
        wanted.endpoint,
        None if wanted.outcome is None else str(wanted.outcome),
        wanted.is_streamed,
        0 if wanted.credits_min is None else wanted.credits_min.micro,
        TOTAL_MAX_MICRO if wanted.credits_max is None else wanted.credits_max.micro,
    )
