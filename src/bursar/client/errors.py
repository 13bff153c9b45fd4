"""Every way in which asking a Bursar can end other than well.

BursarError
├── Refused: Bursar said no, and did nothing
│   ├── InvalidRequest      what was sent is malformed; `fields` says what and why
│   ├── NotSignedIn         the key is wrong, disabled or expired
│   ├── InsufficientQuota   what is left does not cover it
│   ├── NotPermitted        the key, or whoever owns it, may not do that; or the member is disabled
│   ├── NotFound            there is no such member or hold
│   └── Conflict            the state of things does not allow it, such as a hold that was voided
├── Unavailable: nothing was done, and trying did not help
└── OutcomeUnknown: it was done or it was not, and nobody said which
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


class BursarError(Exception):
    """Anything that this client raises of its own."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field of what was sent, and what is wrong with it."""

    field: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What Bursar says when it says no. `code` is stable; `detail` is a sentence for people."""

    status: int
    code: str
    detail: str
    request_id: str | None = None
    fields: Sequence[FieldProblem] = ()
    facts: Mapping[str, str | None] = field(default_factory=dict)
    hint: str | None = None
    may_retry: bool = False


class Refused(BursarError):
    """Bursar said no, and did nothing."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem

    @property
    def code(self) -> str:
        """The stable code of the refusal, such as `hold_voided`."""
        return self.problem.code

    @property
    def request_id(self) -> str | None:
        """Under which id the server's log has it."""
        return self.problem.request_id


class InvalidRequest(Refused):
    """What was sent is malformed. `problem.fields` names each field and the reason."""


class NotSignedIn(Refused):
    """The key is missing, wrong, disabled or expired."""


class InsufficientQuota(Refused):
    """What is left to spend does not cover it."""

    @property
    def available(self) -> Decimal | None:
        """What is left, which is negative for who owes."""
        return self._amount("available")

    @property
    def asked(self) -> Decimal | None:
        """What was asked for."""
        return self._amount("asked")

    @property
    def held(self) -> Decimal | None:
        """What open holds keep of all there is."""
        return self._amount("held")

    @property
    def limit(self) -> Decimal | None:
        """All there is, with what is held."""
        return self._amount("limit")

    @property
    def scope(self) -> str | None:
        """What ran out: the `member`, its `group`, the `tenant`, or the `key`."""
        return self.problem.facts.get("scope")

    @property
    def resets_at(self) -> datetime | None:
        """When the cycle renews what is left; None where nothing renews by itself."""
        text = self.problem.facts.get("resets_at")
        return None if text is None else datetime.fromisoformat(text)

    def _amount(self, fact: str) -> Decimal | None:
        text = self.problem.facts.get(fact)
        return None if text is None else Decimal(text)


class NotPermitted(Refused):
    """The key or its owner may not do that, or the member is disabled."""


class NotFound(Refused):
    """There is no such thing in this organisation."""


class Conflict(Refused):
    """The state of things does not allow it: the hold was ended otherwise, or the member is deleted."""


class Unavailable(BursarError):
    """Nothing was done: Bursar could not be reached, or was too busy each time."""


class OutcomeUnknown(BursarError):
    """It was done or it was not. The same intent, sent again with `idempotency_key`, tells: what was done is not done
    twice."""

    def __init__(self, sentence: str, *, idempotency_key: str) -> None:
        super().__init__(sentence)
        self.idempotency_key = idempotency_key


_OF_STATUS: Mapping[int, type[Refused]] = {
    401: NotSignedIn,
    402: InsufficientQuota,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
}


def refused(problem: Problem) -> Refused:
    """The exception for what Bursar said."""
    return _OF_STATUS.get(problem.status, InvalidRequest)(problem)
