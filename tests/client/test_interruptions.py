"""What comes in between: a task cancelled as its hold ends, an answer that cannot be read, a thread that dies."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal
from typing import Any

import httpx
import pytest

import bursar
from bursar.client.amounts import amount_text
from bursar.client.renewals import Renewals
from tests.client.conftest import AT_ONCE

MOMENT = "2026-11-21T08:00:00+00:00"
HOLD: dict[str, Any] = {
    "id": "hld_1",
    "member_id": "mem_1",
    "amount": "2.00",
    "amount_usd": None,
    "is_free": False,
    "label": None,
    "metadata": {},
    "opened_at": MOMENT,
    "expires_at": MOMENT,
}  # fmt: skip
CLOSED: dict[str, Any] = {
    "id": "hld_1", "state": "voided", "charged": "0.00", "charged_usd": None, "overrun": "0.00", "closed_at": MOMENT,
}  # fmt: skip
CHARGED: dict[str, Any] = {
    "id": "hld_1",
    "member_id": "mem_1",
    "charged": "1.00",
    "charged_usd": None,
    "is_free": False,
    "label": None,
    "metadata": {},
    "charged_at": MOMENT,
}


@pytest.mark.parametrize(("settles_in_full", "verb"), [(False, "void"), (True, "settle")])
async def test_a_task_that_is_cancelled_while_its_hold_ends_ends_it_all_the_same(
    settles_in_full: bool, verb: str
) -> None:
    is_ending, may_end, ended = asyncio.Event(), asyncio.Event(), []

    async def office(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/holds"):
            return httpx.Response(201, json=HOLD)
        is_ending.set()
        await may_end.wait()
        ended.append(request.url.path.rsplit("/", 1)[-1])
        return httpx.Response(200, json=CLOSED)

    client = bursar.AsyncClient("http://office", api_key="k", transport=httpx.MockTransport(office))

    async def work() -> None:
        async with client.hold(amount="2", settles_in_full=settles_in_full):
            pass

    task = asyncio.create_task(work())
    await is_ending.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    may_end.set()
    await client.close()

    assert ended == [verb]


def unreadable_at_first() -> tuple[Any, list[str]]:
    """An office whose first answer is spoilt on the way, and the keys that it was asked with."""
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            return httpx.Response(201, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip"))
        return httpx.Response(201, json=CHARGED)

    return httpx.MockTransport(answer), keys


async def test_an_answer_that_cannot_be_read_is_asked_for_again_under_the_same_key() -> None:
    transport, keys = unreadable_at_first()
    async with bursar.AsyncClient("http://office", api_key="k", retries=AT_ONCE, transport=transport) as client:
        assert (await client.charge(amount="1")).charged == Decimal(1)
    assert keys[0] == keys[1]

    transport, keys = unreadable_at_first()
    with bursar.Client("http://office", api_key="k", retries=AT_ONCE, transport=transport) as waiting:
        assert waiting.charge(amount="1").charged == Decimal(1)
    assert keys[0] == keys[1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_holds_are_extended_although_the_thread_that_extended_others_has_died() -> None:
    renewals, thread_of = Renewals(), []
    has_failed, is_extended = threading.Event(), threading.Event()

    def fail() -> None:
        thread_of.append(threading.current_thread())
        has_failed.set()
        raise LookupError("as the test wants it")

    with renewals.keeping(0, fail):
        assert has_failed.wait(10)
        thread_of[0].join(10)
    with renewals.keeping(0, is_extended.set):
        assert is_extended.wait(10)
    renewals.close()


def test_a_computed_amount_is_not_finer_than_it_is() -> None:
    computed = Decimal("1.500") * Decimal("0.2500")

    assert amount_text(computed, name="cost") == "0.375000"
    assert amount_text(Decimal("2.00000000"), name="cost") == "2.000000"
    assert amount_text(Decimal("0.37500010"), name="cost") == "0.3750001"  # finer indeed, which Bursar refuses
    assert amount_text("0.3750000", name="cost") == "0.3750000"
