"""The built console as static files, or a plain page that says how to build it.

Any path is the console's, for its router lives in the browser: unknown ones get `index.html`. Files under /assets carry
their content's hash in their names, so they never change and may be kept for ever.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bursar.api.front import Receive, Scope, Send

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        b"frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)

FILES_KEPT_MAX = 512
"""Files held in memory; a build has about a hundred."""

FILE_NAME_BYTES_MAX = 200
"""No built file has a longer path; asked for a name beyond its own limit, the file system would answer with a fault."""

PAGES = frozenset({"", "/", "/index.html"})

NOT_BUILT = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Bursar</title>
<h1>Bursar is running</h1>
<p>The console is not built into this installation. In a checkout, build it with:</p>
<pre>pip install -e .</pre>
<p>The API answers under <a href="/api/v1/openapi.json">/api/v1</a>.</p>
</html>
"""


@dataclass(frozen=True)
class _File:
    body: bytes
    gzipped: bytes | None
    content_type: bytes


class Console:
    """Serves one folder of built files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._read = lru_cache(maxsize=FILES_KEPT_MAX)(self._read_from_disk)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(scope, send, status=405, body=b"", headers=[(b"allow", b"GET, HEAD")])
            return
        path: str = scope["path"]
        is_asset = path.startswith("/assets/")
        file = None if path in PAGES else self._read(path.lstrip("/"))
        if file is not None:
            await _answer_file(scope, send, file, is_immutable=is_asset)
        elif is_asset:
            await _answer(scope, send, status=404, body=b"", headers=[(b"cache-control", b"no-store")])
        else:
            index = self._read_from_disk("index.html")  # not kept: a rebuild replaces it under a running server
            await _answer(scope, send, status=200, body=index.body if index else NOT_BUILT, headers=_page_headers())

    def _read_from_disk(self, name: str) -> _File | None:
        if "\0" in name or len(name.encode()) > FILE_NAME_BYTES_MAX:
            return None
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            return None
        sibling = path.with_name(f"{path.name}.gz")
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if content_type.startswith("text/") or content_type.endswith(("javascript", "json", "svg+xml")):
            content_type += "; charset=utf-8"
        gzipped = sibling.read_bytes() if sibling.is_file() else None
        return _File(path.read_bytes(), gzipped, content_type.encode())


async def _answer_file(scope: Scope, send: Send, file: _File, *, is_immutable: bool) -> None:
    body = file.body
    headers = [
        (b"content-type", file.content_type),
        (b"cache-control", b"public, max-age=31536000, immutable" if is_immutable else b"no-cache"),
    ]
    if file.gzipped is not None:
        headers.append((b"vary", b"accept-encoding"))
        if _accepts_gzip(scope):
            body = file.gzipped
            headers.append((b"content-encoding", b"gzip"))
    await _answer(scope, send, status=200, body=body, headers=headers)


def _accepts_gzip(scope: Scope) -> bool:
    """Whether the client lists gzip and does not rule it out with a weight of 0."""
    for name, value in scope["headers"]:
        if name == b"accept-encoding":
            for offer in value.decode("latin-1").lower().split(","):
                coding, _, weight = offer.strip().partition(";")
                if coding.strip() == "gzip":
                    return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _page_headers() -> list[tuple[bytes, bytes]]:
    return [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-cache")]


async def _answer(scope: Scope, send: Send, *, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    every = [*headers, *SECURITY_HEADERS, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": every})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
