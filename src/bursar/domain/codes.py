"""Redemption codes: how one is written and read, what may become of it, and how often one may be wrong.

A code is 95 bits of chance in letters that people do not confuse, and a letter that checks the others. Chance itself
comes from `outside/secrets`; what is kept of a code is in `store/codes`. Read next: `actions/codes`.

Rule: CODE-1
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bursar.domain.refusals import Refusal

PREFIX = "BRS"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Five bits a letter. I, L, O and U are left out: the first three look like 1 and 0, and U like V."""
BITS_PER_LETTER = 5
CHANCE_LETTERS = 19
CHANCE_BITS = CHANCE_LETTERS * BITS_PER_LETTER
GROUP_LENGTH = 5
TYPED_LENGTH_MAX = 100
"""A code with blanks between its letters still fits; nothing that is longer is one."""

CODES_AT_ONCE_MAX = 1_000
"""One answer has all of them, and a person keeps it as one list."""
EXPIRY_MAX = timedelta(days=3_653)
"""Ten years: a code that lives longer is forgotten before it is redeemed."""

GUESS_WINDOW = timedelta(minutes=15)
WRONG_FROM_ADDRESS_MAX = 10
WRONG_IN_TENANT_MAX = 30
"""Above the bound for one address, so that who types wrong codes at one desk does not stop another at once."""

# The hyphen, and what writing programs make of it.
_DASHES = str.maketrans(dict.fromkeys("-\u2010\u2011\u2012\u2013\u2014\u2212"))
_LOOK_ALIKES = str.maketrans({"I": "1", "L": "1", "O": "0"})
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


class CodeState(StrEnum):
    """What became of a code."""

    OPEN = "open"
    REDEEMED = "redeemed"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class CodeLife:
    """When a code ends, or ended, in each of the ways it can."""

    expires_at: datetime | None
    revoked_at: datetime | None
    redeemed_at: datetime | None

    def state(self, now: datetime) -> CodeState:
        """What the code is at this time; a code that was redeemed or revoked stays that."""
        if self.redeemed_at is not None:
            return CodeState.REDEEMED
        if self.revoked_at is not None:
            return CodeState.REVOKED
        return CodeState.EXPIRED if self.expires_at is not None and self.expires_at <= now else CodeState.OPEN


def written_code(chance: int) -> str:
    """The code for a number of `CHANCE_BITS` bits, such as `BRS-4F7KM-9QX2C-T6WJZ-30HNZ`."""
    values = [chance >> BITS_PER_LETTER * place & 31 for place in reversed(range(CHANCE_LETTERS))]
    return _written([*values, _doubled(_weighed(values))])


def parse_code(text: str) -> str:
    """The code as it was written, from what somebody typed: case, blanks, dashes and `BRS` in front do not matter, and
    a letter that looks like a digit is that digit.

    Refuses `invalid_input` for what cannot be a code. The check letter gives away every single wrong letter and every
    two that changed places, so a mistake in typing is told from a code that is not there.

    Rule: CODE-1
    """
    typed = "".join(text.translate(_DASHES).split()).upper() if len(text) <= TYPED_LENGTH_MAX else ""
    letters = typed.removeprefix(PREFIX) if len(typed) > CHANCE_LETTERS + 1 else typed
    values = [_VALUES.get(letter) for letter in letters.translate(_LOOK_ALIKES)]
    known = [value for value in values if value is not None]
    if len(values) != CHANCE_LETTERS + 1 or len(known) != len(values):
        raise Refusal(
            "invalid_input",
            f"A code looks like {PREFIX}-XXXXX-XXXXX-XXXXX-XXXXX: {CHANCE_LETTERS + 1} letters and digits.",
            field="code",
        )
    if _weighed(known) != 0:
        raise Refusal("invalid_input", "This code has a typing mistake: compare it letter by letter.", field="code")
    return _written(known)


def last_four(code: str) -> str:
    """What people are shown of a code afterwards."""
    return code[-4:]


def check_new_codes(*, count: int, expires_at: datetime | None, now: datetime) -> None:
    """Refuses `invalid_input` for too few or too many at once, then for an expiry that is past or too far ahead.

    Rule: CODE-2
    """
    if not 1 <= count <= CODES_AT_ONCE_MAX:
        raise Refusal("invalid_input", f"Issue 1 to {CODES_AT_ONCE_MAX} codes at once.", field="count")
    if expires_at is not None and not now < expires_at <= now + EXPIRY_MAX:
        raise Refusal("invalid_input", "A code expires in the future, and within ten years.", field="expires_at")


def check_open(life: CodeLife, now: datetime, *, field: str) -> None:
    """Refuses `code_spent`, `code_revoked` or `code_expired` unless the code is open, to be redeemed or revoked.

    Rule: CODE-4
    """
    match life.state(now):
        case CodeState.REDEEMED:
            raise Refusal("code_spent", "This code has been redeemed already.", field=field)
        case CodeState.REVOKED:
            raise Refusal("code_revoked", "This code was taken back by whoever issued it.", field=field)
        case CodeState.EXPIRED:
            raise Refusal("code_expired", "This code has expired.", field=field)
        case CodeState.OPEN:
            return


def code_unknown(field: str) -> Refusal:
    """What is said of a code that nobody here issued.

    Rule: CODE-4
    """
    return Refusal("code_unknown", "There is no such code.", field=field)


WRONG_CODES = frozenset({"code_unknown", "code_spent", "code_revoked", "code_expired"})
"""The refusals that somebody meets who tries one code after the other."""


def too_many_wrong(since: datetime, now: datetime) -> Refusal:
    """What is said after too many wrong codes, the first of them at `since`.

    Rule: CODE-5
    """
    seconds = -((now - since - GUESS_WINDOW) // timedelta(seconds=1))
    minutes = -(-seconds // 60)
    return Refusal(
        "too_many_attempts",
        f"Too many codes were wrong: wait {minutes} {'minute' if minutes == 1 else 'minutes'} before the next one.",
        retry_after_seconds=str(seconds),
    )


def _written(values: Iterable[int]) -> str:
    letters = "".join(ALPHABET[value] for value in values)
    groups = [letters[start : start + GROUP_LENGTH] for start in range(0, len(letters), GROUP_LENGTH)]
    return "-".join((PREFIX, *groups))


def _weighed(values: Iterable[int]) -> int:
    """The letters as elements of the field of 32, each times another power of 2, in all; zero for a whole code.

    Powers up to the 31st differ, which is why two letters that change places are noticed.
    """
    total = 0
    for value in values:
        total = _doubled(total) ^ value
    return total


def _doubled(value: int) -> int:
    """Twice an element of the field of 32, made by x^5 + x^2 + 1."""
    return value << 1 ^ (0b100101 if value & 0b10000 else 0)
