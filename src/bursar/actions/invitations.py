"""Asking people to join, and taking it back. Accepting is in `acceptance`.

The mail goes out after the commit, for no network call is made in a transaction; how it fared is noted in a second,
short one. So the first answer cannot tell of it: it says which way the link goes, and the list of invitations says
whether it got there. A link is kept nowhere. Whoever lost it, or whose mail failed, has the invitation sent again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction, retrying, writing
from bursar.domain.ids import public_id
from bursar.domain.invitations import (
    Delivery,
    InvitationState,
    Summons,
    already_invited,
    check_may_invite,
    check_sendable,
    invitation_link,
    invitation_unknown,
    invitation_used,
    write_letter,
)
from bursar.domain.people import check_email, name_taken
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Broken, Refusal
from bursar.domain.roles import Permission, Role
from bursar.outside.identity import new_uuid
from bursar.outside.mail import MailFailed
from bursar.outside.secrets import keyed_hash, new_token
from bursar.store.groups import find_group, get_default_group_id
from bursar.store.invitations import (
    Invitation,
    insert_invitation,
    lock_invitation,
    lock_pending_invitation,
    update_invitation_mailed,
    update_invitation_revoked,
    update_invitation_sent,
)
from bursar.store.members import find_member
from bursar.store.secret_hashes import delete_secret_hashes, insert_secret_hash
from bursar.store.sign_in_names import find_sign_in_name
from bursar.store.tenants import Tenant, get_tenant

SECRET_KIND = "invitation"  # noqa: S105  the name of a kind, not a secret


@dataclass(frozen=True)
class Wanted:
    """Who is to be asked to join, as what; without a group they come into Default."""

    email: str
    role: Role
    group_id: UUID | None = None
    note: str | None = None


@dataclass(frozen=True)
class Sent:
    """An invitation with a new link. The link is here only where it is to be shown."""

    invitation: Invitation
    tenant_name: str
    inviter_name: str | None
    delivery: Delivery
    link: str | None


@dataclass(frozen=True)
class Outgoing:
    """A new link before it is known whether it is needed: its token, where it leads, and how it is to go."""

    token: str
    link: str
    delivery: Delivery


async def invite(desk: Desk, asked: Asked, tenant_id: UUID, wanted: Wanted, *, site: str) -> Done[Sent]:
    """Asks somebody to join. Refuses `not_permitted`, `invalid_input`, `tenant_unknown`, `name_taken`,
    `already_invited`, `group_unknown`.

    Rule: INVITATION-1, INVITATION-2, INVITATION-3
    """
    check_may_invite(asked.actor, wanted.role)
    check_email(wanted.email)
    outgoing = _outgoing(desk, site, None)

    async def act(transaction: Transaction) -> Sent:
        tenant = await _tenant(transaction, tenant_id)
        await _check_has_no_account(transaction, wanted.email)
        group_id = wanted.group_id or await get_default_group_id(transaction, tenant_id)
        if await find_group(transaction, tenant_id, group_id) is None:
            raise Refusal("group_unknown", "There is no such group.", field="group_id")
        await _make_way(transaction, desk, asked, tenant_id, wanted.email)
        now = desk.clock.now()
        invitation = Invitation(
            invitation_id=new_uuid(),
            email=wanted.email,
            role=str(wanted.role),
            group_id=group_id,
            invited_by=asked.actor.identity,
            invited_at=now,
            expires_at=now + desk.correspondence.invitation_life,
        )
        if not await insert_invitation(transaction, tenant_id, invitation):
            # Somebody else was quicker by a moment; theirs can be seen now.
            theirs = await lock_pending_invitation(transaction, tenant_id, wanted.email)
            raise already_invited(public_id("invitation", theirs.invitation_id) if theirs else "")
        await insert_secret_hash(
            transaction,
            tenant_id,
            invitation.invitation_id,
            invitation_hash(desk, outgoing.token),
            kind=SECRET_KIND,
        )
        changes = {
            "email": Change(None, wanted.email),
            "role": Change(None, str(wanted.role)),
            "group_id": Change(None, public_id("group", group_id)),
            "expires_at": Change(None, invitation.expires_at.isoformat()),
        }
        told = Told("invitation_sent", _subject(invitation), note=wanted.note, changes=changes)
        await record(transaction, desk, asked, tenant_id, told)
        return _sent(tenant, invitation, asked.actor.name, outgoing)

    done = await once(desk, asked, tenant_id, Sent, act)
    await _mail(desk, asked, tenant_id, done, outgoing)
    return done


async def resend_invitation(
    desk: Desk, asked: Asked, tenant_id: UUID, invitation_id: UUID, *, delivery: Delivery | None, site: str
) -> Done[Sent]:
    """A new link with a new end; the one before opens nothing any more. `delivery` None is as for a first link.

    Refuses `not_permitted`, `invalid_input`, `invitation_unknown`, `invitation_used`, `invitation_revoked`,
    `name_taken`.

    Rule: INVITATION-5, INVITATION-6
    """
    check_permission(asked.actor, Permission.CREATE_MEMBER)
    outgoing = _outgoing(desk, site, delivery)

    async def act(transaction: Transaction) -> Sent:
        tenant = await _tenant(transaction, tenant_id)
        before = await _locked(transaction, asked, tenant_id, invitation_id)
        now = desk.clock.now()
        check_sendable(before.course, now)
        await _check_has_no_account(transaction, before.email)
        after = replace(before, expires_at=now + desk.correspondence.invitation_life, mailed_at=None, mail_fault=None)
        await update_invitation_sent(transaction, tenant_id, invitation_id, expires_at=after.expires_at)
        await delete_secret_hashes(transaction, tenant_id, invitation_id)
        await insert_secret_hash(
            transaction, tenant_id, invitation_id, invitation_hash(desk, outgoing.token), kind=SECRET_KIND
        )
        changes = {"expires_at": Change(before.expires_at.isoformat(), after.expires_at.isoformat())}
        told = Told("invitation_resent", _subject(after), detail={"email": after.email}, changes=changes)
        await record(transaction, desk, asked, tenant_id, told)
        inviter = await find_member(transaction, tenant_id, after.invited_by) if after.invited_by else None
        return _sent(tenant, after, inviter.display_name if inviter else None, outgoing)

    done = await once(desk, asked, tenant_id, Sent, act)
    await _mail(desk, asked, tenant_id, done, outgoing)
    return done


async def revoke_invitation(desk: Desk, asked: Asked, tenant_id: UUID, invitation_id: UUID) -> Done[Invitation]:
    """Takes an invitation back; doing it again changes nothing. Refuses `not_permitted`, `invitation_unknown`,
    `invitation_used`.

    Rule: INVITATION-5
    """
    check_permission(asked.actor, Permission.CREATE_MEMBER)

    async def act(transaction: Transaction) -> Invitation:
        await _tenant(transaction, tenant_id)
        before = await _locked(transaction, asked, tenant_id, invitation_id)
        now = desk.clock.now()
        state = before.course.state(now)
        if state is InvitationState.ACCEPTED:
            raise invitation_used("This invitation has been accepted already.")
        if state is InvitationState.REVOKED:
            return before
        await _revoke(transaction, desk, asked, tenant_id, before)
        return replace(before, revoked_at=now)

    return await once(desk, asked, tenant_id, Invitation, act)


def invitation_hash(desk: Desk, token: str) -> bytes:
    """Under what a token is looked up: keyed, so a copy of the table opens nothing."""
    return keyed_hash(desk.secret_for("invitations"), token)


def _outgoing(desk: Desk, site: str, delivery: Delivery | None) -> Outgoing:
    """A new link. One that is mailed leads to the configured site only: `site` may be what the caller's browser calls
    us, which is good enough to show to that browser, and not for a letter to somebody else.

    Rule: INVITATION-6
    """
    mailer, public_site = desk.correspondence.mailer, desk.correspondence.site
    if delivery is Delivery.MAIL and mailer is None:
        raise Refusal("invalid_input", "No mail server is set up here; the link can be shown.", field="delivery")
    chosen = delivery or (Delivery.LINK if mailer is None else Delivery.MAIL)
    token = new_token()
    if chosen is Delivery.LINK:
        return Outgoing(token, invitation_link(site, token), chosen)
    if public_site is None:
        raise Broken("mail needs an address to link to")
    return Outgoing(token, invitation_link(public_site, token), chosen)


def _sent(tenant: Tenant, invitation: Invitation, inviter_name: str | None, outgoing: Outgoing) -> Sent:
    return Sent(
        invitation,
        tenant_name=tenant.name,
        inviter_name=inviter_name,
        delivery=outgoing.delivery,
        link=outgoing.link if outgoing.delivery is Delivery.LINK else None,
    )


async def _mail(desk: Desk, asked: Asked, tenant_id: UUID, done: Done[Sent], outgoing: Outgoing) -> None:
    """Sends the letter in the name of who asked for it, once for each new link, and notes how that went.

    Rule: INVITATION-6
    """
    mailer, sent = desk.correspondence.mailer, done.answer
    if done.replayed or sent.delivery is not Delivery.MAIL or mailer is None:
        return
    invitation = sent.invitation
    letter = write_letter(
        Summons(
            tenant_name=sent.tenant_name,
            inviter_name=asked.actor.name,
            role=Role(invitation.role),
            link=outgoing.link,
            expires_at=invitation.expires_at,
        )
    )
    fault = None
    try:
        await mailer.send(letter, to=invitation.email, now=desk.clock.now())
    except MailFailed as failed:
        fault = failed.fault

    async def note() -> None:
        async with writing(desk.tenants, tenant_id) as transaction:
            mailed_at = None if fault else desk.clock.now()
            await update_invitation_mailed(transaction, tenant_id, invitation, mailed_at=mailed_at, fault=fault)

    await retrying(note)


async def _tenant(transaction: Transaction, tenant_id: UUID) -> Tenant:
    tenant = await get_tenant(transaction, tenant_id)
    if tenant is None:
        raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
    return tenant


async def _locked(transaction: Transaction, asked: Asked, tenant_id: UUID, invitation_id: UUID) -> Invitation:
    """The invitation, if the actor could have sent it. Refuses `invitation_unknown`, `not_permitted`."""
    invitation = await lock_invitation(transaction, tenant_id, invitation_id)
    if invitation is None:
        raise invitation_unknown()
    check_may_invite(asked.actor, Role(invitation.role))
    return invitation


async def _check_has_no_account(transaction: Transaction, email: str) -> None:
    """Refuses `name_taken` for an address somebody signs in with, in whatever tenant.

    Rule: INVITATION-2
    """
    if await find_sign_in_name(transaction, email) is not None:
        raise name_taken("email")


async def _make_way(transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID, email: str) -> None:
    """Takes back an expired invitation to this address, whoever sent it. Refuses `already_invited` while one is open.

    Rule: INVITATION-2
    """
    pending = await lock_pending_invitation(transaction, tenant_id, email)
    if pending is None:
        return
    if pending.course.state(desk.clock.now()) is InvitationState.OPEN:
        raise already_invited(public_id("invitation", pending.invitation_id))
    await _revoke(transaction, desk, asked, tenant_id, pending)


async def _revoke(transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID, invitation: Invitation) -> None:
    now = desk.clock.now()
    state = invitation.course.state(now)
    await update_invitation_revoked(transaction, tenant_id, invitation.invitation_id, now=now)
    told = Told(
        "invitation_revoked",
        _subject(invitation),
        detail={"email": invitation.email},
        changes={"state": Change(str(state), str(InvitationState.REVOKED))},
    )
    await record(transaction, desk, asked, tenant_id, told)


def _subject(invitation: Invitation) -> Subject:
    return Subject("invitation", invitation.invitation_id)
