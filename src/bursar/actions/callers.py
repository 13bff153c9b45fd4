"""Who calls models, asked for many calls at once.

Every call asks anew whether its key works, and what its owner's terms are. Calls that arrive while others are being
looked up share the next look-up; so nothing is remembered, whoever is disabled is so at once, and a thousand calls a
second take a hundred look-ups and not two thousand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from bursar.actions.desk import Desk
from bursar.actions.key_sign_in import HASHES_OF_KEYS, USED_EVERY, check_key, key_invalid
from bursar.actions.watching import tell_caller
from bursar.db.transaction import ACQUIRE_TIMEOUT_SECONDS, writing
from bursar.domain.api_keys import KeyKind, is_secret
from bursar.outside.secrets import keyed_hash
from bursar.store.api_keys import update_api_key_used
from bursar.store.callers import CallingKey, list_calling_keys

log = structlog.get_logger(__name__)

LOOKED_UP_AT_ONCE = 500
"""Enough that a look-up costs a call almost nothing, few enough that it is over in a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One secret somebody waits for."""

    secret_hash: bytes
    found: asyncio.Future[CallingKey | None]


class Callers:
    """The way to ask for the key behind a secret, from many calls at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._hash_key = desk.secret_for(HASHES_OF_KEYS)
        self._waiting: list[Waiting] = []
        self._looking: asyncio.Task[None] | None = None
        self._noting: dict[UUID, asyncio.Task[None]] = {}

    async def authenticate(self, secret: str, *, address: str | None) -> CallingKey:
        """The model key behind this secret, which may be used from this address. Refuses as `authenticate_key` does.

        Rule: KEY-6, KEY-10
        """
        found = await self._ask(secret) if is_secret(secret) else None
        if found is None:
            raise key_invalid()
        tell_caller(tenant_id=found.found.tenant.tenant_id, key_id=found.found.key.key_id)
        now = self._desk.clock.now()
        check_key(found.found, now=now, address=address, wanted=KeyKind.MODEL)
        self._note_use(found, now)
        return found

    async def close(self) -> None:
        """Waits for what is being written down."""
        pending = [*self._noting.values(), *([self._looking] if self._looking is not None else [])]
        if pending:
            await asyncio.wait(pending)

    async def _ask(self, secret: str) -> CallingKey | None:
        waiting = Waiting(keyed_hash(self._hash_key, secret), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_up(), name="callers")
        return await waiting.found

    async def _look_up(self) -> None:
        """Looks up whatever waits, then whatever came meanwhile, until nobody waits."""
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:LOOKED_UP_AT_ONCE], self._waiting[LOOKED_UP_AT_ONCE:]
                await self._answer(taken)
        finally:
            self._looking = None

    async def _answer(self, taken: list[Waiting]) -> None:
        try:
            found = await self._find(list({waiting.secret_hash for waiting in taken}))
        except BaseException as fault:
            for waiting in taken:
                if not waiting.found.done():
                    waiting.found.set_exception(fault)
            if not isinstance(fault, Exception):
                raise
            return
        for waiting in taken:
            if not waiting.found.done():
                waiting.found.set_result(found.get(waiting.secret_hash))

    async def _find(self, secret_hashes: list[bytes]) -> Mapping[bytes, CallingKey]:
        async with self._desk.tenants.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
            return await list_calling_keys(connection, secret_hashes, now=self._desk.clock.now())

    def _note_use(self, found: CallingKey, now: datetime) -> None:
        """At most once a minute, beside the call: what cannot be noted now is noted with a later one.

        Rule: KEY-11
        """
        key, tenant_id = found.found.key, found.found.tenant.tenant_id
        last, before = key.last_used_at, now - USED_EVERY
        if key.key_id in self._noting or (last is not None and last > before):
            return

        async def note() -> None:
            try:
                async with writing(self._desk.tenants, tenant_id) as transaction:
                    await update_api_key_used(transaction, tenant_id, key.key_id, now=now, before=before)
            except Exception as fault:  # noqa: BLE001 - a note that is not made harms no call
                log.warning("a key's use was not noted", fault=repr(fault))

        task = self._noting[key.key_id] = asyncio.create_task(note(), name="key use")
        task.add_done_callback(lambda _: self._noting.pop(key.key_id, None))
