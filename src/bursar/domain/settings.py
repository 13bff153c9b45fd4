"""What a tenant chooses for itself, beside its budgeting period."""

from __future__ import annotations

from dataclasses import dataclass

from bursar.domain.refusals import Refusal

DISPLAYS = ("credits", "dollars")
"""How amounts are shown. The books are kept in credits either way."""

EXPIRED_HOLDS = ("void", "settle")
"""What becomes of a hold that nobody settled: all of it is given back, or all of it is charged."""

CONTACT_LENGTH_MAX = 200


@dataclass(frozen=True)
class TenantSettings:
    """A tenant's choices; `contact` is whom its people ask for help."""

    display: str
    contact: str | None
    expired_holds: str


def check_settings(settings: TenantSettings) -> None:
    """Refuses `invalid_input` for a choice that is not offered, or a contact that is not one line of text.

    Rule: TENANT-7
    """
    for field, value, offered in (
        ("display", settings.display, DISPLAYS),
        ("expired_holds", settings.expired_holds, EXPIRED_HOLDS),
    ):
        if value not in offered:
            raise Refusal("invalid_input", f"This must be one of: {', '.join(offered)}.", field=field)
    contact = settings.contact
    if contact is not None and (
        not 1 <= len(contact) <= CONTACT_LENGTH_MAX or contact != contact.strip() or not contact.isprintable()
    ):
        raise Refusal(
            "invalid_input",
            f"A contact is one line of 1 to {CONTACT_LENGTH_MAX} printable characters.",
            field="contact",
        )
