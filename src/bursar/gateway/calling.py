"""A model call over HTTP: read, admitted, asked, passed back, and ended exactly once on every path.

Read first: `actions/model_calls`, which holds and settles. How an answer goes back is in `delivering`.

Rule: CALL-5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bursar.actions.catalogue import Candidate
from bursar.actions.model_calls import Ended, ModelCall, Spender, Wish
from bursar.domain.api_keys import CreditsLimit, effective
from bursar.domain.call_limits import call_bounds
from bursar.domain.call_sizes import CallSize
from bursar.domain.calls import CallOutcome
from bursar.domain.credits import Credits
from bursar.domain.refusals import Refusal
from bursar.gateway.asgi import Receive, Scope, Send
from bursar.gateway.delivering import Delivery
from bursar.gateway.gate import Gate
from bursar.gateway.headers import passed_on
from bursar.gateway.key import secret_in
from bursar.gateway.provider_errors import ERROR_BYTES_MAX, PassedError, ProviderError, told_of
from bursar.gateway.receiving import read_body
from bursar.ledger import KeyLimit
from bursar.outside.clock import Stopwatch
from bursar.outside.providers import ProviderAnswer, ProviderBroke, ProviderCall, ProviderUnreachable
from bursar.outside.providers.bodies import Wanted, read_wanted, rewritten, with_usage_in_stream
from bursar.outside.providers.endpoints import Endpoint
from bursar.store.callers import CallingKey

CANDIDATES_MAX = 4
"""So many are asked in turn; whoever waits for more has given up."""

RETRIED_ELSEWHERE = frozenset({401, 402, 403, 404, 407, 408, 425, 429})
"""What another provider may answer better, besides every failure of a server: it is about our account with this one, or
about its load."""

ONCE_HEADER = b"idempotency-key"
ONCE_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call as it came: whose, to what, its body and what is read of it."""

    endpoint: Endpoint
    caller: CallingKey
    body: bytes
    wanted: Wanted
    scope: Scope

    @property
    def request_id(self) -> str:
        """The id that the front door gave it."""
        request_id: str = self.scope["request_id"]
        return request_id


async def serve_call(gate: Gate, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
    """Serves one call. Raises a `Refusal` only while nothing has been sent to the client.

    In this order: is there room, whose key is it, what is asked, may it be, who runs it, how often was it asked, what
    may it cost.

    Rule: CALL-5, LIMIT-2
    """
    stopwatch = Stopwatch()
    with gate.room.enter() as place:
        secret = secret_in(scope["headers"])
        client = scope.get("client")
        caller = await gate.calls.callers.authenticate(secret, address=client[0] if client else None)
        body = await read_body(scope["headers"], receive, gate.bounds, place=place)
        wanted = read_wanted(body, limit_fields=tuple(endpoint.limit_fields))
        check_offered(wanted)
        incoming = Incoming(endpoint, caller, body, wanted, scope)
        check_model(caller, wanted.model)
        catalogue = await gate.calls.catalogues.current(caller.catalogue_version)
        candidates = catalogue.candidates(wanted.model, endpoint.dialect)[:CANDIDATES_MAX]
        key = caller.found.key
        bounds = call_bounds(key.settings.limits, key.tenant_limits, key.member_limits)
        with gate.limits.admit(bounds, key_id=key.key_id, member_id=key.owner.member_id) as ticket:
            delivery = Delivery(gate, endpoint, incoming.request_id, ticket, receive, send, stopwatch)
            if endpoint.is_free:
                await _ask(incoming, candidates, delivery, None)
                return
            call = await gate.calls.counter.admit(spender_of(caller), wish_of(incoming), candidates, since=stopwatch)
            await _carry_out(incoming, candidates, delivery, call)


async def _carry_out(incoming: Incoming, candidates: Sequence[Candidate], delivery: Delivery, call: ModelCall) -> None:
    """Asks for an admitted call. Whatever happens, it is ended; what was not delivered is given back."""
    try:
        if call.wish.is_streamed:
            async with delivery.listening:
                await _ask(incoming, candidates, delivery, call)
        else:
            # Nobody can see what of a whole answer is there already, so it is waited for and charged as it is.
            await _ask(incoming, candidates, delivery, call)
    except BaseException as fault:
        if not call.is_ended:
            said = fault.detail if isinstance(fault, Refusal) else type(fault).__name__
            await call.end(Ended(CallOutcome.FAILED, None, fault=said))
        raise


async def _ask(incoming: Incoming, candidates: Sequence[Candidate], delivery: Delivery, call: ModelCall | None) -> None:
    """Asks one after the other until somebody answers; what the last one says is told.

    Rule: PROVIDER-9
    """
    told: PassedError | Refusal = Refusal("provider_failed", "Nobody who runs this model could be reached.")
    status: int | None = None
    candidate = candidates[0]
    for candidate in candidates:
        try:
            async with candidate.provider.asked(_sent_to(candidate, incoming, call)) as answer:
                if answer.status < 400:
                    await delivery.deliver(candidate, answer, call, incoming.wanted)
                    return
                status = answer.status
                told = await _told(candidate, answer, incoming)
        except ProviderUnreachable:
            told = Refusal("provider_unreachable", "The model's provider could not be reached; nothing was charged.")
            continue
        except ProviderBroke:
            told = Refusal("provider_failed", "The model's provider broke off; nothing was charged.")
            continue
        if isinstance(told, PassedError) and status not in RETRIED_ELSEWHERE:
            break
    if call is not None:
        said = told.detail if isinstance(told, Refusal) else f"the provider answered {told.status}"
        await call.end(Ended(CallOutcome.FAILED, candidate, status=status, fault=said))
    if isinstance(told, Refusal):
        raise told
    await delivery.pass_error(told)


async def _told(candidate: Candidate, answer: ProviderAnswer, incoming: Incoming) -> PassedError | Refusal:
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in answer.pieces():
            pieces.append(piece)
            size += len(piece)
            if size > ERROR_BYTES_MAX:
                break
    except ProviderBroke:
        pass  # the status says enough
    error = ProviderError(answer.status, answer.headers, b"".join(pieces), candidate.provider.secrets)
    return told_of(error, incoming.endpoint.dialect, request_id=incoming.request_id)


def _sent_to(candidate: Candidate, incoming: Incoming, call: ModelCall | None) -> ProviderCall:
    """What this provider gets: the client's own bytes, but for what has to be changed in them, and each field once.

    Rule: CALL-2
    """
    endpoint, wanted = incoming.endpoint, incoming.wanted
    changes: dict[str, object] = {}
    if candidate.model != wanted.model:
        changes["model"] = candidate.model
    if wanted.is_stream and endpoint.asks_for_usage and not wanted.asks_for_usage:
        changes.update(with_usage_in_stream(incoming.body))
    if call is not None and call.answer_max is not None:
        changes[endpoint.limit_fields[0]] = call.answer_max
    return ProviderCall(
        path=endpoint.path,
        body=rewritten(incoming.body, changes),
        headers=passed_on(incoming.scope["headers"], endpoint.dialect),
        request_id=incoming.request_id,
    )


def spender_of(caller: CallingKey) -> Spender:
    """Who pays: the key's owner, bound by the key's limits of credits."""
    key, tenant_limits = caller.found.key, caller.found.key.tenant_limits
    limits = key.settings.limits
    return Spender(
        tenant_id=caller.found.tenant.tenant_id,
        member_id=key.owner.member_id,
        terms=caller.terms,
        with_key=KeyLimit(
            key.key_id,
            per_cycle=_credits(limits.credits_per_cycle, tenant_limits.credits_per_cycle),
            in_total=_credits(limits.credits_in_total, tenant_limits.credits_in_total),
        ),
    )


def wish_of(incoming: Incoming) -> Wish:
    """What is asked for, as far as it decides about the cost."""
    endpoint, wanted = incoming.endpoint, incoming.wanted
    return Wish(
        endpoint=endpoint.name,
        model=wanted.model,
        size=CallSize(wanted.size, wanted.choices, wanted.output_max if endpoint.answers else 0),
        is_streamed=wanted.is_stream and endpoint.stream_of is not None,
        request_id=incoming.request_id,
        once=once_in(incoming.scope["headers"]),
    )


def check_model(caller: CallingKey, model: str) -> None:
    """Refuses `model_not_allowed` for a model that is not on the key's list.

    Rule: KEY-4
    """
    allowed = caller.found.key.settings.allowed_models
    if allowed is not None and model not in allowed:
        raise Refusal("model_not_allowed", f"This API key may not call {model}.", field="model")


def check_offered(wanted: Wanted) -> None:
    """Refuses `invalid_input` for an answer that is to be fetched later: nobody could fetch it here."""
    if wanted.is_background:
        raise Refusal(
            "invalid_input", "Answers in the background are not offered; ask for a stream.", field="background"
        )


def _credits(own: CreditsLimit, of_tenant: CreditsLimit) -> Credits | None:
    limit = effective(own, of_tenant).limit
    return limit if isinstance(limit, Credits) else None


def once_in(headers: list[tuple[bytes, bytes]]) -> str | None:
    """The caller's own idempotency key. Refuses `key_malformed`.

    Rule: CALL-12
    """
    for name, value in headers:
        if name == ONCE_HEADER:
            text = value.decode("latin-1")
            if not (0 < len(text) <= ONCE_LENGTH_MAX and text.isascii() and text.isprintable()):
                raise Refusal("key_malformed", "An idempotency key has 1 to 200 printable ASCII characters.")
            return text
    return None
