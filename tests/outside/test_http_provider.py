"""A provider over HTTP: what it is sent, what comes back, and each way in which that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bursar.domain.providers import Timeouts
from bursar.domain.refusals import Broken
from bursar.outside.providers import ProviderBroke, ProviderCall, ProviderUnreachable, http
from bursar.outside.providers.http import Connection, HttpProvider
from tests.support.upstreams import KEY, Upstream, upstream

PATIENT = Timeouts(connect_seconds=5, first_byte_seconds=20, between_pieces_seconds=20, whole_seconds=60)


@pytest.fixture
async def up() -> AsyncIterator[Upstream]:
    async with upstream() as running:
        yield running


def provider(url: str, timeouts: Timeouts = PATIENT, *headers: tuple[str, str]) -> HttpProvider:
    return HttpProvider(Connection("up", url, timeouts, headers or (("authorization", f"Bearer {KEY}"),)))


async def answered(asked: HttpProvider, call: ProviderCall) -> tuple[int, bytes]:
    async with asked.asked(call) as answer:
        return answer.status, b"".join([piece async for piece in answer.pieces()])


@pytest.mark.rule("PROVIDER-5")
async def test_a_call_reaches_the_provider_as_it_was_sent_with_the_providers_own_key(up: Upstream) -> None:
    call = ProviderCall(
        "/chat/completions?beta=true",
        b'{"model": "m", "odd": [1]}',
        [("anthropic-version", "2026-10-21"), ("User-Agent", "a client")],
        request_id="call-1",
    )

    status, body = await answered(provider(up.url), call)

    assert (status, body) == (200, call.body)
    assert (up.last.method, up.last.path) == ("POST", "/v1/chat/completions?beta=true")
    assert up.last.headers["authorization"] == f"Bearer {KEY}"
    assert up.last.headers["content-type"] == "application/json"
    assert up.last.headers["anthropic-version"] == "2026-10-21"
    assert up.last.headers["accept-encoding"] == "identity"
    assert up.last.headers["x-request-id"] == "call-1"
    assert up.last.headers["user-agent"].startswith("bursar/")


@pytest.mark.rule("PROVIDER-6")
async def test_nothing_of_the_caller_goes_to_the_provider_that_is_not_its_business(up: Upstream) -> None:
    of_a_client = [
        ("Authorization", "Bearer sk-bursar-mine"),
        ("X-Api-Key", "sk-bursar-mine"),
        ("Cookie", "bursar_session=mine"),
        ("Host", "elsewhere.example.com"),
        ("Content-Length", "9999"),
        ("Transfer-Encoding", "chunked"),
        ("Accept-Encoding", "gzip"),
        ("X-Request-Id", "theirs"),
        ("Forwarded", "for=192.0.2.1"),
        ("x-line", "one\r\ntwo: three"),
        ("x-odd", "caf\u00e9"),
        ("x-plain", "kept"),
    ]

    await answered(provider(up.url), ProviderCall("/echo", b"{}", of_a_client, request_id="ours"))

    sent = up.last.headers
    assert "mine" not in str(sent)
    assert {"cookie", "x-api-key", "forwarded", "x-line", "x-odd", "two", "transfer-encoding"}.isdisjoint(sent)
    assert sent["host"] in up.url
    assert (sent["content-length"], sent["accept-encoding"], sent["x-request-id"]) == ("2", "identity", "ours")
    assert sent["x-plain"] == "kept"


async def test_a_key_goes_where_the_provider_looks_for_it_and_other_headers_with_it(up: Upstream) -> None:
    asked = provider(up.url, PATIENT, ("api-key", KEY), ("X-Project", "p1"), ("Authorization", "Basic abc"))

    await answered(asked, ProviderCall("/echo", b"{}", [("x-project", "mine")]))

    sent = up.last.headers
    assert (sent["api-key"], sent["x-project"], sent["authorization"]) == (KEY, "p1", "Basic abc")


async def test_other_methods_send_no_body_and_bodies_say_what_they_are(up: Upstream) -> None:
    await answered(provider(up.url), ProviderCall("/files/1", b"", method="DELETE"))
    deleted = up.last
    await answered(provider(up.url), ProviderCall("/files", b"--x--", content_type="multipart/form-data; boundary=x"))

    assert (deleted.method, deleted.path, deleted.body) == ("DELETE", "/v1/files/1", b"")
    assert "content-type" not in deleted.headers
    assert len(deleted.headers["x-request-id"]) == 32
    assert up.last.headers["content-type"] == "multipart/form-data; boundary=x"


@pytest.mark.rule("PROVIDER-5")
@pytest.mark.parametrize(
    "path", ["", "models", "//evil.example.com/", "/../admin", "/files/%2E%2e/x", "/a/..", "/a b", "/a#b", "/a\\b"]
)
async def test_a_path_that_leaves_the_providers_address_is_asked_by_nobody(path: str) -> None:
    with pytest.raises(Broken, match="below its own address"):
        async with provider("http://127.0.0.1:9/v1").asked(ProviderCall(path, b"")):
            raise AssertionError("it was asked")


@pytest.mark.rule("PROVIDER-7")
async def test_a_stream_is_there_piece_by_piece_and_leaving_it_ends_it_at_the_provider(up: Upstream) -> None:
    async with provider(up.url).asked(ProviderCall("/stream", b"{}")) as answer:
        pieces = answer.pieces()
        first = await anext(pieces)
        sent = up.sent

    assert (answer.status, first, sent) == (200, b"data: 0\n\n", 1)
    async with asyncio.timeout(5):
        await up.gone.wait()
    assert up.sent == 1


async def test_being_cancelled_ends_the_request_at_the_provider(up: Upstream) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async with provider(up.url).asked(ProviderCall("/stream", b"{}")) as answer:
            async for _ in answer.pieces():
                begun.set()

    reading = asyncio.create_task(read())
    await begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    async with asyncio.timeout(5):
        await up.gone.wait()


@pytest.mark.rule("PROVIDER-7")
async def test_being_cancelled_at_any_moment_is_never_forgotten_and_ends_the_request(up: Upstream) -> None:
    """The head and the first pieces come while the caller is cancelled: after none, one, two ... turns of the loop."""
    up.may_go_on.set()
    asked = provider(up.url)

    for turns in range(60):
        reading = asyncio.create_task(answered(asked, ProviderCall("/endless", b"{}")))
        await up.arrived.wait()
        up.arrived.clear()
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        async with asyncio.timeout(5):
            await up.gone.wait()
        up.gone.clear()

    assert not asked._given_up


@pytest.mark.rule("PROVIDER-7")
async def test_calls_that_were_given_up_do_not_pile_up_without_end(
    up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "GIVEN_UP_MAX", 2)
    asked = provider(up.url)

    for _ in range(2):
        asking = asyncio.create_task(answered(asked, ProviderCall("/slow", b"{}")))
        await up.arrived.wait()
        up.arrived.clear()
        asking.cancel()
        await asyncio.wait({asking})

    with pytest.raises(ProviderUnreachable, match="too many calls waiting that were given up"):
        await answered(asked, ProviderCall("/echo", b"{}"))
    up.may_begin.set()
    await asyncio.wait(asked._given_up)
    assert (await answered(asked, ProviderCall("/echo", b"{}")))[0] == 200


@pytest.mark.rule("PROVIDER-7")
async def test_being_cancelled_before_the_answer_ends_the_request_as_soon_as_it_begins(up: Upstream) -> None:
    asking = asyncio.create_task(answered(provider(up.url), ProviderCall("/slow", b"{}")))
    await up.arrived.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    up.may_begin.set()

    async with asyncio.timeout(5):
        await up.gone.wait()
    assert up.sent == 1


@pytest.mark.rule("PROVIDER-7")
async def test_a_request_that_nobody_waits_for_any_more_ends_with_its_time(up: Upstream) -> None:
    asked = provider(up.url, replace(PATIENT, first_byte_seconds=1, between_pieces_seconds=1))

    with pytest.raises(ProviderUnreachable):
        await answered(asked, ProviderCall("/unending", b"{}"))

    async with asyncio.timeout(5):
        await up.gone.wait()


@pytest.mark.rule("PROVIDER-7")
async def test_a_provider_that_is_read_slowly_is_slowed_down(up: Upstream) -> None:
    async with provider(up.url).asked(ProviderCall("/flood", b"{}")) as answer:
        pieces = answer.pieces()
        await anext(pieces)
        async with asyncio.timeout(20):
            await up.held_up.wait()
        sent = up.sent
        up.may_go_on.set()
        async for _ in pieces:
            pass

    # What was on its way by then fits into the buffers of the system and the client.
    assert sent < 64 * 1024 * 1024


@pytest.mark.parametrize(
    ("path", "timeouts", "says"),
    [
        ("/slow", replace(PATIENT, first_byte_seconds=1), "began no answer within 1 seconds"),
        ("/crashing", PATIENT, None),
        ("/redirecting", PATIENT, "redirect"),
    ],
)
@pytest.mark.rule("PROVIDER-7")
async def test_what_fails_before_an_answer_was_never_reached(
    up: Upstream, path: str, timeouts: Timeouts, says: str | None
) -> None:
    if says is None:
        # The server behind an application that fails answers for it; that is an answer, too.
        status, _ = await answered(provider(up.url, timeouts), ProviderCall(path, b"{}"))
        assert status == 500
        return
    with pytest.raises(ProviderUnreachable, match=says):
        await answered(provider(up.url, timeouts), ProviderCall(path, b"{}"))
    assert [seen.path for seen in up.seen] == [f"/v1{path}"]


async def test_a_closed_port_an_unknown_host_and_a_missing_key_are_out_of_reach() -> None:
    for asked, says in (
        (provider("http://127.0.0.1:1/v1"), "Connection refused"),
        (provider("http://nowhere.invalid/v1"), "cannot be reached"),
        (HttpProvider(Connection("up", "http://127.0.0.1:1/v1", PATIENT, problem="No key.")), "No key."),
        (provider("http://xn--/v1"), "cannot be asked at its address"),
    ):
        with pytest.raises(ProviderUnreachable, match=says) as caught:
            await answered(asked, ProviderCall("/echo", b"{}"))
        assert KEY not in str(caught.value) + repr(caught.value) + repr(asked) + repr(asked.connection)


@pytest.mark.rule("PROVIDER-7")
async def test_an_answer_that_breaks_off_is_broken_after_what_came(up: Upstream) -> None:
    came: list[bytes] = []

    async def read() -> None:
        async with provider(up.url).asked(ProviderCall("/breaking", b"{}")) as answer:
            async for piece in answer.pieces():
                came.append(piece)

    with pytest.raises(ProviderBroke, match="up broke off its answer"):
        await read()

    assert b"".join(came) == b"piecepiecepiece"


async def test_an_answer_that_stops_in_the_middle_is_broken(up: Upstream) -> None:
    asked = provider(up.url, replace(PATIENT, between_pieces_seconds=1))

    with pytest.raises(ProviderBroke, match="stopped in the middle"):
        await answered(asked, ProviderCall("/stream", b"{}"))

    assert up.sent == 1


async def test_an_answer_that_takes_too_long_in_all_is_broken(up: Upstream) -> None:
    with pytest.raises(ProviderBroke, match="stopped in the middle"):
        await answered(provider(up.url, replace(PATIENT, whole_seconds=1)), ProviderCall("/stream", b"{}"))


@pytest.mark.rule("PROVIDER-6")
async def test_a_cookie_that_the_provider_sets_is_never_sent_back(up: Upstream) -> None:
    asked = provider(up.url)

    async with asked.asked(ProviderCall("/setting-cookies", b"{}")) as answer:
        headers = dict(answer.headers)
    await answered(asked, ProviderCall("/echo", b"{}"))

    assert headers["x-twice"] == "one"
    assert "cookie" not in up.last.headers


async def test_a_provider_that_compresses_unasked_is_read_all_the_same(up: Upstream) -> None:
    async with provider(up.url).asked(ProviderCall("/compressing", b"{}")) as answer:
        body = b"".join([piece async for piece in answer.pieces()])

    assert body == b'{"usage": 1}'
    assert "content-encoding" not in answer.headers


async def test_a_header_that_is_no_text_is_left_out(up: Upstream) -> None:
    async with provider(up.url).asked(ProviderCall("/binary-header", b"{}")) as answer:
        assert answer.headers["x-plain"] == "text"
        assert "x-odd" not in answer.headers


@pytest.mark.rule("PROVIDER-5")
async def test_the_environments_proxy_is_not_asked_and_the_one_that_is_set_up_is(
    up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    status, _ = await answered(provider(up.url), ProviderCall("/echo", b"{}"))
    through = HttpProvider(Connection("up", "http://models.invalid/v1", PATIENT, proxy=up.url.removesuffix("/v1")))
    await answered(through, ProviderCall("/echo", b"{}"))

    assert status == 200
    assert up.last.headers["host"] == "models.invalid"
