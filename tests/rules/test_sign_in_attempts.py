"""docs/rules/sessions.md: how attempts to sign in are counted, and how long one waits. Time is turned by hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal

import pytest
from argon2 import PasswordHasher

from bursar.domain.attempts import THROTTLES, Count, CountedBy, network_of, wait_left, with_one_more
from bursar.domain.refusals import Refusal
from bursar.outside.secrets import PASSWORD_CHECKS_AT_ONCE, PASSWORD_CHECKS_WAITING_MAX, Passwords
from bursar.worker.attempts import forget_old_attempts
from tests.support.offices import CHEAP_HASHER, PASSWORD, TestOffice
from tests.support.postgres import FreshDatabase
from tests.support.signing_in import WRONG, CountingPasswords, device_of, office_behind_a_proxy, tried

START = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def passwords() -> CountingPasswords:
    """What counts the checks of `proxied`."""
    return CountingPasswords()


@pytest.fixture
async def proxied(fresh_database: FreshDatabase, passwords: CountingPasswords) -> AsyncIterator[TestOffice]:
    """A Bursar with one tenant, behind a proxy that says where attempts come from."""
    async with office_behind_a_proxy(fresh_database, passwords=passwords) as house:
        await house.tenant()
        yield house


async def counted(house: TestOffice) -> list[int]:
    async with house.desk.platform.pool.acquire() as connection:
        rows = await connection.fetch("select failures from sign_in_attempts order by failures desc")
    return [row["failures"] for row in rows]


@pytest.mark.rule("SESSION-4")
@pytest.mark.parametrize("name", ["acme-member", "nobody"])
async def test_guesses_that_arrive_at_one_moment_do_not_slip_through(
    proxied: TestOffice, passwords: CountingPasswords, name: str
) -> None:
    answers = await asyncio.gather(*(tried(proxied, name) for _ in range(30)))

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [401] * 5 + [429] * 25
    assert passwords.checked == 5
    assert await counted(proxied) == [5, 5, 5]


@pytest.mark.rule("SESSION-4")
async def test_two_processes_count_together(proxied: TestOffice, fresh_database: FreshDatabase) -> None:
    async with office_behind_a_proxy(fresh_database, clock=proxied.clock) as second:
        answers = [await tried(house) for house in (proxied, second, proxied, second, proxied, second)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


@pytest.mark.rule("SESSION-4")
async def test_a_right_password_takes_its_attempt_off_and_forgets_what_was_mistyped(proxied: TestOffice) -> None:
    for _ in range(4):
        assert (await tried(proxied)).status_code == 401

    right = [await tried(proxied, password=PASSWORD) for _ in range(20)]
    mistyped = [await tried(proxied) for _ in range(5)]

    assert {answer.status_code for answer in right} == {200}
    assert [answer.status_code for answer in mistyped] == [401] * 5
    assert await counted(proxied) == [9, 9, 5]


@pytest.mark.rule("SESSION-4")
async def test_a_right_password_does_not_make_others_wait_longer(proxied: TestOffice) -> None:
    for number in range(50):
        await tried(proxied, f"nobody-{number}")
    proxied.clock.turn(timedelta(seconds=1))

    first = await tried(proxied, "acme-member", PASSWORD)
    second = await tried(proxied, "acme-admin", PASSWORD)

    assert (first.status_code, second.status_code) == (200, 200)


@pytest.mark.rule("SESSION-4")
async def test_names_are_counted_as_they_are_found_in_any_spelling(proxied: TestOffice) -> None:
    answers = [await tried(proxied, name) for name in ("acme-member", "ACME-member", " acme-member", "Acme-Member") * 2]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 3


@pytest.mark.rule("SESSION-4")
async def test_what_people_typed_is_not_in_the_table(proxied: TestOffice) -> None:
    await tried(proxied, "my secret password by mistake")

    async with proxied.desk.platform.pool.acquire() as connection:
        buckets = [row["bucket"] for row in await connection.fetch("select bucket from sign_in_attempts")]

    assert len(buckets) == 3
    assert {len(bucket) for bucket in buckets} == {32}


@pytest.mark.rule("SESSION-5")
@pytest.mark.parametrize("name", ["acme-member", "nobody"])
async def test_each_further_attempt_waits_twice_as_long_whether_or_not_there_is_such_a_name(
    proxied: TestOffice, passwords: CountingPasswords, name: str
) -> None:
    told = []
    for _ in range(5):
        assert (await tried(proxied, name)).status_code == 401
    for seconds in (1, 2, 4, 8):
        refused = await tried(proxied, name, PASSWORD)
        told.append((refused.status_code, refused.json()["code"], refused.headers["retry-after"]))
        assert refused.json()["facts"] == {"retry_after_seconds": refused.headers["retry-after"]}
        assert "set-cookie" not in refused.headers
        proxied.clock.turn(timedelta(seconds=seconds))
        assert (await tried(proxied, name)).status_code == 401

    assert told == [(429, "too_many_attempts", str(seconds)) for seconds in (1, 2, 4, 8)]
    assert passwords.checked == 9


@pytest.mark.rule("SESSION-5")
async def test_what_is_refused_while_one_has_to_wait_prolongs_nothing(proxied: TestOffice) -> None:
    for _ in range(5):
        await tried(proxied)
    for _ in range(50):
        assert (await tried(proxied)).status_code == 429

    proxied.clock.turn(timedelta(seconds=1))

    assert (await tried(proxied, password=PASSWORD)).status_code == 200


@pytest.mark.rule("SESSION-5")
@pytest.mark.parametrize("by", list(CountedBy))
def test_waits_double_up_to_the_longest_and_end_with_the_window(by: CountedBy) -> None:
    throttle = THROTTLES[by]
    count, now = Count(0, START, START), START
    waits: list[timedelta] = []

    while now < START + throttle.window and len(waits) < 500:
        waits.append(wait_left(throttle, count, now))
        now += waits[-1]
        count = with_one_more(throttle, count, now)

    free, waited = waits[: throttle.free], [wait for wait in waits[throttle.free :] if wait]
    assert set(free) == {timedelta(0)}
    assert waited[0] == timedelta(seconds=1)
    assert all(later in (2 * earlier, throttle.wait_max) for earlier, later in pairwise(waited[:-1]))
    assert max(waited) == throttle.wait_max
    assert wait_left(throttle, Count(10_000, START, now), START + throttle.window) == timedelta(0)
    assert with_one_more(throttle, Count(10_000, START, now), START + throttle.window).failures == 1


@pytest.mark.rule("SESSION-5")
def test_guesses_in_an_hour_and_a_day_are_as_many_as_the_rules_page_says() -> None:
    def guesses(by: CountedBy, within: timedelta) -> int:
        throttle, count, now, made = THROTTLES[by], Count(0, START, START), START, 0
        while now < START + within:
            count, made = with_one_more(throttle, count, now), made + 1
            now += wait_left(throttle, count, now)
        return made

    assert guesses(CountedBy.NAME_AT_ADDRESS, timedelta(hours=1)) == 17
    assert 190 <= guesses(CountedBy.NAME, timedelta(days=1)) <= 210


@pytest.mark.rule("SESSION-5")
async def test_all_is_forgotten_when_the_window_is_over_and_swept_away_a_day_later(proxied: TestOffice) -> None:
    for _ in range(5):
        await tried(proxied)
    assert await forget_old_attempts(proxied.desk) == 0

    proxied.clock.turn(timedelta(hours=1))
    again = [await tried(proxied) for _ in range(6)]
    proxied.clock.turn(timedelta(days=1, seconds=1))

    assert [answer.status_code for answer in again] == [401] * 5 + [429]
    assert await forget_old_attempts(proxied.desk) == 3
    assert await counted(proxied) == []


@pytest.mark.rule("SESSION-5")
async def test_one_address_gets_fifty_whatever_the_names_and_another_address_is_free(proxied: TestOffice) -> None:
    answers = [await tried(proxied, f"nobody-{number}") for number in range(51)]

    assert [answer.status_code for answer in answers] == [401] * 50 + [429]
    assert (await tried(proxied, "acme-member", PASSWORD, address="203.0.113.2")).status_code == 200


@pytest.mark.rule("SESSION-4")
def test_an_ipv6_address_counts_as_its_network() -> None:
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:203.0.113.9") == network_of("203.0.113.9") != network_of("203.0.113.8")
    assert network_of(None) != network_of("nonsense") == "nonsense"


@pytest.mark.rule("SESSION-6")
async def test_a_thousand_failures_from_everywhere_keep_nobody_from_their_own_device(proxied: TestOffice) -> None:
    own = await device_of(proxied)
    async with proxied.desk.platform.pool.acquire() as connection:
        for number in range(101):
            proxied.clock.turn(timedelta(seconds=2) if number == 100 else timedelta(0))
            await tried(proxied, address=f"192.0.2.{number}")
        # A thousand at the pace that the waits allow would take days; so the rest is written down.
        await connection.execute("update sign_in_attempts set failures = 1000 where failures > 50")

    stranger = await tried(proxied, password=PASSWORD, address="203.0.113.77")
    owner = await tried(proxied, password=PASSWORD, address="203.0.113.78", client=own)

    assert (stranger.status_code, stranger.json()["code"]) == (429, "too_many_attempts")
    assert owner.status_code == 200


@pytest.mark.rule("SESSION-6")
async def test_who_fails_in_the_same_office_keeps_nobody_from_their_own_device(proxied: TestOffice) -> None:
    own = await device_of(proxied)
    for name in ("acme-member", *(f"nobody-{number}" for number in range(9))):
        for _ in range(5):
            await tried(proxied, name)
    assert (await tried(proxied, password=PASSWORD)).status_code == 429

    assert (await tried(proxied, password=PASSWORD, client=own)).status_code == 200


@pytest.mark.rule("SESSION-6")
async def test_a_stolen_device_guesses_no_faster_and_costs_its_owner_nothing_elsewhere(proxied: TestOffice) -> None:
    own, other = await device_of(proxied), await device_of(proxied)

    stolen = [await tried(proxied, address=f"192.0.2.{number}", client=own) for number in range(7)]

    assert [answer.status_code for answer in stolen] == [401] * 5 + [429] * 2
    assert (await tried(proxied, password=PASSWORD, client=other)).status_code == 200
    assert (await tried(proxied, password=PASSWORD)).status_code == 200


@pytest.mark.rule("SESSION-6")
async def test_a_device_is_known_for_its_owner_only_unchanged_and_for_a_year(proxied: TestOffice) -> None:
    for _ in range(5):
        await tried(proxied)
    of_another = await device_of(proxied, "acme-admin")
    old = await device_of(proxied)
    changed = proxied.visitor()
    owner, _, rest = old.cookies["bursar_device"].partition(".")
    changed.cookies.set("bursar_device", f"{owner}.9{rest[1:]}")
    made_up = proxied.visitor()
    made_up.cookies.set("bursar_device", "x.y.z.")

    for client in (of_another, changed, made_up):
        assert (await tried(proxied, password=PASSWORD, client=client)).status_code == 429
    assert (await tried(proxied, client=old)).status_code == 401

    proxied.clock.turn(timedelta(days=366))
    for _ in range(5):
        assert (await tried(proxied, address="192.0.2.9")).status_code == 401
    assert (await tried(proxied, address="192.0.2.9", client=old)).status_code == 429


class PatientHasher(PasswordHasher):
    """Checks nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.may_go_on = threading.Event()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  the library's own name
        self.may_go_on.wait(timeout=60)
        return CHEAP_HASHER.verify(hash, password)


@pytest.mark.rule("SESSION-7")
async def test_so_many_passwords_wait_and_whoever_comes_then_is_told_to_come_back(
    fresh_database: FreshDatabase,
) -> None:
    hasher = PatientHasher()
    passwords = Passwords(hasher)
    async with office_behind_a_proxy(fresh_database, passwords=passwords) as house:
        await house.tenant()
        places = PASSWORD_CHECKS_AT_ONCE + PASSWORD_CHECKS_WAITING_MAX
        waiting = [asyncio.create_task(passwords.matches(None, WRONG)) for _ in range(places)]
        await asyncio.sleep(0)

        with pytest.raises(Refusal) as caught:
            await passwords.hashed("another")
        refused = [await tried(house) for _ in range(7)]
        hasher.may_go_on.set()
        done = await asyncio.gather(*waiting)

        assert caught.value.code == "too_busy"
        assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "too_busy")}
        assert refused[0].headers["retry-after"] == "2"
        assert not any(done)
        assert await counted(house) == [0, 0, 0]
        assert (await tried(house, password=PASSWORD)).status_code == 200
