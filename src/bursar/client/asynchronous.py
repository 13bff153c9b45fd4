"""A Bursar for programs that do other things while they wait. The same verbs as `synchronous`, each to be awaited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

import httpx

from bursar.client import answers, intents
from bursar.client.amounts import Amount
from bursar.client.answers import Balance, Charge, ClosedHold, HoldPage, HoldState, OpenedHold
from bursar.client.attempts import Answered, Attempts, Retries
from bursar.client.ends import Course, End, in_full
from bursar.client.errors import BursarError
from bursar.client.http import NEVER_SENT, TIMEOUT_SECONDS, options, request_options
from bursar.client.intents import HOLD_SECONDS, Intent, Metadata, Purpose
from bursar.client.renewals import Renewal, renew


class AsyncHold:
    """Credits set aside, inside the block of `AsyncClient.hold`."""

    def __init__(self, client: AsyncClient, opened: OpenedHold, course: Course) -> None:
        self._client = client
        self._course = course
        self.opened = opened

    @property
    def id(self) -> str:
        """The hold's id."""
        return self.opened.id

    @property
    def closed(self) -> ClosedHold | None:
        """How the hold ended, once it has."""
        return self._course.closed

    async def settle(self, cost: Amount | None = None, *, cost_usd: Amount | None = None) -> ClosedHold:
        """Charges what it cost, at once: below, at or above what is held. What happens in the block afterwards does not
        change that."""
        try:
            self._course.closed = await self._client.settle_hold(self.id, cost, cost_usd=cost_usd)
        except BaseException as error:
            self._course.failed_to_settle(error)
            raise
        return self._course.closed

    async def void(self) -> ClosedHold:
        """Gives all of it back, at once."""
        self._course.closed = await self._client.void_hold(self.id)
        return self._course.closed

    async def extend(self, seconds: int) -> datetime:
        """Moves the deadline to so many seconds from now, never nearer. Answers when the hold expires."""
        return await self._client.extend_hold(self.id, seconds)


class AsyncClient:
    """A Bursar at `url`, asked with a management key that has the scope `metering`.

    Whoever is charged is a `member` by id; without one it is the key's owner. Amounts are `Decimal` or decimal strings,
    of credits or, in the arguments that end in `_usd`, of dollars. What fails for the moment is sent again, and is done
    once all the same. Raises what `bursar.client.errors` lists.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str,
        timeout_seconds: float = TIMEOUT_SECONDS,
        retries: Retries = Retries(),  # noqa: B008  frozen
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(**options(url, api_key, timeout_seconds), transport=transport)
        self._retries = retries
        self._ending: set[asyncio.Future[object]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Waits for holds that are just being ended, and closes the connections. Holds that are open stay so until
        their deadline."""
        if self._ending:
            await asyncio.wait(self._ending)
        await self._http.aclose()

    @asynccontextmanager
    async def hold(
        self,
        *,
        member: str | None = None,
        amount: Amount | None = None,
        amount_usd: Amount | None = None,
        seconds: int = HOLD_SECONDS,
        label: str | None = None,
        metadata: Metadata | None = None,
        settles_in_full: bool = False,
        renews: bool = True,
    ) -> AsyncIterator[AsyncHold]:
        """Sets credits aside for the length of a block, and extends the hold while the block runs.

        Settle it inside. A block that ends without that, by an exception or by being cancelled, gives all of it back;
        with `settles_in_full`, a block that ends well is charged what was held. A settlement that did not get through
        is not given back: the hold stays until its deadline, so that it can be settled again.
        """
        purpose = Purpose(label, metadata)
        opened = await self._opened(intents.opening(member, amount, amount_usd, seconds, purpose, key=None))
        course = Course(settles_in_full=settles_in_full)
        hold = AsyncHold(self, opened, course)
        async with _keeping(hold, seconds, renews=renews):
            try:
                yield hold
            except BaseException as error:
                if course.end(by_exception=True) is End.VOID:
                    await self._through(self._give_back(hold, error))
                raise
            match course.end(by_exception=False):
                case End.SETTLE:
                    await self._through(hold.settle(**in_full(opened)))
                case End.VOID:
                    await self._through(hold.void())

    async def open_hold(
        self,
        *,
        member: str | None = None,
        amount: Amount | None = None,
        amount_usd: Amount | None = None,
        seconds: int = HOLD_SECONDS,
        label: str | None = None,
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> OpenedHold:
        """Sets credits aside. Nobody ends or extends the hold for you: that is what `hold` is for."""
        purpose = Purpose(label, metadata)
        return await self._opened(intents.opening(member, amount, amount_usd, seconds, purpose, key=idempotency_key))

    async def settle_hold(
        self,
        hold_id: str,
        cost: Amount | None = None,
        *,
        cost_usd: Amount | None = None,
        idempotency_key: str | None = None,
    ) -> ClosedHold:
        """Charges what it cost, below, at or above its hold. Settling again at the same cost changes nothing."""
        done = await self._done(intents.settling(hold_id, cost, cost_usd, key=idempotency_key))
        return answers.closed_hold(done.body, is_repeat=done.is_repeat)

    async def void_hold(self, hold_id: str, *, idempotency_key: str | None = None) -> ClosedHold:
        """Gives all of it back. Voiding again changes nothing."""
        done = await self._done(intents.voiding(hold_id, key=idempotency_key))
        return answers.closed_hold(done.body, is_repeat=done.is_repeat)

    async def extend_hold(self, hold_id: str, seconds: int, *, idempotency_key: str | None = None) -> datetime:
        """Moves the deadline to so many seconds from now, never nearer. Answers when the hold expires."""
        return answers.expiry((await self._done(intents.extending(hold_id, seconds, key=idempotency_key))).body)

    async def get_hold(self, hold_id: str) -> HoldState:
        """A hold as it is now."""
        return answers.hold_state((await self._done(intents.looking_at_hold(hold_id))).body)

    async def list_holds(
        self, *, member: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> HoldPage:
        """A page of somebody's open holds, those that expire first in front."""
        return answers.hold_page((await self._done(intents.listing_holds(member, limit=limit, cursor=cursor))).body)

    async def charge(
        self,
        *,
        member: str | None = None,
        amount: Amount | None = None,
        amount_usd: Amount | None = None,
        label: str | None = None,
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> Charge:
        """Charges at once, all of it or nothing."""
        purpose = Purpose(label, metadata)
        done = await self._done(intents.charging(member, amount, amount_usd, purpose, key=idempotency_key))
        return answers.charge(done.body, is_repeat=done.is_repeat)

    async def balance(self, *, member: str | None = None) -> Balance:
        """What somebody can spend now."""
        return answers.balance((await self._done(intents.looking_at_balance(member))).body)

    async def _opened(self, intent: Intent) -> OpenedHold:
        done = await self._done(intent)
        return answers.opened_hold(done.body, is_repeat=done.is_repeat)

    async def _give_back(self, hold: AsyncHold, error: BaseException) -> None:
        """Voids the hold of a block that failed. The block's own exception is the one that matters, so what goes wrong
        here is noted on it; the hold ends by its deadline then."""
        try:
            await hold.void()
        except BursarError as failure:
            error.add_note(f"The hold {hold.id} could not be voided and ends by its deadline: {failure}")

    async def _through(self, work: Awaitable[object]) -> None:
        """Does it even if whoever waits for it is cancelled meanwhile."""
        ending = asyncio.ensure_future(work)
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        await asyncio.shield(ending)

    async def _done(self, intent: Intent) -> Answered:
        """Sends the intent until there is an answer, or there is no point in going on."""
        attempts = Attempts(self._retries, intent)
        while True:
            try:
                response = await self._http.request(intent.method, intent.path, **request_options(intent))
            except httpx.RequestError as error:
                pause = attempts.lost(error, may_have_arrived=not isinstance(error, NEVER_SENT))
            else:
                answer = attempts.answered(response.status_code, response.headers, response.content)
                if isinstance(answer, Answered):
                    return answer
                pause = answer
            await asyncio.sleep(pause)


@asynccontextmanager
async def _keeping(hold: AsyncHold, seconds: int, *, renews: bool) -> AsyncIterator[None]:
    """Has the hold extended, again and again, until the block ends."""
    if not renews:
        yield
        return
    renewing = asyncio.create_task(
        renew(Renewal(seconds, time.monotonic()), lambda: hold.extend(seconds)), name=f"renewal of {hold.id}"
    )
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait({renewing})
