"""People who are asked to join a tenant. The secrets of their links are in `secret_hashes`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.invitations import Course, InvitationState


@dataclass(frozen=True)
class Invitation:
    """One invitation. `mailed_at` and `mail_fault` tell of its present link."""

    invitation_id: UUID
    email: str
    role: str
    group_id: UUID
    invited_by: UUID | None
    invited_at: datetime
    expires_at: datetime
    mailed_at: datetime | None = None
    mail_fault: str | None = None
    revoked_at: datetime | None = None
    accepted_at: datetime | None = None
    member_id: UUID | None = None

    @property
    def course(self) -> Course:
        """What its state depends on."""
        return Course(self.expires_at, self.revoked_at, self.accepted_at)


@dataclass(frozen=True)
class ListedInvitation:
    """An invitation with the name of the member who sent it, if one did, and whether its group is still there."""

    invitation: Invitation
    inviter_name: str | None
    has_group: bool


async def insert_invitation(transaction: Transaction, tenant_id: UUID, invitation: Invitation) -> bool:
    """Adds an invitation; False if the address has one that was neither accepted nor taken back."""
    row = await transaction.fetchrow(
        """
        insert into invitations
            (tenant_id, invitation_id, email, role, group_id, invited_by, invited_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (tenant_id, lower(email)) where accepted_at is null and revoked_at is null do nothing
        returning invitation_id
        """,
        tenant_id,
        invitation.invitation_id,
        invitation.email,
        invitation.role,
        invitation.group_id,
        invitation.invited_by,
        invitation.invited_at,
        invitation.expires_at,
    )
    return row is not None


async def find_invitation(transaction: Transaction, tenant_id: UUID, invitation_id: UUID) -> Invitation | None:
    """The invitation of this tenant with this id."""
    row = await transaction.fetchrow(
        """
        select invitation_id, email, role, group_id, invited_by, invited_at, expires_at, mailed_at, mail_fault,
               revoked_at, accepted_at, member_id
        from invitations
        where tenant_id = $1
          and invitation_id = $2
        """,
        tenant_id,
        invitation_id,
    )
    return None if row is None else Invitation(**dict(row))


async def lock_invitation(transaction: Transaction, tenant_id: UUID, invitation_id: UUID) -> Invitation | None:
    """The same, and nobody else can change it until the transaction ends."""
    row = await transaction.fetchrow(
        """
        select invitation_id, email, role, group_id, invited_by, invited_at, expires_at, mailed_at, mail_fault,
               revoked_at, accepted_at, member_id
        from invitations
        where tenant_id = $1
          and invitation_id = $2
        for update
        """,
        tenant_id,
        invitation_id,
    )
    return None if row is None else Invitation(**dict(row))


async def lock_pending_invitation(transaction: Transaction, tenant_id: UUID, email: str) -> Invitation | None:
    """The invitation to this address that was neither accepted nor taken back, in any spelling; locked."""
    row = await transaction.fetchrow(
        """
        select invitation_id, email, role, group_id, invited_by, invited_at, expires_at, mailed_at, mail_fault,
               revoked_at, accepted_at, member_id
        from invitations
        where tenant_id = $1
          and lower(email) = lower($2)
          and accepted_at is null
          and revoked_at is null
        for update
        """,
        tenant_id,
        email,
    )
    return None if row is None else Invitation(**dict(row))


async def update_invitation_sent(
    transaction: Transaction, tenant_id: UUID, invitation_id: UUID, *, expires_at: datetime
) -> None:
    """Begins the time of a new link; nothing is known of its delivery yet."""
    await transaction.execute(
        """
        update invitations
        set expires_at = $3,
            mailed_at = null,
            mail_fault = null
        where tenant_id = $1
          and invitation_id = $2
        """,
        tenant_id,
        invitation_id,
        expires_at,
    )


async def update_invitation_mailed(
    transaction: Transaction, tenant_id: UUID, sent: Invitation, *, mailed_at: datetime | None, fault: str | None
) -> None:
    """Notes how the mail with this link fared. A newer link has another end, and its own mail tells of it."""
    await transaction.execute(
        """
        update invitations
        set mailed_at = $4,
            mail_fault = $5
        where tenant_id = $1
          and invitation_id = $2
          and expires_at = $3
        """,
        tenant_id,
        sent.invitation_id,
        sent.expires_at,
        mailed_at,
        fault,
    )


async def update_invitation_revoked(
    transaction: Transaction, tenant_id: UUID, invitation_id: UUID, *, now: datetime
) -> None:
    """Takes the invitation back."""
    await transaction.execute(
        """
        update invitations
        set revoked_at = $3
        where tenant_id = $1
          and invitation_id = $2
        """,
        tenant_id,
        invitation_id,
        now,
    )


async def update_invitation_accepted(
    transaction: Transaction, tenant_id: UUID, invitation_id: UUID, *, member_id: UUID, now: datetime
) -> None:
    """Notes who the invited person has become."""
    await transaction.execute(
        """
        update invitations
        set accepted_at = $4,
            member_id = $3
        where tenant_id = $1
          and invitation_id = $2
        """,
        tenant_id,
        invitation_id,
        member_id,
        now,
    )


async def update_invitations_of_member_deleted(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, *, called: str
) -> None:
    """Puts what a deleted member is called from now on in the place of the address they were invited at."""
    await transaction.execute(
        """
        update invitations
        set email = $3
        where tenant_id = $1
          and member_id = $2
        """,
        tenant_id,
        member_id,
        called,
    )


async def list_invitations(
    transaction: Transaction, tenant_id: UUID, state: InvitationState, now: datetime, *, before: UUID | None, limit: int
) -> list[ListedInvitation]:
    """Invitations in this state, newest first, those older than `before`."""
    rows = await transaction.fetch(_LIST, tenant_id, str(state), now, before, limit)
    return [_listed(dict(row)) for row in rows]


async def count_invitations(transaction: Transaction, tenant_id: UUID, state: InvitationState, now: datetime) -> int:
    """How many invitations are in this state, on all pages."""
    return int(await transaction.fetchval(_COUNT, tenant_id, str(state), now))


# What is compared with the state wanted is the same as `Course.state`; a test compares the two.
_LIST = """
    select i.invitation_id, i.email, i.role, i.group_id, i.invited_by, i.invited_at, i.expires_at, i.mailed_at,
           i.mail_fault, i.revoked_at, i.accepted_at, i.member_id,
           m.display_name as inviter_name,
           g.group_id is not null as has_group
    from invitations i
    left join members m on m.tenant_id = $1 and m.member_id = i.invited_by
    left join groups g on g.tenant_id = $1 and g.group_id = i.group_id and g.deleted_at is null
    where i.tenant_id = $1
      and $2 = case when i.accepted_at is not null then 'accepted'
                    when i.revoked_at is not null then 'revoked'
                    when i.expires_at <= $3 then 'expired'
                    else 'open' end
      and ($4::uuid is null or i.invitation_id < $4)
    order by i.invitation_id desc
    limit $5
"""

_COUNT = """
    select count(*)
    from invitations i
    where i.tenant_id = $1
      and $2 = case when i.accepted_at is not null then 'accepted'
                    when i.revoked_at is not null then 'revoked'
                    when i.expires_at <= $3 then 'expired'
                    else 'open' end
"""


def _listed(columns: dict[str, Any]) -> ListedInvitation:
    inviter_name, has_group = columns.pop("inviter_name"), columns.pop("has_group")
    return ListedInvitation(Invitation(**columns), inviter_name, has_group)
