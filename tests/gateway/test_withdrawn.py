"""A call that is given up while its hold is being opened leaves nothing held."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from bursar.actions.model_calls import Spender, Wish
from bursar.db.transaction import reading
from bursar.domain.call_sizes import CallSize
from bursar.domain.dialects import Dialect
from bursar.ledger import Command, OpenHold, Outcome
from bursar.store.callers import find_terms
from bursar.store.catalogue_version import get_catalogue_version
from tests.support.models import studio
from tests.support.offices import TestOffice


@pytest.mark.rule("CALL-5")
async def test_a_call_that_is_given_up_while_its_hold_is_opened_holds_nothing(house: TestOffice) -> None:
    acme = await studio(house)
    calls, place = house.office.calls, acme.place
    async with reading(house.desk.tenants, place.tenant.tenant_id) as transaction:
        terms = await find_terms(transaction, place.tenant.tenant_id, place.member.member_id)
        version = await get_catalogue_version(transaction)
    assert terms is not None
    catalogue = await calls.catalogues.current(version)
    spender = Spender(place.tenant.tenant_id, place.member.member_id, terms)
    wish = Wish("chat.completions", "simulated-small", CallSize(100, 1, 10), is_streamed=False)
    candidates = catalogue.candidates("simulated-small", Dialect.OPENAI)
    admitting = asyncio.create_task(calls.counter.admit(spender, wish, candidates))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    admitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await admitting
    while not await acme.holds() or (await acme.holds())[0][0] == "open":  # noqa: ASYNC110 - the books tell nobody
        await asyncio.sleep(0.01)

    assert await acme.holds() == [("voided", 0)]
    assert await acme.left() == "1000.00"


@pytest.mark.rule("CALL-12")
async def test_a_call_that_is_asked_for_again_and_given_up_leaves_the_first_ones_hold(house: TestOffice) -> None:
    acme = await studio(house)
    calls, place = house.office.calls, acme.place
    async with reading(house.desk.tenants, place.tenant.tenant_id) as transaction:
        terms = await find_terms(transaction, place.tenant.tenant_id, place.member.member_id)
        version = await get_catalogue_version(transaction)
    assert terms is not None
    catalogue = await calls.catalogues.current(version)
    spender = Spender(place.tenant.tenant_id, place.member.member_id, terms)
    wish = Wish("chat.completions", "simulated-small", CallSize(100, 1, 10), is_streamed=False, once="of-mine")
    candidates = catalogue.candidates("simulated-small", Dialect.OPENAI)
    first = await calls.counter.admit(spender, wish, candidates)
    submit, is_asked = house.desk.lanes.submit, asyncio.Event()

    async def slow(tenant_id: UUID, command: Command) -> Outcome:
        if isinstance(command, OpenHold):
            is_asked.set()
            await asyncio.Event().wait()
        return await submit(tenant_id, command)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(house.desk.lanes, "submit", slow)
        again = asyncio.create_task(calls.counter.admit(spender, wish, candidates))
        await is_asked.wait()
        again.cancel()
        with pytest.raises(asyncio.CancelledError):
            await again
    await asyncio.sleep(0.7)  # what is seen to is sent after half a second

    assert [state for state, _ in await acme.holds()] == ["open"]
    await first.withdraw()
    assert await acme.holds() == [("voided", 0)]
