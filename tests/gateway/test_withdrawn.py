"""A call that is given up while its hold is being opened leaves nothing held."""

from __future__ import annotations

import asyncio

import pytest

from bursar.actions.model_calls import Spender, Wish
from bursar.db.transaction import reading
from bursar.domain.call_sizes import CallSize
from bursar.domain.dialects import Dialect
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
