"""The browser, and the console that it looks at."""

import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import NoReturn

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from tests.console.browser import SignInName, chromium, open_browser, people_from

BUILT_CONSOLE = Path(__file__).parents[2] / "src" / "bursar" / "_console" / "index.html"


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


@pytest.fixture(scope="session")
def console_url() -> str:
    """Where a Bursar with a built console serves, without a slash at the end."""
    if not BUILT_CONSOLE.is_file():
        _cannot_look("the console is not built (pip install -e .)")
    url = os.environ.get("BURSAR_TEST_CONSOLE_URL")
    if url is None:
        _cannot_look("BURSAR_TEST_CONSOLE_URL does not name a running Bursar")
    return url


@pytest.fixture(scope="session")
def people() -> Mapping[str, SignInName]:
    """Who can sign in there, one for each role."""
    return people_from(os.environ["BURSAR_TEST_CONSOLE_PEOPLE"])
