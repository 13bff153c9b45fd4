"""What a tenant chooses for itself, beside its cycle."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import APIRouter

from bursar.actions.settings import change_settings
from bursar.api.answers import Shape, problems
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.api.texts import Contact
from bursar.domain.roles import Permission
from bursar.domain.settings import TenantSettings
from bursar.reports.settings import see_settings

routes = APIRouter(prefix="/settings", tags=["settings"])

Display = Literal["credits", "dollars"]
ExpiredHolds = Literal["void", "settle"]


class SettingsShape(Shape):
    """How amounts are shown; whom the tenant's people ask for help, which is a link where it begins with https://,
    http:// or mailto:; and whether a hold that nobody settled is given back (void) or charged (settle).
    """

    display: Display
    contact: str | None
    expired_holds: ExpiredHolds


class SettingsChange(Shape):
    """The settings to change; those that are left out stay. A contact of null is none."""

    display: Display = "credits"
    contact: Contact = None
    expired_holds: ExpiredHolds = "void"


@routes.get("", responses=problems(401, 403, 404, 422))
async def get_settings(visit: Annotated[TenantVisit, tenant(Permission.SEE_SETTINGS)]) -> SettingsShape:
    """The tenant's settings."""
    return _shape(await see_settings(visit.desk.tenants, visit.tenant_id, visit.desk.clock.of_ledger))


@routes.patch("", responses=problems(401, 403, 404, 422))
async def change_settings_of_tenant(
    body: SettingsChange, visit: Annotated[TenantVisit, tenant_change(Permission.CHANGE_SETTINGS)]
) -> SettingsShape:
    """Changes the settings that are named."""
    wanted = body.model_dump(include=body.model_fields_set)
    return _shape(visit.told(await change_settings(visit.desk, visit.asked, visit.tenant_id, wanted)))


def _shape(settings: TenantSettings) -> SettingsShape:
    return SettingsShape(
        display=cast(Display, settings.display),
        contact=settings.contact,
        expired_holds=cast(ExpiredHolds, settings.expired_holds),
    )
