"""What the table of calls is made of: where a call happens and whom it concerns, the call, and what it leaves behind.

What is prepared is prepared at the desk, and not through the route itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from bursar.actions.desk import Asked
from bursar.actions.members import NewMember, create_member
from bursar.db.transaction import reading
from bursar.domain.ids import public_id
from bursar.domain.permissions import Actor
from bursar.domain.roles import Role
from bursar.outside.identity import new_uuid
from bursar.store.members import Member, find_member
from tests.support.offices import PASSWORD, Place, TestOffice, person

PREFIX = "/api/v1"


@dataclass(frozen=True)
class Scene:
    """Where a call happens: the house, the tenant with its people, and the member whom or whose things it concerns."""

    house: TestOffice
    place: Place
    target: Member
    operator: Asked
    """Whoever prepares: nobody in the tenant, and may do everything."""

    @property
    def tenant_id(self) -> UUID:
        return self.place.tenant.tenant_id

    @property
    def target_id(self) -> str:
        return public_id("member", self.target.member_id)

    @property
    def by_target(self) -> Asked:
        """The member whom the scene is about, asking at the desk."""
        return Asked(Actor(Role(self.target.role), self.target.member_id, self.tenant_id, self.target.display_name))


@dataclass(frozen=True)
class Call:
    """One request, ready to be sent: by a super admin with the tenant's id in the query."""

    method: str
    path: str
    body: Any = None

    async def sent(
        self, client: httpx.AsyncClient, *, tenant_id: str | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The answer to the call as this client sends it."""
        separator = "&" if "?" in self.path else "?"
        query = "" if tenant_id is None else f"{separator}tenant_id={tenant_id}"
        return await client.request(self.method, PREFIX + self.path + query, json=self.body, headers=headers)


@dataclass(frozen=True)
class Sample:
    """How one route is called well: what makes the call, a role that may send it, and what it leaves in the log.

    `by` is None where nobody has signed in yet. `on_oneself` says that the target has to be the sender. `changes` are
    the fields that the events tell before and after. `no_event` is the reason where there is none. `told_again` are the
    kinds of events that a repeat leaves as well. `knows_repeats` is false where a repeat finds nothing left to do.
    `by_bursar` are the kinds of events that Bursar itself leaves about it, asked by nobody.
    What `is_streamed` is repeated by how it came out, and not bit by bit.
    """

    prepare: Callable[[Scene], Awaitable[Call]]
    by: Role | None = Role.TENANT_ADMIN
    on_oneself: bool = False
    changes: frozenset[str] = field(default_factory=frozenset)
    no_event: str | None = None
    told_again: frozenset[str] = field(default_factory=frozenset)
    knows_repeats: bool = True
    by_bursar: frozenset[str] = field(default_factory=frozenset)
    is_streamed: bool = False


async def scene_of(house: TestOffice, place: Place, target: Member | UUID | None = None) -> Scene:
    """A scene around this member of the place, or around one who has just been added."""
    if isinstance(target, UUID):
        async with reading(house.desk.tenants, place.tenant.tenant_id) as transaction:
            found = await find_member(transaction, place.tenant.tenant_id, target)
        assert found is not None
        target = found
    return Scene(house, place, target or await fresh_member(house, place), await house.operator())


async def fresh_member(house: TestOffice, place: Place, role: Role = Role.MEMBER) -> Member:
    """Somebody who was not there before; the password is everybody's."""
    new = NewMember(person(f"{role.value.replace('_', '-')}-{unique()}"), role)
    return (await create_member(house.desk, await house.operator(), place.tenant.tenant_id, new)).answer.member


def unique() -> str:
    """A word that nothing is called by yet."""
    return new_uuid().hex[-12:]


def somebody_new() -> dict[str, Any]:
    """The fields of a person who is not there yet."""
    word = unique()
    return {
        "username": f"new-{word}", "display_name": f"New {word}", "email": f"{word}@example.com", "password": PASSWORD,
    }  # fmt: skip


PERSON = frozenset({"username", "display_name", "email"})
"""What is told of somebody new."""
