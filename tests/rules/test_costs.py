"""docs/rules/prices.md: what a call costs, in dollars and in credits, against fractions."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.domain.costs import (
    CREDIT_FACTOR_MAX,
    ONE,
    PARTS_PER_DOLLAR,
    PRICE_FACTOR_MAX,
    Cost,
    Factor,
    Usage,
    compile_price,
    cost_of,
    credits_for,
    explain,
    parse_factor,
)
from bursar.domain.credits import ZERO, Credits
from bursar.domain.prices import (
    BUCKETS,
    HAND,
    PICO_PER_DOLLAR,
    Band,
    Bucket,
    ModelTerms,
    Price,
    Service,
    parse_rate,
    rate_text,
)
from bursar.domain.refusals import Refusal

NOW = datetime(2026, 11, 2, tzinfo=UTC)
TIMED = {Bucket.AUDIO_INPUT_TIME, Bucket.AUDIO_OUTPUT_TIME}
PER_MILLION = Fraction(1, 10**6)


def price_of(*bands: Band) -> Price:
    return Price(UUID(int=1), "openai", "m", HAND, "set by hand", NOW, ModelTerms(bands), NOW, None)


def band(above: int = 0, service: Service = Service.STANDARD, **rates: str) -> Band:
    parsed = {Bucket(name): parse_rate(Bucket(name), text, field=name) for name, text in rates.items()}
    return Band(service, above, parsed)


def dollars(price: Price, usage: Usage, service: Service = Service.STANDARD) -> Fraction:
    return Fraction(cost_of(compile_price(price), usage, service).parts, PARTS_PER_DOLLAR)


def charge(cost: Cost, credit_factor: str = "100", price_factor: str = "1") -> Credits:
    return credits_for(
        cost,
        credit_factor=parse_factor(credit_factor, field="x", largest=CREDIT_FACTOR_MAX),
        price_factor=parse_factor(price_factor, field="x", largest=PRICE_FACTOR_MAX),
    )


@pytest.mark.rule("PRICE-1")
@pytest.mark.parametrize(
    ("bucket", "text", "rate"),
    [
        (Bucket.INPUT, "2.50", 2_500_000),
        (Bucket.INPUT, "0.000001", 1),
        (Bucket.OUTPUT, "600", 600_000_000),
        (Bucket.WEB_SEARCH, "10.00", 10_000_000_000),
        (Bucket.IMAGE, "0.04", 40_000_000_000),
        (Bucket.AUDIO_INPUT_TIME, "0.111", 111_000_000_000),
        (Bucket.VIDEO_OUTPUT_TIME, "0.10", 100_000_000),
    ],
)
def test_a_rate_is_a_whole_number_and_is_shown_as_it_was_typed(bucket: Bucket, text: str, rate: int) -> None:
    assert parse_rate(bucket, text, field="rate") == rate
    assert Fraction(rate_text(bucket, rate)) == Fraction(text)


@pytest.mark.rule("PRICE-1")
@given(bucket=st.sampled_from(Bucket), rate=st.integers(0, 10**18))
def test_every_rate_is_shown_exactly(bucket: Bucket, rate: int) -> None:
    shown = Fraction(rate_text(bucket, rate))

    assert shown == Fraction(rate, 10**6 * BUCKETS[bucket].measure.pico_per_micro)


@pytest.mark.rule("PRICE-1")
@pytest.mark.parametrize("text", ["", "-1", "1e3", "1.0000001", "0x1", "1,5", "100001", "٣", " 1", None, 2.5])
def test_a_rate_that_would_have_to_be_rounded_or_guessed_is_refused(text: object) -> None:
    with pytest.raises(Refusal) as caught:
        parse_rate(Bucket.INPUT, text, field="rate")

    assert (caught.value.code, caught.value.field) == ("invalid_input", "rate")


rates = st.integers(0, 10**12)
some_rates = st.dictionaries(st.sampled_from(Bucket), rates, min_size=1)
counts = st.integers(0, 10**7)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """A usage with all its parts drawn first, so that every whole is at least the sum of its parts."""
    part = {bucket: draw(counts) for bucket in Bucket}
    cached = part[Bucket.CACHED_READ] + part[Bucket.AUDIO_CACHED_READ] + part[Bucket.IMAGE_CACHED_READ]
    writes = part[Bucket.CACHED_WRITE] + part[Bucket.CACHED_WRITE_1H]
    output = (Bucket.OUTPUT, Bucket.REASONING, Bucket.AUDIO_OUTPUT, Bucket.IMAGE_OUTPUT, Bucket.VIDEO_OUTPUT)
    return Usage(
        input_tokens=part[Bucket.INPUT]
        + cached
        + writes
        + part[Bucket.AUDIO_INPUT]
        + part[Bucket.IMAGE_INPUT]
        + part[Bucket.VIDEO_INPUT],
        cached_read_tokens=cached,
        cached_write_tokens=writes,
        cached_write_1h_tokens=part[Bucket.CACHED_WRITE_1H],
        audio_input_tokens=part[Bucket.AUDIO_INPUT] + part[Bucket.AUDIO_CACHED_READ],
        audio_cached_read_tokens=part[Bucket.AUDIO_CACHED_READ],
        image_input_tokens=part[Bucket.IMAGE_INPUT] + part[Bucket.IMAGE_CACHED_READ],
        image_cached_read_tokens=part[Bucket.IMAGE_CACHED_READ],
        video_input_tokens=part[Bucket.VIDEO_INPUT],
        output_tokens=sum(part[bucket] for bucket in output) + part[Bucket.CITATION],
        reasoning_tokens=part[Bucket.REASONING],
        audio_output_tokens=part[Bucket.AUDIO_OUTPUT],
        image_output_tokens=part[Bucket.IMAGE_OUTPUT],
        video_output_tokens=part[Bucket.VIDEO_OUTPUT],
        citation_tokens=part[Bucket.CITATION],
        characters=part[Bucket.CHARACTER],
        messages=part[Bucket.MESSAGE],
        pages=part[Bucket.PAGE] + part[Bucket.ANNOTATED_PAGE],
        annotated_pages=part[Bucket.ANNOTATED_PAGE],
        images=part[Bucket.IMAGE],
        web_searches=part[Bucket.WEB_SEARCH],
        file_searches=part[Bucket.FILE_SEARCH],
        calls=part[Bucket.CALL],
        video_output_milliseconds=part[Bucket.VIDEO_OUTPUT_TIME],
        audio_input_milliseconds=part[Bucket.AUDIO_INPUT_TIME],
        audio_output_milliseconds=part[Bucket.AUDIO_OUTPUT_TIME],
    )


def fraction_of(rates_by_bucket: dict[Bucket, int], usage: Usage) -> Fraction:
    """The same cost, counted in fractions of a dollar, bucket by bucket."""
    total = Fraction(0)
    for bucket, count in zip(Bucket, usage.counts(), strict=True):
        sources = [one for one in (bucket, *BUCKETS[bucket].instead) if one in rates_by_bucket]
        rate = Fraction(rates_by_bucket[sources[0]] if sources else 0, PICO_PER_DOLLAR)
        total += rate * (Fraction(count, 3_600_000) if bucket in TIMED else count)
    return total


@pytest.mark.rule("PRICE-1")
@given(rates_by_bucket=some_rates, usage=usages())
def test_a_cost_is_exact(rates_by_bucket: dict[Bucket, int], usage: Usage) -> None:
    price = price_of(Band(Service.STANDARD, 0, rates_by_bucket))

    assert dollars(price, usage) == fraction_of(rates_by_bucket, usage)


factors = st.integers(0, CREDIT_FACTOR_MAX.ten_thousandths).map(Factor)
price_factors = st.integers(0, PRICE_FACTOR_MAX.ten_thousandths).map(Factor)
costs = st.integers(0, 1_000 * PARTS_PER_DOLLAR).map(Cost)


@pytest.mark.rule("AMOUNT-4")
@given(cost=costs, credit_factor=factors, price_factor=price_factors)
def test_a_charge_is_never_below_the_exact_cost_and_less_than_a_micro_credit_above(
    cost: Cost, credit_factor: Factor, price_factor: Factor
) -> None:
    charged = credits_for(cost, credit_factor=credit_factor, price_factor=price_factor)

    per_dollar = Fraction(str(credit_factor)) * Fraction(str(price_factor))
    exact = Fraction(cost.parts, PARTS_PER_DOLLAR) * per_dollar * 10**6
    assert 0 <= charged.micro - exact < 1


@pytest.mark.rule("PRICE-9")
@given(one=costs, other=costs, factor=factors, price_factor=price_factors)
def test_more_never_costs_less(one: Cost, other: Cost, factor: Factor, price_factor: Factor) -> None:
    charges = [credits_for(cost, credit_factor=factor, price_factor=price_factor) for cost in sorted((one, other))]

    assert charges == sorted(charges)
    assert credits_for(one, credit_factor=Factor(0), price_factor=price_factor) == ZERO
    assert credits_for(one, credit_factor=factor, price_factor=Factor(0)) == ZERO


@pytest.mark.rule("PRICE-9")
def test_half_a_dollar_at_a_factor_of_a_hundred_is_fifty_credits_and_ten_per_cent_more_is_fifty_five() -> None:
    price = price_of(band(input="2.50", output="10.00"))
    cost = cost_of(compile_price(price), Usage(input_tokens=100_000, output_tokens=25_000), Service.STANDARD)

    assert charge(cost) == Credits(50_000_000)
    assert charge(cost, price_factor="1.10") == Credits(55_000_000)
    assert charge(cost, credit_factor="0") == ZERO


@pytest.mark.rule("PRICE-9")
@pytest.mark.parametrize("text", ["-1", "1.00001", "1000.0001", "1e2", "", "one", None, 1.1])
def test_a_factor_is_a_bounded_decimal_with_four_decimals(text: object) -> None:
    assert str(parse_factor("1000", field="x", largest=PRICE_FACTOR_MAX)) == "1000.00"
    assert str(parse_factor("0.1234", field="x", largest=PRICE_FACTOR_MAX)) == "0.1234"

    with pytest.raises(Refusal) as caught:
        parse_factor(text, field="price_factor", largest=PRICE_FACTOR_MAX)

    assert (caught.value.code, caught.value.field) == ("invalid_input", "price_factor")


@pytest.mark.rule("PRICE-2")
def test_a_bucket_without_a_rate_takes_that_of_its_parent() -> None:
    plain = price_of(band(input="3.00", output="15.00"))
    cached = price_of(band(input="3.00", cached_read="0.30", cached_write="3.75", output="15.00", reasoning="20.00"))
    usage = Usage(
        input_tokens=1_000_000,
        cached_read_tokens=400_000,
        cached_write_tokens=200_000,
        cached_write_1h_tokens=100_000,
        output_tokens=1_000_000,
        reasoning_tokens=500_000,
    )

    assert dollars(plain, usage) == 3 + 15
    assert dollars(cached, usage) == (400 * 3 + 400 * Fraction("0.3") + 200 * Fraction("3.75")) / 1_000 + Fraction(
        35, 2
    )


@pytest.mark.rule("PRICE-2")
def test_spoken_input_from_a_cache_costs_what_is_published_closest_to_it() -> None:
    usage = Usage(
        input_tokens=10**6, cached_read_tokens=10**6, audio_input_tokens=10**6, audio_cached_read_tokens=10**6
    )

    assert dollars(price_of(band(input="5", audio_input="40", audio_cached_read="2.5")), usage) == Fraction("2.5")
    assert dollars(price_of(band(input="5", audio_input="40")), usage) == 40
    assert dollars(price_of(band(input="5", cached_read="0.5")), usage) == Fraction("0.5")
    assert dollars(price_of(band(input="5")), usage) == 5


@pytest.mark.rule("PRICE-8")
@pytest.mark.parametrize(
    ("input_tokens", "service", "expected"),
    [
        (200_000, Service.STANDARD, Fraction("0.6")),
        (200_001, Service.STANDARD, 200_001 * 6 * PER_MILLION),
        (900_000, Service.STANDARD, Fraction("5.4")),
        (100_000, Service.BATCH, Fraction("0.15")),
        (900_000, Service.BATCH, Fraction("1.35")),
        (100_000, Service.FLEX, Fraction("0.3")),
    ],
)
def test_the_band_that_the_whole_input_reaches_counts_for_the_whole_call(
    input_tokens: int, service: Service, expected: Fraction
) -> None:
    price = price_of(band(input="3"), band(200_000, input="6"), band(service=Service.BATCH, input="1.5"))

    assert dollars(price, Usage(input_tokens=input_tokens), service) == expected


@pytest.mark.rule("PRICE-7")
@pytest.mark.parametrize(
    ("counted", "field"),
    [
        ({"input_tokens": 10, "cached_read_tokens": 11}, "input_tokens"),
        ({"input_tokens": 10, "cached_read_tokens": 6, "cached_write_tokens": 5}, "input_tokens"),
        ({"input_tokens": 10, "cached_write_tokens": 5, "cached_write_1h_tokens": 6}, "cached_write_tokens"),
        ({"input_tokens": 10, "audio_input_tokens": 5, "audio_cached_read_tokens": 2}, "cached_read_tokens"),
        ({"output_tokens": 10, "reasoning_tokens": 6, "audio_output_tokens": 5}, "output_tokens"),
        ({"pages": 1, "annotated_pages": 2}, "pages"),
        ({"input_tokens": -1}, "input_tokens"),
        ({"web_searches": -1}, "web_searches"),
        ({"output_tokens": 10**13}, "output_tokens"),
    ],
)
def test_parts_that_are_more_than_the_whole_are_refused(counted: dict[str, int], field: str) -> None:
    assert Usage(input_tokens=10, cached_read_tokens=10, output_tokens=10, reasoning_tokens=10)

    with pytest.raises(Refusal) as caught:
        Usage(**counted)

    assert (caught.value.code, caught.value.field) == ("usage_inconsistent", field)


@pytest.mark.rule("PRICE-7")
def test_what_was_used_is_counted_in_whole_numbers() -> None:
    with pytest.raises(TypeError):
        Usage(input_tokens=1.5)  # type: ignore[arg-type]


@pytest.mark.rule("PRICE-3")
@given(rates_by_bucket=some_rates, usage=usages(), credit_factor=factors, price_factor=price_factors)
def test_the_formula_of_a_charge_is_the_charge(
    rates_by_bucket: dict[Bucket, int], usage: Usage, credit_factor: Factor, price_factor: Factor
) -> None:
    price = compile_price(price_of(Band(Service.STANDARD, 0, rates_by_bucket)))

    told = explain(price, usage, Service.STANDARD, credit_factor=credit_factor, price_factor=price_factor)

    assert told.cost == cost_of(price, usage, Service.STANDARD)
    assert told.credits == credits_for(told.cost, credit_factor=credit_factor, price_factor=price_factor)
    assert sum(line.parts for line in told.lines) == told.cost.parts


@pytest.mark.rule("PRICE-3")
def test_a_formula_can_be_read() -> None:
    price = compile_price(price_of(band(input="2.50", cached_read="0.25", output="10.00", audio_input_time="0.36")))
    usage = Usage(
        input_tokens=1_200, cached_read_tokens=200, output_tokens=300, images=1, audio_input_milliseconds=5_000
    )

    told = explain(price, usage, Service.STANDARD, credit_factor=Factor(1_000_000), price_factor=ONE)

    assert str(told).splitlines() == [
        "1000 input x 2.50 / 1 000 000 tokens = 0.0025",
        "200 cached_read x 0.25 / 1 000 000 tokens = 0.00005",
        "300 output x 10.00 / 1 000 000 tokens = 0.003",
        "1 image without a price = 0.00",
        "5000 milliseconds audio_input_time x 0.36 / 1 hour = 0.0005",
        "0.00605 USD x 100.00 x 1.00 = 0.605",
    ]


@pytest.mark.rule("PRICE-1")
def test_a_video_is_paid_by_the_second_and_to_the_millisecond() -> None:
    price = compile_price(price_of(band(video_output_time="0.10")))

    told = explain(
        price,
        Usage(video_output_milliseconds=4_500),
        Service.STANDARD,
        credit_factor=Factor(1_000_000),
        price_factor=ONE,
    )

    assert str(told).splitlines() == [
        "4500 milliseconds video_output_time x 0.10 / 1 second = 0.45",
        "0.45 USD x 100.00 x 1.00 = 45.00",
    ]
