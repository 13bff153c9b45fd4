"""Redemption codes: the platform issues and revokes them, a tenant's admin redeems one for credits in the pool.

A code is shown in the answer to whoever has it issued, and nowhere else: not in the database, the events or the log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once, once_on_platform
from bursar.actions.posting import moved
from bursar.db.transaction import Transaction, platform_writing, retrying
from bursar.domain.codes import (
    CHANCE_BITS,
    GUESS_WINDOW,
    WRONG_CODES,
    WRONG_FROM_ADDRESS_MAX,
    WRONG_IN_TENANT_MAX,
    CodeState,
    check_new_codes,
    check_open,
    code_unknown,
    last_four,
    parse_code,
    too_many_wrong,
    written_code,
)
from bursar.domain.credits import Credits
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Broken, Refusal
from bursar.domain.roles import Permission
from bursar.ledger import Transfer, Transferred, check_note, post
from bursar.outside.identity import new_uuid
from bursar.outside.secrets import keyed_hash, new_number
from bursar.store.codes import (
    Batch,
    IssuedCode,
    NewCode,
    Redeemed,
    find_batch,
    insert_codes,
    lock_code,
    lock_code_by_hash,
    update_batch_revoked,
    update_code_redeemed,
    update_code_revoked,
)
from bursar.store.wrong_codes import Failures, count_failure, list_failures


@dataclass(frozen=True)
class CodesWanted:
    """How many codes to issue, what each is worth, until when, and what for."""

    count: int
    value: Credits
    expires_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True)
class PlainCode:
    """A code as it is handed out."""

    code_id: UUID
    code: str


@dataclass(frozen=True)
class IssuedBatch:
    """The codes that were issued together, in plain text: the only place where they are."""

    batch: Batch
    codes: tuple[PlainCode, ...]


@dataclass(frozen=True)
class RevokedBatch:
    """How many codes of a batch were still open and were taken back, and what they were worth together."""

    batch_id: UUID
    count: int
    value: Credits


async def issue_codes(desk: Desk, asked: Asked, wanted: CodesWanted) -> Done[IssuedBatch]:
    """Makes new codes and tells them, this once. Refuses `invalid_input`, `note_too_long`, `note_malformed`.

    Rule: CODE-2
    """
    check_permission(asked.actor, Permission.MANAGE_CODES)
    check_note(wanted.note)
    issued_by = asked.actor.identity
    assert issued_by is not None, "codes are issued by somebody"
    expires_at = None if wanted.expires_at is None else wanted.expires_at.astimezone(UTC)

    async def act(transaction: Transaction) -> IssuedBatch:
        # In here, so that a repeat gets its answer also when the codes have expired meanwhile.
        now = desk.clock.now()
        check_new_codes(count=wanted.count, expires_at=wanted.expires_at, now=now)
        batch = Batch(new_uuid(), wanted.value, wanted.note, now, issued_by, expires_at)
        codes = tuple(PlainCode(new_uuid(), written_code(new_number(bits=CHANCE_BITS))) for _ in range(wanted.count))
        kept = [NewCode(code.code_id, _hash_of(desk, code.code), last_four(code.code)) for code in codes]
        await insert_codes(transaction, batch, kept)
        detail = {
            "count": str(wanted.count),
            "value": str(wanted.value),
            "expires_at": None if expires_at is None else expires_at.isoformat(),
        }
        await record(
            transaction, desk, asked, None,
            Told("codes_issued", Subject("code_batch", batch.batch_id), note=wanted.note, detail=detail),
        )  # fmt: skip
        return IssuedBatch(batch, codes)

    return await once_on_platform(desk, asked, IssuedBatch, act)


async def revoke_code(desk: Desk, asked: Asked, code_id: UUID) -> Done[IssuedCode]:
    """Takes an open code back. Refuses `code_unknown`, `code_spent`, `code_revoked`, `code_expired`.

    Rule: CODE-6
    """
    check_permission(asked.actor, Permission.MANAGE_CODES)

    async def act(transaction: Transaction) -> IssuedCode:
        now = desk.clock.now()
        code = await lock_code(transaction, code_id)
        if code is None:
            raise code_unknown("code_id")
        check_open(code.life, now, field="code_id")
        await update_code_revoked(transaction, code_id, now=now)
        detail = {"value": str(code.batch.value), "last_four": code.last_four}
        await record(transaction, desk, asked, None, _revoked(Subject("code", code_id), detail))
        return replace(code, life=replace(code.life, revoked_at=now))

    return await once_on_platform(desk, asked, IssuedCode, act)


async def revoke_batch(desk: Desk, asked: Asked, batch_id: UUID) -> Done[RevokedBatch]:
    """Takes back what is still open of a batch; what is spent or expired stays so. Refuses `code_unknown`.

    Rule: CODE-6
    """
    check_permission(asked.actor, Permission.MANAGE_CODES)

    async def act(transaction: Transaction) -> RevokedBatch:
        batch = await find_batch(transaction, batch_id)
        if batch is None:
            raise Refusal("code_unknown", "There is no such batch of codes.", field="batch_id")
        count = await update_batch_revoked(transaction, batch_id, now=desk.clock.now())
        if count > 0:
            detail = {"value": str(batch.value), "count": str(count)}
            await record(transaction, desk, asked, None, _revoked(Subject("code_batch", batch_id), detail))
        return RevokedBatch(batch_id, count, Credits(batch.value.micro * count))

    return await once_on_platform(desk, asked, RevokedBatch, act)


async def redeem(desk: Desk, asked: Asked, tenant_id: UUID, typed: str) -> Done[Transferred]:
    """A code's credits into the tenant's pool, once. Refuses `invalid_input` for a code that was mistyped,
    `too_many_attempts`, `code_unknown`, `code_spent`, `code_revoked`, `code_expired`, `total_too_large`.

    Rule: CODE-3, CODE-5
    """
    check_permission(asked.actor, Permission.REDEEM)
    code_hash = _hash_of(desk, parse_code(typed))
    redeemed_by = asked.actor.identity
    assert redeemed_by is not None, "a code is redeemed by somebody"

    async def act(transaction: Transaction) -> Transferred:
        now = desk.clock.now()
        # Here and not before the action, so that whoever repeats a request is still told its first answer.
        earlier = await list_failures(transaction, _bounds(desk, asked, tenant_id), since=now - GUESS_WINDOW)
        _check_attempts(desk, asked, tenant_id, earlier, one_more=True)
        # The code before the books: who comes second waits for the first without keeping the tenant's books locked.
        found = await lock_code_by_hash(transaction, code_hash)
        if found is None:
            raise code_unknown("code")
        check_open(found.life, now, field="code")
        transfer = Transfer(
            actor_id=redeemed_by, transfer_id=new_uuid(), kind="redemption", amount=found.value,
            note=f"Code ending in {found.last_four}",
        )  # fmt: skip
        redeemed = Redeemed(tenant_id, redeemed_by, transfer.transfer_id)
        if not await update_code_redeemed(transaction, found.code_id, redeemed, now=now):
            raise Broken("a code that is locked and open can be redeemed", code=found.code_id)
        (outcome,) = await post(transaction, tenant_id, [transfer], desk.clock.of_ledger)
        answer = outcome.unwrap()
        assert isinstance(answer, Transferred)
        subject, detail = Subject("code", found.code_id), {"last_four": found.last_four}
        told = moved(subject, "pool", answer, note=None, detail=detail)
        await record(transaction, desk, asked, tenant_id, told)
        return answer

    try:
        return await once(desk, asked, tenant_id, Transferred, act)
    except Refusal as refusal:
        if refusal.code in WRONG_CODES:
            await _count_wrong(desk, asked, tenant_id)
        raise


async def _count_wrong(desk: Desk, asked: Asked, tenant_id: UUID) -> None:
    """Counts a wrong code, after the transaction that refused it is undone. Whoever tries many at once is told of no
    more than who tries them one by one: refuses `too_many_attempts` in place of the answer.

    Rule: CODE-5
    """
    now = desk.clock.now()

    async def count() -> list[Failures]:
        async with platform_writing(desk.platform) as transaction:
            return await count_failure(transaction, _bounds(desk, asked, tenant_id), now=now, since=now - GUESS_WINDOW)

    _check_attempts(desk, asked, tenant_id, await retrying(count), one_more=False)


def _check_attempts(desk: Desk, asked: Asked, tenant_id: UUID, failures: list[Failures], *, one_more: bool) -> None:
    """Refuses `too_many_attempts` if one of the counts is above its bound, or would be with one more."""
    bounds = _bounds(desk, asked, tenant_id)
    over = [failed.since for failed in failures if failed.count + one_more > bounds[failed.bucket]]
    if over:
        raise too_many_wrong(max(over), desk.clock.now())


def _bounds(desk: Desk, asked: Asked, tenant_id: UUID) -> dict[bytes, int]:
    """What is counted, as hashes: the tenant's wrong codes from this address, and all of the tenant's.

    Never the address alone: behind one proxy all tenants have the same, and one could stop the others.
    """
    key = desk.secret_for("wrong redemption codes")
    return {
        keyed_hash(key, f"{tenant_id} {asked.address}"): WRONG_FROM_ADDRESS_MAX,
        keyed_hash(key, f"{tenant_id}"): WRONG_IN_TENANT_MAX,
    }


def _revoked(subject: Subject, detail: dict[str, str | None] | dict[str, str]) -> Told:
    states = Change(str(CodeState.OPEN), str(CodeState.REVOKED))
    return Told("code_revoked", subject, detail=dict(detail), changes={"state": states})


def _hash_of(desk: Desk, code: str) -> bytes:
    """Keyed, so that a copy of the table cannot even be compared with a code somebody has seen."""
    return keyed_hash(desk.secret_for("redemption codes"), code)
