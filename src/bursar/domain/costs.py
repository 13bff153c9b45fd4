"""What a call costs: what was used, at a price, in dollars and in credits; and how that came about.

For the gateway: `compile_price` once for a price (its rows never change, so the result may be kept under its id),
`cost_of` and `credits_for` for every call, `explain` when somebody asks. A price says what one of everything costs; how
a provider's answer becomes a `Usage` is the gateway's business.

Everything is whole numbers. A cost is exact: it counts **parts**, of which a pico-dollar has 3 600 000, the
milliseconds of an hour, so that audio priced by the hour needs no rounding either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from operator import mul
from uuid import UUID

from bursar.domain.credits import Credits, round_up_to_micro
from bursar.domain.prices import (
    BUCKETS,
    MILLISECONDS_PER_HOUR,
    PICO_PER_DOLLAR,
    Band,
    Bucket,
    Price,
    Service,
    rate_text,
)
from bursar.domain.refusals import Refusal

PARTS_PER_PICO = MILLISECONDS_PER_HOUR
PARTS_PER_DOLLAR = PICO_PER_DOLLAR * PARTS_PER_PICO

COUNT_MAX = 10**12
"""More than any provider counts in one call."""

_TIMED = (Bucket.AUDIO_INPUT_TIME, Bucket.AUDIO_OUTPUT_TIME)
_ONES = len(Bucket) - len(_TIMED)
"""How many buckets have a rate for what they count in; those with a rate for an hour stand behind them."""

_IN_MILLISECONDS = {Bucket.VIDEO_OUTPUT_TIME, *_TIMED}


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call used. **Counts include their parts**, as OpenAI and Google report them, and Anthropic does not:
    `input_tokens` is the whole input with everything read from and written to a cache.

    Parts of `input_tokens`: `cached_read_tokens`, `cached_write_tokens`, audio, image and video. Audio and images read
    from a cache are parts of their kind *and* of `cached_read_tokens`. `cached_write_1h_tokens` is a part of
    `cached_write_tokens`. Parts of `output_tokens`, which share nothing: reasoning, audio, image, video, citations.
    Characters, pages, times and the rest stand for themselves. `pages` includes `annotated_pages`.

    Refuses `usage_inconsistent` where a part is larger than its whole, or a count is below zero or beyond all bounds.

    Rule: PRICE-7
    """

    input_tokens: int = 0
    cached_read_tokens: int = 0
    cached_write_tokens: int = 0
    cached_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    audio_cached_read_tokens: int = 0
    image_input_tokens: int = 0
    image_cached_read_tokens: int = 0
    video_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_output_tokens: int = 0
    image_output_tokens: int = 0
    video_output_tokens: int = 0
    citation_tokens: int = 0
    characters: int = 0
    messages: int = 0
    pages: int = 0
    annotated_pages: int = 0
    images: int = 0
    web_searches: int = 0
    file_searches: int = 0
    calls: int = 1
    video_output_milliseconds: int = 0
    audio_input_milliseconds: int = 0
    audio_output_milliseconds: int = 0

    def __post_init__(self) -> None:
        # Every count is a sum of what is in the buckets, so looking at those is enough; this runs for every call.
        counts = self.counts()
        if type(sum(counts)) is not int:
            raise TypeError(f"what was used is counted in whole numbers: {self!r}")
        if min(counts) < 0 or max(counts) > COUNT_MAX:
            raise _inconsistent(counts)

    def counts(self) -> tuple[int, ...]:
        """How many are in each bucket, nothing in two of them, in the order of `Bucket`."""
        cached_text = self.cached_read_tokens - self.audio_cached_read_tokens - self.image_cached_read_tokens
        audio = self.audio_input_tokens - self.audio_cached_read_tokens
        image = self.image_input_tokens - self.image_cached_read_tokens
        return (
            self.input_tokens
            - self.cached_read_tokens
            - self.cached_write_tokens
            - audio
            - image
            - self.video_input_tokens,
            cached_text,
            self.cached_write_tokens - self.cached_write_1h_tokens,
            self.cached_write_1h_tokens,
            audio,
            self.audio_cached_read_tokens,
            image,
            self.image_cached_read_tokens,
            self.video_input_tokens,
            self.output_tokens
            - self.reasoning_tokens
            - self.audio_output_tokens
            - self.image_output_tokens
            - self.video_output_tokens
            - self.citation_tokens,
            self.reasoning_tokens,
            self.audio_output_tokens,
            self.image_output_tokens,
            self.video_output_tokens,
            self.citation_tokens,
            self.characters,
            self.messages,
            self.pages - self.annotated_pages,
            self.annotated_pages,
            self.images,
            self.web_searches,
            self.file_searches,
            self.calls,
            self.video_output_milliseconds,
            self.audio_input_milliseconds,
            self.audio_output_milliseconds,
        )


_FIELDS = tuple(field.name for field in fields(Usage))
"""As many as there are buckets, in the same order: each bucket has what is left of its field without the parts."""


def _inconsistent(counts: tuple[int, ...]) -> Refusal:
    """What is wrong with the first count that cannot be."""
    field, count = next((field, n) for field, n in zip(_FIELDS, counts, strict=True) if not 0 <= n <= COUNT_MAX)
    if count < 0:
        return Refusal("usage_inconsistent", f"{field} is below 0, or its parts are more than it.", field=field)
    return Refusal("usage_inconsistent", f"{field} is at most {COUNT_MAX}.", field=field)


@dataclass(frozen=True, slots=True)
class CompiledBand:
    """A band as one flat row of rates in the order of `Bucket`; `unpriced` has neither a rate nor one instead."""

    above_input_tokens: int
    rates: tuple[int, ...]
    unpriced: frozenset[Bucket]


@dataclass(frozen=True, slots=True)
class CompiledPrice:
    """A price ready for counting. It may be kept as long as one likes, under the price's id."""

    price_id: UUID
    bands: Mapping[Service, tuple[CompiledBand, ...]]

    def band(self, service: Service, input_tokens: int) -> CompiledBand:
        """The rates for the whole call: of its service, or the standard one where the price says nothing of it; of the
        highest band that the input is above.

        Rule: PRICE-8
        """
        bands = self.bands.get(service) or self.bands[Service.STANDARD]
        for band in reversed(bands):
            if input_tokens > band.above_input_tokens:
                return band
        return bands[0]


def compile_price(price: Price) -> CompiledPrice:
    """The price as flat rows of rates, in which every bucket has the rate that counts for it."""
    bands: dict[Service, tuple[CompiledBand, ...]] = {}
    for band in price.terms.bands:
        bands[band.service] = (*bands.get(band.service, ()), _compiled(band))
    return CompiledPrice(price.price_id, bands)


def _compiled(band: Band) -> CompiledBand:
    """A bucket without a rate of its own takes the first there is of those that it names instead.

    Rule: PRICE-2
    """
    taken = {
        bucket: next((source for source in (bucket, *kind.instead) if source in band.rates), None)
        for bucket, kind in BUCKETS.items()
    }
    return CompiledBand(
        band.above_input_tokens,
        tuple(0 if source is None else band.rates[source] for source in taken.values()),
        frozenset(bucket for bucket, source in taken.items() if source is None),
    )


@dataclass(frozen=True, slots=True, order=True)
class Cost:
    """What a call costs in dollars, exactly."""

    parts: int

    @classmethod
    def of_pico_dollars(cls, pico_dollars: int) -> Cost:
        """A cost as rows and reports keep it."""
        return cls(pico_dollars * PARTS_PER_PICO)

    @property
    def pico_dollars(self) -> int:
        """The same in whole pico-dollars, rounded up: for rows and reports that keep it, not for credits."""
        return -(-self.parts // PARTS_PER_PICO)


def cost_of(price: CompiledPrice, usage: Usage, service: Service) -> Cost:
    """The exact cost of what was used. What the price says nothing of costs nothing; `explain` names it.

    Rule: PRICE-1, PRICE-8
    """
    return cost_in(price.band(service, usage.input_tokens), usage)


def cost_in(band: CompiledBand, usage: Usage) -> Cost:
    """The exact cost at the rates of this band, for what is many calls and has no band of its own."""
    counts = usage.counts()
    ones = sum(map(mul, counts[:_ONES], band.rates))
    timed = sum(map(mul, counts[_ONES:], band.rates[_ONES:]))
    return Cost(ones * PARTS_PER_PICO + timed)


FACTOR_DECIMALS = 4
_FACTOR_ONE = 10**FACTOR_DECIMALS


@dataclass(frozen=True, slots=True, order=True)
class Factor:
    """A factor with at most four decimals, as whole ten-thousandths: credits for a dollar, or what prices are times."""

    ten_thousandths: int

    def __str__(self) -> str:
        whole, fraction = divmod(self.ten_thousandths, _FACTOR_ONE)
        return f"{whole}.{f'{fraction:0{FACTOR_DECIMALS}d}'.rstrip('0').ljust(2, '0')}"


ONE = Factor(_FACTOR_ONE)
PRICE_FACTOR_MAX = Factor(1_000 * _FACTOR_ONE)
"""A thousandfold price is a slip of the hand already."""
CREDIT_FACTOR_MAX = Factor(1_000_000 * _FACTOR_ONE)
"""A credit is then a millionth of a dollar, and a micro-credit the pico-dollar that rates are counted in."""

_FACTOR = re.compile(rf"(?P<whole>0|[1-9][0-9]{{0,9}})(?:\.(?P<fraction>[0-9]{{1,{FACTOR_DECIMALS}}}))?", re.ASCII)


def parse_factor(text: object, *, field: str, largest: Factor) -> Factor:
    """A factor that somebody typed: 0 or more, at most four decimals. Refuses `invalid_input`; never rounds.

    Rule: PRICE-9
    """
    match = _FACTOR.fullmatch(text) if isinstance(text, str) else None
    if match is not None:
        fraction = (match["fraction"] or "").ljust(FACTOR_DECIMALS, "0")
        factor = Factor(int(match["whole"]) * _FACTOR_ONE + int(fraction))
        if factor <= largest:
            return factor
    raise Refusal(
        "invalid_input",
        f'A factor is a decimal string such as "1.10", from 0 to {largest}, with at most {FACTOR_DECIMALS} decimals.',
        field=field,
    )


def credits_for(cost: Cost, *, credit_factor: Factor, price_factor: Factor) -> Credits:
    """What a cost comes to in credits: times credits for a dollar, times the tenant's or group's price factor, rounded
    up to the next micro-credit. The only rounding between a provider's counts and a charge, and done once for a call.

    Rule: AMOUNT-4, PRICE-9
    """
    return round_up_to_micro(
        cost.parts * credit_factor.ten_thousandths * price_factor.ten_thousandths,
        per=PARTS_PER_DOLLAR * _FACTOR_ONE * _FACTOR_ONE,
    )


@dataclass(frozen=True)
class CostLine:
    """One line of a formula: so many of a bucket, at dollars for what it is published for, comes to so many parts."""

    bucket: Bucket
    count: int
    rate: int
    parts: int
    is_unpriced: bool

    def __str__(self) -> str:
        if self.is_unpriced:
            return f"{self.count} {self.bucket} without a price"
        unit = " milliseconds" if self.bucket in _IN_MILLISECONDS else ""
        published_for = BUCKETS[self.bucket].measure.published_for
        return f"{self.count}{unit} {self.bucket} x {rate_text(self.bucket, self.rate)} / {published_for}"


@dataclass(frozen=True)
class Explained:
    """How a charge came about, for a person: the lines, the exact sum, and what it was multiplied with."""

    lines: tuple[CostLine, ...]
    above_input_tokens: int
    cost: Cost
    credit_factor: Factor
    price_factor: Factor
    credits: Credits

    def __str__(self) -> str:
        band = f" (above {self.above_input_tokens} input tokens)" if self.above_input_tokens else ""
        total = f"{dollars_text(self.cost)} USD{band} x {self.credit_factor} x {self.price_factor} = {self.credits}"
        return "\n".join((*(f"{line} = {dollars_text(Cost(line.parts))}" for line in self.lines), total))


def explain(
    price: CompiledPrice, usage: Usage, service: Service, *, credit_factor: Factor, price_factor: Factor
) -> Explained:
    """The formula of one charge, bucket by bucket. Its sum is what `cost_of` says, since both read the same row."""
    band = price.band(service, usage.input_tokens)
    lines = tuple(
        CostLine(
            bucket,
            count,
            rate,
            count * rate * (1 if bucket in _TIMED else PARTS_PER_PICO),
            is_unpriced=bucket in band.unpriced,
        )
        for bucket, count, rate in zip(Bucket, usage.counts(), band.rates, strict=True)
        # That a call is a call is worth a line only where it costs something.
        if count and not (bucket is Bucket.CALL and not rate)
    )
    cost = Cost(sum(line.parts for line in lines))
    charged = credits_for(cost, credit_factor=credit_factor, price_factor=price_factor)
    return Explained(lines, band.above_input_tokens, cost, credit_factor, price_factor, charged)


def dollars_text(cost: Cost) -> str:
    """A cost in US dollars with at most twelve decimals, rounded up in the last: for people and reports."""
    whole, fraction = divmod(cost.pico_dollars, PICO_PER_DOLLAR)
    return f"{whole}.{f'{fraction:012d}'.rstrip('0').ljust(2, '0')}"
