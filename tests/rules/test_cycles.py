"""docs/rules/cycles.md, example by example."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec import structs

from bursar.domain.cycles import CADENCES, Cadence, cycle_end, parse_cadence, parse_time_zone
from bursar.domain.refusals import Refusal
from bursar.ledger import Command, CycleStarted, EndDueCycle, ResetCycle, SetCadence, Transfer, VoidHold
from tests.support.books import ACTOR, TestBooks, amount, identity

DUE = EndDueCycle(actor_id=None)


def reset(epoch: int) -> ResetCycle:
    return ResetCycle(actor_id=ACTOR, transfer_id=identity(), epoch=epoch)


def set_cadence(epoch: int, cadence: str, time_zone: str = "UTC") -> SetCadence:
    return SetCadence(actor_id=ACTOR, transfer_id=identity(), epoch=epoch, cadence=cadence, time_zone=time_zone)


def started(books: TestBooks, command: Command) -> CycleStarted:
    answer = books.do(command)
    assert isinstance(answer, CycleStarted)
    return answer


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def daily_books() -> tuple[TestBooks, UUID]:
    """A tenant with a cycle of a day and 100 per cycle: a group of 40, a member of 10 in it with a balance of 5."""
    books = TestBooks(cadence="1_day")
    books.budget(per_cycle="100", group="40")
    return books, books.open_member(monthly="10", balance="5")


@pytest.mark.rule("CYCLE-1")
def test_there_are_seven_cadences() -> None:
    assert [str(parse_cadence(name)) for name in CADENCES] == [
        "calendar_month", "15_days", "1_week", "1_day", "12_hours", "6_hours", "1_hour",
    ]  # fmt: skip

    for name in ("", "month", "2_days", "1_HOUR"):
        with pytest.raises(Refusal) as caught:
            parse_cadence(name)
        assert caught.value == Refusal(
            "cadence_unknown",
            "The cadence must be one of: calendar_month, 15_days, 1_week, 1_day, 12_hours, 6_hours, 1_hour.",
            field="cadence",
        )


@pytest.mark.rule("CYCLE-2")
@pytest.mark.parametrize(
    ("cadence", "zone", "start", "end"),
    [
        # A month ends at the first midnight of the next month, however late it began.
        ("calendar_month", "UTC", "2026-03-10T12:00+00:00", "2026-04-01T00:00+00:00"),
        ("calendar_month", "UTC", "2026-01-31T23:00+00:00", "2026-02-01T00:00+00:00"),
        ("calendar_month", "UTC", "2026-02-01T00:00+00:00", "2026-03-01T00:00+00:00"),
        ("calendar_month", "UTC", "2028-02-29T00:00+00:00", "2028-03-01T00:00+00:00"),
        ("calendar_month", "UTC", "2026-12-31T00:00+00:00", "2027-01-01T00:00+00:00"),
        ("calendar_month", "Europe/Berlin", "2026-03-10T12:00+01:00", "2026-04-01T00:00+02:00"),
        ("calendar_month", "Asia/Tokyo", "2026-03-31T15:00+00:00", "2026-05-01T00:00+09:00"),
        # Where the clock skips midnight, the month begins with the first moment there is.
        ("calendar_month", "America/Asuncion", "2023-09-15T00:00-04:00", "2023-10-01T01:00-03:00"),
        # Days are days of the wall clock, whatever their length.
        ("1_day", "Europe/Berlin", "2026-03-28T09:00+01:00", "2026-03-29T09:00+02:00"),
        ("1_day", "Europe/Berlin", "2026-10-24T09:00+02:00", "2026-10-25T09:00+01:00"),
        ("1_week", "Europe/Berlin", "2026-03-23T09:00+01:00", "2026-03-30T09:00+02:00"),
        ("15_days", "America/New_York", "2026-10-20T00:00-04:00", "2026-11-04T00:00-05:00"),
        ("1_day", "Europe/Berlin", "2026-03-28T02:30+01:00", "2026-03-29T03:30+02:00"),
        # Hours are elapsed time.
        ("6_hours", "Europe/Berlin", "2026-03-29T00:00+01:00", "2026-03-29T07:00+02:00"),
        ("12_hours", "Europe/Berlin", "2026-10-25T00:00+02:00", "2026-10-25T11:00+01:00"),
        ("1_hour", "UTC", "2026-12-31T23:30+00:00", "2027-01-01T00:30+00:00"),
    ],
)
def test_months_end_at_midnight_days_follow_the_wall_clock_and_hours_are_elapsed_time(
    cadence: str, zone: str, start: str, end: str
) -> None:
    assert cycle_end(at(start), Cadence(cadence), zone) == at(end)


@pytest.mark.rule("CYCLE-2")
@pytest.mark.parametrize("cadence", list(Cadence))
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Asuncion", "Australia/Lord_Howe", "Pacific/Apia"])
def test_a_cycle_always_lasts_some_time(cadence: Cadence, zone: str) -> None:
    start = at("2011-01-01T00:17+00:00")

    for hours in range(0, 24 * 400, 7):
        begun = start + timedelta(hours=hours)
        assert cycle_end(begun, cadence, zone) > begun


@pytest.mark.rule("CYCLE-3")
def test_a_cycle_ends_at_its_boundary_and_not_a_moment_earlier() -> None:
    books, member_id = daily_books()
    books.settle(books.hold(member_id, "4"), "4")

    books.pass_time(hours=24, microseconds=-1)
    assert started(books, DUE).epoch == 1
    assert (books.allowance(member_id), books.used(member_id)) == ("6.00", "4.00")

    books.pass_time(microseconds=1)
    answer = started(books, DUE)
    assert answer == CycleStarted(2, books.now, books.now + timedelta(days=1))
    assert (books.allowance(member_id), books.used(member_id)) == ("10.00", "0.00")


@pytest.mark.rule("CYCLE-3")
def test_the_first_command_after_the_boundary_belongs_to_the_new_cycle() -> None:
    books, member_id = daily_books()
    books.pass_time(hours=24)

    hold_id = books.hold(member_id, "10")

    assert books.hold_row(hold_id).epoch == 2
    assert books.journal[-1].epoch == 2
    assert books.expired == "100.00"


@pytest.mark.rule("CYCLE-4", "CYCLE-5")
def test_the_end_of_a_cycle_touches_the_tenants_totals_and_each_row_settles_when_touched() -> None:
    books, member_id = daily_books()
    books.settle(books.hold(member_id, "4"), "4")
    books.hold(member_id, "1")
    lines = len(books.journal)

    books.do(reset(1))
    assert books.moves(lines) == [
        ("cycle_issue", "issued.cycle", "cycle", "100.00"),
        ("cycle_carry", "cycle", "pot_previous", "1.00"),
        ("cycle_lapse", "cycle", "expired", "95.00"),
    ]
    # The group owes 30 of the old cycle and is owed 30 of the new; the member owes 6, 1 of it held, and is owed 10.
    assert books.control.cycle_micro == 4_000_000
    lines = len(books.journal)

    books.hold(member_id, "10")
    assert books.moves(lines) == [
        ("allowance_return", "member_allowance", "cycle", "6.00"),
        ("allowance_renewal", "cycle", "member_allowance", "10.00"),
    ]
    assert books.control.cycle_micro == 0


@pytest.mark.rule("CYCLE-4")
def test_the_clearing_account_may_be_below_zero_until_rows_are_touched() -> None:
    books, member_id = daily_books()
    books.do(
        Transfer(actor_id=ACTOR, transfer_id=identity(), kind="cycle_top_up", amount=amount("10"), member_id=member_id)
    )
    books.do(reset(1))
    assert books.control.cycle_micro == 0

    # The group hands in the 20 it had left and receives 30; the member still has to hand in 20 and to receive 10.
    books.set_group_monthly(books.default_group_id, "40")
    assert books.control.cycle_micro == -10_000_000

    books.hold(member_id, "0")
    assert books.control.cycle_micro == 0
    assert (books.allowance(member_id), books.group_allowance()) == ("10.00", "30.00")


@pytest.mark.rule("CYCLE-5")
def test_an_untouched_row_reads_as_renewed_and_touching_it_changes_no_figure() -> None:
    books, member_id = daily_books()
    books.settle(books.hold(member_id, "4"), "4")
    books.do(reset(1))
    assert books.wallet(member_id).epoch == 1
    before = (books.allowance(member_id), books.used(member_id), books.balance(member_id), books.group_allowance())

    books.settle(books.hold(member_id, "0"), "0")

    assert books.wallet(member_id).epoch == 2
    assert before == ("10.00", "0.00", "5.00", "30.00")
    assert before == (
        books.allowance(member_id), books.used(member_id), books.balance(member_id), books.group_allowance(),
    )  # fmt: skip


@pytest.mark.rule("CYCLE-6")
def test_a_reset_starts_a_fresh_cycle_now_and_a_second_one_of_the_same_cycle_changes_nothing() -> None:
    books, member_id = daily_books()
    books.settle(books.hold(member_id, "4"), "4")
    books.pass_time(hours=5)

    first = started(books, reset(1))
    assert first == CycleStarted(2, books.now, books.now + timedelta(days=1), ended_epoch=1)
    assert (books.allowance(member_id), books.used(member_id), books.balance(member_id)) == ("10.00", "0.00", "5.00")
    lines = len(books.journal)

    books.pass_time(hours=1)
    assert started(books, reset(1)) == structs.replace(first, ended_epoch=None)
    assert len(books.journal) == lines


@pytest.mark.rule("CYCLE-6")
def test_a_cycle_that_has_not_begun_cannot_be_reset() -> None:
    books, _ = daily_books()

    assert books.refused(reset(2)) == Refusal("cycle_changed", "There is no such cycle yet.", field="epoch")
    assert started(books, reset(1)).epoch == 2


@pytest.mark.rule("CYCLE-6")
def test_a_tenant_without_credits_per_cycle_is_reset_as_well_and_once() -> None:
    books = TestBooks()
    books.pass_time(hours=1)

    first = started(books, reset(1))
    books.pass_time(hours=1)

    assert first.epoch == books.control.epoch == 2
    assert started(books, reset(1)) == structs.replace(first, ended_epoch=None)


@pytest.mark.rule("CYCLE-7")
def test_another_cadence_starts_a_fresh_cycle_now() -> None:
    books, member_id = daily_books()
    books.settle(books.hold(member_id, "4"), "4")
    books.pass_time(hours=5)

    answer = started(books, set_cadence(1, "6_hours", "Europe/Berlin"))

    assert answer == CycleStarted(2, books.now, books.now + timedelta(hours=6), ended_epoch=1)
    assert (books.control.cadence, books.control.time_zone) == ("6_hours", "Europe/Berlin")
    assert (books.used(member_id), books.balance(member_id)) == ("0.00", "5.00")


@pytest.mark.rule("CYCLE-7")
def test_a_tenant_without_credits_per_cycle_changes_its_cadence_as_well() -> None:
    books = TestBooks()

    books.do(set_cadence(1, "1_week"))

    assert (books.control.cadence, books.control.epoch) == ("1_week", 2)


@pytest.mark.rule("CYCLE-7", "REFUSAL-3")
def test_a_change_of_a_cycle_that_has_ended_is_refused_unless_it_is_what_the_tenant_has() -> None:
    books, _ = daily_books()
    first = started(books, set_cadence(1, "6_hours"))

    assert started(books, set_cadence(1, "6_hours")) == structs.replace(first, ended_epoch=None)
    assert books.refused(set_cadence(1, "1_week")) == Refusal(
        "cycle_changed", "Another cycle has started since; look again before changing it.", field="epoch"
    )
    assert books.refused(set_cadence(9, "1_week")).code == "cycle_changed"
    assert books.refused(set_cadence(9, "never", "Mars/Olympus")).code == "cadence_unknown"
    assert books.refused(set_cadence(9, "1_week", "Mars/Olympus")).code == "time_zone_unknown"


@pytest.mark.rule("CYCLE-8")
def test_cycles_missed_while_nothing_ran_are_issued_and_lapse_in_one_go() -> None:
    books, member_id = daily_books()
    books.settle(books.hold(member_id, "4"), "4")
    books.hold(member_id, "1", seconds=7 * 24 * 3600)
    start = books.now
    lines = len(books.journal)

    books.pass_time(days=3, hours=6)
    answer = started(books, DUE)

    assert answer == CycleStarted(4, start + timedelta(days=3), start + timedelta(days=4))
    assert books.moves(lines) == [
        ("cycle_issue", "issued.cycle", "cycle", "300.00"),
        ("cycle_carry", "cycle", "pot_previous", "1.00"),
        # What was left of the first cycle, and two whole ones.
        ("cycle_lapse", "cycle", "expired", "295.00"),
    ]
    assert (books.allowance(member_id), books.balance(member_id)) == ("10.00", "5.00")


@pytest.mark.rule("CYCLE-8")
def test_missed_cycles_end_where_they_would_have_ended_had_somebody_looked() -> None:
    watched, away = (TestBooks(cadence="calendar_month", time_zone="Europe/Berlin") for _ in range(2))
    for books in (watched, away):
        books.budget(per_cycle="10", group="4")
    for _ in range(200):
        watched.pass_time(days=1)
        watched.do(DUE)
    away.pass_time(days=200)

    assert started(away, DUE) == started(watched, DUE)
    assert (away.expired, away.plan) == (watched.expired, watched.plan) == ("60.00", "6.00")


@pytest.mark.rule("CYCLE-9")
def test_a_hold_of_an_ended_cycle_is_settled_from_what_that_cycle_kept_and_the_rest_lapses() -> None:
    books, member_id = daily_books()
    hold_id = books.hold(member_id, "8")
    books.do(reset(1))
    lines = len(books.journal)

    books.settle(hold_id, "5")

    assert books.moves(lines)[-2:] == [
        ("usage", "pot_previous", "consumed", "5.00"),
        ("hold_lapse", "pot_previous", "expired", "3.00"),
    ]
    assert (books.allowance(member_id), books.balance(member_id)) == ("10.00", "5.00")
    assert (books.used(member_id), books.control.pot_previous_micro) == ("5.00", 0)


@pytest.mark.rule("CYCLE-9")
def test_a_hold_of_an_ended_cycle_gives_its_allowance_to_nobody_and_its_balance_back() -> None:
    books, member_id = daily_books()
    hold_id = books.hold(member_id, "12")
    books.do(reset(1))
    expired = books.control.expired_micro

    books.do(VoidHold(actor_id=ACTOR, hold_id=hold_id))

    assert books.control.expired_micro - expired == 10_000_000
    assert (books.allowance(member_id), books.balance(member_id)) == ("10.00", "5.00")
    assert books.wallet(member_id).balance_held_micro == 0


@pytest.mark.rule("CYCLE-10")
def test_balances_and_debts_stay_when_a_cycle_ends() -> None:
    books, member_id = daily_books()
    in_debt = books.open_member(balance="12")
    books.settle(books.hold(in_debt, "12"), "17")
    group_id = books.open_group(balance="3")

    books.do(reset(1))

    assert (books.balance(member_id), books.balance(in_debt), books.group_balance(group_id)) == (
        "5.00",
        "-5.00",
        "3.00",
    )
    assert books.consumed(in_debt) == "17.00"


@pytest.mark.rule("CYCLE-11")
@pytest.mark.parametrize("name", ["", "Mars/Olympus", "+02:00", "../etc/passwd", "Europe/Berlin ", "Europe", "\0"])
def test_a_time_zone_is_one_that_is_known(name: str) -> None:
    assert parse_time_zone("Europe/Berlin") == "Europe/Berlin"

    with pytest.raises(Refusal) as caught:
        parse_time_zone(name)
    assert caught.value == Refusal(
        "time_zone_unknown", "The time zone must be a name such as Europe/Berlin.", field="time_zone"
    )
