"""A whole Bursar for a test: the real applications on a real socket over a database of the test's own.

The server runs in the test's event loop. What a test does, it does over HTTP, as a client would; the desk is there to
put people and credits in place.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import uvicorn
from argon2 import PasswordHasher

from bursar.actions.desk import Asked, Desk
from bursar.actions.grants import grant
from bursar.actions.members import NewMember, create_member
from bursar.actions.platform import create_super_admin, has_super_admin, operator
from bursar.actions.tenants import CyclePlan, NewTenant, create_tenant
from bursar.api.front import Application
from bursar.cli.serving import Server, address_of, listener_at, uvicorn_config
from bursar.compose import Ground, Office, office
from bursar.config import Settings
from bursar.db.roles import Endpoints
from bursar.domain.credits import parse_level
from bursar.domain.ids import public_id
from bursar.domain.people import NewPerson
from bursar.domain.permissions import Actor
from bursar.domain.roles import Role
from bursar.outside.clock import TurnedClock
from bursar.outside.secrets import Passwords
from bursar.store.members import Member
from bursar.store.tenants import Tenant
from tests.support.postgres import SECRET_KEY, FreshDatabase

PASSWORD = "correct horse battery"

CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Argon2id that spends next to nothing, so that tests sign in at once."""


TURNS_UNTIL_HUNG_UP = 20
"""Turns of the event loop that a server waits for its last clients to be seen off."""

NO_CERTIFICATES = ssl.create_default_context(cadata="")
"""For clients that only speak plain HTTP; reading the certificates of the web takes each client 30 ms."""


class Closable(Protocol):
    """A client that is closed with the office."""

    async def aclose(self) -> None: ...


@dataclass
class TestOffice:
    """A running Bursar, its address, and the people put into it."""

    __test__ = False

    url: str
    admin_url: str
    office: Office
    clock: TurnedClock
    clients: list[Closable] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        return self.office.desk

    def visitor(self, **headers: str) -> httpx.AsyncClient:
        """A client that is not signed in."""
        client = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30, verify=NO_CERTIFICATES)
        self.clients.append(client)
        return client

    async def signed_in(self, name: str, password: str = PASSWORD) -> httpx.AsyncClient:
        """A client with the session of this person."""
        client = self.visitor()
        response = await client.post("/api/v1/session", json={"name": name, "password": password})
        assert response.status_code == 200, response.text
        return client

    async def operator(self) -> Asked:
        """Who asks for what the platform does; made when first needed."""
        if not await has_super_admin(self.desk):
            await create_super_admin(self.desk, person("operator"))
        return await operator(self.desk)

    async def super_admin(self, username: str = "root") -> httpx.AsyncClient:
        """Makes a super admin and signs in."""
        await create_super_admin(self.desk, person(username))
        return await self.signed_in(username)

    async def tenant(self, name: str = "Acme Robotics", *, per_cycle: str = "1000", cadence: str = "1_day") -> Place:
        """A tenant with a tenant admin and a member, whose usernames begin with the tenant's first word."""
        word = name.split()[0].lower()
        plan = CyclePlan(cadence, "UTC", parse_level(per_cycle, field="x"))
        new = NewTenant(name, person(f"{word}-admin"), plan, credit_factor=parse_level("100", field="x"))
        made = (await create_tenant(self.desk, await self.operator(), new)).answer
        tenant, admin = made.tenant, made.admin
        asked = Asked(Actor(Role.TENANT_ADMIN, admin.member_id, tenant.tenant_id, admin.display_name))
        new_member = NewMember(person(f"{word}-member"), Role.MEMBER)
        member = (await create_member(self.desk, asked, tenant.tenant_id, new_member)).answer.member
        return Place(tenant, admin, member)

    async def admin(self, place: Place, username: str | None = None) -> Member:
        """An admin beside the tenant admin; unless told, their username is the tenant's first word and `-deputy`."""
        asked = Asked(Actor(Role.TENANT_ADMIN, place.admin.member_id, place.tenant.tenant_id, place.admin.display_name))
        word = place.tenant.name.split()[0].lower()
        new = NewMember(person(username or f"{word}-deputy"), Role.ADMIN)
        return (await create_member(self.desk, asked, place.tenant.tenant_id, new)).answer.member

    async def granted(self, place: Place, amount: str) -> None:
        """Credits in the tenant's pool."""
        await grant(
            self.desk,
            await self.operator(),
            place.tenant.tenant_id,
            parse_level(amount, field="x"),
            note=None,
        )


@dataclass(frozen=True)
class Place:
    """A tenant and its people."""

    tenant: Tenant
    admin: Member
    member: Member

    @property
    def tenant_id(self) -> str:
        return public_id("tenant", self.tenant.tenant_id)

    @property
    def member_id(self) -> str:
        return public_id("member", self.member.member_id)

    @property
    def admin_id(self) -> str:
        return public_id("member", self.admin.member_id)

    @property
    def group_id(self) -> str:
        """The group Default."""
        return public_id("group", self.member.group_id)


def person(username: str) -> NewPerson:
    """Somebody whose address and display name follow from the username."""
    return NewPerson(username, username.replace("-", " ").title(), f"{username}@example.com", PASSWORD)


def settings_for(**chosen: Any) -> Settings:
    """Settings of a test: sweeps so rare that a test does them itself."""
    sweeps = ("cycle", "hold", "outbox", "alert", "batch", "task", "usage")
    rare = {f"{sweep}_sweep_seconds": 3600.0 for sweep in sweeps}
    quiet: dict[str, Any] = {**rare, "data_dir": Path("/nonexistent")}
    return Settings(**{**quiet, **chosen})


@asynccontextmanager
async def running_office(
    fresh: FreshDatabase, *, passwords: Passwords | None = None, clock: TurnedClock | None = None, **chosen: Any
) -> AsyncIterator[TestOffice]:
    """Serves on a free port of the loopback until the block ends."""
    ground = Ground(fresh.admin_url, Endpoints(fresh.app_url, fresh.platform_url), SECRET_KEY, is_joined=False)
    clock = clock or TurnedClock()
    passwords = passwords or Passwords(CHEAP_HASHER)
    settings = settings_for(**chosen)
    async with (
        office(settings, ground, clock=clock, passwords=passwords) as running,
        served(running.application, settings) as url,
    ):
        house = TestOffice(url, fresh.admin_url, running, clock)
        try:
            yield house
        finally:
            for client in house.clients:
                await client.aclose()


@asynccontextmanager
async def served(application: Application, settings: Settings | None = None) -> AsyncIterator[str]:
    """Serves an ASGI application as `bursar serve` does; the address."""
    started = asyncio.Event()
    with listener_at("127.0.0.1", 0) as listener:
        server = PromptServer(uvicorn_config(application, settings or settings_for()), announce=started.set)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await started.wait()
        try:
            yield address_of(listener)
        finally:
            server.end()
            await serving


class PromptServer(Server):
    """uvicorn looks ten times a second whether it should end and then pauses for as long again. This one ends at once,
    unless somebody is still connected."""

    def __init__(self, config: uvicorn.Config, *, announce: Callable[[], None]) -> None:
        super().__init__(config, announce=announce)
        self._ended = asyncio.Event()

    def end(self) -> None:
        self.should_exit = True
        self._ended.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A client that hung up is noticed in one of the next turns of the loop.
        for _ in range(TURNS_UNTIL_HUNG_UP):
            if not self.server_state.connections and not self.server_state.tasks:
                for server in self.servers:
                    server.close()
                return
            await asyncio.sleep(0)
        await super().shutdown(sockets)
