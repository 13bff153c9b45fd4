"""Routes of models, for super admins: which providers a name leads to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from bursar.actions.model_routes import remove_route, set_route
from bursar.api.answers import Shape, problems
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor, not_handed_out
from bursar.api.providers import Model, ProviderName
from bursar.api.signed_in import Visit, platform, platform_change
from bursar.api.texts import Note
from bursar.domain.ids import public_id
from bursar.domain.prices import MODEL_LENGTH_MAX
from bursar.domain.roles import Permission
from bursar.domain.routing import TARGETS_MAX, ConfiguredRoute, Route, Target
from bursar.reports.providers import see_routes

routes = APIRouter(tags=["providers"])


class TargetShape(Shape):
    """A provider by its name, and what it calls the model."""

    provider: ProviderName
    model: Model


class RouteDraft(Shape):
    """Where a name is to lead, the first choice first."""

    targets: Annotated[list[TargetShape], Field(min_length=1, max_length=TARGETS_MAX)]
    note: Note = None


class RouteShape(Shape):
    """A name that clients may ask for, and where it leads."""

    id: str
    name: str
    targets: list[TargetShape]
    note: str | None
    created_at: datetime
    changed_at: datetime


class RouteList(Shape):
    """A page of the routes, by name."""

    routes: list[RouteShape]
    total: int
    next_cursor: str | None


Looker = Annotated[Visit, platform(Permission.MANAGE_PROVIDERS)]
Keeper = Annotated[Visit, platform_change(Permission.MANAGE_PROVIDERS)]
RouteName = Annotated[
    str, Path(min_length=1, max_length=MODEL_LENGTH_MAX, description="The model's name; it may have slashes in it.")
]


@routes.get("/model-routes", responses=problems(401, 403, 422))
async def list_model_routes(visit: Looker, limit: Limit = PAGE_SIZE, cursor: Cursor = None) -> RouteList:
    """The routes, by name."""
    page = await see_routes(visit.desk.platform, after=None if cursor is None else _place(cursor), limit=limit + 1)
    shown = page.routes[:limit]
    has_more = len(page.routes) > limit
    return RouteList(
        routes=[_shape(configured) for configured in shown],
        total=page.total,
        next_cursor=encode_cursor(shown[-1].route.name) if has_more else None,
    )


def _place(cursor: str) -> str:
    """Where the page before ended. Refuses `invalid_input` for what can be no name."""
    (name,) = decode_cursor(cursor, str)
    if not name.isprintable():
        raise not_handed_out()
    return str(name)


@routes.put("/model-routes/{name:path}", responses=problems(401, 403, 404, 409, 422))
async def set_model_route(name: RouteName, body: RouteDraft, visit: Keeper) -> RouteShape:
    """Says where a name leads from now on."""
    targets = tuple(Target(target.provider, target.model) for target in body.targets)
    return _shape(visit.told(await set_route(visit.desk, visit.asked, Route(name, targets, body.note))))


@routes.delete("/model-routes/{name:path}", responses=problems(401, 403, 404, 422))
async def delete_model_route(name: RouteName, visit: Keeper) -> RouteShape:
    """Takes a route away; the name leads where it would without one."""
    return _shape(visit.told(await remove_route(visit.desk, visit.asked, name)))


def _shape(configured: ConfiguredRoute) -> RouteShape:
    route = configured.route
    return RouteShape(
        id=public_id("model_route", configured.route_id),
        name=route.name,
        targets=[TargetShape(provider=target.provider, model=target.model) for target in route.targets],
        note=route.note,
        created_at=configured.created_at,
        changed_at=configured.changed_at,
    )
