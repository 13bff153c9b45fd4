"""How calls are told: as rows of a page, as lines of a file, and one with its formula."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from bursar.api.amounts import Amount, Dollars
from bursar.api.answers import Shape
from bursar.api.csv_answers import Row
from bursar.api.times import utc_text
from bursar.domain.calls import Call, counts_of
from bursar.domain.costs import Cost, Explained, dollars_text
from bursar.domain.ids import public_id
from bursar.domain.prices import BUCKETS, Bucket, Price, Service, rate_text
from bursar.reports.calls import CallDetail, CallNames

CallOutcomeName = Literal["delivered", "cancelled", "broken", "failed"]


class CallMember(Shape):
    """Who made a call, as they are called now; a deleted member is a number."""

    id: str
    name: str
    status: str


class CallGroup(Shape):
    """The group that the member was in when the call began, as it is called now."""

    id: str
    name: str


class CallKey(Shape):
    """The API key that a call came with. `prefix` is how its secret begins; `status` may be deleted."""

    id: str
    name: str
    prefix: str
    status: str


class CallTokens(Shape):
    """What was used, in tokens. `input` includes what was read from and written to a cache, `output` the reasoning."""

    input: int
    cached_read: int
    cached_write: int
    output: int
    reasoning: int


class CallShape(Shape):
    """One call. `dollars` is what the provider's price comes to, `credits` what was charged, `held` what was set aside
    for it, null where nothing was. `model` is what was asked for, `provider_model` what its provider calls it.

    `is_estimated`: the provider said nothing of its use, so what went by was counted. `is_simulated`: no real model
    answered. `key` is null where no key was used, `provider` where none was called.
    """

    id: str
    started_at: datetime
    ended_at: datetime
    member: CallMember
    group: CallGroup
    key: CallKey | None
    model: str
    provider: str | None
    provider_model: str | None
    endpoint: str
    is_streamed: bool
    is_estimated: bool
    is_simulated: bool
    outcome: CallOutcomeName
    status: int | None
    fault: str | None
    tokens: CallTokens
    dollars: Dollars
    credits: Amount
    held: Amount | None
    first_byte_ms: int | None
    total_ms: int
    request_id: str | None
    label: str | None


class CallPrice(Shape):
    """The price in force when a call began."""

    id: str
    provider: str
    model: str
    source: str
    effective_from: datetime


class FormulaLine(Shape):
    """So many of a bucket, at dollars for what it is published for. Without a price it costs nothing."""

    bucket: Bucket
    count: int
    rate: str | None
    published_for: str
    dollars: Dollars


class FormulaShape(Shape):
    """How a charge came about: the lines sum to `dollars`; times `credit_factor` times `price_factor`, rounded up once
    to the next micro-credit, are `credits`. `text` says the same in lines.
    """

    lines: list[FormulaLine]
    above_input_tokens: int
    dollars: Dollars
    credit_factor: str
    price_factor: str
    credits: Amount
    text: str


class CallDetailShape(Shape):
    """One call with all that is kept of it. `price` and `formula` are null where the model had no price, or where
    credits or dollars were metered directly. `used` is every count, `reported` the provider's own words.
    """

    call: CallShape
    service: Service
    used: dict[str, int]
    price: CallPrice | None
    credit_factor: str
    price_factor: str
    formula: FormulaShape | None
    hold_id: str | None
    reported: str | None
    provider_request_id: str | None
    metadata: dict[str, str]


COLUMNS = (
    "id", "time", "ended", "member", "member_id", "group", "group_id", "key", "key_id", "key_prefix", "model",
    "provider", "provider_model", "endpoint", "streamed", "input_tokens", "cached_read_tokens", "cached_write_tokens",
    "output_tokens", "reasoning_tokens", "dollars", "credits", "held", "first_byte_ms", "total_ms", "outcome", "status",
    "fault", "request_id", "estimated", "simulated", "label",
)  # fmt: skip


def call_shape(call: Call, names: CallNames) -> CallShape:
    """A call as a row.

    Rule: USAGE-1
    """
    usage = call.usage
    return CallShape(
        id=public_id("call", call.call_id),
        started_at=call.started_at,
        ended_at=call.ended_at,
        member=_member(call.member_id, names),
        group=_group(call.group_id, names),
        key=None if call.key_id is None else _key(call.key_id, names),
        model=call.model,
        provider=call.provider,
        provider_model=call.provider_model,
        endpoint=call.endpoint,
        is_streamed=call.is_streamed,
        is_estimated=call.is_estimated,
        is_simulated=call.is_simulated,
        outcome=call.outcome.value,
        status=call.status,
        fault=call.fault,
        tokens=CallTokens(
            input=usage.input_tokens,
            cached_read=usage.cached_read_tokens,
            cached_write=usage.cached_write_tokens,
            output=usage.output_tokens,
            reasoning=usage.reasoning_tokens,
        ),
        dollars=call.cost,
        credits=call.credits,
        held=call.held,
        first_byte_ms=call.first_byte_ms,
        total_ms=call.total_ms,
        request_id=call.request_id,
        label=call.label,
    )


def call_detail_shape(detail: CallDetail) -> CallDetailShape:
    """A call with all that is kept of it.

    Rule: USAGE-4
    """
    call = detail.call
    return CallDetailShape(
        call=call_shape(call, detail.names),
        service=call.service,
        used=counts_of(call.usage),
        price=None if detail.price is None else _price(detail.price),
        credit_factor=str(call.credit_factor),
        price_factor=str(call.price_factor),
        formula=None if detail.explained is None else _formula(detail.explained),
        hold_id=None if call.held is None else public_id("hold", call.call_id),
        reported=None if call.reported is None else call.reported.decode(),
        provider_request_id=call.provider_request_id,
        metadata=dict(call.metadata or {}),
    )


def row_of_call(shown: CallShape) -> Row:
    """The line of a file that says the same."""
    key, tokens = shown.key, shown.tokens
    return (
        shown.id,
        utc_text(shown.started_at),
        utc_text(shown.ended_at),
        shown.member.name,
        shown.member.id,
        shown.group.name,
        shown.group.id,
        *((key.name, key.id, key.prefix) if key else (None, None, None)),
        shown.model,
        shown.provider,
        shown.provider_model,
        shown.endpoint,
        _yes_no(shown.is_streamed),
        *(
            str(count)
            for count in (tokens.input, tokens.cached_read, tokens.cached_write, tokens.output, tokens.reasoning)
        ),
        dollars_text(shown.dollars),
        str(shown.credits),
        None if shown.held is None else str(shown.held),
        None if shown.first_byte_ms is None else str(shown.first_byte_ms),
        str(shown.total_ms),
        shown.outcome,
        None if shown.status is None else str(shown.status),
        shown.fault,
        shown.request_id,
        _yes_no(shown.is_estimated),
        _yes_no(shown.is_simulated),
        shown.label,
    )


def _yes_no(fact: bool) -> str:
    return "yes" if fact else "no"


def _member(member_id: UUID, names: CallNames) -> CallMember:
    party = names.parties[member_id]
    return CallMember(id=public_id("member", member_id), name=party.name, status=party.status)


def _group(group_id: UUID, names: CallNames) -> CallGroup:
    return CallGroup(id=public_id("group", group_id), name=names.parties[group_id].name)


def _key(key_id: UUID, names: CallNames) -> CallKey:
    key = names.keys[key_id]
    return CallKey(id=public_id("api_key", key_id), name=key.name, prefix=key.prefix, status=key.status)


def _price(price: Price) -> CallPrice:
    return CallPrice(
        id=public_id("price", price.price_id),
        provider=price.provider,
        model=price.model,
        source=price.source,
        effective_from=price.effective_from,
    )


def _formula(explained: Explained) -> FormulaShape:
    return FormulaShape(
        lines=[
            FormulaLine(
                bucket=line.bucket,
                count=line.count,
                rate=None if line.is_unpriced else rate_text(line.bucket, line.rate),
                published_for=BUCKETS[line.bucket].measure.published_for,
                dollars=Cost(line.parts),
            )
            for line in explained.lines
        ],
        above_input_tokens=explained.above_input_tokens,
        dollars=explained.cost,
        credit_factor=str(explained.credit_factor),
        price_factor=str(explained.price_factor),
        credits=explained.credits,
        text=str(explained),
    )
