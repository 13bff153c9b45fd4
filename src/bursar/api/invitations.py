"""Asking people to join a tenant; and, for whoever holds a link, joining it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from bursar.actions.acceptance import Acceptance, Visitor, accept_invitation, look_up_invitation
from bursar.actions.invitations import Sent, Wanted, invite, resend_invitation, revoke_invitation
from bursar.api.answers import Shape, problems
from bursar.api.idempotency import REPLAYED_HEADER, IdempotencyKey, request_key
from bursar.api.identifiers import GroupId, InvitationId
from bursar.api.members import Password, Username
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.sign_in import carry_session, client_of, end_session_of
from bursar.api.signed_in import TenantVisit, desk_of, tenant, tenant_change
from bursar.api.texts import Address, Note, OptionalName
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.invitations import MAIL_FAULTS, Delivery, InvitationState
from bursar.domain.refusals import Refusal
from bursar.domain.roles import ROLE_LABELS, Permission, Role
from bursar.reports.invitations import see_invitations
from bursar.store.invitations import Invitation

routes = APIRouter(tags=["invitations"])

HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
"""What a Host header may be to stand in a link."""

Token = Annotated[str, Field(min_length=1, max_length=200, description="What stands behind the # of the link.")]


class InvitationDraft(Shape):
    """Somebody to be asked. Without a group they come into Default. A super admin invites tenant admins, and nobody
    else does.
    """

    email: Address
    role: Literal["member", "admin", "tenant_admin"] = "member"
    group_id: GroupId | None = None
    note: Note = None


class Resending(Shape):
    """How the new link is to go: mailed, or shown in the answer; as for a first link if left out."""

    delivery: Literal["mail", "link"] | None = None


class InvitationShape(Shape):
    """One invitation. `mailed_at` and `mail_fault` tell how the mail with its present link fared; both are null where
    the link was shown instead. `group_id` is null once the group is gone: whoever accepts then comes into Default.
    """

    id: str
    email: str
    role: Literal["tenant_admin", "admin", "member"]
    role_label: str
    group_id: str | None
    state: Literal["open", "accepted", "expired", "revoked"]
    invited_by: str | None
    invited_by_name: str | None
    invited_at: datetime
    expires_at: datetime
    mailed_at: datetime | None
    mail_fault: str | None
    revoked_at: datetime | None
    accepted_at: datetime | None
    member_id: str | None


class SentInvitation(Shape):
    """An invitation with a new link, and how that goes to the person. With `mail` the link is not shown, and whether
    the mail server took it is told by the list of invitations. With `link` it is shown, here and never again: pass it
    on.
    """

    invitation: InvitationShape
    delivery: Literal["mail", "link"]
    link: str | None


class InvitationList(Shape):
    """A page of invitations in one state, and how many there are in all."""

    invitations: list[InvitationShape]
    total: int
    next_cursor: str | None


class LinkToken(Shape):
    """The token of a link. It never stands in a path, which servers log."""

    token: Token


class InvitationGlimpse(Shape):
    """What the holder of a link sees before joining."""

    tenant_name: str
    email: str
    expires_at: datetime


class AcceptanceDraft(Shape):
    """The account to be made. The address is the invitation's; a blank display name takes the username."""

    token: Token
    username: Username
    display_name: OptionalName = None
    password: Password


class JoinedMember(Shape):
    """The member that was made, who is now signed in."""

    member_id: str
    username: str
    display_name: str
    email: str | None
    role: Literal["tenant_admin", "admin", "member"]
    role_label: str
    tenant_id: str
    tenant_name: str


@routes.post("/invitations", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def create_invitation(
    body: InvitationDraft, request: Request, visit: Annotated[TenantVisit, tenant_change(Permission.CREATE_MEMBER)]
) -> SentInvitation:
    """Asks somebody to join by a link that works once."""
    wanted = Wanted(body.email, Role(body.role), body.group_id, body.note)
    done = await invite(visit.desk, visit.asked, visit.tenant_id, wanted, site=site_of(request))
    return _sent(visit.told(done))


@routes.get("/invitations", responses=problems(401, 403, 404, 422))
async def list_invitations_of_tenant(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_MEMBERS)],
    state: Annotated[Literal["open", "accepted", "expired", "revoked"], Query(description="In which state.")] = "open",
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> InvitationList:
    """The invitations in one state, newest first."""
    before = None if cursor is None else parse_public_id("invitation", decode_cursor(cursor, str)[0], field="cursor")
    now = visit.desk.clock.now()
    page = await see_invitations(
        visit.desk.tenants, visit.tenant_id, InvitationState(state), now, before=before, limit=limit + 1
    )
    shown = [
        _shape(row.invitation, now, member_name=row.inviter_name, has_group=row.has_group) for row in page.rows[:limit]
    ]
    return InvitationList(
        invitations=shown,
        total=page.total,
        next_cursor=encode_cursor(shown[-1].id) if len(page.rows) > limit else None,
    )


@routes.post("/invitations/{invitation_id}/resend", responses=problems(401, 403, 404, 409, 422))
async def send_invitation_again(
    invitation_id: InvitationId,
    request: Request,
    visit: Annotated[TenantVisit, tenant_change(Permission.CREATE_MEMBER)],
    body: Resending | None = None,
) -> SentInvitation:
    """Gives an invitation a new link and a new end, also when it has expired; the link before stops working."""
    delivery = None if body is None or body.delivery is None else Delivery(body.delivery)
    done = await resend_invitation(
        visit.desk, visit.asked, visit.tenant_id, invitation_id, delivery=delivery, site=site_of(request)
    )
    return _sent(visit.told(done))


@routes.delete("/invitations/{invitation_id}", status_code=204, responses=problems(401, 403, 404, 409, 422))
async def take_back_invitation(
    invitation_id: InvitationId, visit: Annotated[TenantVisit, tenant_change(Permission.CREATE_MEMBER)]
) -> None:
    """Takes an invitation back: its link is dead."""
    visit.told(await revoke_invitation(visit.desk, visit.asked, visit.tenant_id, invitation_id))


@routes.post("/invitation-look-up", responses=problems(403, 404, 409, 422, 429))
async def look_up_invitation_by_token(body: LinkToken, request: Request) -> InvitationGlimpse:
    """What a link opens. It takes no sign-in, and changes nothing."""
    found = await look_up_invitation(desk_of(request), body.token, client_of(request))
    return InvitationGlimpse(tenant_name=found.tenant_name, email=found.email, expires_at=found.expires_at)


@routes.post("/invitation-acceptance", status_code=201, responses=problems(401, 403, 404, 409, 422, 429, 503))
async def accept_invitation_by_token(
    body: AcceptanceDraft, request: Request, response: Response, idempotency_key: IdempotencyKey = None
) -> JoinedMember:
    """Makes the invited person a member, and signs them in; a session that the client came with ends."""
    visitor = Visitor(client_of(request), await request_key(request, idempotency_key))
    wanted = Acceptance(body.token, body.username, body.display_name, body.password)
    done, opened = await accept_invitation(desk_of(request), visitor, wanted)
    await end_session_of(request, None)
    carry_session(request, opened)
    if done.replayed:
        response.headers[REPLAYED_HEADER] = "true"
    member, organisation = done.answer.member, done.answer.tenant
    return JoinedMember.model_validate(
        {
            "member_id": public_id("member", member.member_id),
            "username": member.username,
            "display_name": member.display_name,
            "email": member.email,
            "role": member.role,
            "role_label": ROLE_LABELS[Role(member.role)],
            "tenant_id": public_id("tenant", organisation.tenant_id),
            "tenant_name": organisation.name,
        }
    )


def site_of(request: Request) -> str:
    """Where links lead that are shown to the caller: the configured site, else the one this request was sent to.

    The Host header is whatever the client says. Believed for a link that only this client gets to see, it can mislead
    nobody else; a link that is mailed to somebody takes the configured site and nothing else. Refuses `invalid_input`
    for a header that is no host.
    """
    configured = desk_of(request).correspondence.site
    if configured is not None:
        return configured
    host = request.headers.get("host") or "{}:{}".format(*(request.scope.get("server") or ("localhost", 80)))
    if not HOST.fullmatch(host):
        raise Refusal("invalid_input", "The Host header of the request is no host.", field="host")
    return f"{request.url.scheme}://{host}"


def _sent(sent: Sent) -> SentInvitation:
    """The first answer and its repetitions alike: as it was when the link was made."""
    shape = _shape(sent.invitation, sent.invitation.invited_at, member_name=sent.inviter_name, has_group=True)
    return SentInvitation(invitation=shape, delivery=sent.delivery.value, link=sent.link)


def _shape(invitation: Invitation, now: datetime, *, member_name: str | None, has_group: bool) -> InvitationShape:
    """Only the platform invites tenant admins, and it invites nobody else."""
    is_from_platform = invitation.role == Role.TENANT_ADMIN
    inviter = invitation.invited_by
    return InvitationShape.model_validate(
        {
            "id": public_id("invitation", invitation.invitation_id),
            "email": invitation.email,
            "role": invitation.role,
            "role_label": ROLE_LABELS[Role(invitation.role)],
            "group_id": public_id("group", invitation.group_id) if has_group else None,
            "state": str(invitation.course.state(now)),
            "invited_by": public_id("platform_admin" if is_from_platform else "member", inviter) if inviter else None,
            "invited_by_name": ROLE_LABELS[Role.SUPER_ADMIN] if is_from_platform else member_name,
            "invited_at": invitation.invited_at,
            "expires_at": invitation.expires_at,
            "mailed_at": invitation.mailed_at,
            "mail_fault": MAIL_FAULTS.get(invitation.mail_fault) if invitation.mail_fault else None,
            "revoked_at": invitation.revoked_at,
            "accepted_at": invitation.accepted_at,
            "member_id": public_id("member", invitation.member_id) if invitation.member_id else None,
        }
    )
