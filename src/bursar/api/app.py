"""The management API: every route of it, and its contract."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from bursar import __version__
from bursar.actions.desk import Desk
from bursar.actions.playground import Playground
from bursar.api import (
    allocation_batches,
    allocations,
    api_keys,
    audit,
    budgets,
    calls,
    charges,
    conversations,
    credit_requests,
    cycle,
    grants,
    groups,
    holds,
    invitations,
    key_limits,
    member_changes,
    member_limits,
    members,
    model_routes,
    notifications,
    own_account,
    own_credits,
    platform_settings,
    playground,
    pool,
    price_factors,
    prices,
    providers,
    purchases,
    reclaims,
    redemption_codes,
    remaining,
    reports,
    reversals,
    sessions,
    settings,
    sign_in,
    spendable,
    super_admins,
    tasks,
    tenants,
    totals,
    transactions,
    usage,
)
from bursar.api.answers import ProblemDocument, problems
from bursar.api.conversations import PLAYGROUND
from bursar.api.cookies import SESSION_COOKIE, CookieCarrier
from bursar.api.front import Application, Receive, Scope, Send
from bursar.api.guard import Guard, LargerBodies
from bursar.api.key_rates import KEY_RATES, KeyRates
from bursar.api.probes import PROBED, Probed, probe_routes
from bursar.api.problems import install_problem_handlers
from bursar.api.signed_in import DESK, is_somebody, permission_of
from bursar.db.outages import OUTAGES
from bursar.domain.roles import PERMISSIONS
from bursar.ledger import LedgerUnavailable

PREFIX = "/api/v1"
ROUTERS = tuple(
    module.routes
    for module in (
        sign_in,
        own_account,
        notifications,
        sessions,
        super_admins,
        tenants,
        totals,
        grants,
        redemption_codes,
        platform_settings,
        purchases,
        members,
        invitations,
        member_changes,
        groups,
        budgets,
        reports,
        own_credits,
        pool,
        cycle,
        settings,
        allocations,
        allocation_batches,
        reclaims,
        credit_requests,
        remaining,
        reversals,
        transactions,
        holds,
        charges,
        spendable,
        conversations,
        playground,
        calls,
        usage,
        tasks,
        api_keys,
        key_limits,
        member_limits,
        audit,
        prices,
        price_factors,
        providers,
        model_routes,
    )
)


def methods_at(path: str) -> set[str]:
    """All that the API offers at a path; Starlette itself would tell the methods of the first route only."""
    below = path.removeprefix(PREFIX)
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return {method for route in routes if route.path_regex.fullmatch(below) for method in route.methods or ()} or {
        "GET"
    }


@cache
def create_api() -> FastAPI:
    """The API without a database behind it: enough to print its contract.

    One for the process: building every route takes 100 ms, and what a request is served from comes with the request.
    """
    api = FastAPI(
        title="Bursar",
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        separate_input_output_schemas=False,
    )
    install_problem_handlers(api, unavailable=(*OUTAGES, LedgerUnavailable), methods_at=methods_at)
    for routes in ROUTERS:
        api.include_router(routes, prefix=PREFIX)
    api.include_router(probe_routes)
    describe = api.openapi

    def contract() -> dict[str, Any]:
        """FastAPI's own document, with the shape of problems and without its shape of validation errors."""
        document = describe()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs", {}))
        schemas["ProblemDocument"] = problem
        _tell_who_is_asked(document)
        return document

    api.openapi = contract  # type: ignore[method-assign]
    return api


def _tell_who_is_asked(document: dict[str, Any]) -> None:
    """Writes into the contract which routes take a sign-in, and which a management key as well, which is limited.

    Rule: KEY-9
    """
    document["components"]["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
        "management_key": {"type": "http", "scheme": "bearer"},
    }
    for router in ROUTERS:
        for route in router.routes:
            permission = permission_of(route) if isinstance(route, APIRoute) else None
            if not isinstance(route, APIRoute) or permission is None:
                continue
            schemes = ["session"] if PERMISSIONS[permission].scope is None else ["session", "management_key"]
            for method in route.methods or ():
                operation = document["paths"][PREFIX + route.path_format][method.lower()]
                operation["security"] = [{scheme: []} for scheme in schemes]
                # A management key that asks too often is told so before it is asked what it may.
                operation["responses"].setdefault("429", problems(429)[429])


def serve_api(
    desk: Desk, playground: Playground, *, probed: Probed, body_max_bytes: int, key_requests_per_minute: int
) -> Application:
    """The API at work at a desk, behind its guard."""
    api = create_api()
    key_rates = KeyRates(desk.clock, requests_per_minute=key_requests_per_minute)

    async def at_this_desk(scope: Scope, receive: Receive, send: Send) -> None:
        scope[DESK], scope[PROBED], scope[KEY_RATES] = desk, probed, key_rates
        scope[PLAYGROUND] = playground
        await api(scope, receive, send)

    async def is_known(scope: Scope) -> bool:
        return await is_somebody(desk, scope)

    larger = LargerBodies({PREFIX + path: size for path, size in allocation_batches.LARGE_BODIES.items()}, is_known)
    return Guard(CookieCarrier(at_this_desk), body_max_bytes=body_max_bytes, larger_bodies=larger)
