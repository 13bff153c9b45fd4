"""The shell as people meet it: the door, the navigation of each role, and what is refused."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from tests.console.browser import PHONE, Scheme, SignInName, visiting
from tests.support.offices import TestOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")

People = Mapping[str, SignInName]

OF_A_MANAGER = [
    "Console",
    "Dashboard",
    "Token Management",
    "Usage Logs",
    "Task Logs",
    "Balance Management",
    "Space Manage",
    "User Management",
    "FINANCE",
    "Credits & Allocations",
    "Cost Tracking",
    "Personal Center",
    "Credits Management",
]
OF_A_MEMBER = [
    "Console",
    "Dashboard",
    "Token Management",
    "Usage Logs",
    "Task Logs",
    "Personal Center",
    "Credits Management",
]
OF_THE_SUPER_ADMIN = [
    "Platform",
    "Tenants",
    "Redemption Codes",
    "Console",
    "Dashboard",
    "Usage Logs",
    "Task Logs",
    "FINANCE",
    "Cost Tracking",
]


async def test_whoever_is_not_signed_in_is_asked_to_and_then_gets_where_they_wanted(
    browser: Browser, console_url: str, people: People
) -> None:
    async with visiting(browser, console_url) as visitor:
        await visitor.open("/finance/credits/settings")
        await expect(visitor.page).to_have_title("Sign in to Bursar")

        await visitor.sign_in(people["tenant_admin"])

        await visitor.sees_page("Credits & Allocations")
        await expect(visitor.page).to_have_url(f"{console_url}/finance/credits/settings")


@pytest.mark.parametrize("name", ["nobody-of-that-name", None])
async def test_an_unknown_name_and_a_wrong_password_are_refused_alike(
    browser: Browser, console_url: str, people: People, name: str | None
) -> None:
    async with visiting(browser, console_url) as visitor:
        await visitor.open("/login")

        await visitor.page.get_by_label("Username or email").fill(name or people["member"].name)
        await visitor.page.get_by_label("Password", exact=True).fill("certainly not this one")
        await visitor.page.get_by_role("button", name="Sign in").click()

        alert = visitor.page.get_by_role("alert")
        await expect(alert).to_contain_text("Sign-in failed")
        await expect(alert).to_contain_text("password")
        await expect(alert).to_contain_text("Request id")
        await expect(visitor.page.get_by_label("Password", exact=True)).to_be_focused()


@pytest.mark.parametrize(
    ("role", "start", "entries"),
    [
        ("super_admin", "Tenants", OF_THE_SUPER_ADMIN),
        ("tenant_admin", "Dashboard", OF_A_MANAGER),
        ("admin", "Dashboard", OF_A_MANAGER),
        ("member", "Dashboard", OF_A_MEMBER),
    ],
)
async def test_each_role_sees_its_own_navigation_and_every_entry_opens(
    browser: Browser, console_url: str, people: People, role: str, start: str, entries: list[str]
) -> None:
    async with visiting(browser, console_url) as visitor:
        await visitor.open("/login")
        await visitor.sign_in(people[role])
        await visitor.sees_page(start)
        finance = visitor.page.get_by_role("button", name="FINANCE")
        if "FINANCE" in entries:
            await expect(finance).to_have_attribute("aria-expanded", "false")
            await finance.click()

        assert await visitor.entries() == entries

        navigation = visitor.page.get_by_role("navigation", name="Main")
        for link in await navigation.get_by_role("link").all():
            label = await link.inner_text()
            await link.click()
            await visitor.sees_page(label)
            await expect(link).to_have_attribute("aria-current", "page")


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("member", "/balance"),
        ("member", "/space/users"),
        ("member", "/space/users/ai-credits"),
        ("member", "/finance/credits/settings"),
        ("member", "/finance/costs"),
        ("member", "/ops/tenants"),
        ("admin", "/ops/codes"),
        ("tenant_admin", "/ops/tenants"),
        ("super_admin", "/console/tokens"),
    ],
)
async def test_an_address_that_a_role_may_not_use_is_refused(
    browser: Browser, console_url: str, people: People, role: str, path: str
) -> None:
    async with visiting(browser, console_url) as visitor:
        await visitor.open(path)
        await visitor.sign_in(people[role])

        await visitor.sees_page("Not permitted")


async def test_an_address_that_is_no_page_says_so(browser: Browser, console_url: str, people: People) -> None:
    async with visiting(browser, console_url) as visitor:
        await visitor.open("/no/such/page")
        await visitor.sign_in(people["member"])

        await visitor.sees_page("Page not found")


async def test_the_search_goes_to_a_page_from_the_keyboard_alone(
    browser: Browser, console_url: str, people: People
) -> None:
    async with visiting(browser, console_url) as visitor:
        await visitor.open("/login")
        await visitor.sign_in(people["admin"])
        for key in ("ControlOrMeta+k", "/"):
            await visitor.open("/console/dashboard")
            await visitor.sees_page("Dashboard")

            await visitor.page.keyboard.press(key)
            await expect(visitor.page.get_by_role("textbox", name="Go to a page or run a command")).to_be_focused()
            await visitor.page.keyboard.type("requests")
            await visitor.page.keyboard.press("Enter")

            await expect(visitor.page).to_have_url(f"{console_url}/finance/credits/requests")
            await expect(visitor.page.get_by_role("link", name="Requests")).to_have_attribute("aria-current", "page")


async def test_signing_out_ends_the_session_on_the_server(browser: Browser, console_url: str, people: People) -> None:
    async with visiting(browser, console_url) as visitor:
        await visitor.open("/login")
        await visitor.sign_in(people["member"])

        await visitor.page.get_by_role("button", name="Account of").click()
        await visitor.page.get_by_role("menuitem", name="Sign out").click()

        await expect(visitor.page).to_have_url(f"{console_url}/login")
        await expect(visitor.page.get_by_text("Your session has ended.")).to_have_count(0)
        await visitor.open("/console/dashboard")
        await expect(visitor.page).to_have_title("Sign in to Bursar")


async def test_a_session_that_ran_out_leads_to_the_door_and_back(
    browser: Browser, console_house: TestOffice, console_url: str, people: People
) -> None:
    async with visiting(browser, console_url) as visitor:
        await visitor.open("/login")
        await visitor.sign_in(people["member"])
        await visitor.page.get_by_role("link", name="Usage Logs").click()
        await visitor.sees_page("Usage Logs")
        await visitor.page.clock.install()

        console_house.clock.turn(timedelta(hours=13))
        await visitor.page.clock.fast_forward("01:00")
        await visitor.page.evaluate("document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))")

        await expect(visitor.page.get_by_role("status")).to_contain_text("Your session has ended.")
        await visitor.sign_in(people["member"])
        await visitor.sees_page("Usage Logs")


async def test_the_theme_is_switched_and_remembered(browser: Browser, console_url: str, people: People) -> None:
    async with visiting(browser, console_url, scheme="light") as visitor:
        await visitor.open("/login")
        await visitor.sign_in(people["member"])
        html = visitor.page.locator("html")
        await expect(html).to_have_attribute("data-mantine-color-scheme", "light")

        await visitor.page.get_by_role("button", name="Switch to the dark theme").click()

        await expect(html).to_have_attribute("data-mantine-color-scheme", "dark")
        await visitor.page.reload()
        await expect(visitor.page.get_by_role("button", name="Switch to the light theme")).to_be_visible()
        await expect(html).to_have_attribute("data-mantine-color-scheme", "dark")


async def test_on_a_phone_everything_fits_and_the_navigation_opens(
    browser: Browser, console_url: str, people: People
) -> None:
    async with visiting(browser, console_url, size=PHONE) as visitor:
        await visitor.open("/login")
        assert await visitor.overflow() == 0
        await visitor.sign_in(people["tenant_admin"])
        for path in ("/console/dashboard", "/finance/credits/requests", "/space/users", "/nowhere"):
            await visitor.open(path)
            await expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
            assert await visitor.overflow() == 0, path

        await visitor.menu_button.click()
        await visitor.page.get_by_role("dialog").get_by_role("link", name="Balance Management").click()

        await visitor.sees_page("Balance Management")
        await expect(visitor.page.get_by_role("dialog")).to_have_count(0)


async def test_a_server_that_breaks_is_told_with_a_way_to_try_again(browser: Browser, console_url: str) -> None:
    async with visiting(browser, console_url) as visitor:
        broken = (
            '{"type":"about:blank","title":"Unavailable","status":503,"code":"unavailable",'
            '"detail":"The office is closed for a moment.","request_id":"req_closed"}'
        )
        await visitor.page.route(
            "**/api/v1/session",
            lambda route: route.fulfill(status=503, content_type="application/problem+json", body=broken),
        )
        await visitor.open("/")
        alert = visitor.page.get_by_role("alert")
        await expect(alert).to_contain_text("The office is closed for a moment.", timeout=15_000)
        await expect(alert).to_contain_text("req_closed")

        await visitor.page.unroute("**/api/v1/session")
        await alert.get_by_role("button", name="Retry").click()

        await expect(visitor.page).to_have_title("Sign in to Bursar")
        visitor.complaints.clear()  # the browser's own lines for the answers of 503


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_door_is_accessible(browser: Browser, console_url: str, scheme: Scheme) -> None:
    async with visiting(browser, console_url, scheme=scheme) as visitor:
        await visitor.open("/login")
        await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible()
        assert await visitor.breaches_of_accessibility() == []

        await visitor.page.get_by_label("Username or email").fill("nobody-of-that-name")
        await visitor.page.get_by_label("Password", exact=True).fill("x")
        await visitor.page.get_by_role("button", name="Sign in").click()
        await expect(visitor.page.get_by_role("alert")).to_be_visible()
        assert await visitor.breaches_of_accessibility() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_shell_and_its_dialogs_are_accessible(
    browser: Browser, console_url: str, people: People, scheme: Scheme
) -> None:
    async with visiting(browser, console_url, scheme=scheme) as visitor:
        await visitor.open("/finance/credits/overview")
        await visitor.sign_in(people["tenant_admin"])
        await visitor.sees_page("Credits & Allocations")
        assert await visitor.breaches_of_accessibility() == []

        await visitor.page.keyboard.press("ControlOrMeta+k")
        await expect(visitor.page.get_by_role("dialog")).to_be_visible()
        assert await visitor.breaches_of_accessibility() == []
        await visitor.page.keyboard.press("Escape")

        await visitor.page.get_by_role("button", name="Account of").click()
        await expect(visitor.page.get_by_role("menu")).to_be_visible()
        assert await visitor.breaches_of_accessibility() == []

        await visitor.page.get_by_role("menuitem", name="Help and contact").click()
        await expect(visitor.page.get_by_role("dialog", name="Help and contact")).to_be_visible()
        assert await visitor.breaches_of_accessibility() == []
