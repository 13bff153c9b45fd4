"""The public list as it is installed: every cost that it computes is the cost that the price list computes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from genai_prices import types
from genai_prices.data import providers

from bursar.domain.costs import PARTS_PER_DOLLAR, Usage, compile_price, cost_of
from bursar.domain.price_changes import ListedModel, PublicList
from bursar.domain.price_list import price_list
from bursar.domain.prices import PUBLIC_LIST, Price, Service, check_entry
from bursar.outside.price_data import SERVICES, read_public_prices

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)

USAGES = (
    Usage(input_tokens=1_201, output_tokens=347),
    Usage(
        input_tokens=9_000,
        cached_read_tokens=3_000,
        cached_write_tokens=1_500,
        cached_write_1h_tokens=500,
        output_tokens=2_000,
        reasoning_tokens=700,
        web_searches=3,
        file_searches=2,
    ),
    Usage(
        input_tokens=7_003,
        cached_read_tokens=2_000,
        audio_input_tokens=1_100,
        audio_cached_read_tokens=300,
        image_input_tokens=900,
        image_cached_read_tokens=200,
        output_tokens=4_000,
        audio_output_tokens=600,
        image_output_tokens=500,
    ),
    # Exactly at, and just above, the thresholds that most models have.
    Usage(input_tokens=200_000, cached_read_tokens=50_000, output_tokens=10),
    Usage(input_tokens=272_001, cached_read_tokens=50_000, output_tokens=10),
    Usage(input_tokens=600_000, output_tokens=100),
    Usage(characters=12_345, messages=7, pages=30, annotated_pages=4),
    Usage(audio_input_milliseconds=61_000, input_tokens=10, output_tokens=20),
)

TIMES_OF_DAY = {"deepseek-chat", "deepseek-flash", "deepseek-reasoner", "deepseek-v4-flash", "deepseek-v4-pro"}
"""Dearer at some hours: the price list has the dearer price at all hours."""

LEAST_SECONDS = {("groq", "whisper-large-v3"), ("groq", "whisper-large-v3-turbo")}
"""The package charges at least ten seconds of audio for each call; here those of the samples are longer."""

QUOTIENTS_MAX = 30
"""Prices with sixteen digits and more, which the list computed itself: a pico-dollar for a token is all they have."""


@pytest.fixture(scope="module")
def listed() -> PublicList:
    return read_public_prices(NOW)


def of_package() -> Iterator[tuple[types.Provider, types.ModelInfo]]:
    for provider in providers:
        for model in provider.models:
            yield provider, model


def as_price(model: ListedModel) -> Price:
    terms = model.prices[0].terms
    return Price(UUID(int=1), model.provider, model.model, PUBLIC_LIST, "x", NOW, terms, NOW, None)


def package_usage(usage: Usage) -> types.Usage:
    seconds = Decimal(usage.audio_input_milliseconds) / 1000
    return types.Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_read_tokens,
        cache_write_tokens=usage.cached_write_tokens,
        cache_write_1h_tokens=usage.cached_write_1h_tokens,
        input_audio_tokens=usage.audio_input_tokens,
        cache_audio_read_tokens=usage.audio_cached_read_tokens,
        input_image_tokens=usage.image_input_tokens,
        cache_image_read_tokens=usage.image_cached_read_tokens,
        output_tokens=usage.output_tokens,
        output_reasoning_tokens=usage.reasoning_tokens,
        output_audio_tokens=usage.audio_output_tokens,
        output_image_tokens=usage.image_output_tokens,
        input_characters=usage.characters,
        input_text_messages=usage.messages,
        input_document_pages=usage.pages,
        input_annotated_document_pages=usage.annotated_pages,
        web_searches=usage.web_searches,
        storage_searches=usage.file_searches,
        audio_seconds=seconds,
        input_audio_seconds=seconds,
    )


def is_quotient(price: types.ModelPrice) -> bool:
    rates = [
        rate
        for value in vars(price).values()
        for rate in (
            [value.base, *(tier.price for tier in value.tiers)] if isinstance(value, types.TieredPrices) else [value]
        )
    ]
    return any(-int(rate.normalize().as_tuple().exponent) > 6 for rate in rates)


@pytest.mark.rule("PRICE-1")
def test_a_call_costs_what_the_public_list_says_it_costs(listed: PublicList) -> None:
    ours = {(model.provider, model.model): compile_price(as_price(model)) for model in listed.models}
    compared, quotients, wrong = 0, 0, []

    for provider, model in of_package():
        price = ours.get((provider.id, model.id))
        if price is None or (provider.id == "deepseek" and model.id in TIMES_OF_DAY):
            continue
        for service in price.bands:
            context = SERVICES.get(service, {})
            published = model.get_prices(NOW, context)
            for usage in USAGES:
                theirs = Fraction(published.calc_price(package_usage(usage))["total_price"])
                cost = Fraction(cost_of(price, usage, service).parts, PARTS_PER_DOLLAR)
                compared += 1
                if is_quotient(published):
                    quotients += 1
                    assert abs(cost - theirs) <= Fraction(usage.input_tokens + usage.output_tokens, 2 * 10**12)
                elif abs(cost - theirs) > theirs / 10**25:
                    # The package divides with 28 digits, and audio by the hour does not end within them.
                    wrong.append((provider.id, model.id, service, usage, str(theirs), str(cost)))

    assert wrong == []
    assert compared > len(USAGES) * 2_400
    assert 0 < quotients <= len(USAGES) * QUOTIENTS_MAX


@pytest.mark.rule("PRICE-1")
def test_a_price_that_depends_on_the_hour_is_the_dearer_one(listed: PublicList) -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
    for provider, model in of_package():
        if provider.id != "deepseek" or model.id not in TIMES_OF_DAY:
            continue
        (ours,) = [as_price(one) for one in listed.models if (one.provider, one.model) == (provider.id, model.id)]

        cost = Fraction(cost_of(compile_price(ours), usage, Service.STANDARD).parts, PARTS_PER_DOLLAR)

        hours = [NOW.replace(hour=hour, minute=30) for hour in range(24)]
        prices = [Fraction(model.get_prices(at).calc_price(package_usage(usage))["total_price"]) for at in hours]
        assert cost == max(prices) > min(prices)


@pytest.mark.rule("PRICE-4")
def test_every_published_price_can_stand_in_the_list(listed: PublicList) -> None:
    for model in listed.models:
        for price in model.prices:
            check_entry(model.provider, model.model, price.terms)

    assert len(listed.models) > 2_000
    assert listed.unpriced < 50


@pytest.mark.rule("PRICE-3")
def test_prices_that_are_announced_begin_on_their_day(listed: PublicList) -> None:
    announced = [
        (model, price) for model in listed.models for price in model.prices if price.effective_from is not None
    ]
    package = {(provider.id, model.id): model for provider, model in of_package()}
    usage = Usage(input_tokens=1_000, output_tokens=1_000)

    assert announced
    for model, price in announced:
        assert price.effective_from is not None
        assert price.effective_from > NOW
        later = Price(
            UUID(int=1), model.provider, model.model, PUBLIC_LIST, "x", NOW, price.terms, NOW, None
        )  # fmt: skip
        theirs = package[model.provider, model.model].get_prices(price.effective_from + timedelta(hours=1))
        cost = cost_of(compile_price(later), usage, Service.STANDARD)
        assert Fraction(cost.parts, PARTS_PER_DOLLAR) == Fraction(
            theirs.calc_price(package_usage(usage))["total_price"]
        )


@pytest.mark.rule("PRICE-6")
def test_a_name_means_the_model_that_it_means_in_the_public_list(listed: PublicList) -> None:
    ours = price_list([as_price(model) for model in listed.models], NOW)
    priced = {(model.provider, model.model) for model in listed.models}
    names = (
        "gpt-4o", "gpt-4o-2024-08-06", "GPT-4o-mini", "claude-sonnet-4-5-20250929", "claude-3-5-haiku-latest",
        "gemini-2.5-pro-preview-05-06", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "mistral-large-latest",
        "o4-mini-2025-04-16", "text-embedding-3-small", "llama-3.3-70b-versatile", "deepseek/deepseek-chat",
    )  # fmt: skip

    compared = 0
    for provider in providers:
        for name in names:
            theirs = provider.find_model(name)
            if theirs is not None and (provider.id, theirs.id) in priced:
                assert ours.find([provider.id], name).price.model == theirs.id, (provider.id, name)
                compared += 1

    assert compared > 12
