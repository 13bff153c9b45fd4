"""A Bursar for programs that wait for each answer. Safe to share between threads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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
from bursar.client.renewals import Renewals


class Hold:
    """Credits set aside, inside the block of `Client.hold`."""

    def __init__(self, client: Client, opened: OpenedHold, course: Course) -> None:
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

    def settle(self, cost: Amount | None = None, *, cost_usd: Amount | None = None) -> ClosedHold:
        """Charges what it cost, at once: below, at or above what is held. What happens in the block afterwards does not
        change that."""
        try:
            self._course.closed = self._client.settle_hold(self.id, cost, cost_usd=cost_usd)
        except BaseException as error:
            self._course.failed_to_settle(error)
            raise
        return self._course.closed

    def void(self) -> ClosedHold:
        """Gives all of it back, at once."""
        self._course.closed = self._client.void_hold(self.id)
        return self._course.closed

    def extend(self, seconds: int) -> datetime:
        """Moves the deadline to so many seconds from now, never nearer. Answers when the hold expires."""
        return self._client.extend_hold(self.id, seconds)


class Client:
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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(**options(url, api_key, timeout_seconds), transport=transport)
        self._retries = retries
        self._renewals = Renewals()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections. Holds that are open stay so until their deadline."""
        self._renewals.close()
        self._http.close()

    @contextmanager
    def hold(
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
    ) -> Iterator[Hold]:
        """Sets credits aside for the length of a block, and extends the hold while the block runs.

        Settle it inside. A block that ends without that, or by an exception, gives all of it back; with
        `settles_in_full`, a block that ends well is charged what was held. A settlement that did not get through is not
        given back: the hold stays until its deadline, so that it can be settled again.
        """
        purpose = Purpose(label, metadata)
        opened = self._opened(intents.opening(member, amount, amount_usd, seconds, purpose, key=None))
        course = Course(settles_in_full=settles_in_full)
        hold = Hold(self, opened, course)
        keeping = self._renewals.keeping(seconds, lambda: hold.extend(seconds)) if renews else nullcontext()
        with keeping:
            try:
                yield hold
            except BaseException as error:
                self._give_back(hold, course, error)
                raise
            match course.end(by_exception=False):
                case End.SETTLE:
                    hold.settle(**in_full(opened))
                case End.VOID:
                    hold.void()

    def open_hold(
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
        return self._opened(intents.opening(member, amount, amount_usd, seconds, purpose, key=idempotency_key))

    def settle_hold(
        self,
        hold_id: str,
        cost: Amount | None = None,
        *,
        cost_usd: Amount | None = None,
        idempotency_key: str | None = None,
    ) -> ClosedHold:
        """Charges what it cost, below, at or above its hold. Settling again at the same cost changes nothing."""
        done = self._done(intents.settling(hold_id, cost, cost_usd, key=idempotency_key))
        return answers.closed_hold(done.body, is_repeat=done.is_repeat)

    def void_hold(self, hold_id: str, *, idempotency_key: str | None = None) -> ClosedHold:
        """Gives all of it back. Voiding again changes nothing."""
        done = self._done(intents.voiding(hold_id, key=idempotency_key))
        return answers.closed_hold(done.body, is_repeat=done.is_repeat)

    def extend_hold(self, hold_id: str, seconds: int, *, idempotency_key: str | None = None) -> datetime:
        """Moves the deadline to so many seconds from now, never nearer. Answers when the hold expires."""
        return answers.expiry(self._done(intents.extending(hold_id, seconds, key=idempotency_key)).body)

    def get_hold(self, hold_id: str) -> HoldState:
        """A hold as it is now."""
        return answers.hold_state(self._done(intents.looking_at_hold(hold_id)).body)

    def list_holds(self, *, member: str | None = None, limit: int | None = None, cursor: str | None = None) -> HoldPage:
        """A page of somebody's open holds, those that expire first in front."""
        return answers.hold_page(self._done(intents.listing_holds(member, limit=limit, cursor=cursor)).body)

    def charge(
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
        done = self._done(intents.charging(member, amount, amount_usd, purpose, key=idempotency_key))
        return answers.charge(done.body, is_repeat=done.is_repeat)

    def balance(self, *, member: str | None = None) -> Balance:
        """What somebody can spend now."""
        return answers.balance(self._done(intents.looking_at_balance(member)).body)

    def _opened(self, intent: Intent) -> OpenedHold:
        done = self._done(intent)
        return answers.opened_hold(done.body, is_repeat=done.is_repeat)

    def _give_back(self, hold: Hold, course: Course, error: BaseException) -> None:
        """Voids the hold of a block that failed. The block's own exception is the one that matters, so what goes wrong
        here is noted on it; the hold ends by its deadline then."""
        if course.end(by_exception=True) is End.NOTHING:
            return
        try:
            hold.void()
        except BursarError as failure:
            error.add_note(f"The hold {hold.id} could not be voided and ends by its deadline: {failure}")

    def _done(self, intent: Intent) -> Answered:
        """Sends the intent until there is an answer, or there is no point in going on."""
        attempts = Attempts(self._retries, intent)
        while True:
            try:
                response = self._http.request(intent.method, intent.path, **request_options(intent))
            except httpx.RequestError as error:
                pause = attempts.lost(error, may_have_arrived=not isinstance(error, NEVER_SENT))
            else:
                answer = attempts.answered(response.status_code, response.headers, response.content)
                if isinstance(answer, Answered):
                    return answer
                pause = answer
            time.sleep(pause)
