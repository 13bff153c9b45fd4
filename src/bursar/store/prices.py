"""The price list. Rows are added and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from bursar.db.transaction import Transaction
from bursar.domain.model_names import Names
from bursar.domain.prices import Band, ModelTerms, Price

_LIST_LOCK = 0x62757273_70726963
"""Whoever compares the list and then writes it is alone with it; the number only has to differ from other locks'."""

_COLUMNS = """price_id, provider, model, origin, source, effective_from, bands, names, label, context_window,
               output_tokens_max, note, created_at, created_by"""


@dataclass(frozen=True)
class PriceFilter:
    """Which are wanted: of these providers, with this text in the model's id or label, only those set by hand."""

    providers: Sequence[str] | None = None
    text: str | None = None
    only_overridden: bool = False


async def lock_price_list(transaction: Transaction) -> None:
    """Waits until nobody else is writing prices, and keeps others waiting until the transaction ends."""
    await transaction.execute("select pg_advisory_xact_lock($1)", _LIST_LOCK)


async def has_public_prices(transaction: Transaction) -> bool:
    """Whether the list has been filled yet; what was set by hand before that does not fill it."""
    return bool(await transaction.fetchval("select exists (select from model_prices where origin = 'public_list')"))


async def find_spelling(transaction: Transaction, provider: str, model: str) -> str | None:
    """How the list writes the model's id, whatever capitals it is asked for with; None for one it does not know."""
    spelling: str | None = await transaction.fetchval(
        """
        select model
        from model_prices
        where provider = $1
          and lower(model) = lower($2)
        order by created_at, price_id
        limit 1
        """,
        provider,
        model,
    )
    return spelling


async def insert_prices(transaction: Transaction, prices: Sequence[Price]) -> None:
    """Adds entries, with one statement for all of them."""
    await transaction.execute(
        """
        insert into model_prices
            (price_id, provider, model, origin, source, effective_from, bands, names, label, context_window,
             output_tokens_max, note, created_at, created_by)
        select *
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::jsonb[],
                    $8::jsonb[], $9::text[], $10::bigint[], $11::bigint[], $12::text[], $13::timestamptz[],
                    $14::uuid[])
        """,
        [price.price_id for price in prices],
        [price.provider for price in prices],
        [price.model for price in prices],
        [price.origin for price in prices],
        [price.source for price in prices],
        [price.effective_from for price in prices],
        [_json(price.terms.bands) for price in prices],
        [_json(price.terms.names) for price in prices],
        [price.terms.label for price in prices],
        [price.terms.context_window for price in prices],
        [price.terms.output_tokens_max for price in prices],
        [price.note for price in prices],
        [price.created_at for price in prices],
        [price.created_by for price in prices],
    )


async def find_price(transaction: Transaction, price_id: UUID) -> Price | None:
    """The entry with this id, whether it counts now or not."""
    row = await transaction.fetchrow(
        """
        select price_id, provider, model, origin, source, effective_from, bands, names, label, context_window,
               output_tokens_max, note, created_at, created_by
        from model_prices
        where price_id = $1
        """,
        price_id,
    )
    return None if row is None else _price(dict(row))


async def list_prices_of_model(transaction: Transaction, provider: str, model: str) -> list[Price]:
    """Every entry of one model, the oldest first."""
    rows = await transaction.fetch(
        """
        select price_id, provider, model, origin, source, effective_from, bands, names, label, context_window,
               output_tokens_max, note, created_at, created_by
        from model_prices
        where provider = $1
          and model = $2
        order by effective_from, created_at, price_id
        """,
        provider,
        model,
    )
    return [_price(dict(row)) for row in rows]


async def list_prices_of_provider(transaction: Transaction, provider: str) -> list[Price]:
    """Every entry of one provider, the oldest first."""
    rows = await transaction.fetch(
        """
        select price_id, provider, model, origin, source, effective_from, bands, names, label, context_window,
               output_tokens_max, note, created_at, created_by
        from model_prices
        where provider = $1
        order by effective_from, created_at, price_id
        """,
        provider,
    )
    return [_price(dict(row)) for row in rows]


async def list_prices_from(transaction: Transaction, at: datetime) -> list[Price]:
    """For every model and origin the latest entry begun by this moment, withdrawals too, and all that begin later."""
    rows = await transaction.fetch(
        """
        (select distinct on (provider, model, origin)
                price_id, provider, model, origin, source, effective_from, bands, names, label, context_window,
                output_tokens_max, note, created_at, created_by
         from model_prices
         where effective_from <= $1
         order by provider, model, origin, effective_from desc, created_at desc, price_id desc)
        union all
        select price_id, provider, model, origin, source, effective_from, bands, names, label, context_window,
               output_tokens_max, note, created_at, created_by
        from model_prices
        where effective_from > $1
        """,
        at,
    )
    return [_price(dict(row)) for row in rows]


# Prices that count at a moment: what `domain/prices.in_force` says, for the whole list at once.
_IN_FORCE = """
    with begun as (
        select distinct on (provider, model, origin) *
        from model_prices
        where effective_from <= $1
          and ($2::text[] is null or provider = any($2))
        order by provider, model, origin, effective_from desc, created_at desc, price_id desc
    ),
    in_force as (
        -- By which names a model goes, the public list knows also where the price was set by hand.
        select distinct on (provider, model)
               price_id, provider, model, origin, source, effective_from, bands, label, context_window,
               output_tokens_max, note, created_at, created_by,
               first_value(names) over (partition by provider, model order by origin = 'public_list' desc) as names
        from begun
        where bands <> '[]'
        order by provider, model, origin = 'hand' desc
    ),
    wanted as (
        select *
        from in_force
        where ($3::text is null
               or position(lower($3) in lower(model)) > 0
               or position(lower($3) in lower(label)) > 0)
          and (not $4 or origin = 'hand')
    )
"""


async def list_prices_in_force(
    transaction: Transaction, at: datetime, wanted: PriceFilter, *, after: tuple[str, str] | None, limit: int | None
) -> list[Price]:
    """The prices that count at this moment, by provider and model, those behind `after`; all for no limit.

    Rule: PRICE-3
    """
    rows = await transaction.fetch(
        f"""
        {_IN_FORCE}
        select {_COLUMNS}
        from wanted
        where $5::text is null or (provider, model) > ($5, $6)
        order by provider, model
        limit $7
        """,
        at,
        wanted.providers,
        wanted.text,
        wanted.only_overridden,
        None if after is None else after[0],
        None if after is None else after[1],
        limit,
    )
    return [_price(dict(row)) for row in rows]


async def count_prices_in_force(transaction: Transaction, at: datetime, wanted: PriceFilter) -> int:
    """How many prices count at this moment."""
    return int(
        await transaction.fetchval(
            f"{_IN_FORCE} select count(*) from wanted",
            at,
            wanted.providers,
            wanted.text,
            wanted.only_overridden,
        )
    )


async def find_next_price_moment(transaction: Transaction, at: datetime) -> datetime | None:
    """The first moment behind this one at which an entry begins to count; None if none is announced."""
    moment: datetime | None = await transaction.fetchval(
        "select min(effective_from) from model_prices where effective_from > $1", at
    )
    return moment


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


# Decoded by type: a fraction where a whole number belongs is a fault, not a rate.
_bands = msgspec.json.Decoder(tuple[Band, ...])
_names = msgspec.json.Decoder(Names)


def _price(row: Mapping[str, Any]) -> Price:
    terms = ModelTerms(
        bands=_bands.decode(row["bands"]),
        label=row["label"],
        context_window=row["context_window"],
        output_tokens_max=row["output_tokens_max"],
        names=_names.decode(row["names"]),
    )
    kept = ("price_id", "provider", "model", "origin", "source", "effective_from", "created_at", "created_by", "note")
    return Price(terms=terms, **{column: row[column] for column in kept})
