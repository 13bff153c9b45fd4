"""What something is metered for, in bodies: a line for people, and words for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from bursar.actions.metering import check_spender
from bursar.api.answers import Shape
from bursar.api.identifiers import MemberId
from bursar.api.signed_in import TenantVisit
from bursar.api.texts import OptionalName, printable
from bursar.domain.metering import WORD_LENGTH_MAX, WORD_NAME_LENGTH_MAX, WORDS_MAX, Purpose

_WordName = Annotated[str, StringConstraints(min_length=1, max_length=WORD_NAME_LENGTH_MAX), AfterValidator(printable)]
_Word = Annotated[str, StringConstraints(max_length=WORD_LENGTH_MAX), AfterValidator(printable)]

Metadata = Annotated[
    dict[_WordName, _Word],
    Field(max_length=WORDS_MAX, description="Words for programs, such as the ids of what was metered."),
]


class PurposeDraft(Shape):
    """For whom something is metered, by default oneself, and what for. Both stand in the usage log."""

    member_id: MemberId | None = None
    label: OptionalName = None
    metadata: Metadata | None = None

    @property
    def purpose(self) -> Purpose:
        """What it is for. No words are as good as none."""
        return Purpose(self.label, self.metadata or None)


def metered_member(visit: TenantVisit, member_id: UUID | None) -> UUID:
    """The member named, else oneself. Refuses `not_permitted` to who may not meter for others."""
    wanted = visit.person.identity if member_id is None else member_id
    check_spender(visit.asked, wanted)
    return wanted


def words_of(purpose: Purpose) -> Mapping[str, str]:
    """The words in an answer: none are an empty object."""
    return purpose.words or {}
