"""Being asked to join: what state an invitation is in, who may send which, and what its letter says.

An invited person is no member: they have no number, no accounts, and their address is not taken. What they become when
they accept is in `people` and `roles`. Read next: `actions/invitations`.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bursar.domain.permissions import Actor, check_in_person, check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import PERMISSIONS, ROLE_LABELS, Permission, Reach, Role


class InvitationState(StrEnum):
    """Where an invitation stands. Only an open one can be accepted."""

    OPEN = "open"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Delivery(StrEnum):
    """How a link reaches the person: it is mailed to them, or shown once to whoever invites, to be passed on."""

    MAIL = "mail"
    LINK = "link"


MAIL_FAULTS: Mapping[str, str] = {
    "unreachable": "The mail server could not be reached.",
    "timed_out": "The mail server took too long.",
    "not_secure": "The mail server offers no encryption, or its certificate is not trusted.",
    "sign_in_refused": "The mail server did not accept Bursar's user name and password.",
    "sender_refused": "The mail server does not take mail from Bursar's address.",
    "address_refused": "The mail server does not take mail to this address.",
    "refused": "The mail server did not take the mail.",
}
"""Why a mail could not be sent, as whoever invites reads it."""


@dataclass(frozen=True)
class Course:
    """What has happened to an invitation, as far as its state depends on it."""

    expires_at: datetime
    revoked_at: datetime | None
    accepted_at: datetime | None

    def state(self, now: datetime) -> InvitationState:
        """Accepted and revoked are final; what is neither is open until its time is over.

        Rule: INVITATION-4
        """
        if self.accepted_at is not None:
            return InvitationState.ACCEPTED
        if self.revoked_at is not None:
            return InvitationState.REVOKED
        return InvitationState.EXPIRED if self.expires_at <= now else InvitationState.OPEN


def check_may_invite(actor: Actor, role: Role) -> None:
    """Refuses `not_permitted` unless the actor may ask somebody to join in this role, and `invalid_input` for a role
    that nobody joins in.

    Rule: INVITATION-1
    """
    check_permission(actor, Permission.CREATE_MEMBER)
    if role is Role.TENANT_ADMIN:
        check_permission(actor, Permission.APPOINT_TENANT_ADMIN)
    elif role not in (Role.ADMIN, Role.MEMBER):
        raise Refusal("invalid_input", "The role must be member, admin or tenant_admin.", field="role")
    elif PERMISSIONS[Permission.CREATE_MEMBER].reach(actor.role) is Reach.TENANT_ADMINS:
        raise Refusal(
            "not_permitted",
            f"{ROLE_LABELS[actor.role]} invites tenant admins; they invite everybody else.",
            field="role",
            scope="role",
            id=str(actor.role),
            permission=str(Permission.CREATE_MEMBER),
        )
    if role is not Role.MEMBER:
        check_in_person(actor, "Making an admin")


def check_acceptable(course: Course, now: datetime) -> None:
    """Refuses `invitation_used`, `invitation_revoked` or `invitation_expired` unless the invitation is open.

    Rule: INVITATION-4
    """
    state = course.state(now)
    if state is InvitationState.ACCEPTED:
        raise invitation_used("This invitation has been accepted already. If it was you, sign in.")
    if state is InvitationState.REVOKED:
        raise Refusal("invitation_revoked", "This invitation was taken back. Ask whoever invited you.")
    if state is InvitationState.EXPIRED:
        raise Refusal("invitation_expired", "This invitation was not accepted in time. Ask for another one.")


def check_sendable(course: Course, now: datetime) -> None:
    """Refuses `invitation_used` or `invitation_revoked` for what cannot be sent again; an expired one can.

    Rule: INVITATION-5
    """
    state = course.state(now)
    if state is InvitationState.ACCEPTED:
        raise invitation_used("This invitation has been accepted already.")
    if state is InvitationState.REVOKED:
        raise Refusal("invitation_revoked", "This invitation was taken back. Invite the person anew.")


def invitation_used(detail: str) -> Refusal:
    """What is said of an invitation that somebody has accepted."""
    return Refusal("invitation_used", detail)


def invitation_unknown() -> Refusal:
    """What is said of an invitation that is not there, or is another tenant's, or of a link that opens nothing."""
    return Refusal("invitation_unknown", "There is no such invitation. If you were invited again, use the newest link.")


def already_invited(invitation_id: str) -> Refusal:
    """What is said when the tenant has an open invitation to this address."""
    return Refusal(
        "already_invited",
        "This address is invited already. Send that invitation again, or take it back first.",
        field="email",
        invitation_id=invitation_id,
    )


def invitation_link(site: str, token: str) -> str:
    """The address to open. The token stands behind the `#`, which browsers keep to themselves: no server and no proxy
    on the way can write it into a log.

    Rule: INVITATION-7
    """
    return f"{site}/invite#{token}"


@dataclass(frozen=True)
class Summons:
    """What the letter to an invited person tells of."""

    tenant_name: str
    inviter_name: str
    role: Role
    link: str
    expires_at: datetime


@dataclass(frozen=True)
class Letter:
    """A mail without its envelope: one line of subject, and its text in two forms."""

    subject: str
    text: str
    html: str


def write_letter(summons: Summons) -> Letter:
    """The mail that invites somebody. Names come from people, so none of them can break a line or become markup.

    Rule: INVITATION-8
    """
    tenant, inviter = _one_line(summons.tenant_name), _one_line(summons.inviter_name)
    purpose = f"run {tenant}" if summons.role is Role.TENANT_ADMIN else f"join {tenant}"
    until = summons.expires_at.strftime("%d %B %Y, %H:%M UTC").removeprefix("0")
    opening = f"{inviter} invites you to {purpose} on Bursar, where its AI credits are kept."
    terms = f"The link works once, until {until}."
    closing = "If you did not expect this, ignore it: nothing happens unless you accept."
    text = f"{opening}\n\nTo accept, open\n\n{summons.link}\n\n{terms}\n{closing}\n"
    link = html.escape(summons.link, quote=True)
    page = (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">\n'
        f'<body style="font-family: sans-serif; line-height: 1.5">\n<p>{html.escape(opening)}</p>\n'
        f'<p><a href="{link}">Accept the invitation</a></p>\n'
        f"<p>{html.escape(terms)}<br>{html.escape(closing)}</p>\n"
        f'<p style="color: #666; font-size: small">{link}</p>\n</body></html>\n'
    )
    return Letter(f"You are invited to {purpose}", text, page)


def _one_line(name: str) -> str:
    """The name with a blank for whatever no screen shows; the checks on names let none of it through."""
    return "".join(letter if letter.isprintable() else " " for letter in name)
