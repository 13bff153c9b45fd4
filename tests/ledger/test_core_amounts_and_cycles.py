"""Amounts and the calendar, over all of their range."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bursar.domain.credits import (
    AMOUNT_MAX_MICRO,
    TOTAL_MAX_MICRO,
    Credits,
    decimal_text,
    parse_level,
    parse_metered,
    parse_typed,
    round_up_to_micro,
)
from bursar.domain.cycles import Cadence, advance, cycle_end
from bursar.domain.refusals import Refusal
from tests.ledger.model.calendar import next_boundary

many = settings(max_examples=300, deadline=None, derandomize=True, database=None)

ZONES = [
    "UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Havana", "America/Asuncion", "Asia/Kathmandu",
    "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "America/St_Johns",
]  # fmt: skip
moments = st.datetimes(datetime(2001, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
cadences = st.sampled_from(list(Cadence))
zones = st.sampled_from(ZONES)


@pytest.mark.rule("AMOUNT-5")
@many
@given(micro=st.integers(0, AMOUNT_MAX_MICRO))
def test_every_amount_is_read_back_as_it_was_written(micro: int) -> None:
    written = decimal_text(micro)

    assert parse_metered(written, field="cost") == Credits(micro)
    assert Decimal(written) * 1_000_000 == micro
    assert re.fullmatch(r"[0-9]+\.[0-9]{2,6}", written)


@pytest.mark.rule("AMOUNT-5")
@many
@given(micro=st.integers(-TOTAL_MAX_MICRO, TOTAL_MAX_MICRO))
def test_every_total_is_written_exactly(micro: int) -> None:
    assert Decimal(decimal_text(micro)) * 1_000_000 == micro


@pytest.mark.rule("AMOUNT-2")
@many
@given(hundredths=st.integers(0, AMOUNT_MAX_MICRO // 10_000), finer=st.integers(1, 9_999))
def test_what_a_person_types_is_taken_in_hundredths_and_refused_if_finer(hundredths: int, finer: int) -> None:
    typed = f"{hundredths // 100}.{hundredths % 100:02d}"

    assert parse_level(typed, field="amount") == Credits(hundredths * 10_000)
    if hundredths:
        assert parse_typed(typed, field="amount") == Credits(hundredths * 10_000)
    for parse in (parse_typed, parse_level):
        with pytest.raises(Refusal) as refused:
            parse(f"{typed}{finer:04d}", field="amount")
        assert (refused.value.code, refused.value.field) == ("amount_too_fine", "amount")


@pytest.mark.rule("AMOUNT-2")
@many
@given(text=st.one_of(st.text(max_size=45), st.text("0123456789.-+eE_ ٣３", max_size=45), st.floats(), st.integers()))
def test_whatever_is_sent_is_either_an_exact_amount_within_bounds_or_refused_with_its_field(text: object) -> None:
    for parse, decimals, smallest in ((parse_typed, 2, 10_000), (parse_level, 2, 0), (parse_metered, 6, 0)):
        taken = _taken_or_refused(parse, text)
        if isinstance(taken, Refusal):
            assert taken.field == "amount"
            assert taken.code in {"amount_not_decimal", "amount_too_fine", "amount_too_small", "amount_too_large"}
        else:
            assert isinstance(text, str)
            assert re.fullmatch(rf"(0|[1-9][0-9]*)(\.[0-9]{{1,{decimals}}})?", text, re.ASCII)
            assert Decimal(text) * 1_000_000 == taken.micro
            assert smallest <= taken.micro <= AMOUNT_MAX_MICRO


def _taken_or_refused(parse: Callable[..., Credits], text: object) -> Credits | Refusal:
    try:
        return parse(text, field="amount")
    except Refusal as refusal:
        return refusal


@pytest.mark.rule("AMOUNT-4")
@many
@given(exact=st.fractions(0, 1_000_000))
def test_a_price_is_rounded_up_by_less_than_one_micro_credit(exact: Fraction) -> None:
    charged = round_up_to_micro(exact.numerator, per=exact.denominator).micro

    assert 0 <= charged - exact * 1_000_000 < 1


@pytest.mark.rule("CYCLE-2")
@many
@given(started_at=moments, cadence=cadences, time_zone=zones)
def test_a_cycle_ends_where_walking_the_wall_clock_finds_its_end(
    started_at: datetime, cadence: Cadence, time_zone: str
) -> None:
    ends_at = cycle_end(started_at, cadence, time_zone)

    assert ends_at > started_at
    assert ends_at.utcoffset() == timedelta()
    assert ends_at == next_boundary(started_at, cadence, time_zone)


@pytest.mark.rule("CYCLE-2")
@many
@given(started_at=moments, time_zone=zones)
def test_a_month_ends_at_the_first_moment_of_the_next(started_at: datetime, time_zone: str) -> None:
    zone = ZoneInfo(time_zone)
    ends_at = cycle_end(started_at, Cadence.CALENDAR_MONTH, time_zone)
    before, after = started_at.astimezone(zone), ends_at.astimezone(zone)

    assert (after.year * 12 + after.month) - (before.year * 12 + before.month) == 1
    assert after.day == 1
    just_before = (ends_at - timedelta(microseconds=1)).astimezone(zone)
    assert (just_before.year, just_before.month) == (before.year, before.month)


@pytest.mark.rule("CYCLE-8")
@many
@given(started_at=moments, cadence=cadences, time_zone=zones, hours=st.integers(0, 900), more_hours=st.integers(0, 900))
def test_going_on_twice_arrives_where_going_on_once_arrives(
    started_at: datetime, cadence: Cadence, time_zone: str, hours: int, more_hours: int
) -> None:
    ends_at = cycle_end(started_at, cadence, time_zone)
    first, last = started_at + timedelta(hours=hours), started_at + timedelta(hours=hours + more_hours)

    halfway = advance(started_at, ends_at, cadence, time_zone, first)
    there = advance(halfway.started_at, halfway.ends_at, cadence, time_zone, last)
    at_once = advance(started_at, ends_at, cadence, time_zone, last)

    assert halfway.started_at <= first < halfway.ends_at
    assert (there.started_at, there.ends_at) == (at_once.started_at, at_once.ends_at)
    assert halfway.passed + there.passed == at_once.passed
    assume(at_once.passed)
    assert advance(started_at, ends_at, cadence, time_zone, at_once.started_at).started_at == at_once.started_at


@pytest.mark.rule("CYCLE-2")
@pytest.mark.parametrize(
    ("started", "hours"), [("2026-03-28T12:00", 23), ("2026-10-24T12:00", 25), ("2026-06-01T12:00", 24)]
)
def test_a_day_is_one_day_on_the_wall_however_long_the_clocks_make_it(started: str, hours: int) -> None:
    started_at = datetime.fromisoformat(started).replace(tzinfo=ZoneInfo("Europe/Berlin"))

    assert cycle_end(started_at, Cadence.ONE_DAY, "Europe/Berlin") - started_at.astimezone(UTC) == timedelta(
        hours=hours
    )
