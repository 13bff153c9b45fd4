"""What calls to models cost: prices, their rates, and which price counts when.

A rate is a whole number of **pico-dollars** (a millionth of a millionth of a US dollar) for one token, call, page or
character, for one millisecond of video, and for one hour of audio. Published prices have at most six decimals of a
dollar for a million tokens, and that is a whole number of pico-dollars for one; so no published price has to be
rounded, and the dearest is far from the end of 64 bits.

Not here: what a call costs (`costs`), which model a name means (`model_names`), how a list is compared with another
(`price_changes`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from bursar.domain.model_names import Names
from bursar.domain.refusals import Refusal

PICO_PER_DOLLAR = 10**12
MICRO_PER_DOLLAR = 10**6
MILLISECONDS_PER_HOUR = 3_600_000

RATE_DECIMALS_MAX = 6
RATE_DOLLARS_MAX = 100_000
"""Far above the dearest published price (600 dollars for a million tokens); what is above is a slip of the hand."""
BANDS_MAX = 20
"""Five services, each with a few bands of input; the public list has at most three of a service."""
TOKENS_MAX = 10**9
"""The largest window, output or threshold that a price may name. The largest there is has a few million."""
PROVIDER_LENGTH_MAX = 64
MODEL_LENGTH_MAX = 160
"""The longest id in the public list has 61 characters."""
AHEAD_MAX = timedelta(days=3 * 366)
"""How far ahead a price may be set: beyond this nobody knows prices."""

PUBLIC_LIST = "public_list"
HAND = "hand"
SET_BY_HAND = "set by hand"
ORIGINS = (PUBLIC_LIST, HAND)


class Bucket(StrEnum):
    """What is counted and priced apart from the rest. The order is that of a compiled price."""

    INPUT = "input"
    CACHED_READ = "cached_read"
    CACHED_WRITE = "cached_write"
    CACHED_WRITE_1H = "cached_write_1h"
    AUDIO_INPUT = "audio_input"
    AUDIO_CACHED_READ = "audio_cached_read"
    IMAGE_INPUT = "image_input"
    IMAGE_CACHED_READ = "image_cached_read"
    VIDEO_INPUT = "video_input"
    OUTPUT = "output"
    REASONING = "reasoning"
    AUDIO_OUTPUT = "audio_output"
    IMAGE_OUTPUT = "image_output"
    VIDEO_OUTPUT = "video_output"
    CITATION = "citation"
    CHARACTER = "character"
    MESSAGE = "message"
    PAGE = "page"
    ANNOTATED_PAGE = "annotated_page"
    IMAGE = "image"
    WEB_SEARCH = "web_search"
    FILE_SEARCH = "file_search"
    CALL = "call"
    VIDEO_OUTPUT_TIME = "video_output_time"
    AUDIO_INPUT_TIME = "audio_input_time"
    AUDIO_OUTPUT_TIME = "audio_output_time"


@dataclass(frozen=True, slots=True)
class Measure:
    """How a kind of rate is published: for how many, and how many pico-dollars of a rate a micro-dollar of that is."""

    published_for: str
    pico_per_micro: int


_TOKENS = Measure("1 000 000 tokens", 1)
_CHARACTERS = Measure("1 000 000 characters", 1)
_THOUSAND = Measure("1 000", 1_000)
_ONE = Measure("1", 1_000_000)
_SECOND = Measure("1 second", 1_000)
_HOUR = Measure("1 hour", 1_000_000)


@dataclass(frozen=True, slots=True)
class BucketKind:
    """One row of the table of buckets: what is in it, how it is published, and whose rate it takes without its own."""

    sentence: str
    measure: Measure
    instead: tuple[Bucket, ...] = ()


_B, _K = Bucket, BucketKind

BUCKETS: Mapping[Bucket, BucketKind] = {
    _B.INPUT: _K("Tokens of the input that are in no other bucket.", _TOKENS),
    _B.CACHED_READ: _K("Input tokens read from a cache.", _TOKENS, (_B.INPUT,)),
    _B.CACHED_WRITE: _K("Input tokens written to a cache for five minutes.", _TOKENS, (_B.INPUT,)),
    _B.CACHED_WRITE_1H: _K("Input tokens written to a cache for an hour.", _TOKENS, (_B.CACHED_WRITE, _B.INPUT)),
    _B.AUDIO_INPUT: _K("Audio in the input.", _TOKENS, (_B.INPUT,)),
    _B.AUDIO_CACHED_READ: _K("Audio read from a cache.", _TOKENS, (_B.CACHED_READ, _B.AUDIO_INPUT, _B.INPUT)),
    _B.IMAGE_INPUT: _K("Images in the input.", _TOKENS, (_B.INPUT,)),
    _B.IMAGE_CACHED_READ: _K("Images read from a cache.", _TOKENS, (_B.CACHED_READ, _B.IMAGE_INPUT, _B.INPUT)),
    _B.VIDEO_INPUT: _K("Video in the input.", _TOKENS, (_B.INPUT,)),
    _B.OUTPUT: _K("Tokens of the output that are in no other bucket.", _TOKENS),
    _B.REASONING: _K("Output tokens spent on reasoning.", _TOKENS, (_B.OUTPUT,)),
    _B.AUDIO_OUTPUT: _K("Audio in the output.", _TOKENS, (_B.OUTPUT,)),
    _B.IMAGE_OUTPUT: _K("Images in the output.", _TOKENS, (_B.OUTPUT,)),
    _B.VIDEO_OUTPUT: _K("Video in the output.", _TOKENS, (_B.OUTPUT,)),
    _B.CITATION: _K("Output tokens of citations.", _TOKENS, (_B.OUTPUT,)),
    _B.CHARACTER: _K("Characters of the input, where a model counts those.", _CHARACTERS),
    _B.MESSAGE: _K("Text messages of a spoken conversation.", _THOUSAND),
    _B.PAGE: _K("Pages of documents that were read.", _THOUSAND),
    _B.ANNOTATED_PAGE: _K("Pages that were read and annotated.", _THOUSAND, (_B.PAGE,)),
    _B.IMAGE: _K("Images that were made, where a model counts those.", _ONE),
    _B.WEB_SEARCH: _K("Searches of the web that the provider made.", _THOUSAND),
    _B.FILE_SEARCH: _K("Searches of stored files that the provider made.", _THOUSAND),
    _B.CALL: _K("The call itself.", _THOUSAND),
    _B.VIDEO_OUTPUT_TIME: _K("Video that was made, where a model counts its time.", _SECOND),
    _B.AUDIO_INPUT_TIME: _K("Audio in the input, where a model counts its time.", _HOUR),
    _B.AUDIO_OUTPUT_TIME: _K("Audio in the output, where a model counts its time.", _HOUR),
}
"""THE TABLE of what can be priced.

Rule: PRICE-2
"""


class Service(StrEnum):
    """How quickly or how cheaply a provider did a call, as its answer says."""

    STANDARD = "standard"
    BATCH = "batch"
    FLEX = "flex"
    PRIORITY = "priority"
    FAST = "fast"


@dataclass(frozen=True)
class Band:
    """The rates of a service for calls with more than so many tokens of input in all; they count for the whole call."""

    service: Service
    above_input_tokens: int
    rates: Mapping[Bucket, int]


@dataclass(frozen=True)
class ModelTerms:
    """What a price says: its rates, and what the model can take, as far as that is known."""

    bands: tuple[Band, ...]
    label: str | None = None
    context_window: int | None = None
    output_tokens_max: int | None = None
    names: Names = ()


NO_TERMS = ModelTerms(())
"""What a withdrawal says."""


@dataclass(frozen=True)
class Price:
    """One entry of the price list. It is never changed: another one takes its place from a later moment on.

    `terms` without bands is a withdrawal. `source` names the list that an entry was taken from.
    """

    price_id: UUID
    provider: str
    model: str
    origin: str
    source: str
    effective_from: datetime
    terms: ModelTerms
    created_at: datetime
    created_by: UUID | None
    note: str | None = None

    @property
    def is_withdrawal(self) -> bool:
        """Whether it ends what was there before, and prices nothing."""
        return not self.terms.bands


def in_force(entries: Sequence[Price], at: datetime) -> Price | None:
    """Which of one model's entries counts at this moment, if any: the latest that was set by hand, else the latest of
    the public list. A withdrawal ends its own kind.

    Rule: PRICE-3, PRICE-5
    """
    for origin in (HAND, PUBLIC_LIST):
        begun = [entry for entry in entries if entry.origin == origin and entry.effective_from <= at]
        latest = max(begun, key=lambda entry: (entry.effective_from, entry.created_at, entry.price_id), default=None)
        if latest is not None and not latest.is_withdrawal:
            return latest
    return None


def rate_text(bucket: Bucket, rate: int) -> str:
    """A rate as people read prices: exact US dollars for what the bucket is published for, at least two decimals."""
    one = MICRO_PER_DOLLAR * BUCKETS[bucket].measure.pico_per_micro
    whole, fraction = divmod(rate, one)
    digits = str(fraction).rjust(len(str(one)) - 1, "0").rstrip("0").ljust(2, "0")
    return f"{whole}.{digits}"


_RATE = re.compile(r"(?P<whole>0|[1-9][0-9]{0,9})(?:\.(?P<fraction>[0-9]{1,20}))?", re.ASCII)


def parse_rate(bucket: Bucket, text: object, *, field: str) -> int:
    """The rate that somebody typed as dollars for what the bucket is published for. Refuses `invalid_input` for what is
    no plain decimal, finer than six decimals, or too large; never rounds.

    Rule: PRICE-1
    """
    match = _RATE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Refusal("invalid_input", 'A rate is a decimal string of US dollars, such as "2.50".', field=field)
    fraction = match["fraction"] or ""
    if len(fraction) > RATE_DECIMALS_MAX:
        raise Refusal("invalid_input", f"A rate has at most {RATE_DECIMALS_MAX} decimals.", field=field)
    micro = int(match["whole"]) * MICRO_PER_DOLLAR + int(fraction.ljust(RATE_DECIMALS_MAX, "0"))
    if micro > RATE_DOLLARS_MAX * MICRO_PER_DOLLAR:
        raise Refusal("invalid_input", f"A rate is at most {RATE_DOLLARS_MAX} US dollars.", field=field)
    return micro * BUCKETS[bucket].measure.pico_per_micro


_PROVIDER = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{PROVIDER_LENGTH_MAX - 1}}}", re.ASCII)
_MODEL = re.compile(rf"[!-~]{{1,{MODEL_LENGTH_MAX}}}", re.ASCII)


def check_entry(provider: str, model: str, terms: ModelTerms) -> None:
    """Refuses `invalid_input` for a provider, model or terms that cannot stand in the list.

    A service's bands begin with one for every call, and rise; the standard service is always among them.

    Rule: PRICE-4
    """
    if not _PROVIDER.fullmatch(provider):
        raise Refusal("invalid_input", "A provider is lower-case letters, digits, points and dashes.", field="provider")
    if not _MODEL.fullmatch(model):
        raise Refusal(
            "invalid_input", f"A model is 1 to {MODEL_LENGTH_MAX} visible characters without blanks.", field="model"
        )
    for field, tokens in (("context_window", terms.context_window), ("output_tokens_max", terms.output_tokens_max)):
        if tokens is not None and not 1 <= tokens <= TOKENS_MAX:
            raise Refusal("invalid_input", f"This is 1 to {TOKENS_MAX} tokens.", field=field)
    _check_bands(terms.bands)


def _check_bands(bands: Sequence[Band]) -> None:
    if not 1 <= len(bands) <= BANDS_MAX:
        raise Refusal("invalid_input", f"A price has 1 to {BANDS_MAX} bands.", field="bands")
    if any(not band.rates for band in bands):
        raise Refusal("invalid_input", "A band without a rate prices nothing.", field="bands")
    for service in Service:
        steps = [band.above_input_tokens for band in bands if band.service is service]
        if not steps and service is not Service.STANDARD:
            continue
        rises = all(one < other for one, other in pairwise(steps))
        if not steps or steps[0] != 0 or not rises or steps[-1] > TOKENS_MAX:
            raise Refusal(
                "invalid_input",
                f"The bands of the service {service} begin above 0 tokens of input and rise from there.",
                field="bands",
            )


def check_effective_from(effective_from: datetime, *, now: datetime) -> None:
    """Refuses `invalid_input` for a moment that is over, or too far ahead: what was charged must stay explainable.

    Rule: PRICE-4
    """
    if not now <= effective_from <= now + AHEAD_MAX:
        raise Refusal(
            "invalid_input",
            f"A price counts from now on or from a later day, at most {AHEAD_MAX.days} days ahead.",
            field="effective_from",
        )
