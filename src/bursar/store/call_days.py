"""What calls come to, day by day: added up batch by batch of the ledger, and read together with what is not yet in it.

A tenant's batches are strictly in order, so one number says which calls have been added: its mark. Whoever adds more
locks the mark first, and moves it in the same transaction. Whoever reads takes the days up to the mark and the calls
after it, as of one moment; so what is read is exact, however far behind the days are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.usage_figures import SERIES_MAX, Dimension, Period, UsageFigures

NO_KEY = UUID(int=0)
"""The key of calls that came with none."""


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which calls are meant: those of a period, and of all that is not None."""

    period: Period
    member_id: UUID | None = None
    group_id: UUID | None = None
    key_id: UUID | None = None
    model: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What the calls of one day, model, member ... or of two of these come to.

    `ids` has one entry for each dimension, None for all those that were too many to be told apart; `others` says how
    many those are.
    """

    ids: tuple[str | None, ...]
    others: tuple[int, ...]
    figures: UsageFigures


async def list_tenants_behind(platform_transaction: Transaction, *, after: UUID | None, limit: int) -> list[UUID]:
    """Tenants whose books went on since their calls were last added up, by id, those after `after`."""
    rows = await platform_transaction.fetch(
        """
        select control.tenant_id
        from ledger_control as control
        left join call_marks as mark on mark.tenant_id = control.tenant_id
        where control.batch_number > coalesce(mark.batch_number, 0)
          and ($1::uuid is null or control.tenant_id > $1)
        order by control.tenant_id
        limit $2
        """,
        after,
        limit,
    )
    return [row["tenant_id"] for row in rows]


async def ensure_mark(transaction: Transaction, tenant_id: UUID) -> None:
    """Lets there be a mark, at the beginning of the books, if there is none."""
    await transaction.execute(
        """
        insert into call_marks (tenant_id, batch_number)
        values ($1, 0)
        on conflict (tenant_id) do nothing
        """,
        tenant_id,
    )


async def lock_mark_if_free(transaction: Transaction, tenant_id: UUID) -> int | None:
    """The batch that the tenant's calls are added up to, kept for this transaction; None while another one keeps it."""
    mark: int | None = await transaction.fetchval(
        """
        select batch_number
        from call_marks
        where tenant_id = $1
        for update skip locked
        """,
        tenant_id,
    )
    return mark


async def lock_mark(transaction: Transaction, tenant_id: UUID) -> int:
    """The same, waiting for whoever keeps it."""
    return int(
        await transaction.fetchval("select batch_number from call_marks where tenant_id = $1 for update", tenant_id)
    )


async def get_last_batch(transaction: Transaction, tenant_id: UUID) -> int:
    """The last batch of the tenant's books that is committed; so every one before it is as well."""
    return int(await transaction.fetchval("select batch_number from ledger_control where tenant_id = $1", tenant_id))


async def add_batches(transaction: Transaction, tenant_id: UUID, *, after: int, until: int) -> None:
    """Adds the calls of these batches, the last one included, to their days. The caller keeps the mark.

    Rule: USAGE-5
    """
    await transaction.execute(_ADD, tenant_id, after, until)


async def set_mark(transaction: Transaction, tenant_id: UUID, batch_number: int) -> None:
    """The tenant's calls are added up to this batch. The caller keeps the mark."""
    await transaction.execute(
        """
        update call_marks
        set batch_number = $2
        where tenant_id = $1
        """,
        tenant_id,
        batch_number,
    )


async def delete_days(transaction: Transaction, tenant_id: UUID) -> None:
    """Forgets all that was added up. The caller keeps the mark, and puts it back to the beginning."""
    await transaction.execute("delete from call_days where tenant_id = $1", tenant_id)


async def sum_usage(
    transaction: Transaction, tenant_id: UUID, wanted: UsageFilter, dimensions: Sequence[Dimension]
) -> list[UsageRow]:
    """What the calls come to, by one or two dimensions: days in their order, everything else from what cost most to
    what cost least, and those beyond the bound as one.

    Rule: USAGE-6, USAGE-8
    """
    # What is asked is planned anew each time: whether the calls after the mark are ten or a million decides how they
    # are found, and a plan for whatever may be asked knows neither.
    await transaction.execute("set local plan_cache_mode = force_custom_plan")
    mark = await transaction.fetchval("select batch_number from call_marks where tenant_id = $1", tenant_id)
    rows = await transaction.fetch(
        _by(*dimensions),
        tenant_id,
        mark or 0,
        wanted.period.first,
        wanted.period.last,
        wanted.member_id,
        wanted.group_id,
        wanted.key_id,
        wanted.model,
        wanted.provider,
    )
    count = len(dimensions)
    return [
        UsageRow(
            ids=(row["first_id"], row["second_id"])[:count],
            others=(row["first_others"], row["second_others"])[:count],
            figures=UsageFigures(*(int(row[column]) for column in _FIGURES)),
        )
        for row in rows
    ]


# What stands in both tables is counted alike: a row of calls as one of days with one call.
_OF_CALL = {
    "calls_count": "1",
    "failed_count": "(outcome = 'failed')::integer",
    "estimated_count": "is_estimated::integer",
    "unpriced_count": "(price_id is null and cost_pico = 0 and outcome <> 'failed')::integer",
    "input_tokens": "input_tokens",
    "cached_read_tokens": "cached_read_tokens",
    "cached_write_tokens": "cached_write_tokens",
    "output_tokens": "output_tokens",
    "reasoning_tokens": "reasoning_tokens",
    "cost_pico": "cost_pico",
    "credits_micro": "credits_micro",
}
_FIGURES = tuple(_OF_CALL)
_KEY_OF_CALL = f"day, member_id, group_id, coalesce(key_id, '{NO_KEY}'), coalesce(provider, ''), model"
_KEY = "day, member_id, group_id, key_id, provider, model"

_ADD = f"""
insert into call_days as kept (tenant_id, {_KEY}, {", ".join(_FIGURES)})
select tenant_id, {_KEY_OF_CALL},
       {", ".join(f"sum({counted})" for counted in _OF_CALL.values())}
from calls
where tenant_id = $1
  and batch_number > $2
  and batch_number <= $3
group by tenant_id, {_KEY_OF_CALL}
on conflict (tenant_id, {_KEY}) do update
set {", ".join(f"{column} = kept.{column} + excluded.{column}" for column in _FIGURES)}
"""

_WANTED = f"""
  and day between $3 and $4
  and ($5::uuid is null or member_id = $5)
  and ($6::uuid is null or group_id = $6)
  and ($7::uuid is null or key_id = nullif($7, '{NO_KEY}'))
  and ($8::text is null or model = $8)
  and ($9::text is null or provider = $9)
"""

_COUNTED = f"""
    select {_KEY}, {", ".join(_FIGURES)}
    from call_days
    where tenant_id = $1
    {_WANTED}
    union all
    select {_KEY_OF_CALL}, {", ".join(_OF_CALL.values())}
    from calls
    where tenant_id = $1
      and batch_number > $2
    {_WANTED}
"""

_ID = {
    Dimension.DAY: "day::text",
    Dimension.MODEL: "model",
    Dimension.MEMBER: "member_id::text",
    Dimension.GROUP: "group_id::text",
    Dimension.KEY: "key_id::text",
    Dimension.PROVIDER: "provider",
}


def _by(first: Dimension, second: Dimension | None = None) -> str:
    """The statement for these dimensions. Days keep their order and are all told apart; the period bounds them."""
    sums = ", ".join(f"sum({column}) as {column}" for column in _FIGURES)
    return f"""
with grouped as (
    select {_ID[first]} as first_id, {"''" if second is None else _ID[second]} as second_id, {sums}
    from ({_COUNTED}) as counted
    group by 1, 2
),
weighed as (
    select grouped.*, {_weight("first")}, {_weight("second")}
    from grouped
),
placed as (
    select weighed.*, {_place("first", first)}, {_place("second", second)}
    from weighed
)
select {_shown("first", first)} as first_id, {_shown("second", second)} as second_id,
       {_left_out("first", first)} as first_others, {_left_out("second", second)} as second_others, {sums}
from placed
group by 1, 2
order by min(first_place), min(second_place)
"""


def _weight(side: str) -> str:
    """What all of a series comes to, which decides where it stands: dollars, then credits, then calls."""
    return ", ".join(
        f"sum({column}) over (partition by {side}_id) as {side}_{column}"
        for column in ("cost_pico", "credits_micro", "calls_count")
    )


def _place(side: str, dimension: Dimension | None) -> str:
    if dimension in (Dimension.DAY, None):
        order = f"{side}_id"
    else:
        order = f"{side}_cost_pico desc, {side}_credits_micro desc, {side}_calls_count desc, {side}_id"
    return f"dense_rank() over (order by {order}) as {side}_place"


def _shown(side: str, dimension: Dimension | None) -> str:
    return (
        f"{side}_id"
        if dimension in (Dimension.DAY, None)
        else f"case when {side}_place <= {SERIES_MAX} then {side}_id end"
    )


def _left_out(side: str, dimension: Dimension | None) -> str:
    if dimension in (Dimension.DAY, None):
        return "0"
    return f"count(distinct {side}_id) filter (where {side}_place > {SERIES_MAX})"
