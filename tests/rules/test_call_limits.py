"""How often and how much at once: counted by a clock that the test turns."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.domain.api_keys import INHERIT, UNLIMITED, KeyLimits
from bursar.domain.call_limits import OPEN, Bounds, CallBounds, MemberLimits, call_bounds, check_member_limits
from bursar.domain.dialects import Dialect
from bursar.domain.minutes import ENTRIES_MAX, LastMinute
from bursar.domain.refusals import Refusal
from bursar.gateway.limits import CallLimits, LimitReached, Ticket, duration
from bursar.gateway.problems import envelope

KEY, OTHER_KEY, MEMBER = uuid4(), uuid4(), uuid4()


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.passed = 1000.0

    def seconds(self) -> float:
        return self.passed

    def now(self) -> datetime:
        return datetime.fromtimestamp(1_800_000_000 + self.passed - 1000, UTC)

    def of_ledger(self, database_time: datetime) -> datetime:
        return database_time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> CallLimits:
    return CallLimits(clock)


def of_key(requests: int | None = None, tokens: int | None = None, at_once: int | None = None) -> CallBounds:
    return CallBounds(of_key=Bounds(requests, tokens, at_once))


def of_member(requests: int | None = None, tokens: int | None = None, at_once: int | None = None) -> CallBounds:
    return CallBounds(of_member=Bounds(requests, tokens, at_once))


def let_in(limits: CallLimits, bounds: CallBounds, key: UUID = KEY) -> Ticket:
    return limits.admit(bounds, key_id=key, member_id=MEMBER)


def refused(limits: CallLimits, bounds: CallBounds, key: UUID = KEY) -> LimitReached:
    with pytest.raises(LimitReached) as found:
        let_in(limits, bounds, key)
    assert found.value.code == "rate_limit_exceeded"
    return found.value


@pytest.mark.rule("LIMIT-1")
def test_a_keys_own_limit_comes_before_its_tenants_and_the_members_stand_beside_both() -> None:
    own = KeyLimits(requests_per_minute=5, tokens_per_minute=UNLIMITED)
    of_tenant = KeyLimits(requests_per_minute=9, tokens_per_minute=900, calls_at_once=3)
    of_members = MemberLimits(requests_per_minute=20, calls_at_once=UNLIMITED)

    bounds = call_bounds(own, of_tenant, of_members)

    assert bounds == CallBounds(of_key=Bounds(5, None, 3), of_member=Bounds(20, None, None))
    assert call_bounds(KeyLimits(), KeyLimits(), MemberLimits()) == CallBounds(OPEN, OPEN)
    assert call_bounds(KeyLimits(calls_at_once=0), of_tenant, MemberLimits()).of_key.calls_at_once == 0


@pytest.mark.rule("LIMIT-1")
def test_a_members_limit_is_a_word_or_a_number_that_a_limit_can_be() -> None:
    check_member_limits(MemberLimits(requests_per_minute=0, tokens_per_minute=10**9, calls_at_once=INHERIT))

    for wrong in (-1, 10**9 + 1):
        with pytest.raises(Refusal) as found:
            check_member_limits(MemberLimits(tokens_per_minute=wrong))
        assert (found.value.code, found.value.field) == ("invalid_input", "tokens_per_minute")


@pytest.mark.rule("LIMIT-3")
def test_a_call_above_the_limit_of_the_last_minute_is_refused_until_the_minute_has_passed(
    limits: CallLimits, clock: Clock
) -> None:
    bounds = of_key(requests=2)

    let_in(limits, bounds)
    clock.passed += 50
    let_in(limits, bounds)
    refusal = refused(limits, bounds)
    assert refusal.detail == "This key may make 2 calls a minute, and has made them. Try again in 10 seconds."
    assert dict(refusal.facts) == {
        "scope": "key", "limit": "requests_per_minute", "most": "2", "retry_after_seconds": "10",
    }  # fmt: skip
    clock.passed += 9.9
    refused(limits, bounds)
    clock.passed += 0.1
    let_in(limits, bounds)
    assert refused(limits, bounds).facts["retry_after_seconds"] == "50"


@pytest.mark.rule("LIMIT-1", "LIMIT-3")
def test_a_members_limit_counts_over_all_keys_and_a_keys_over_its_own(limits: CallLimits) -> None:
    let_in(limits, of_key(requests=1))
    let_in(limits, of_key(requests=1), OTHER_KEY)
    refused(limits, of_key(requests=1))

    let_in(limits, of_member(requests=2))
    let_in(limits, of_member(requests=2), OTHER_KEY)
    refusal = refused(limits, of_member(requests=2), uuid4())
    assert refusal.facts["scope"] == "member"
    assert refusal.detail.startswith("The owner of this key, with all keys together, may make 2 calls a minute")


@pytest.mark.rule("LIMIT-2")
def test_a_refused_call_counts_nowhere(limits: CallLimits, clock: Clock) -> None:
    both = CallBounds(of_key=Bounds(requests_per_minute=5), of_member=Bounds(requests_per_minute=1))
    let_in(limits, both)

    for _ in range(10):
        refused(limits, both)
        clock.passed += 1

    clock.passed += 50
    told = dict(let_in(limits, of_key(requests=5)).headers(Dialect.OPENAI))
    assert told[b"x-ratelimit-remaining-requests"] == b"4"
    let_in(limits, both)


@pytest.mark.rule("LIMIT-2")
def test_of_several_limits_the_keys_are_told_first_and_calls_a_minute_before_tokens_and_calls_at_once(
    limits: CallLimits,
) -> None:
    everything = CallBounds(of_key=Bounds(1, 1, 1), of_member=Bounds(1, 1, 1))
    let_in(limits, everything).used(5)

    order = [
        (everything, "key", "requests_per_minute"),
        (CallBounds(Bounds(None, 1, 1), everything.of_member), "key", "tokens_per_minute"),
        (CallBounds(Bounds(None, None, 1), everything.of_member), "key", "calls_at_once"),
        (CallBounds(OPEN, Bounds(1, 1, 1)), "member", "requests_per_minute"),
    ]
    for bounds, scope, limit in order:
        facts = refused(limits, bounds).facts
        assert (facts["scope"], facts["limit"]) == (scope, limit)


@pytest.mark.rule("LIMIT-3")
def test_calls_at_once_are_counted_until_they_end_however_they_end(limits: CallLimits) -> None:
    bounds = of_key(at_once=2)
    first = let_in(limits, bounds)

    def call_that_breaks() -> None:
        with let_in(limits, bounds):
            assert refused(limits, bounds).facts["retry_after_seconds"] == "1"
            raise RuntimeError("the provider broke")

    with pytest.raises(RuntimeError):
        call_that_breaks()
    second = let_in(limits, bounds)
    refused(limits, bounds)
    first.release()
    first.release()
    third = let_in(limits, bounds)
    refused(limits, bounds)
    second.release()
    third.release()
    for _ in range(2):
        let_in(limits, bounds)
    refused(limits, bounds)


@pytest.mark.rule("LIMIT-4")
def test_tokens_count_once_they_are_known_and_let_nothing_in_above_the_limit(limits: CallLimits, clock: Clock) -> None:
    bounds = of_key(tokens=1000)
    first, second = let_in(limits, bounds), let_in(limits, bounds)

    first.used(999)
    first.used(0)
    let_in(limits, bounds)
    second.release()
    clock.passed += 20
    second.used(5000)

    refusal = refused(limits, bounds)
    assert (refusal.facts["limit"], refusal.facts["retry_after_seconds"]) == ("tokens_per_minute", "60")
    clock.passed += 59
    assert refused(limits, bounds).facts["retry_after_seconds"] == "1"
    clock.passed += 1
    let_in(limits, bounds)


@pytest.mark.rule("LIMIT-1", "LIMIT-5")
@pytest.mark.parametrize("bounds", [of_key(requests=0), of_key(tokens=0), of_key(at_once=0), of_member(requests=0)])
def test_a_limit_of_0_lets_nothing_through_and_nobody_is_told_to_try_again(
    limits: CallLimits, bounds: CallBounds
) -> None:
    refusal = refused(limits, bounds)

    assert refusal.facts["retry_after_seconds"] is None
    status, _, headers = envelope(
        Dialect.OPENAI, code=refusal.code, message=refusal.detail, request_id="call-1", facts=refusal.facts
    )
    told = dict(headers)
    assert (status, told[b"x-should-retry"]) == (429, b"false")
    assert b"retry-after" not in told


@pytest.mark.rule("LIMIT-5")
def test_a_refusal_tells_when_to_try_again_in_all_the_headers_that_clients_look_at(limits: CallLimits) -> None:
    let_in(limits, of_key(requests=1))
    refusal = refused(limits, of_key(requests=1))

    _, _, headers = envelope(
        Dialect.ANTHROPIC, code=refusal.code, message=refusal.detail, request_id="call-1", facts=refusal.facts
    )

    told = dict(headers)
    assert (told[b"x-should-retry"], told[b"retry-after"], told[b"retry-after-ms"]) == (b"true", b"60", b"60000")


@pytest.mark.rule("LIMIT-5")
def test_what_is_left_is_told_as_openais_clients_read_it(limits: CallLimits, clock: Clock) -> None:
    bounds = CallBounds(of_key=Bounds(10, 4000), of_member=Bounds(2, 9000))
    let_in(limits, bounds).used(1500)
    clock.passed += 12.5

    ticket = let_in(limits, bounds)

    assert (
        ticket.headers(Dialect.OPENAI)
        == refused(limits, bounds).headers(Dialect.OPENAI)
        == [
            (b"x-ratelimit-limit-requests", b"2"),
            (b"x-ratelimit-remaining-requests", b"0"),
            (b"x-ratelimit-reset-requests", b"1m0s"),
            (b"x-ratelimit-limit-tokens", b"4000"),
            (b"x-ratelimit-remaining-tokens", b"2500"),
            (b"x-ratelimit-reset-tokens", b"47.5s"),
        ]
    )


@pytest.mark.rule("LIMIT-5")
def test_what_is_left_is_told_as_anthropics_clients_read_it(limits: CallLimits) -> None:
    ticket = let_in(limits, of_key(requests=10))

    assert ticket.headers(Dialect.ANTHROPIC) == [
        (b"anthropic-ratelimit-requests-limit", b"10"),
        (b"anthropic-ratelimit-requests-remaining", b"9"),
        (b"anthropic-ratelimit-requests-reset", b"2027-01-15T08:01:00Z"),
    ]


@pytest.mark.rule("LIMIT-5")
def test_where_nothing_is_limited_nothing_is_told_and_nothing_is_counted(limits: CallLimits) -> None:
    with let_in(limits, CallBounds()) as ticket:
        ticket.used(10**9)
        assert ticket.headers(Dialect.OPENAI) == []

    assert len(limits) == 0


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(0, "0s"), (120, "120ms"), (1000, "1s"), (7660, "7.66s"), (60_000, "1m0s")]
)
def test_a_span_is_written_as_openai_writes_it(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


@pytest.mark.rule("LIMIT-6")
def test_whoever_is_idle_is_forgotten_and_whoever_has_a_call_under_way_is_not(limits: CallLimits, clock: Clock) -> None:
    bounds = of_key(at_once=1)
    long_one = let_in(limits, bounds, KEY)
    for _ in range(1000):
        let_in(limits, bounds, uuid4()).release()
    assert len(limits) == 1001

    for _ in range(600):
        clock.passed += 61
        let_in(limits, bounds, OTHER_KEY).release()

    assert len(limits) == 2
    refused(limits, bounds, KEY)
    long_one.release()
    let_in(limits, bounds, KEY)


Amounts = st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 500)), max_size=80)


@pytest.mark.rule("LIMIT-3")
@given(Amounts)
def test_what_is_counted_is_never_less_than_what_happened_in_the_last_minute_and_never_of_long_before(
    happened: list[tuple[int, int]],
) -> None:
    minute, now, past = LastMinute(), 0, []

    for pause, amount in happened:
        now += pause
        minute.add(amount, now=now)
        past.append((now, amount))
        total = minute.total(now)
        assert total >= sum(much for at, much in past if now - at < 60_000)
        assert total <= sum(much for at, much in past if now - at < 60_250)
        wait = minute.wait_until(total - 1, now=now)
        assert 0 < wait <= 60_000
        assert minute.wait_until(0, now=now) == 60_000


@pytest.mark.rule("LIMIT-6")
def test_a_minute_takes_no_more_room_however_much_happens_in_it() -> None:
    minute = LastMinute()

    for moment in range(200_000):
        minute.add(7, now=moment)
        assert len(minute) <= ENTRIES_MAX

    assert 60_000 * 7 <= minute.total(199_999) <= 60_250 * 7
