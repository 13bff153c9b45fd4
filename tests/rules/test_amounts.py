"""docs/rules/amounts.md, example by example."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.domain.credits import (
    AMOUNT_MAX_MICRO,
    TOTAL_MAX_MICRO,
    ZERO,
    Credits,
    decimal_text,
    parse_figure,
    parse_level,
    parse_metered,
    parse_typed,
    round_up_to_micro,
)
from bursar.domain.refusals import Refusal
from bursar.ledger import OpenHold, SetPerCycle, SettleHold, Transfer
from bursar.ledger.core.funds import ISSUED_MAX_MICRO
from tests.support.books import ACTOR, TestBooks, amount, identity

Parse = Callable[..., Credits]

NOT_DECIMAL = 'The amount must be a decimal string such as "12.50": digits and one point, no sign, exponent or spaces.'


def refusal_of(parse: Parse, text: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        parse(text, field="amount")
    return caught.value


@pytest.mark.rule("AMOUNT-1")
@pytest.mark.parametrize("not_whole", [1.0, True, "1", Decimal(1), None])
def test_an_amount_is_a_whole_number_of_micro_credits(not_whole: object) -> None:
    assert Credits(1_500_000) + Credits(1) - Credits(500_000) == Credits(1_000_001)
    assert -Credits(5) == Credits(-5)

    with pytest.raises(TypeError, match="whole micro-credits"):
        Credits(not_whole)  # type: ignore[arg-type]


@pytest.mark.rule("AMOUNT-2")
@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("0.01", 10_000),
        ("1", 1_000_000),
        ("1.5", 1_500_000),
        ("12.50", 12_500_000),
        ("1000000000", AMOUNT_MAX_MICRO),
        ("1000000000.00", AMOUNT_MAX_MICRO),
    ],
)
def test_what_a_person_types_is_read_exactly(text: str, micro: int) -> None:
    assert parse_typed(text, field="amount") == Credits(micro)


@pytest.mark.rule("AMOUNT-2", "AMOUNT-3", "AMOUNT-6")
@pytest.mark.parametrize("parse", [parse_typed, parse_level, parse_metered])
@pytest.mark.parametrize(
    "text",
    [
        "", " ", ".", "1.", ".5", "1.2.3", "1,5", "1 000", " 1", "1 ", "1\n", "\t1", "+1", "--1", "1e3", "1E3", "1e-2",
        "NaN", "nan", "Infinity", "inf", "-inf", "0x10", "0b1", "1_000", "007", "00.50", "-01", "ten", "12.50 credits",
        "$5", "\u0661\u0662", "\uff11\uff12", "\u00bd", "1\u00a0", "\u22121", "\u00b2", "1" * 41, "0." + "0" * 40,
        5, 5.0, 0.1, True, False, None, Decimal("1.00"), b"1.00", ["1.00"], Credits(1_000_000), float("nan"),
    ],
)  # fmt: skip
def test_anything_but_a_plain_decimal_string_is_refused(parse: Parse, text: object) -> None:
    refusal = refusal_of(parse, text)

    assert (refusal.code, refusal.field, refusal.detail) == ("amount_not_decimal", "amount", NOT_DECIMAL)


@pytest.mark.rule("AMOUNT-2")
@pytest.mark.parametrize(
    ("text", "code", "detail", "facts"),
    [
        ("0", "amount_too_small", "The amount must be at least 0.01.", {"smallest": "0.01"}),
        ("0.00", "amount_too_small", "The amount must be at least 0.01.", {"smallest": "0.01"}),
        ("-0", "amount_too_small", "The amount must not be negative.", {"smallest": "0.01"}),
        ("-0.00", "amount_too_small", "The amount must not be negative.", {"smallest": "0.01"}),
        ("-1", "amount_too_small", "The amount must not be negative.", {"smallest": "0.01"}),
        ("0.009", "amount_too_fine", "The amount may have at most 2 decimals.", {"decimals_max": "2"}),
        ("1.234", "amount_too_fine", "The amount may have at most 2 decimals.", {"decimals_max": "2"}),
        ("1.000", "amount_too_fine", "The amount may have at most 2 decimals.", {"decimals_max": "2"}),
        (
            "1000000000.01", "amount_too_large", "The amount may be at most 1000000000.00.",
            {"largest": "1000000000.00"},
        ),
        ("9" * 40, "amount_too_large", "The amount may be at most 1000000000.00.", {"largest": "1000000000.00"}),
        # Where two could apply, the order decides.
        ("-1.234", "amount_too_small", "The amount must not be negative.", {"smallest": "0.01"}),
        ("9999999999.999", "amount_too_fine", "The amount may have at most 2 decimals.", {"decimals_max": "2"}),
        ("0.000", "amount_too_fine", "The amount may have at most 2 decimals.", {"decimals_max": "2"}),
    ],
)  # fmt: skip
def test_what_a_person_types_outside_the_bounds_is_refused_with_the_bound(
    text: str, code: str, detail: str, facts: dict[str, str]
) -> None:
    assert refusal_of(parse_typed, text) == Refusal(code, detail, field="amount", **facts)


@pytest.mark.rule("AMOUNT-3")
def test_a_meter_reports_up_to_six_decimals_and_may_report_nothing() -> None:
    assert parse_metered("0.000001", field="cost") == Credits(1)
    assert parse_metered("0", field="cost") == ZERO
    assert parse_metered("12.345678", field="cost") == Credits(12_345_678)

    assert refusal_of(parse_metered, "0.0000001") == Refusal(
        "amount_too_fine", "The amount may have at most 6 decimals.", field="amount", decimals_max="6"
    )
    assert refusal_of(parse_metered, "-0.000001") == Refusal(
        "amount_too_small", "The amount must not be negative.", field="amount", smallest="0.00"
    )
    assert refusal_of(parse_metered, "1000000000.000001").code == "amount_too_large"


@pytest.mark.rule("AMOUNT-4")
@pytest.mark.parametrize(
    ("exact", "micro"),
    [
        ("0", 0),
        ("0.0000000000001", 1),
        ("0.000001", 1),
        ("0.0000010000001", 2),
        ("1.9999999", 2_000_000),
        ("123456789.1234561", 123_456_789_123_457),
        ("123456789.1234560000000000000000001", 123_456_789_123_457),
    ],
)
def test_the_cost_of_a_call_is_rounded_up_to_the_next_micro_credit(exact: str, micro: int) -> None:
    numerator, denominator = Decimal(exact).as_integer_ratio()

    assert round_up_to_micro(numerator, per=denominator) == Credits(micro)


@pytest.mark.rule("AMOUNT-5")
@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "0.00"),
        (1, "0.000001"),
        (10_000, "0.01"),
        (12_500_000, "12.50"),
        (1_234_567, "1.234567"),
        (100_100, "0.1001"),
        (-5_000_000, "-5.00"),
        (-1, "-0.000001"),
        (2**63 - 1, "9223372036854.775807"),
    ],
)
def test_an_amount_is_written_exactly_with_two_to_six_decimals(micro: int, text: str) -> None:
    assert decimal_text(micro) == str(Credits(micro)) == text


@pytest.mark.rule("AMOUNT-6")
def test_a_budget_may_be_nothing_and_has_at_most_two_decimals() -> None:
    assert parse_level("0", field="monthly") == ZERO
    assert parse_level("0.00", field="monthly") == ZERO
    assert parse_level("300", field="monthly") == Credits(300_000_000)

    assert refusal_of(parse_level, "0.001").code == "amount_too_fine"
    assert refusal_of(parse_level, "1000000000.01").code == "amount_too_large"
    assert refusal_of(parse_level, "-1") == Refusal(
        "amount_too_small", "The amount must not be negative.", field="amount", smallest="0.00"
    )


def grant(micro: int) -> Transfer:
    return Transfer(actor_id=ACTOR, transfer_id=identity(), kind="grant", amount=Credits(micro))


@pytest.mark.rule("AMOUNT-7")
def test_one_command_moves_more_than_nothing_and_at_most_the_largest_amount() -> None:
    books = TestBooks()

    for micro in (0, -1):
        assert books.refused(grant(micro)) == Refusal(
            "amount_too_small", "The amount must be above 0.", field="amount", smallest="0.01"
        )
    assert books.refused(grant(AMOUNT_MAX_MICRO + 1)) == Refusal(
        "amount_too_large", "The amount may be at most 1000000000.00.", field="amount", largest="1000000000.00"
    )
    books.do(grant(1))
    books.do(grant(AMOUNT_MAX_MICRO))

    assert books.pool == "1000000000.000001"


@pytest.mark.rule("AMOUNT-7")
def test_a_level_may_be_nothing_and_is_bounded_like_an_amount() -> None:
    books = TestBooks()

    def set_per_cycle(micro: int) -> SetPerCycle:
        return SetPerCycle(actor_id=ACTOR, transfer_id=identity(), per_cycle=Credits(micro))

    assert books.refused(set_per_cycle(-1)) == Refusal(
        "amount_too_small", "The amount must not be negative.", field="per_cycle", smallest="0.00"
    )
    assert books.refused(set_per_cycle(AMOUNT_MAX_MICRO + 1)).field == "per_cycle"
    books.do(set_per_cycle(AMOUNT_MAX_MICRO))
    books.do(set_per_cycle(0))

    assert books.plan == "0.00"


@pytest.mark.rule("AMOUNT-7")
def test_a_hold_and_a_cost_may_be_nothing_and_never_less() -> None:
    books = TestBooks()
    member_id = books.open_member(balance="1")

    def hold(credits_text: str) -> OpenHold:
        return OpenHold(
            actor_id=ACTOR, hold_id=identity(), member_id=member_id, amount=amount(credits_text), seconds=60
        )

    assert books.refused(hold("-0.01")).code == "amount_too_small"
    hold_id = books.hold(member_id, "0")
    assert books.refused(SettleHold(actor_id=ACTOR, hold_id=hold_id, cost=amount("-0.01"))) == Refusal(
        "amount_too_small", "The amount must not be negative.", field="cost", smallest="0.00"
    )
    books.settle(hold_id, "0")

    assert (books.balance(member_id), books.consumed(member_id)) == ("1.00", "0.00")


@pytest.mark.rule("AMOUNT-8")
def test_a_tenant_is_issued_at_most_what_every_total_can_hold() -> None:
    books = TestBooks()
    while -books.control.issued_micro + AMOUNT_MAX_MICRO <= ISSUED_MAX_MICRO:
        books.post(*[grant(AMOUNT_MAX_MICRO)] * 1000)
    room = ISSUED_MAX_MICRO + books.control.issued_micro

    assert books.refused(grant(room + 1)) == Refusal(
        "total_too_large", "The tenant's total would pass the largest that can be kept.", field="amount"
    )
    books.do(grant(room))
    raise_budget = SetPerCycle(actor_id=ACTOR, transfer_id=identity(), per_cycle=Credits(1))
    assert books.refused(raise_budget).code == "total_too_large"


@pytest.mark.rule("AMOUNT-9")
@given(st.integers(min_value=-TOTAL_MAX_MICRO, max_value=TOTAL_MAX_MICRO))
def test_every_figure_is_read_back_as_it_was_shown(micro: int) -> None:
    assert parse_figure(decimal_text(micro), field="seen") == Credits(micro)


@pytest.mark.rule("AMOUNT-9")
@pytest.mark.parametrize(
    ("text", "code"),
    [("--1", "amount_too_small"), ("-", "amount_not_decimal"), ("1e3", "amount_not_decimal"), (1, "amount_not_decimal"),
     ("- 1", "amount_not_decimal"), ("0.0000001", "amount_too_fine"), ("-0.0000001", "amount_too_fine"),
     ("9223372036854.775808", "amount_too_large")],
)  # fmt: skip
def test_what_was_never_shown_is_no_figure(text: object, code: str) -> None:
    assert refusal_of(parse_figure, text).code == code
