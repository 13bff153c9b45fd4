"""What a tenant chooses for itself, beside its cycle."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import APIRouter
from pydantic import Field

from bursar.actions.settings import change_settings
from bursar.api.amounts import Amount, AmountOrNone, TypedLevel
from bursar.api.answers import Shape, problems
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.api.texts import Contact
from bursar.domain.credits import ZERO
from bursar.domain.roles import Permission
from bursar.domain.settings import TenantSettings
from bursar.reports.settings import see_settings

routes = APIRouter(prefix="/settings", tags=["settings"])

Display = Literal["credits", "dollars"]
ExpiredHolds = Literal["void", "settle"]
Admission = Literal["overdraft", "strict"]


class SettingsShape(Shape):
    """How amounts are shown; whom the tenant's people ask for help, which is a link where it begins with https://,
    http:// or mailto:; whether a hold that nobody settled is given back (void) or charged (settle); whether
    a call needs what it is expected to cost (overdraft) or the most that it can cost (strict); credits per US
    dollar of what a call costs, 0 for calls that charge nothing; what somebody who joins is given; and below which pool
    and which remaining credits of a member people are told, null for never.
    """

    display: Display
    contact: str | None
    expired_holds: ExpiredHolds
    admission: Admission
    credit_factor: Amount
    signup_credits: Amount
    low_pool: Amount | None
    low_balance: Amount | None


class SettingsChange(Shape):
    """The settings to change; those that are left out stay. A contact of null is none, and so is a mark."""

    display: Display = "credits"
    contact: Contact = None
    expired_holds: ExpiredHolds = "void"
    admission: Admission = "overdraft"
    credit_factor: TypedLevel = Field(default=ZERO, json_schema_extra={"default": "0.00"})
    signup_credits: TypedLevel = Field(default=ZERO, json_schema_extra={"default": "0.00"})
    low_pool: AmountOrNone = None
    low_balance: AmountOrNone = None


@routes.get("", responses=problems(401, 403, 404, 422))
async def get_settings(visit: Annotated[TenantVisit, tenant(Permission.SEE_SETTINGS)]) -> SettingsShape:
    """The tenant's settings."""
    return _shape(await see_settings(visit.desk.tenants, visit.tenant_id, visit.desk.clock.of_ledger))


@routes.patch("", responses=problems(401, 403, 404, 422))
async def change_settings_of_tenant(
    body: SettingsChange, visit: Annotated[TenantVisit, tenant_change(Permission.CHANGE_SETTINGS)]
) -> SettingsShape:
    """Changes the settings that are named."""
    # As they are, and not dumped: an amount is to stay one.
    wanted = {name: getattr(body, name) for name in body.model_fields_set}
    return _shape(visit.told(await change_settings(visit.desk, visit.asked, visit.tenant_id, wanted)))


def _shape(settings: TenantSettings) -> SettingsShape:
    return SettingsShape(
        display=cast(Display, settings.display),
        contact=settings.contact,
        expired_holds=cast(ExpiredHolds, settings.expired_holds),
        admission=cast(Admission, settings.admission),
        credit_factor=settings.credit_factor,
        signup_credits=settings.signup_credits,
        low_pool=settings.low_pool,
        low_balance=settings.low_balance,
    )
