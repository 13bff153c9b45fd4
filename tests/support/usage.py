"""Calls of a test's members: held, settled at what they cost, with their rows of usage, as the gateway makes them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from bursar.actions.calls import written_with
from bursar.domain.calls import Call, CallOutcome
from bursar.domain.costs import ONE, Cost, Factor, Usage
from bursar.domain.credits import Credits, parse_metered
from bursar.domain.prices import PICO_PER_DOLLAR, Service
from bursar.ledger import KeyLimit, OpenHold, SettleHold, VoidHold
from bursar.outside.identity import new_uuid
from bursar.store.members import Member
from tests.support.offices import Place, TestOffice

MODEL = "gpt-test"
HUNDRED = Factor(100 * 10_000)


@dataclass(frozen=True)
class Made:
    """How a test's call is: everything that a test does not say is as usual."""

    credits: str = "0.50"
    model: str = MODEL
    provider: str | None = "openai"
    endpoint: str = "chat.completions"
    key_id: UUID | None = None
    price_id: UUID | None = None
    outcome: CallOutcome = CallOutcome.DELIVERED
    is_streamed: bool = False
    is_estimated: bool = False
    usage: Usage = field(default_factory=lambda: Usage(input_tokens=1_000, cached_read_tokens=200, output_tokens=50))
    pico_dollars: int | None = None
    time_zone: str = "UTC"
    group_id: UUID | None = None
    label: str | None = None
    ago: timedelta = timedelta(0)
    at: datetime | None = None


async def made_call(house: TestOffice, place: Place, member: Member, made: Made = Made()) -> Call:
    """One call of this member, whose dollars are a hundredth of its credits unless that is said otherwise."""
    hold_id, tenant_id = new_uuid(), place.tenant.tenant_id
    call = call_row(house, member, made, hold_id)
    with_key = None if made.key_id is None else KeyLimit(made.key_id)
    opened = OpenHold(
        actor_id=None, hold_id=hold_id, member_id=member.member_id, amount=call.credits, seconds=600, with_key=with_key
    )
    (await house.desk.lanes.submit(tenant_id, opened)).unwrap()
    if made.outcome is CallOutcome.FAILED:
        call = replace(call, cost=Cost(0), credits=Credits(0))
        closing = VoidHold(actor_id=None, hold_id=hold_id, along=written_with(call))
        (await house.desk.lanes.submit(tenant_id, closing)).unwrap()
    else:
        settled = SettleHold(actor_id=None, hold_id=hold_id, cost=call.credits, along=written_with(call))
        (await house.desk.lanes.submit(tenant_id, settled)).unwrap()
    return call


def call_row(house: TestOffice, member: Member, made: Made, call_id: UUID) -> Call:
    """The row of such a call, which took a second."""
    ended_at = made.at or house.clock.now() - made.ago
    started_at = ended_at - timedelta(seconds=1)
    credits_charged = parse_metered(made.credits, field="credits")
    pico_dollars = made.pico_dollars
    if pico_dollars is None:
        pico_dollars = credits_charged.micro * PICO_PER_DOLLAR // 100_000_000
    return Call(
        call_id=call_id,
        member_id=member.member_id,
        group_id=made.group_id or member.group_id,
        key_id=made.key_id,
        endpoint=made.endpoint,
        model=made.model,
        provider=made.provider,
        provider_model=None if made.provider is None else f"{made.model}-2026",
        is_streamed=made.is_streamed,
        is_simulated=False,
        started_at=started_at,
        ended_at=ended_at,
        day=started_at.astimezone(ZoneInfo(made.time_zone)).date(),
        outcome=made.outcome,
        usage=made.usage,
        is_estimated=made.is_estimated,
        price_id=made.price_id,
        service=Service.STANDARD,
        cost=Cost.of_pico_dollars(pico_dollars),
        credit_factor=HUNDRED,
        price_factor=ONE,
        credits=credits_charged,
        held=credits_charged,
        total_ms=1_000,
        first_byte_ms=200,
        status=200,
        request_id="req-of-a-test",
        label=made.label,
        reported=b'{"prompt_tokens": 1000, "completion_tokens": 50}',
        metadata={"team": "lab"},
    )


async def opened(house: TestOffice, *, per_cycle: str = "1000") -> tuple[Place, httpx.AsyncClient, httpx.AsyncClient]:
    """A tenant with credits, its admin and its member."""
    place = await house.tenant(per_cycle=per_cycle)
    await house.granted(place, "1000")
    admin = await house.signed_in("acme-admin")
    allocated = await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": "100"})
    assert allocated.status_code == 201, allocated.text
    return place, admin, await house.signed_in("acme-member")
