"""How often something is sent, and what it comes to: every way in which it can go, without a server."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

import bursar
from bursar.client import (
    BursarError,
    Conflict,
    InsufficientQuota,
    InvalidRequest,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutcomeUnknown,
    Retries,
    Unavailable,
)
from bursar.client.amounts import amount_text, one_amount
from bursar.client.attempts import Answered, Attempts
from bursar.client.intents import Intent, charging, looking_at_balance, settling
from bursar.client.intents import Purpose as What
from bursar.client.renewals import KEPT_SECONDS_MAX, Renewal

WRITE = Intent("POST", "/charges", {}, idempotency_key="k-1")
READ = Intent("GET", "/spendable")
TWICE = Retries(attempts_max=2)


def problem(code: str, **more: Any) -> bytes:
    return json.dumps({"code": code, "detail": f"{code}.", **more}).encode()


def ended(intent: Intent, *events: Exception | tuple[int, bytes]) -> BursarError | Answered:
    """What an intent comes to that is sent as often as there are events: True for a connection lost on the way."""
    attempts = Attempts(Retries(attempts_max=len(events)), intent)
    answer: float | Answered = 0
    try:
        for event in events:
            if isinstance(event, Exception):
                answer = attempts.lost(event, may_have_arrived=isinstance(event, EOFError))
            else:
                answer = attempts.answered(event[0], {}, event[1])
    except BursarError as error:
        return error
    assert isinstance(answer, Answered), "it goes on"
    return answer


LOST, REFUSED = EOFError("cut"), ConnectionRefusedError("nobody is there")
BUSY = (503, problem("unavailable"))


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([REFUSED, REFUSED], Unavailable),
        ([REFUSED, LOST], OutcomeUnknown),
        ([LOST, REFUSED], OutcomeUnknown),
        ([BUSY, BUSY], Unavailable),
        ([(429, b"slow down"), (429, problem("rate_limit_exceeded"))], Unavailable),
        ([LOST, BUSY], OutcomeUnknown),
        ([(503, b"<html>a proxy"), BUSY], OutcomeUnknown),
        ([(500, problem("fault"))], OutcomeUnknown),
        ([(502, b"")], OutcomeUnknown),
        ([(503, problem("outcome_unknown"))], OutcomeUnknown),
        ([(200, b"<html>sign in")], OutcomeUnknown),
        ([(302, b"")], Unavailable),
        ([LOST, (402, problem("insufficient_quota"))], InsufficientQuota),
        ([LOST, (401, problem("api_key_disabled"))], OutcomeUnknown),
        ([BUSY, (401, problem("api_key_disabled"))], NotSignedIn),
        ([(403, problem("not_permitted"))], NotPermitted),
        ([(404, problem("member_unknown"))], NotFound),
        ([(409, problem("hold_voided"))], Conflict),
        ([(422, problem("invalid_input"))], InvalidRequest),
        ([LOST, (201, b'{"id": "hld"}')], Answered),
    ],
)
def test_what_may_have_been_done_is_never_said_to_be_undone(events: list[Any], outcome: type) -> None:
    assert type(ended(WRITE, *events)) is outcome


@pytest.mark.parametrize("event", [LOST, REFUSED, (500, problem("fault")), (200, b"<html>")])
def test_a_read_that_fails_changes_nothing_and_says_so(event: Any) -> None:
    assert type(ended(READ, event, event)) is Unavailable


def test_the_unknown_outcome_carries_the_key_to_ask_again_with() -> None:
    error = ended(WRITE, LOST)

    assert isinstance(error, OutcomeUnknown)
    assert error.idempotency_key == "k-1"


def test_pauses_double_up_to_their_bound_and_never_fall_short_of_what_the_server_asks_for() -> None:
    attempts = Attempts(Retries(attempts_max=9, pause_first_seconds=1, pause_longest_seconds=4), WRITE)
    pauses = [attempts.lost(LOST, may_have_arrived=False) for _ in range(5)]

    assert all(low <= pause <= 2 * low for low, pause in zip([0.5, 1, 2, 2, 2], pauses, strict=True))
    assert attempts.answered(429, {"retry-after": "9"}, b"") == 9
    pause = attempts.answered(429, {"retry-after": "Sat, 21 Nov 2026 07:28:00 GMT"}, b"")
    assert not isinstance(pause, Answered)
    assert pause <= 4
    with pytest.raises(Unavailable):
        attempts.answered(429, {"retry-after": "31"}, b"")


def test_a_repeat_says_that_it_is_one() -> None:
    answer = Attempts(TWICE, WRITE).answered(201, {"idempotent-replayed": "true"}, b"{}")

    assert answer == Answered({}, is_repeat=True)


def test_a_refusal_tells_what_is_left_and_when_it_renews() -> None:
    facts = {"available": "0.25", "asked": "1.00", "held": "0.00", "limit": "0.25", "scope": "member"}
    moment = {**facts, "resets_at": "2026-12-01T00:00:00+00:00"}
    error = ended(WRITE, (402, problem("insufficient_quota", facts=moment, request_id="r-1")))

    assert isinstance(error, InsufficientQuota)
    assert (error.available, error.asked, error.held, error.limit) == (
        Decimal("0.25"), Decimal(1), Decimal(0), Decimal("0.25"),
    )  # fmt: skip
    assert (error.scope, error.request_id, error.code) == ("member", "r-1", "insufficient_quota")
    assert error.resets_at is not None
    assert error.resets_at.month == 12
    assert error.problem.fields == ()


def test_amounts_are_sent_digit_by_digit_and_floats_not_at_all() -> None:
    assert amount_text(Decimal("0.100000"), name="amount") == "0.100000"
    assert amount_text(Decimal("1E-6"), name="amount") == "0.000001"
    assert amount_text(Decimal("1E+3"), name="amount") == "1000"
    assert (amount_text("1.25", name="amount"), amount_text(3, name="amount")) == ("1.25", "3")
    for wrong in (0.1, True, None):
        with pytest.raises(TypeError):
            amount_text(wrong, name="amount")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is a number"):
        amount_text(Decimal("nan"), name="amount")
    with pytest.raises(ValueError, match="either cost"):
        one_amount(None, None, name="cost")
    with pytest.raises(ValueError, match="either cost"):
        one_amount("1", "1", name="cost")


def test_each_intent_has_a_key_of_its_own_unless_it_is_given_one() -> None:
    first, second = (charging("mem_1", "1", None, What("Report"), key=None) for _ in range(2))

    assert first.idempotency_key != second.idempotency_key
    assert first.body == {"member_id": "mem_1", "amount": "1", "label": "Report"}
    assert settling("hld_1", None, "2", key="mine").headers == {"idempotency-key": "mine"}
    assert looking_at_balance(None).headers == {}
    with pytest.raises(ValueError, match="an id looks like"):
        settling("../members", "1", None, key=None)


def test_a_client_takes_an_address_of_the_web_and_a_key() -> None:
    for url, key in (("localhost:8000", "k"), ("ftp://x", "k"), ("http://x", ""), ("http://x", "k\n")):
        with pytest.raises(ValueError, match=r"looks like|one word"):
            bursar.Client(url, api_key=key)
    with pytest.raises(ValueError, match="at least once"):
        Retries(attempts_max=0)
    with pytest.raises(AttributeError):
        _ = bursar.Clients  # type: ignore[attr-defined]


def test_a_hold_is_renewed_at_half_its_time_sooner_after_a_failure_and_never_after_a_refusal() -> None:
    assert Renewal(3 * KEPT_SECONDS_MAX, now=0).next_at is None
    renewal = Renewal(100, now=1000)
    assert renewal.next_at == 1050
    renewal.done(1050, None)
    assert renewal.next_at == 1100
    renewal.done(1100, Unavailable("later"))
    assert renewal.next_at == 1110
    refusal = ended(WRITE, (409, problem("hold_voided")))
    assert isinstance(refusal, BursarError)
    renewal.done(1110, refusal)
    assert renewal.next_at is None

    longest = Renewal(100, now=0)
    longest.done(KEPT_SECONDS_MAX - 50, None)
    assert longest.next_at == KEPT_SECONDS_MAX
    longest.done(KEPT_SECONDS_MAX, None)
    assert longest.next_at is None
