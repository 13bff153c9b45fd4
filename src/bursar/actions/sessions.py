"""Who is signed in, and ending sign-ins.

A sign-in is looked up with every request and never remembered by a process, so what ends it ends it everywhere at once.
How one begins is in `sign_in`.

Rule: SESSION-9, SESSION-10, SESSION-12, SESSION-13
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from bursar.actions.desk import Asked, Desk, Subject, Told, record
from bursar.actions.once import Done, once, once_of_own
from bursar.actions.persons import Person, check_may_be_here, find_person, subject_of
from bursar.db.transaction import Transaction, platform_reading, platform_writing, retrying
from bursar.domain.ids import public_id
from bursar.domain.permissions import Target, check_may_reach, check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission, Role
from bursar.outside.secrets import keyed_hash, new_token
from bursar.store.members import find_member
from bursar.store.sessions import (
    LiveSession,
    SessionRow,
    delete_other_tokens,
    end_other_tokens,
    find_live_session,
    insert_session_token,
    lock_session,
    revoke_live_sessions,
    revoke_session,
    update_session_rotated,
    update_session_seen,
)

SEEN_EVERY = timedelta(minutes=1)
"""A sign-in's last use is noted this often, not with every request."""

TOKEN_CHANGES_EVERY = timedelta(hours=1)
"""A token that was copied somewhere is worth this much use at the most, while its owner goes on working."""

TOKEN_OVERLAP = timedelta(seconds=60)
"""How long a token still works once its successor is in use: requests of the same page are under way with it."""


@dataclass(frozen=True)
class SignedIn:
    """The person behind a request, the sign-in, and a new token if this answer is to carry one."""

    person: Person
    session: SessionRow
    new_token: str | None
    is_token_ending: bool


@dataclass(frozen=True)
class SessionsEnded:
    """How many sign-ins that could still be used have been ended."""

    ended: int


async def who_is(desk: Desk, token: str) -> SignedIn:
    """The person a token belongs to, as everything stands at this moment.

    Refuses `not_signed_in`, `tenant_suspended`, `member_disabled`.

    Rule: SESSION-9, SESSION-10, SESSION-12
    """
    async with platform_reading(desk.platform) as transaction:
        live = await find_session(transaction, desk, token)
    person = None if live is None else await find_person(desk, live.session.tenant_id, live.session.principal_id)
    if live is None or person is None:
        raise not_signed_in()
    check_may_be_here(person)
    new_token = await _used(desk, token, live) if _is_to_be_noted(desk, live) else None
    return SignedIn(person, live.session, new_token, is_token_ending=live.token_valid_until is not None)


async def find_session(transaction: Transaction, desk: Desk, token: str) -> LiveSession | None:
    """The sign-in that this token belongs to, if it can still be used."""
    now = desk.clock.now()
    return await find_live_session(
        transaction, token_hash(desk, token), now=now, seen_after=now - desk.session_limits.idle
    )


def _is_to_be_noted(desk: Desk, live: LiveSession) -> bool:
    return live.is_first_use or desk.clock.now() - live.session.last_seen_at >= SEEN_EVERY or _is_due(desk, live)


def _is_due(desk: Desk, live: LiveSession) -> bool:
    """Whether the token is to be changed. One that has a successor in use is not followed by another."""
    return live.token_valid_until is None and desk.clock.now() - live.session.rotated_at >= TOKEN_CHANGES_EVERY


async def _used(desk: Desk, token: str, seen: LiveSession) -> str | None:
    """Notes that the sign-in was used, and with which token; the next token if the time for it has come.

    Rule: SESSION-9
    """
    session_id, now = seen.session.session_id, desk.clock.now()

    async def attempt() -> str | None:
        async with platform_writing(desk.platform) as transaction:
            await lock_session(transaction, session_id)
            # Looked up once more, because another request of the same page may have changed the token meanwhile.
            live = await find_session(transaction, desk, token)
            if live is None:
                raise not_signed_in()
            await update_session_seen(transaction, session_id, now=now)
            if live.is_first_use:
                await end_other_tokens(
                    transaction, session_id, token_hash(desk, token), valid_until=now + TOKEN_OVERLAP
                )
            if not _is_due(desk, live):
                return None
            await delete_other_tokens(transaction, session_id, token_hash(desk, token))
            return await change_token(transaction, desk, session_id)

    return await retrying(attempt)


async def change_token(transaction: Transaction, desk: Desk, session_id: UUID) -> str:
    """The sign-in's next token; the present one works until the next is first used, and a little longer."""
    token, now = new_token(), desk.clock.now()
    await insert_session_token(transaction, session_id, token_hash(desk, token), issued_at=now)
    await update_session_rotated(transaction, session_id, now=now)
    return token


async def end_own_session(desk: Desk, asked: Asked, session_id: UUID) -> Done[SessionsEnded]:
    """Ends one sign-in of one's own. Refuses `session_unknown`.

    Rule: SESSION-13
    """
    check_permission(asked.actor, Permission.OWN_ACCOUNT)
    principal_id = asked.actor.identity
    assert principal_id is not None, "who has an account is somebody"

    async def act(transaction: Transaction) -> SessionsEnded:
        now = desk.clock.now()
        seen_after = now - desk.session_limits.idle
        if not await revoke_session(transaction, principal_id, session_id, now=now, seen_after=seen_after):
            raise Refusal("session_unknown", "There is no such sign-in.", field="session_id")
        detail = {"ended": "1", "session_id": public_id("session", session_id)}
        told = Told("sessions_ended", subject_of(asked.actor), detail=detail)
        await record(transaction, desk, asked, asked.actor.tenant_id, told)
        return SessionsEnded(1)

    return await once_of_own(desk, asked, SessionsEnded, act)


async def end_other_sessions(desk: Desk, asked: Asked, *, kept: UUID) -> Done[SessionsEnded]:
    """Ends all sign-ins of one's own but the one that is asking.

    Rule: SESSION-13
    """
    check_permission(asked.actor, Permission.OWN_ACCOUNT)
    principal_id = asked.actor.identity
    assert principal_id is not None, "who has an account is somebody"

    async def act(transaction: Transaction) -> SessionsEnded:
        ended = await end_sessions(transaction, desk, principal_id, kept=kept)
        await _tell_ended(transaction, desk, asked, asked.actor.tenant_id, subject_of(asked.actor), ended)
        return SessionsEnded(ended)

    return await once_of_own(desk, asked, SessionsEnded, act)


async def end_member_sessions(desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID) -> Done[SessionsEnded]:
    """Ends all sign-ins of a member. Refuses `member_unknown`, `not_to_oneself`, `not_permitted`.

    Rule: SESSION-13
    """
    check_permission(asked.actor, Permission.EDIT_MEMBER)

    async def act(transaction: Transaction) -> SessionsEnded:
        member = await find_member(transaction, tenant_id, member_id)
        if member is None or member.status == "deleted":
            raise Refusal("member_unknown", "There is no such member.", field="member_id")
        check_may_reach(asked.actor, Permission.EDIT_MEMBER, Target(Role(member.role), member_id))
        ended = await end_sessions(transaction, desk, member_id, kept=None)
        await _tell_ended(transaction, desk, asked, tenant_id, Subject("member", member_id), ended)
        return SessionsEnded(ended)

    return await once(desk, asked, tenant_id, SessionsEnded, act)


async def end_sessions(transaction: Transaction, desk: Desk, principal_id: UUID, *, kept: UUID | None) -> int:
    """Ends somebody's sign-ins but the one that is kept, in a transaction that is under way; returns how many."""
    now = desk.clock.now()
    return await revoke_live_sessions(
        transaction, principal_id, now=now, seen_after=now - desk.session_limits.idle, kept=kept
    )


async def _tell_ended(
    transaction: Transaction, desk: Desk, asked: Asked, tenant_id: UUID | None, subject: Subject, ended: int
) -> None:
    if ended:
        told = Told("sessions_ended", subject, detail={"ended": str(ended)})
        await record(transaction, desk, asked, tenant_id, told)


def not_signed_in() -> Refusal:
    """What somebody without a session is told."""
    return Refusal("not_signed_in", "Sign in first.")


def token_hash(desk: Desk, token: str) -> bytes:
    """Keyed, so a copy of the table cannot even be searched for a token somebody has seen."""
    return keyed_hash(desk.secret_for("session tokens"), token)
