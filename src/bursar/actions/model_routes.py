"""Routes of models: set by name and removed, by super admins.

Rule: PROVIDER-4
"""

from __future__ import annotations

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once_on_platform
from bursar.db.transaction import Transaction
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.domain.routing import ROUTES_MAX, ConfiguredRoute, Route, check_route, is_route_name
from bursar.outside.identity import new_uuid
from bursar.store.catalogue_version import lock_catalogue, raise_catalogue_version
from bursar.store.model_routes import count_routes, delete_route, find_route, upsert_route
from bursar.store.providers import list_providers


async def set_route(desk: Desk, asked: Asked, wanted: Route) -> Done[ConfiguredRoute]:
    """Says where a name leads from now on. Setting what is so already changes nothing.

    Refuses `invalid_input`, `provider_unknown`, `too_many_routes`.

    Rule: PROVIDER-9
    """
    check_permission(asked.actor, Permission.MANAGE_PROVIDERS)
    check_route(wanted)

    async def act(transaction: Transaction) -> ConfiguredRoute:
        await lock_catalogue(transaction)
        present = {provider.settings.name for provider in await list_providers(transaction)}
        for target in wanted.targets:
            if target.provider not in present:
                raise Refusal("provider_unknown", f"There is no provider {target.provider[:64]}.", field="targets")
        before = await find_route(transaction, wanted.name)
        if before is not None and before.route == wanted:
            return before
        if before is None and await count_routes(transaction) >= ROUTES_MAX:
            raise Refusal("too_many_routes", f"There are {ROUTES_MAX} routes already.")
        now = desk.clock.now()
        created_at = now if before is None else before.created_at
        after = ConfiguredRoute(new_uuid() if before is None else before.route_id, wanted, created_at, now)
        await upsert_route(transaction, after)
        await raise_catalogue_version(transaction)
        await record(transaction, desk, asked, None, _told("model_route_set", before, after))
        return after

    return await once_on_platform(desk, asked, ConfiguredRoute, act)


async def remove_route(desk: Desk, asked: Asked, name: str) -> Done[ConfiguredRoute]:
    """From now on the name leads where it would without a route. Refuses `route_unknown`.

    Rule: PROVIDER-9
    """
    check_permission(asked.actor, Permission.MANAGE_PROVIDERS)

    async def act(transaction: Transaction) -> ConfiguredRoute:
        await lock_catalogue(transaction)
        present = await find_route(transaction, name) if is_route_name(name) else None
        if present is None:
            raise Refusal("route_unknown", "There is no route of this name.", field="name")
        await delete_route(transaction, present.route_id)
        await raise_catalogue_version(transaction)
        await record(transaction, desk, asked, None, _told("model_route_removed", present, None))
        return present

    return await once_on_platform(desk, asked, ConfiguredRoute, act)


def _told(kind: str, before: ConfiguredRoute | None, after: ConfiguredRoute | None) -> Told:
    configured = after or before
    assert configured is not None, "something was there before or is there now"
    changes = {"targets": Change(_targets(before), _targets(after))}
    subject = Subject("model_route", configured.route_id)
    return Told(kind, subject, configured.route.note, {"name": configured.route.name}, changes)


def _targets(configured: ConfiguredRoute | None) -> str | None:
    if configured is None:
        return None
    return ", ".join(f"{target.provider}/{target.model}" for target in configured.route.targets)
