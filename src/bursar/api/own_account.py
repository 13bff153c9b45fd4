"""One's own account: how one is shown, and the password."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from bursar.actions.own_account import (
    NewPassword,
    OwnAccount,
    change_own_name,
    change_own_password,
    own_account,
)
from bursar.api.answers import Shape, problems
from bursar.api.sign_in import PersonRole, SessionTenant, person_role, session_tenant
from bursar.api.signed_in import Visit, carry_token, platform, platform_change, sign_in_of
from bursar.api.texts import Name
from bursar.domain.ids import public_id
from bursar.domain.people import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from bursar.domain.roles import ROLE_LABELS, Permission, Role

routes = APIRouter(prefix="/own", tags=["own account"])


class OwnAccountShape(Shape):
    """Oneself. Username, address and role are changed by others."""

    id: str
    username: str
    display_name: str
    email: str | None
    role: PersonRole
    role_label: str
    tenant: SessionTenant | None


class OwnAccountDraft(Shape):
    """What one may change of how one is shown."""

    display_name: Name


class PasswordDraft(Shape):
    """The present password and the one to be."""

    current_password: Annotated[str, Field(min_length=1, max_length=PASSWORD_LENGTH_MAX)]
    new_password: Annotated[str, Field(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)]


class PasswordReceipt(Shape):
    """The password was changed, and so many other sign-ins ended with the old one."""

    ended_sessions: int


@routes.get("/account", responses=problems(401, 403))
async def get_own_account(visit: Annotated[Visit, platform(Permission.OWN_ACCOUNT)]) -> OwnAccountShape:
    """Who one is."""
    return _shape(own_account(visit.person))


@routes.patch("/account", responses=problems(401, 403, 422))
async def change_own_account(
    body: OwnAccountDraft, visit: Annotated[Visit, platform_change(Permission.OWN_ACCOUNT)]
) -> OwnAccountShape:
    """Changes the name one is shown by."""
    return _shape(visit.told(await change_own_name(visit.desk, visit.asked, visit.person, body.display_name)))


@routes.put("/password", responses=problems(401, 403, 422, 429, 503))
async def set_own_password(
    body: PasswordDraft, request: Request, visit: Annotated[Visit, platform_change(Permission.OWN_ACCOUNT)]
) -> PasswordReceipt:
    """Changes the password; all other sign-ins end, and this one goes on with a new token."""
    found = sign_in_of(request)
    done = await change_own_password(
        visit.desk, visit.asked, found, NewPassword(body.current_password, body.new_password)
    )
    changed = visit.told(done)
    # A repeat brings the token again, to whoever did not get the first answer and still comes with the old one.
    if not done.replayed or found.is_token_ending:
        carry_token(request, found, changed.token)
    return PasswordReceipt(ended_sessions=changed.ended)


def _shape(account: OwnAccount) -> OwnAccountShape:
    return OwnAccountShape(
        id=public_id("platform_admin" if account.role is Role.SUPER_ADMIN else "member", account.identity),
        username=account.username,
        display_name=account.display_name,
        email=account.email,
        role=person_role(account.role),
        role_label=ROLE_LABELS[account.role],
        tenant=session_tenant(account.tenant),
    )
