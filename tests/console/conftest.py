"""The browser, and the console of a real Bursar that it looks at."""

import os
from collections.abc import AsyncIterator, Mapping
from typing import NoReturn

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bursar.actions.desk import Asked
from bursar.actions.members import NewMember, create_member
from bursar.compose import CONSOLE_FOLDER
from bursar.domain.permissions import Actor
from bursar.domain.roles import Role
from tests.console.browser import SignInName, chromium, open_browser
from tests.support.offices import PASSWORD, TestOffice, person, running_office
from tests.support.postgres import Server, copied_database


def _cannot_look(reason: str) -> NoReturn:
    """A laptop may lack a browser and says so loudly; where everything must run, that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(f"BROWSER TESTS DID NOT RUN: {reason}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all; each visitor gets cookies of their own."""
    executable = chromium()
    if executable is None:
        _cannot_look("no Chromium on this machine (Debian: apt-get install chromium)")
    async with open_browser(executable) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def console_house(postgres: Server, migrated_template: str) -> AsyncIterator[TestOffice]:
    """A Bursar with one tenant, shared by tests that move nothing in it."""
    if not (CONSOLE_FOLDER / "index.html").is_file():
        _cannot_look("the console is not built (pip install -e .)")
    with copied_database(postgres, migrated_template) as fresh:
        async with running_office(fresh) as house:
            await house.super_admin()
            place = await house.tenant("Acme Robotics")
            asked = Asked(Actor(Role.TENANT_ADMIN, place.admin.member_id, place.tenant.tenant_id, "Acme Admin"))
            deputy = NewMember(person("acme-deputy"), Role.ADMIN)
            await create_member(house.desk, asked, place.tenant.tenant_id, deputy)
            yield house


@pytest.fixture(scope="session")
def console_url(console_house: TestOffice) -> str:
    """Where it serves, without a slash at the end."""
    return console_house.url


@pytest.fixture(scope="session")
def people(console_house: TestOffice) -> Mapping[str, SignInName]:
    """Who can sign in there, one for each role."""
    names = {"super_admin": "root", "tenant_admin": "acme-admin", "admin": "acme-deputy", "member": "acme-member"}
    return {role: SignInName(name, PASSWORD) for role, name in names.items()}
