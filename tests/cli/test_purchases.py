"""`bursar platform settings` and `bursar purchases`: a price is set, an order listed, confirmed and cancelled."""

from __future__ import annotations

import json
from http.cookiejar import CookieJar
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

from tests.support.commands import SUPER_ADMIN, Shell

TENANT_ADMIN = {"BURSAR_TENANT_ADMIN_PASSWORD": "long enough"}


def test_what_is_sold_is_set_shown_and_refused_from_the_command_line(shell: Shell) -> None:
    page = shell.data_dir.parent / "pay.txt"
    page.write_text("Example Bank\nReference: the order\n", encoding="utf-8")
    with shell.with_settings(**SUPER_ADMIN).serving("serve"):
        before = shell.run("platform", "settings")
        words = ("--currency", "EUR", "--credit-price", "0.0150", "--purchase-min", "10", "--purchase-max", "500")
        changed = shell.run("platform", "settings", *words, "--payment-instructions", str(page))
        unlimited = shell.run("platform", "settings", "--purchase-max", "none")
        too_small = shell.run("platform", "settings", "--purchase-max", "5")
        no_price = shell.run("platform", "settings", "--currency", "JPY")
        no_file = shell.run("platform", "settings", "--payment-instructions", str(page.with_name("none.txt")))

    assert before.stdout.splitlines() == [
        "currency              USD",
        "credit price          0.00  (none are sold)",
        "smallest order        0.01",
        "largest order         -",
        "models without price  refuse",
        "payment instructions  -",
    ]
    assert [line.rstrip() for line in changed.stdout.splitlines()] == [
        "currency              EUR",
        "credit price          0.015",
        "smallest order        10.00",
        "largest order         500.00",
        "models without price  refuse",
        "payment instructions",
        "    Example Bank",
        "    Reference: the order",
    ], changed.stderr
    assert "largest order         -\n" in unlimited.stdout
    assert [refused.returncode for refused in (too_small, no_price, no_file)] == [1, 1, 1]
    assert "field: purchase_max" in too_small.stderr
    assert no_price.stderr.splitlines()[0] == "Name the price of a credit in JPY as well."
    assert "field: payment_instructions" in no_file.stderr


def test_orders_are_listed_confirmed_and_cancelled_from_the_command_line(shell: Shell) -> None:
    with shell.with_settings(**SUPER_ADMIN).serving("serve") as server:
        shell.run("platform", "settings", "--credit-price", "0.01")
        manager = shell.with_settings(**TENANT_ADMIN)
        manager.run("tenants", "create", "Initech", "--admin", "bill", "--admin-name", "Bill Lumbergh")
        bill = build_opener(HTTPCookieProcessor(CookieJar()))
        sent(bill, f"{server.url}/api/v1/session", {"name": "bill", "password": "long enough"})
        for amount in ("5000", "70"):
            sent(bill, f"{server.url}/api/v1/purchases", {"amount": amount, "note": "Summer"})
        listed = shell.run("purchases", "list")
        paid = shell.run("purchases", "confirm", "initech", "1", "--note", "Statement 7", "--key", "once")
        again = shell.run("purchases", "confirm", "initech", "1", "--note", "Statement 7", "--key", "once")
        twice = shell.run("purchases", "confirm", "initech", "1")
        cancelled = shell.run("purchases", "cancel", "initech", "2")
        unknown = shell.run("purchases", "cancel", "initech", "3")
        no_number = shell.run("purchases", "confirm", "initech", str(2**63))
        waiting = shell.run("purchases", "list", "--status", "pending")
        pool = shell.run("explain", "pool", "--tenant", "initech")

    rows = [line.split("  ") for line in listed.stdout.splitlines()]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["Initech", "2", "pending", "70.00", "0.70 USD", rows[0][-3].strip(), "Bill Lumbergh", "Summer"],
        ["Initech", "1", "pending", "5000.00", "50.00 USD", rows[1][-3].strip(), "Bill Lumbergh", "Summer"],
    ], listed.stderr
    assert paid.stdout == again.stdout == "Order 1 of Initech is paid: 5000.00 credits are in its pool.\n"
    assert (twice.returncode, twice.stderr.splitlines()[0]) == (1, "Order 1 has been paid already.")
    assert cancelled.stdout == "Order 2 of Initech is cancelled.\n"
    assert (unknown.returncode, unknown.stderr.splitlines()[0]) == (1, "There is no such order of credits.")
    assert (no_number.returncode, "Traceback" in no_number.stderr) == (2, False), no_number.stderr
    assert waiting.stdout == ""
    assert pool.stdout.rstrip().endswith("The pool has 5000.00, of which 0.00 is held."), pool.stdout + pool.stderr


def sent(client: OpenerDirector, url: str, body: dict[str, str]) -> None:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with client.open(request, timeout=30) as answer:
        assert answer.status in (200, 201)
