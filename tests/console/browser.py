"""A person at a browser: what the browser tests do and see, in the words of people."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, async_playwright, expect

Scheme = Literal["light", "dark"]

# What distributions and vendors call it. The browser is looked up, never downloaded.
CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

WCAG_AA: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}

WIDE: Final = (1440, 1000)
PHONE: Final = (390, 844)


def chromium() -> str | None:
    """The path of the Chromium that BURSAR_TEST_BROWSER names, else of the machine's own, or None."""
    names = (os.environ.get("BURSAR_TEST_BROWSER", ""), *CHROMIUM_NAMES)
    return next((path for name in names if name and (path := shutil.which(name))), None)


@dataclass(frozen=True)
class SignInName:
    """What somebody types to sign in."""

    name: str
    password: str


@dataclass
class Visitor:
    """One person in a browser of their own, and whatever the page complained about."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def sign_in(self, person: SignInName) -> None:
        """Fills in the form of the page that is open, and waits for the shell."""
        await self.page.get_by_label("Username or email").fill(person.name)
        await self.page.get_by_label("Password", exact=True).fill(person.password)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.get_by_role("navigation", name="Main").or_(self.menu_button)).to_be_visible()

    @property
    def menu_button(self) -> Locator:
        return self.page.get_by_role("button", name="Open navigation")

    async def sees_page(self, heading: str) -> None:
        await expect(self.page.get_by_role("heading", level=1, name=heading, exact=True)).to_be_visible()

    async def entries(self) -> list[str]:
        """The labels of the navigation that can be seen, headings included, from top to bottom."""
        text = await self.page.get_by_role("navigation", name="Main").inner_text()
        return [line.strip() for line in text.splitlines() if line.strip()]

    async def breaches_of_accessibility(self) -> list[str]:
        """What axe finds against WCAG 2.2 A and AA on the page as it stands."""
        result = await Axe().run(self.page, options=WCAG_AA)
        return [
            f"{breach['id']}: {node['target']} {node['failureSummary']}"
            for breach in result.response["violations"]
            for node in breach["nodes"]
        ]

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the screen."""
        width: int = await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return width


@asynccontextmanager
async def visiting(
    browser: Browser, url: str, *, scheme: Scheme = "light", size: tuple[int, int] = WIDE
) -> AsyncIterator[Visitor]:
    """A visitor with fresh cookies. Whoever leaves must have found nothing that the page complained about."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce", locale="en-GB"
    )
    visitor = Visitor(await context.new_page(), url)
    visitor.page.on("console", lambda message: _note(visitor, message))
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    try:
        yield visitor
        assert visitor.complaints == []
    finally:
        await context.close()


def _note(visitor: Visitor, message: ConsoleMessage) -> None:
    """Keeps errors and warnings, but not the browser's own line for an answer that is a plain 401 or the like:
    asking who is signed in is how the console finds out that nobody is."""
    is_answer = message.text.startswith("Failed to load resource: the server responded with a status of 4")
    if message.type in ("error", "warning") and not is_answer:
        visitor.complaints.append(message.text)


@asynccontextmanager
async def open_browser(executable: str) -> AsyncIterator[Browser]:
    """The machine's Chromium. As root it has no sandbox, which it says is for whoever starts it to decide."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"] if is_root else [])
        try:
            yield browser
        finally:
            await browser.close()
