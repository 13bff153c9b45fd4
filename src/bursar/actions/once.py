"""Doing something once: an action's transaction, and its first answer for whoever sends the same request again.

The key is claimed first, so a twin of the request waits; the answer is kept in the transaction of what it answers, so
there is never one without the other. Kept is what the action returned, sealed with a key that follows from the caller's
idempotency key, which is itself kept only as a hash: an answer may hold a secret that is shown once.

What the ledger does with a key of its own is in `ledger/commands`. Read next: `desk`.

Rule: ONCE-1
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from bursar.actions.desk import Asked, Desk, RequestKey
from bursar.db.transaction import Transaction, platform_writing, reading, retrying, writing
from bursar.domain.refusals import Refusal
from bursar.ledger import check_key
from bursar.outside.secrets import seal, unseal
from bursar.store.remembered_answers import claim_request, find_remembered_answer, update_remembered_answer

Answer = TypeVar("Answer")

Act = Callable[[Transaction], Awaitable[Answer]]
"""The body of an action: all it does in its one transaction."""


@dataclass(frozen=True)
class Done(Generic[Answer]):
    """What an action answered, and whether it had answered the same request before."""

    answer: Answer
    replayed: bool


async def once(desk: Desk, asked: Asked, tenant_id: UUID, answer_type: type[Answer], act: Act[Answer]) -> Done[Answer]:
    """Runs an action in a transaction of this tenant, unless this very request was answered before: then that answer.

    Refuses `key_reused` where the caller used the key for something else, and what `act` refuses. A refusal is not
    remembered: nothing was done, so the same request asks anew.

    Rule: ONCE-1, ONCE-2, ONCE-3
    """
    return await _once(desk, asked, lambda: writing(desk.tenants, tenant_id), answer_type, act)


async def once_on_platform(desk: Desk, asked: Asked, answer_type: type[Answer], act: Act[Answer]) -> Done[Answer]:
    """The same for what concerns no tenant.

    Rule: ONCE-1
    """
    return await _once(desk, asked, lambda: platform_writing(desk.platform), answer_type, act)


async def once_of_own(desk: Desk, asked: Asked, answer_type: type[Answer], act: Act[Answer]) -> Done[Answer]:
    """The same for what is the actor's own: in the own tenant, or on the platform for a super admin.

    Rule: ONCE-1
    """
    if asked.actor.tenant_id is None:
        return await once_on_platform(desk, asked, answer_type, act)
    return await once(desk, asked, asked.actor.tenant_id, answer_type, act)


async def answered_before(desk: Desk, asked: Asked, tenant_id: UUID, answer_type: type[Answer]) -> Answer | None:
    """What this very request was answered, if it was: for an action that does something costly before its transaction.
    Refuses `key_reused`.

    Rule: ONCE-1, ONCE-2
    """
    request, caller_id = asked.once, asked.actor.identity
    if request is None or caller_id is None:
        return None
    check_key(request.key)
    async with reading(desk.tenants, tenant_id) as transaction:
        if await find_remembered_answer(transaction, caller_id, _key_hash(request)) is None:
            return None
        return await _first_answer(transaction, desk, caller_id, request, answer_type)


async def _once(
    desk: Desk,
    asked: Asked,
    begin: Callable[[], AbstractAsyncContextManager[Transaction]],
    answer_type: type[Answer],
    act: Act[Answer],
) -> Done[Answer]:
    request, caller_id = asked.once, asked.actor.identity

    async def attempt() -> Done[Answer]:
        async with begin() as transaction:
            if request is None or caller_id is None:
                return Done(await act(transaction), replayed=False)
            key_hash, fingerprint = _key_hash(request), _keyed_fingerprint(desk, caller_id, request)
            if not await claim_request(transaction, caller_id, key_hash, fingerprint=fingerprint, now=desk.clock.now()):
                return Done(await _first_answer(transaction, desk, caller_id, request, answer_type), replayed=True)
            answer = await act(transaction)
            sealed = seal(_sealing_key(desk, caller_id, request), msgspec.json.encode(answer))
            await update_remembered_answer(transaction, caller_id, key_hash, sealed)
            return Done(answer, replayed=False)

    if request is not None:
        check_key(request.key)
    return await retrying(attempt)


async def _first_answer(
    transaction: Transaction, desk: Desk, caller_id: UUID, request: RequestKey, answer_type: type[Answer]
) -> Answer:
    """What the caller was answered; refuses `key_reused` if the request was another one.

    Rule: ONCE-2
    """
    remembered = await find_remembered_answer(transaction, caller_id, _key_hash(request))
    assert remembered is not None, "a key that is claimed is there"
    if remembered.fingerprint != _keyed_fingerprint(desk, caller_id, request):
        raise Refusal("key_reused", "This key was used for a different request.", field="key")
    opened = unseal(_sealing_key(desk, caller_id, request), remembered.answer)
    return msgspec.json.decode(opened, type=answer_type)


def _key_hash(request: RequestKey) -> bytes:
    return hashlib.sha256(request.key.encode()).digest()


def _keyed_fingerprint(desk: Desk, caller_id: UUID, request: RequestKey) -> bytes:
    """Keyed like the seal: a plain digest of a body with a password in it could be tried out against a list."""
    return hmac.digest(_sealing_key(desk, caller_id, request), request.fingerprint, hashlib.sha256)


def _sealing_key(desk: Desk, caller_id: UUID, request: RequestKey) -> bytes:
    message = caller_id.bytes + request.key.encode()
    return hmac.digest(desk.secret_for("remembered answers"), message, hashlib.sha256)
