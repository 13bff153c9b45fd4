"""What batches may cost, and what they come to: sums over their calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.domain.batch_sizes import REQUESTS_MAX, BatchSize, Tally, cost_to_hold, size_of_batch
from bursar.domain.call_sizes import NO_HABIT, AdmissionPolicy, CallSize, Habit, expected_usage, highest_usage
from bursar.domain.calls import CallOutcome
from bursar.domain.costs import CompiledPrice, Usage, compile_price, cost_of
from bursar.domain.prices import Band, Bucket, ModelTerms, Price, Service
from bursar.domain.provider_jobs import (
    PAUSE_MAX,
    PAUSE_MIN,
    JobState,
    is_given_up,
    is_silent,
    moved,
    needs_extension,
    outcome_of,
    pause_after,
)
from bursar.domain.refusals import Refusal

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TERMS = ModelTerms(
    (
        Band(Service.STANDARD, 0, {Bucket.INPUT: 2_000, Bucket.OUTPUT: 8_000}),
        Band(Service.BATCH, 0, {Bucket.INPUT: 1_000, Bucket.OUTPUT: 4_000}),
        Band(Service.BATCH, 1_000, {Bucket.INPUT: 2_000, Bucket.OUTPUT: 8_000}),
    ),
    output_tokens_max=4_096,
)


def price_of(terms: ModelTerms) -> CompiledPrice:
    return compile_price(Price(UUID(int=1), "p", "m", "hand", "by hand", NOW, terms, NOW, None))


PRICE = price_of(TERMS)
ONE_BAND = replace(TERMS, bands=TERMS.bands[:2])

sizes = st.lists(
    st.builds(CallSize, st.integers(0, 900), st.integers(1, 3), st.none() | st.integers(0, 9_000)),
    min_size=1,
    max_size=30,
)
habits = st.builds(Habit, st.none() | st.integers(1, 1_000), st.none() | st.integers(0, 9_000))


@pytest.mark.rule("TASK-2")
@given(sizes=sizes)
def test_under_strict_a_batch_is_held_for_with_the_most_that_its_calls_can_cost(sizes: list[CallSize]) -> None:
    price = price_of(ONE_BAND)

    held = cost_to_hold(size_of_batch(sizes, ONE_BAND), price, ONE_BAND, NO_HABIT, AdmissionPolicy.STRICT)

    assert held.parts == sum(cost_of(price, highest_usage(size, ONE_BAND), Service.BATCH).parts for size in sizes)


@pytest.mark.rule("TASK-2")
@given(sizes=sizes, habit=habits)
def test_else_it_is_held_for_with_what_its_calls_are_expected_to_cost(sizes: list[CallSize], habit: Habit) -> None:
    price = price_of(ONE_BAND)

    held = cost_to_hold(size_of_batch(sizes, ONE_BAND), price, ONE_BAND, habit, AdmissionPolicy.OVERDRAFT)

    one_by_one = sum(cost_of(price, expected_usage(size, ONE_BAND, habit), Service.BATCH).parts for size in sizes)
    # Tokens are rounded up once for the batch, and once for each call when they are held for one by one.
    rounded = len(sizes) * cost_of(price, Usage(input_tokens=1), Service.BATCH).parts
    assert one_by_one - rounded <= held.parts <= one_by_one


@pytest.mark.rule("TASK-2")
def test_the_largest_call_decides_about_the_band_and_not_all_of_them_together() -> None:
    many_small = BatchSize(100, 100 * 500, 500, 0, 0)
    one_large = BatchSize(100, 100 * 500, 1_500, 0, 0)

    small, large = (
        cost_to_hold(size, PRICE, TERMS, NO_HABIT, AdmissionPolicy.STRICT) for size in (many_small, one_large)
    )

    assert large.parts == 2 * small.parts


@pytest.mark.rule("TASK-2")
@pytest.mark.parametrize("count", [0, REQUESTS_MAX + 1])
def test_a_batch_of_none_or_of_too_many_is_refused(count: int) -> None:
    with pytest.raises(Refusal) as caught:
        size_of_batch([CallSize(1, 1, None)] * count, TERMS)

    assert (caught.value.code, caught.value.field) == ("invalid_input", "requests")


@pytest.mark.rule("TASK-5")
@given(st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)), max_size=20))
def test_results_are_charged_each_in_its_own_band(counts: list[tuple[int, int]]) -> None:
    used = [Usage(input_tokens=given_, output_tokens=made) for given_, made in counts]
    tally = Tally(PRICE)

    for usage in used:
        tally.add(usage)
    tally.add(None)

    assert tally.cost.parts == sum(cost_of(PRICE, usage, Service.BATCH).parts for usage in used)
    assert tally.usage.input_tokens == sum(usage.input_tokens for usage in used)
    assert tally.usage.output_tokens == sum(usage.output_tokens for usage in used)
    assert (tally.usage.calls, tally.answered, tally.failed) == (len(used), len(used), 1)


@pytest.mark.rule("TASK-3")
@given(st.lists(st.sampled_from(JobState), min_size=1))
def test_a_job_never_goes_back_and_ends_once(said: list[JobState]) -> None:
    order = {JobState.QUEUED: 0, JobState.RUNNING: 1}
    state = JobState.QUEUED

    for word in said:
        after = moved(state, word)
        assert order.get(after, 2) >= order.get(state, 2)
        assert not state.is_ended or after is state
        state = after


@pytest.mark.rule("TASK-3")
def test_the_older_a_job_is_the_longer_it_is_left_alone_within_bounds() -> None:
    assert pause_after(timedelta(0)) == PAUSE_MIN
    assert pause_after(timedelta(minutes=10)) == timedelta(minutes=1)
    assert pause_after(timedelta(days=3)) == PAUSE_MAX


@pytest.mark.rule("TASK-4", "TASK-6")
def test_hours_and_weeks_count_from_when_they_should() -> None:
    hour, week, instant = timedelta(hours=1), timedelta(days=7), timedelta(microseconds=1)

    assert (is_silent(NOW, NOW + hour), is_silent(NOW, NOW + hour - instant)) == (True, False)
    assert (is_given_up(NOW, NOW + week), is_given_up(NOW, NOW + week - instant)) == (True, False)
    half = timedelta(hours=12)
    assert (needs_extension(NOW + half, NOW), needs_extension(NOW + half, NOW + instant)) == (False, True)


@pytest.mark.rule("TASK-4")
@pytest.mark.parametrize(
    ("state", "is_charged", "outcome"),
    [
        (JobState.SUCCEEDED, True, CallOutcome.DELIVERED),
        (JobState.CANCELLED, True, CallOutcome.CANCELLED),
        (JobState.EXPIRED, True, CallOutcome.BROKEN),
        (JobState.FAILED, True, CallOutcome.BROKEN),
        (JobState.CANCELLED, False, CallOutcome.FAILED),
        (JobState.SUCCEEDED, False, CallOutcome.FAILED),
    ],
)
def test_the_usage_log_says_how_a_job_came_out(state: JobState, is_charged: bool, outcome: CallOutcome) -> None:
    assert outcome_of(state, is_charged=is_charged) is outcome
