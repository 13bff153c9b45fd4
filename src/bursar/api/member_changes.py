"""What is changed of a member: names and password, role, whether they are active, the group, and that they go."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from msgspec import UNSET
from pydantic import BeforeValidator, WithJsonSchema

from bursar.actions.member_deletions import delete_member
from bursar.actions.member_edits import MemberEdit, edit_member
from bursar.actions.member_standing import move_member, set_role, switch_member
from bursar.api.amounts import Amount
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import GroupId, MemberId
from bursar.api.members import MemberRole, MemberShape, Password, Username, shape_of
from bursar.api.signed_in import TenantVisit, tenant_change
from bursar.api.texts import Email, OptionalName, blank_is_none
from bursar.domain.ids import public_id
from bursar.domain.people import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from bursar.domain.roles import Permission, Role

routes = APIRouter(prefix="/members", tags=["members"])


BlankOrPassword = Annotated[
    Password | None,
    BeforeValidator(blank_is_none),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": PASSWORD_LENGTH_MIN, "maxLength": PASSWORD_LENGTH_MAX},
                {"type": "string", "maxLength": 0},
                {"type": "null"},
            ]
        }
    ),
]
"""A form's password field, which is left blank by whoever resets none."""


class MemberPatch(Shape):
    """What is to be changed; what is absent stays. Null removes an email address or a job title, and makes the username
    the display name. A username or password that is null or blank stays."""

    username: Username | None = None
    display_name: OptionalName = None
    email: Email = None
    job_title: OptionalName = None
    password: BlankOrPassword = None

    def edit(self) -> MemberEdit:
        """The same, without what is absent."""
        present = self.model_fields_set
        return MemberEdit(
            username=UNSET if self.username is None else self.username,
            display_name=self.display_name if "display_name" in present else UNSET,
            email=self.email if "email" in present else UNSET,
            job_title=self.job_title if "job_title" in present else UNSET,
            password=UNSET if self.password is None else self.password,
        )


class RoleChoice(Shape):
    """The role that a member is to have."""

    role: MemberRole


class GroupChoice(Shape):
    """The group that a member is to be in."""

    group_id: GroupId


class DeletedMemberShape(Shape):
    """Who was deleted. `returned` went back to the pool; below zero, the pool took a debt over. `held` is what calls
    under way still hold; what they do not use follows when they end."""

    id: str
    number: int
    display_name: str
    returned: Amount
    held: Amount


@routes.patch("/{member_id}", responses=problems(401, 403, 404, 409, 422))
async def change_member(
    member_id: MemberId, body: MemberPatch, visit: Annotated[TenantVisit, tenant_change(Permission.EDIT_MEMBER)]
) -> MemberShape:
    """Changes names, address, title or password. A new password ends the person's sign-ins."""
    done = await edit_member(visit.desk, visit.asked, visit.tenant_id, member_id, body.edit())
    return shape_of(visit.told(done))


@routes.put("/{member_id}/role", responses=problems(401, 403, 404, 409, 422))
async def set_member_role(
    member_id: MemberId, body: RoleChoice, visit: Annotated[TenantVisit, tenant_change(Permission.SET_ROLE)]
) -> MemberShape:
    """Promotes or demotes a member. Only a super admin makes a tenant admin, or somebody else of one."""
    done = await set_role(visit.desk, visit.asked, visit.tenant_id, member_id, Role(body.role))
    return shape_of(visit.told(done))


@routes.post("/{member_id}/disable", responses=problems(401, 403, 404, 409, 422))
async def disable_member(
    member_id: MemberId, visit: Annotated[TenantVisit, tenant_change(Permission.SWITCH_MEMBER)]
) -> MemberShape:
    """Stops a member at once. What they have stays theirs."""
    done = await switch_member(visit.desk, visit.asked, visit.tenant_id, member_id, is_active=False)
    return shape_of(visit.told(done))


@routes.post("/{member_id}/enable", responses=problems(401, 403, 404, 409, 422))
async def enable_member(
    member_id: MemberId, visit: Annotated[TenantVisit, tenant_change(Permission.SWITCH_MEMBER)]
) -> MemberShape:
    """Gives a disabled member everything back to use."""
    done = await switch_member(visit.desk, visit.asked, visit.tenant_id, member_id, is_active=True)
    return shape_of(visit.told(done))


@routes.put("/{member_id}/group", responses=problems(401, 403, 404, 409, 422))
async def move_member_to_group(
    member_id: MemberId, body: GroupChoice, visit: Annotated[TenantVisit, tenant_change(Permission.MOVE_MEMBER)]
) -> MemberShape:
    """Puts a member into another group. The monthly allowance moves from the old group's budget into the new one's."""
    done = await move_member(visit.desk, visit.asked, visit.tenant_id, member_id, body.group_id)
    return shape_of(visit.told(done))


@routes.delete("/{member_id}", responses=problems(401, 403, 404, 409, 422))
async def delete_member_for_good(
    member_id: MemberId, visit: Annotated[TenantVisit, tenant_change(Permission.DELETE_MEMBER)]
) -> DeletedMemberShape:
    """Deletes a member. Sign-in, keys and personal fields go, the unused remainder returns; it cannot be undone."""
    gone = visit.told(await delete_member(visit.desk, visit.asked, visit.tenant_id, member_id))
    return DeletedMemberShape(
        id=public_id("member", gone.member_id),
        number=gone.number,
        display_name=gone.display_name,
        returned=gone.returned,
        held=gone.held,
    )
