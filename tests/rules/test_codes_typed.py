"""docs/rules/codes.md, example by example: how a code is written, and read from what somebody typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.domain.codes import ALPHABET, CHANCE_BITS, parse_code, written_code
from bursar.domain.refusals import Refusal

a_code = st.integers(min_value=0, max_value=2**CHANCE_BITS - 1).map(written_code)


@pytest.mark.rule("CODE-1")
@given(a_code)
def test_a_code_is_read_however_it_is_typed(code: str) -> None:
    bare = code.removeprefix("BRS").replace("-", "")

    assert len(bare) == 20
    assert set(bare) <= set(ALPHABET)
    for typed in (code, code.lower(), f"  {bare} ", " ".join(bare), code.replace("-", "\u2013"), f"brs{bare.lower()}"):
        assert parse_code(typed) == code
    assert parse_code(code.replace("1", "l").replace("0", "o")) == code


@pytest.mark.rule("CODE-1")
@given(a_code, st.integers(min_value=0, max_value=19), st.sampled_from(ALPHABET))
def test_every_single_wrong_letter_is_a_mistake_in_typing(code: str, place: int, letter: str) -> None:
    bare = code.removeprefix("BRS").replace("-", "")
    typed = f"{bare[:place]}{letter}{bare[place + 1 :]}"

    if typed == bare:
        assert parse_code(typed) == code
        return
    with pytest.raises(Refusal) as caught:
        parse_code(typed)

    assert (caught.value.code, caught.value.field) == ("invalid_input", "code")


@pytest.mark.rule("CODE-1")
@given(a_code, st.integers(min_value=0, max_value=19), st.integers(min_value=0, max_value=19))
def test_every_two_letters_that_changed_places_are_a_mistake_in_typing(code: str, one: int, other: int) -> None:
    letters = list(code.removeprefix("BRS").replace("-", ""))
    are_alike = letters[one] == letters[other]
    letters[one], letters[other] = letters[other], letters[one]

    if are_alike:
        assert parse_code("".join(letters)) == code
        return
    with pytest.raises(Refusal):
        parse_code("".join(letters))


@pytest.mark.rule("CODE-1")
@given(st.text(max_size=120))
def test_whatever_is_typed_is_a_code_or_refused_as_the_field_code(text: str) -> None:
    try:
        code = parse_code(text)
    except Refusal as refusal:
        code, refused = None, (refusal.code, refusal.field)

    assert refused == ("invalid_input", "code") if code is None else parse_code(code) == code
