"""The public price list: what the maintained package genai-prices knows, offline and as it was installed.

Only the package's own rows are read. Its updater, which asks the network, is never started; a newer list comes with a
newer package. Reading takes about half a second and some memory, so it happens when prices are refreshed, never for a
call.

What the price list cannot say is decided here, and a test compares the costs of both:

* A price that depends on the time of day becomes the dearer one at all times.
* A rate finer than a pico-dollar for one is a quotient that the list computed itself; it becomes the nearest.
* Prices for a route or a kind of search, which no answer of a provider tells, are left out.
* A model without any rate is left out, unless its id ends in `:free`: not being listed is not being free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING

from bursar.domain.model_names import Names, NameTest
from bursar.domain.price_changes import ListedModel, ListedPrice, PublicList, round_half_up
from bursar.domain.prices import BUCKETS, MICRO_PER_DOLLAR, Band, Bucket, ModelTerms, Service

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

PACKAGE = "genai-prices"
FREE_SUFFIX = ":free"

KEYS: Mapping[str, Bucket] = {
    "input_mtok": Bucket.INPUT,
    "cache_read_mtok": Bucket.CACHED_READ,
    "cache_write_mtok": Bucket.CACHED_WRITE,
    "cache_write_1h_mtok": Bucket.CACHED_WRITE_1H,
    "input_audio_mtok": Bucket.AUDIO_INPUT,
    "cache_audio_read_mtok": Bucket.AUDIO_CACHED_READ,
    "input_image_mtok": Bucket.IMAGE_INPUT,
    "cache_image_read_mtok": Bucket.IMAGE_CACHED_READ,
    "input_video_mtok": Bucket.VIDEO_INPUT,
    "output_mtok": Bucket.OUTPUT,
    "output_reasoning_mtok": Bucket.REASONING,
    "output_audio_mtok": Bucket.AUDIO_OUTPUT,
    "output_image_mtok": Bucket.IMAGE_OUTPUT,
    "output_video_mtok": Bucket.VIDEO_OUTPUT,
    "output_citation_mtok": Bucket.CITATION,
    "input_mchars": Bucket.CHARACTER,
    "input_text_messages_kcount": Bucket.MESSAGE,
    "input_document_kpages": Bucket.PAGE,
    "input_annotated_document_kpages": Bucket.ANNOTATED_PAGE,
    "web_searches_kcount": Bucket.WEB_SEARCH,
    "storage_searches_kcount": Bucket.FILE_SEARCH,
    "requests_kcount": Bucket.CALL,
    "input_audio_hours": Bucket.AUDIO_INPUT_TIME,
    "output_audio_hours": Bucket.AUDIO_OUTPUT_TIME,
}
"""The package's name for what a rate is for, and ours."""

ANY_AUDIO_KEY = "audio_hours"
"""Audio by the hour in either direction, where the direction has no rate of its own."""

SERVICES: Mapping[Service, Mapping[str, str]] = {
    Service.BATCH: {"processing": "batch"},
    Service.FLEX: {"service_tier": "flex"},
    Service.PRIORITY: {"service_tier": "priority"},
    Service.FAST: {"service_tier": "fast", "speed": "fast"},
}
"""How the package is asked for the prices of each service beside the standard one."""


def read_public_prices(now: datetime) -> PublicList:
    """The list as it counts now, with what it announces for later."""
    # Its rows are a large module, which nothing but this needs.
    from genai_prices.data import providers

    models = tuple(
        listed for provider in providers for model in provider.models if (listed := _listed(provider, model, now))
    )
    known = sum(len(provider.models) for provider in providers)
    return PublicList(f"{PACKAGE} {version(PACKAGE)}", models, known - len(models))


def _listed(provider: Provider, model: ModelInfo, now: datetime) -> ListedModel | None:
    """The model's prices from now on, each from the day on which something becomes different."""
    prices: list[ListedPrice] = []
    names = _names_of(model.match)
    for starts_at in (None, *_announced(model, now)):
        terms = ModelTerms(
            tuple(_bands(model, now if starts_at is None else starts_at)),
            label=model.name,
            context_window=model.context_window,
            names=names,
        )
        if not prices or prices[-1].terms != terms:
            prices.append(ListedPrice(starts_at, terms))
    has_price = any(price.terms.bands for price in prices)
    return ListedModel(provider.id, model.id, tuple(prices)) if has_price else None


def _announced(model: ModelInfo, now: datetime) -> list[datetime]:
    """The moments after now at which a price of the model may change."""
    from genai_prices.types import StartDateConstraint

    conditions = [*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ())]
    days = {one.constraint.start_date for one in conditions if isinstance(one.constraint, StartDateConstraint)}
    return sorted(moment for day in days if (moment := _midnight(day)) > now)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _bands(model: ModelInfo, at: datetime) -> Iterator[Band]:
    """Every service that has rates of its own at this time, the standard one first."""
    moments = _times_of_day(model, at)
    standard = _dearest([model.get_prices(moment) for moment in moments])
    if not any(standard.values()) and model.id.endswith(FREE_SUFFIX):
        standard = {0: {Bucket.INPUT: 0, Bucket.OUTPUT: 0}}
    yield from _as_bands(Service.STANDARD, standard)
    for service, context in SERVICES.items():
        rates = _dearest([model.get_prices(moment, {**context}) for moment in moments])
        if rates != standard:
            yield from _as_bands(service, rates)


def _as_bands(service: Service, rates: Mapping[int, Mapping[Bucket, int]]) -> Iterator[Band]:
    for above in sorted(rates):
        if rates[above]:
            yield Band(service, above, rates[above])


def _times_of_day(model: ModelInfo, at: datetime) -> list[datetime]:
    """This moment; for a model whose price depends on the time of day, a moment in each part of that day."""
    from genai_prices.types import TimeOfDateConstraint

    conditions = model.prices if isinstance(model.prices, list) else ()
    day = at.astimezone(UTC).date()
    turns = [
        datetime.combine(day, point, point.tzinfo or UTC)
        for condition in conditions
        if isinstance(condition.constraint, TimeOfDateConstraint)
        for point in (condition.constraint.start_time, condition.constraint.end_time)
    ]
    return [at, *turns]


def _dearest(prices: Sequence[ModelPrice]) -> dict[int, dict[Bucket, int]]:
    """For each threshold of input the rates above it, complete; of several prices the highest of each."""
    from genai_prices.types import TieredPrices

    found: dict[int, dict[Bucket, int]] = {}
    steps = {0} | {
        tier.start
        for price in prices
        for value in vars(price).values()
        if isinstance(value, TieredPrices)
        for tier in value.tiers
    }
    for price in prices:
        published = {key: value for key, value in vars(price).items() if value is not None}
        for above in steps:
            rates = found.setdefault(above, {})
            for key, value in published.items():
                for bucket in _buckets_of(key, published):
                    rates[bucket] = max(rates.get(bucket, 0), _rate(bucket, _at(value, above)))
    return {above: {bucket: rates[bucket] for bucket in Bucket if bucket in rates} for above, rates in found.items()}


def _buckets_of(key: str, published: Mapping[str, object]) -> Iterator[Bucket]:
    if key in KEYS:
        yield KEYS[key]
    elif key == ANY_AUDIO_KEY:
        for directed in ("input_audio_hours", "output_audio_hours"):
            if directed not in published:
                yield KEYS[directed]


def _at(value: object, above: int) -> Decimal:
    """The rate of calls with more than so many tokens of input: that of the highest threshold up to it."""
    from genai_prices.types import TieredPrices

    if isinstance(value, TieredPrices):
        reached = [tier.price for tier in value.tiers if tier.start <= above]
        return reached[-1] if reached else value.base
    assert isinstance(value, Decimal)
    return value


def _rate(bucket: Bucket, dollars: Decimal) -> int:
    """Dollars for what the bucket is published for, as the nearest whole rate."""
    numerator, denominator = dollars.as_integer_ratio()
    return round_half_up(numerator * MICRO_PER_DOLLAR * BUCKETS[bucket].measure.pico_per_micro, denominator)


def _names_of(match: object) -> Names:
    """The package's condition on names as ways of tests: any of several, each of which may ask several things."""
    from genai_prices import types

    match match:
        case types.ClauseOr(or_=clauses):
            return tuple(way for clause in clauses for way in _names_of(clause))
        case types.ClauseAnd(and_=clauses):
            ways: Names = ((),)
            for clause in clauses:
                ways = tuple((*way, *other) for way in ways for other in _names_of(clause))
            return ways
        case types.ClauseEquals(equals=text):
            return ((NameTest("equals", text.lower()),),)
        case types.ClauseStartsWith(starts_with=text):
            return ((NameTest("starts_with", text.lower()),),)
        case types.ClauseEndsWith(ends_with=text):
            return ((NameTest("ends_with", text.lower()),),)
        case types.ClauseContains(contains=text):
            return ((NameTest("contains", text.lower()),),)
        case types.ClauseRegex(regex=text):
            return ((NameTest("matches", text),),)
    raise ValueError(f"{PACKAGE} asks something else of a name now: {match!r}")
