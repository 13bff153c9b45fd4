"""Every route, asked by every role about everybody: who gets what, and that a refused call changes no row.

What is expected is in `expected`; how a route is called well is in `tests/support/calls` and `reads`. A route that
stands in neither fails here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from fastapi.routing import APIRoute

from bursar.api.app import ROUTERS
from bursar.api.signed_in import permission_of
from bursar.domain.roles import PERMISSIONS, Reach, Role, Scope
from tests.matrix.cast import Cast, cast_of
from tests.matrix.expected import ABOUT_MEMBERS, EXPECTED, OPEN, ROLES, Row
from tests.matrix.reads import READS
from tests.support.calls import SAMPLES
from tests.support.calls.scenes import Call
from tests.support.keys import made_key
from tests.support.offices import TestOffice
from tests.support.rows import rows_of_everything

MEANING = {
    "n": (403, "not_permitted"),
    "o": (403, "not_to_oneself"),
    "u": (404, "_unknown"),
    "r": (403, "recipient_is_actor"),
    "p": (409, "recipient_spends_pool"),
}
"""The status of each letter, and how the code ends: what is unknown has a code for each kind of thing."""


def routes() -> dict[str, APIRoute]:
    return {route.name: route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)}


def test_every_route_has_its_row_and_its_call() -> None:
    assert set(EXPECTED) | set(OPEN) == set(routes())
    assert not set(EXPECTED) & set(OPEN)
    assert set(EXPECTED) <= set(SAMPLES) | set(READS)


@pytest.mark.rule("ROLE-1", "ROLE-2", "ROLE-3")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("role", ROLES, ids=str)
async def test_every_role_gets_what_the_requirements_give_it_and_a_refused_call_changes_nothing(
    house: TestOffice, role: Role, part: int
) -> None:
    cast = await cast_of(house, role)
    names = list(EXPECTED)
    share = -(-len(names) // 4)

    wrong = [line for name in names[part * share : (part + 1) * share] for line in await tried(cast, name)]

    assert not wrong, "\n".join(wrong)


async def tried(cast: Cast, name: str) -> list[str]:
    """What is not as expected when the role asks this route about everybody: refused calls first, all of them."""
    row = EXPECTED[name]
    letters = {relation: row.expected(cast.role, relation) for relation in row.relations}
    refused = [(relation, await cast.call(name, relation)) for relation, letter in letters.items() if letter in MEANING]
    wrong = await refused_wrongly(cast, name, refused, letters) if refused else []
    for relation in [relation for relation, letter in letters.items() if letter == "y"]:
        answer = await cast.sent(await cast.call(name, relation), relation, row)
        if not 200 <= answer.status_code < 300:
            wrong.append(f"{name} about {relation}: expected to be done, got {answer.status_code} {answer.text[:160]}")
    return wrong


async def refused_wrongly(
    cast: Cast, name: str, calls: Sequence[tuple[str, Call]], letters: dict[str, str]
) -> list[str]:
    """What is not as expected of calls that are to be refused, the rows of the whole database included."""
    wrong = []
    before = await rows_of_everything(cast.house)
    for relation, call in calls:
        status, code = MEANING[letters[relation]]
        answer = await cast.sent(call, relation, EXPECTED[name])
        told = answer.json().get("code", "") if answer.status_code >= 400 else "done"
        if answer.status_code != status or not told.endswith(code):
            wrong.append(f"{name} about {relation}: expected {status} {code}, got {answer.status_code} {told}")
    after = await rows_of_everything(cast.house)
    changed = sorted(table for table in before | after if before.get(table) != after.get(table))
    return wrong + [f"{name}: refused, and {table} changed" for table in changed]


@pytest.mark.rule("ROLE-2")
@pytest.mark.timeout(300)
async def test_nobody_gets_nothing(house: TestOffice) -> None:
    cast = await cast_of(house, Role.TENANT_ADMIN)
    calls = [(name, await cast.call(name, _first_case(row))) for name, row in EXPECTED.items()]
    before = await rows_of_everything(house)

    for client in (house.visitor(), house.visitor(cookie="bursar_session=made-up")):
        for name, call in calls:
            answer = await call.sent(client)
            assert (name, answer.status_code, answer.json()["code"]) == (name, 401, "not_signed_in")

    assert await rows_of_everything(house) == before


@pytest.mark.rule("KEY-9")
@pytest.mark.timeout(600)
async def test_a_management_key_gets_what_its_scopes_and_its_owner_allow(house: TestOffice) -> None:
    cast = await cast_of(house, Role.TENANT_ADMIN)
    keys: dict[frozenset[Scope], str] = {}

    async def asked_with(scopes: frozenset[Scope], name: str) -> tuple[int, str]:
        if scopes not in keys:
            made = await made_key(cast.client, "management", scopes=sorted(scopes))
            keys[scopes] = made["secret"]
        client = house.visitor(authorization=f"Bearer {keys[scopes]}")
        row = EXPECTED[name]
        call = await cast.call(name, "group" if row.relations == ABOUT_MEMBERS else row.relations[0])
        # What a key edits is everything but a password, which is tried by itself.
        edited = replace(call, body={"job_title": "Planner"}) if name == "change_member" else call
        answer = await edited.sent(client)
        return answer.status_code, answer.json().get("code", "") if answer.status_code >= 400 else "done"

    for name in EXPECTED:
        permission = permission_of(routes()[name])
        assert permission is not None
        right = PERMISSIONS[permission]
        if right.reach(Role.TENANT_ADMIN) is Reach.NO or right.scope is None:
            assert (name, *await asked_with(frozenset(Scope), name)) == (name, 403, "not_permitted")
            continue
        only = frozenset({right.scope})
        refused = await asked_with(frozenset(Scope) - only, name)
        done = await asked_with(only, name)
        assert (name, *refused) == (name, 403, "not_permitted")
        assert (name, done[0] < 300) == (name, EXPECTED[name].expected(Role.TENANT_ADMIN, _about(name)) == "y"), done


def _about(name: str) -> str:
    row = EXPECTED[name]
    return "group" if row.relations == ABOUT_MEMBERS else row.relations[0]


def _first_case(row: Row) -> str:
    """The first person whom a tenant admin's call may concern, if there is one."""
    cases = (relation for relation in row.relations if row.expected(Role.TENANT_ADMIN, relation) != ".")
    return next(cases, row.relations[0])
