"""How the console's built files are served."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bursar.api.console import Console
from bursar.api.front import FrontDoor
from bursar.outside.metrics import Metrics
from bursar.outside.tracing import NO_TRACING
from tests.support.offices import TestOffice, served

SCRIPT = b"console.log('hello')\n" * 50


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """Stands where the gateway and the API stand; the console never asks them."""
    raise AssertionError("this path is the console's")


@pytest.fixture
async def built(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server with a small built console; beside its folder lies a file that is nobody's business."""
    folder = tmp_path / "console"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>shell</title>")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "app-abc123.js").write_bytes(SCRIPT)
    (folder / "assets" / "app-abc123.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "secret.txt").write_text("nobody's business")
    front = FrontDoor(gateway=nothing, api=nothing, console=Console(folder), metrics=Metrics(), tracing=NO_TRACING)
    async with served(front) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def test_every_path_is_the_shell_and_is_looked_up_again_each_time(built: httpx.AsyncClient) -> None:
    for path in ("/", "/index.html", "/login", "/users/mem_1", "/v2", "/apix"):
        response = await built.get(path)
        assert (response.status_code, response.text) == (200, "<!doctype html><title>shell</title>")
        assert response.headers["cache-control"] == "no-cache"
        policy = response.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "same-origin"


async def test_a_path_too_long_to_be_a_file_is_the_shell_too(built: httpx.AsyncClient) -> None:
    shell = await built.get("/" + "a" * 300)
    asset = await built.get("/assets/" + "a" * 300 + ".js")

    assert (shell.status_code, shell.text) == (200, "<!doctype html><title>shell</title>")
    assert asset.status_code == 404


async def test_assets_may_be_kept_for_ever_and_travel_compressed(built: httpx.AsyncClient) -> None:
    compressed = await built.get("/assets/app-abc123.js", headers={"accept-encoding": "br, gzip"})
    plain = await built.get("/assets/app-abc123.js", headers={"accept-encoding": "gzip;q=0"})

    assert compressed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    for response in (compressed, plain):
        assert response.content == SCRIPT
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["vary"] == "accept-encoding"
        assert response.headers["content-type"].startswith("text/javascript")


async def test_a_missing_asset_is_missing_and_not_the_shell(built: httpx.AsyncClient) -> None:
    response = await built.get("/assets/app-old.js")

    assert (response.status_code, response.content) == (404, b"")


async def test_other_files_are_asked_for_again_each_time(built: httpx.AsyncClient) -> None:
    response = await built.get("/favicon.svg")

    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["content-type"].startswith("image/svg+xml")


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "//etc/passwd", "/%00", "/assets/%00"],
)
async def test_nothing_outside_the_folder_is_served(built: httpx.AsyncClient, path: str) -> None:
    response = await built.request("GET", httpx.URL(built.base_url, raw_path=path.encode()))

    assert response.status_code in (200, 404)
    assert response.text in ("", "<!doctype html><title>shell</title>")


async def test_only_reading_is_offered(built: httpx.AsyncClient) -> None:
    head, post = await built.head("/login"), await built.post("/login")

    assert (head.status_code, head.content, int(head.headers["content-length"]) > 0) == (200, b"", True)
    assert (post.status_code, post.headers["allow"]) == (405, "GET, HEAD")


async def test_without_a_build_a_plain_page_says_how(tmp_path: Path) -> None:
    front = FrontDoor(
        gateway=nothing, api=nothing, console=Console(tmp_path / "nowhere"), metrics=Metrics(), tracing=NO_TRACING
    )
    async with served(front) as url, httpx.AsyncClient(base_url=url) as client:
        response = await client.get("/login")

    assert response.status_code == 200
    assert "pip install" in response.text


async def test_probes_tell_of_the_process_and_of_nobody(house: TestOffice) -> None:
    await house.tenant()
    visitor = house.visitor()

    health, ready, metrics = [await visitor.get(path) for path in ("/healthz", "/readyz", "/metrics")]

    assert health.json() == {"status": "ok"}
    assert ready.json()["checks"] == {"database": "ok", "migrations": "ok", "ledger": "ok", "worker": "ok"}
    assert "process_resident_memory_bytes" in metrics.text
    assert "Acme" not in metrics.text


async def test_a_lost_database_is_not_ready_and_a_problem_that_may_pass(house: TestOffice) -> None:
    await house.tenant()
    client = await house.signed_in("acme-member")
    await house.desk.tenants.pool.close()
    await house.desk.platform.pool.close()

    ready = await client.get("/readyz")
    asked = await client.get("/api/v1/session")

    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "the database cannot be reached")
    assert (asked.status_code, asked.json()["code"], asked.json()["may_retry"]) == (503, "unavailable", True)
    assert asked.headers["retry-after"] == "1"
