"""One request about a job or a file: who asks, what they may see, and the ways back.

What belongs to somebody else is unknown here, in the words of the client's own dialect: another tenant's to everybody,
another member's to a member.

Rule: TASK-8
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs
from uuid import UUID

from bursar.actions.catalogue import Candidate
from bursar.actions.desk import Desk
from bursar.actions.job_ends import job_unknown
from bursar.actions.model_calls import Spender
from bursar.db.transaction import reading
from bursar.domain.call_limits import call_bounds
from bursar.domain.dialects import Dialect
from bursar.domain.ids import parse_public_id
from bursar.domain.provider_jobs import JobKind
from bursar.domain.refusals import Refusal
from bursar.domain.roles import PERMISSIONS, Permission, Reach, Role
from bursar.gateway.asgi import Headers, Receive, Scope, Send
from bursar.gateway.calling import CANDIDATES_MAX, check_model, spender_of
from bursar.gateway.gate import Gate
from bursar.gateway.key import secret_in
from bursar.gateway.limits import Ticket
from bursar.gateway.provider_errors import ERROR_BYTES_MAX, PassedError, ProviderError, told_of
from bursar.gateway.receiving import ClientGone, WhileClientListens, read_body
from bursar.gateway.sending import Outlet
from bursar.outside.providers import Provider, ProviderAnswer, ProviderBroke, ProviderCall, ProviderUnreachable
from bursar.store.callers import CallingKey
from bursar.store.provider_files import ProviderFile, find_file
from bursar.store.provider_jobs import Job, find_job

JSON = b"application/json"


@dataclass(frozen=True)
class JobVisit:
    """One request, by somebody whose key was looked at."""

    gate: Gate
    caller: CallingKey
    dialect: Dialect
    scope: Scope
    body: bytes
    receive: Receive
    send: Send

    @property
    def desk(self) -> Desk:
        return self.gate.calls.desk

    @property
    def tenant_id(self) -> UUID:
        return self.caller.found.tenant.tenant_id

    @property
    def member_id(self) -> UUID:
        return self.caller.found.key.owner.member_id

    @property
    def request_id(self) -> str:
        request_id: str = self.scope["request_id"]
        return request_id

    @property
    def only_of(self) -> UUID | None:
        """Whose jobs the caller sees; None for all of the tenant.

        Rule: TASK-8
        """
        reach = PERMISSIONS[Permission.SEE_TASKS].reach(Role(self.caller.found.key.owner.role))
        return self.member_id if reach is Reach.OWN else None

    @property
    def spender(self) -> Spender:
        """Who pays for what is asked for here."""
        return spender_of(self.caller)

    def header(self, name: bytes) -> str:
        """The first header of this name; empty where there is none."""
        return next((value.decode("latin-1") for sent, value in self.scope["headers"] if sent == name), "")

    def query(self, name: str) -> str | None:
        """What stands behind the path under this name."""
        found = parse_qs(self.scope.get("query_string", b"").decode("latin-1")).get(name)
        return found[0] if found else None

    def admitted(self) -> Ticket:
        """The limits of calls, which asking for a job counts against."""
        key = self.caller.found.key
        bounds = call_bounds(key.settings.limits, key.tenant_limits, key.member_limits)
        return self.gate.limits.admit(bounds, key_id=key.key_id, member_id=key.owner.member_id)

    async def candidates(self, model: str, *, provider: str | None = None) -> Sequence[Candidate]:
        """Who can be asked for the model; with `provider`, only that one. Refuses `model_not_allowed`,
        `model_unknown`, `model_unpriced`.
        """
        check_model(self.caller, model)
        catalogue = await self.gate.calls.catalogues.current(self.caller.catalogue_version)
        found = catalogue.candidates(model, self.dialect)
        if provider is not None:
            found = [one for one in found if one.provider_name == provider]
        if not found:
            sentence = f"The provider of this does not run the model {model} any more."
            raise Refusal("model_unknown", sentence, field="model")
        return found[:CANDIDATES_MAX]

    async def job(self, kind: JobKind, text: str) -> Job:
        """The caller's job of this kind with this id. Refuses `task_unknown`."""
        try:
            job_id = parse_public_id("provider_job", text, field="id")
        except Refusal:
            raise job_unknown() from None
        async with reading(self.desk.tenants, self.tenant_id) as transaction:
            job = await find_job(transaction, self.tenant_id, job_id)
        is_seen = job is not None and job.kind is kind and job.deleted_at is None
        if job is None or not is_seen or self.only_of not in (None, job.member_id):
            raise job_unknown()
        return job

    async def file(self, text: str) -> ProviderFile:
        """The caller's file with this id. Refuses `file_unknown`."""
        unknown = Refusal("file_unknown", "There is no such file.", field="file_id")
        try:
            file_id = parse_public_id("provider_file", text, field="file_id")
        except Refusal:
            raise unknown from None
        async with reading(self.desk.tenants, self.tenant_id) as transaction:
            file = await find_file(transaction, self.tenant_id, file_id)
        if file is None or self.only_of not in (None, file.member_id):
            raise unknown
        return file

    async def provider(self, name: str) -> Provider:
        """Whoever is set up under this name. Refuses `provider_unreachable`."""
        found = await self.gate.calls.catalogues.provider(name)
        if found is None:
            raise Refusal("provider_unreachable", f"The provider {name} is not set up here any more.")
        return found

    async def answer(self, body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> None:
        """Answers with JSON."""
        outlet = Outlet(self.send, seconds_max=self.gate.send_seconds_max)
        length = (b"content-length", str(len(body)).encode())
        try:
            await outlet.begin(status, [(b"content-type", JSON), length, *self.own_headers(), *headers])
            await outlet.pass_on(body, is_last=True)
        except ClientGone:
            return

    def own_headers(self) -> Headers:
        """Under which id the request is known here."""
        request_id = self.request_id.encode()
        return [(b"request-id", request_id), (b"x-request-id", request_id), (b"cache-control", b"no-store")]

    async def answer_error(self, provider: Provider, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """What the provider said instead, in the client's words. Raises a `Refusal` where it is not the client's
        business.
        """
        error = ProviderError(status, headers, body[:ERROR_BYTES_MAX], provider.secrets)
        told = told_of(error, self.dialect, request_id=self.request_id)
        if isinstance(told, Refusal):
            raise told
        assert isinstance(told, PassedError)
        await self.answer(told.body, status=told.status)

    async def pass_through(self, provider: Provider, call: ProviderCall, *, content_type: bytes | None = None) -> None:
        """A provider's answer as it comes, never whole: results, and videos.

        Rule: TASK-5
        """
        async with self.asked(provider, call) as answer:
            if answer.status >= 400:
                await self.answer_error(provider, answer.status, answer.headers, await _error_of(answer))
                return
            await self._pass(answer, content_type)

    @asynccontextmanager
    async def asked(self, provider: Provider, call: ProviderCall) -> AsyncIterator[ProviderAnswer]:
        """The answer of a provider. Refuses `provider_unreachable`, `provider_failed`."""
        try:
            async with provider.asked(call) as answer:
                yield answer
        except ProviderUnreachable:
            raise Refusal("provider_unreachable", "The provider could not be reached; try again later.") from None
        except ProviderBroke:
            raise Refusal("provider_failed", "The provider broke off in the middle of its answer.") from None

    async def _pass(self, answer: ProviderAnswer, content_type: bytes | None) -> None:
        outlet = Outlet(self.send, seconds_max=self.gate.send_seconds_max)
        kind = content_type or answer.headers.get("content-type", "application/octet-stream").encode("ascii", "replace")
        headers = [(b"content-type", kind), *self.own_headers()]
        length = answer.headers.get("content-length", "")
        if length.isdigit():
            headers.append((b"content-length", length.encode()))
        try:
            async with WhileClientListens(self.receive):
                await outlet.begin(200, headers)
                async for piece in answer.pieces():
                    await outlet.pass_on(piece)
                await outlet.pass_on(b"", is_last=True)
        except ClientGone:
            return


async def _error_of(answer: ProviderAnswer) -> bytes:
    kept = bytearray()
    try:
        async for piece in answer.pieces():
            kept += piece
            if len(kept) > ERROR_BYTES_MAX:
                break
    except ProviderBroke:
        pass  # the status says enough
    return bytes(kept)


Handler = Callable[..., Awaitable[None]]
"""What serves a route: of the visit, and of the ids in the path."""


async def serve_visit(
    gate: Gate, handler: Handler, dialect: Dialect, ids: Sequence[str], scope: Scope, receive: Receive, send: Send
) -> None:
    """Serves one request about jobs or files. Raises a `Refusal` only while nothing has been sent."""
    with gate.room.enter() as place:
        client = scope.get("client")
        secret = secret_in(scope["headers"])
        caller = await gate.calls.callers.authenticate(secret, address=client[0] if client else None)
        body = await read_body(scope["headers"], receive, gate.bounds, place=place)
        await handler(JobVisit(gate, caller, dialect, scope, body, receive, send), *ids)
