"""Rates on the wire: US dollars as decimal strings, for as many as prices are published for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema

from bursar.api.answers import Shape
from bursar.domain.prices import (
    BANDS_MAX,
    BUCKETS,
    TOKENS_MAX,
    Band,
    Bucket,
    ModelTerms,
    Service,
    parse_rate,
    rate_text,
)

PUBLISHED = "; ".join(f"{bucket} for {kind.measure.published_for}" for bucket, kind in BUCKETS.items())

Rate = Annotated[
    str,
    Field(max_length=40),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": 40,
            "pattern": r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?$",
            "description": "US dollars for what the bucket is published for, at most six decimals.",
            "examples": ["2.50"],
        }
    ),
]
"""A rate in a body."""

Tokens = Annotated[int, Field(strict=True, ge=1, le=TOKENS_MAX)]


class BandDraft(Shape):
    """The rates of a service, for calls with more than so many tokens of input in all."""

    service: Service = Service.STANDARD
    above_input_tokens: Annotated[int, Field(strict=True, ge=0, le=TOKENS_MAX)] = 0
    rates: Annotated[
        dict[Bucket, Rate], Field(min_length=1, max_length=len(Bucket), description=f"By bucket: {PUBLISHED}.")
    ]


class BandShape(Shape):
    """The rates of a service, for calls with more than so many tokens of input in all; they count for the whole call.

    A bucket without a rate takes another's: cached and spoken input the input's, reasoning the output's.
    """

    service: Service
    above_input_tokens: int
    rates: Annotated[dict[Bucket, str], Field(description=f"US dollars by bucket: {PUBLISHED}.")]


Bands = Annotated[list[BandDraft], Field(min_length=1, max_length=BANDS_MAX)]


def bands_from(drafts: list[BandDraft]) -> tuple[Band, ...]:
    """The bands that were typed. Refuses `invalid_input` with the rate at fault."""
    return tuple(
        Band(
            draft.service,
            draft.above_input_tokens,
            {
                bucket: parse_rate(bucket, draft.rates[bucket], field=f"bands.{number}.rates.{bucket}")
                for bucket in Bucket
                if bucket in draft.rates
            },
        )
        for number, draft in enumerate(drafts)
    )


def bands_shape(terms: ModelTerms) -> list[BandShape]:
    """The bands as they are shown."""
    return [
        BandShape(
            service=band.service,
            above_input_tokens=band.above_input_tokens,
            rates={bucket: rate_text(bucket, rate) for bucket, rate in band.rates.items()},
        )
        for band in terms.bands
    ]
