"""Signing in and out.

An unknown name and a wrong password get the same sentence after the same work, so nobody learns who has an account.
Whatever way somebody proves who they are, it ends in a `Proof`, and `open_session` is the one place where a proof
becomes a sign-in. A further way of proving it, or a second factor, comes before that and changes nothing after it.

Rule: SESSION-1, SESSION-2, SESSION-3, SESSION-8
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.actions.attempts import checked
from bursar.actions.desk import Asked, Desk, RequestKey, Told, record
from bursar.actions.devices import device_token, known_device
from bursar.actions.once import once_of_own
from bursar.actions.persons import Person, check_may_be_here, find_person, subject_of
from bursar.actions.sessions import find_session, token_hash
from bursar.db.transaction import Transaction, platform_reading, platform_writing, retrying, writing
from bursar.domain.attempts import counts_of_sign_in
from bursar.domain.ids import public_id
from bursar.domain.refusals import Refusal
from bursar.outside.identity import new_uuid
from bursar.outside.secrets import new_token
from bursar.store.credentials import lock_credentials
from bursar.store.platform_admins import lock_platform_admin
from bursar.store.sessions import SessionRow, insert_session, insert_session_token, revoke_session
from bursar.store.sign_in_names import SignInName, find_sign_in_name, folded

USER_AGENT_LENGTH_MAX = 300
"""As much of what a browser calls itself as it takes to recognise it."""

NOBODY = SignInName(UUID(int=0), UUID(int=0))
"""Whom an unknown name belongs to: looked for like everybody, and not found."""


@dataclass(frozen=True)
class Client:
    """Where somebody signs in from, for them to recognise it, and the device they say it is."""

    address: str | None
    user_agent: str | None
    request_id: str | None = None
    device: str | None = None


@dataclass(frozen=True)
class Proof:
    """Somebody has proved who they are: who, by which method of `sessions.method`, and from where."""

    person: Person
    method: str
    client: Client


@dataclass(frozen=True)
class Opened:
    """A new sign-in: whose, the token that carries it, and what makes the device known from now on."""

    person: Person
    token: str
    device: str


async def sign_in(desk: Desk, *, name: str, password: str, client: Client) -> Opened:
    """A new sign-in of the person behind name and password.

    Refuses `too_many_attempts`, `too_busy`, `sign_in_failed`; and `tenant_suspended` and `member_disabled` only to
    somebody who knows the password.

    Rule: SESSION-1, SESSION-2, SESSION-3
    """
    async with platform_reading(desk.platform) as transaction:
        found = await find_sign_in_name(transaction, name) or NOBODY
    person = await find_person(desk, found.tenant_id, found.principal_id)
    device = known_device(desk, client.device, found.principal_id)
    counted = counts_of_sign_in(name=folded(name), address=client.address, device=device)
    stored = person.password_hash if person else None
    is_right = await checked(desk, counted, stored=stored, password=password)
    if person is None or not is_right:
        raise _failed()
    check_may_be_here(person)
    return await retrying(lambda: _signed_in_with_password(desk, person, client))


async def _signed_in_with_password(desk: Desk, person: Person, client: Client) -> Opened:
    """Opens the sign-in, unless the password was changed while it was being checked."""
    if person.tenant_id is None:
        async with platform_writing(desk.platform) as transaction:
            admin = await lock_platform_admin(transaction, person.identity)
            if admin is None or admin.password_hash != person.password_hash:
                raise _failed()
            return await open_session(transaction, desk, Proof(person, "password", client))
    async with writing(desk.tenants, person.tenant_id) as transaction:
        credentials = await lock_credentials(transaction, person.tenant_id, person.identity)
        if credentials is None or credentials.password_hash != person.password_hash:
            raise _failed()
        return await open_session(transaction, desk, Proof(person, "password", client))


async def open_session(transaction: Transaction, desk: Desk, proof: Proof) -> Opened:
    """Makes a proof a sign-in, in a transaction of the person's tenant, or of the platform for a super admin.

    Rule: SESSION-8, SESSION-14
    """
    person, client, now = proof.person, proof.client, desk.clock.now()
    user_agent = _printable(client.user_agent)
    session = SessionRow(
        session_id=new_uuid(),
        tenant_id=person.tenant_id,
        principal_id=person.identity,
        method=proof.method,
        created_at=now,
        last_seen_at=now,
        rotated_at=now,
        expires_at=now + desk.session_limits.absolute,
        address=client.address,
        user_agent=user_agent,
    )
    token = new_token()
    await insert_session(transaction, session)
    await insert_session_token(transaction, session.session_id, token_hash(desk, token), issued_at=now)
    detail = {
        "session_id": public_id("session", session.session_id), "method": proof.method, "user_agent": user_agent,
    }  # fmt: skip
    asked = Asked(person.actor, request_id=client.request_id, address=client.address)
    await record(transaction, desk, asked, person.tenant_id, Told("signed_in", subject_of(person.actor), detail=detail))
    return Opened(person, token, device_token(desk, person.identity))


async def sign_out(desk: Desk, token: str, client: Client, once: RequestKey | None) -> None:
    """Ends the sign-in that this token belongs to; a token that is nobody's, or not any more, ends nothing.

    Rule: SESSION-13, SESSION-14
    """
    async with platform_reading(desk.platform) as transaction:
        live = await find_session(transaction, desk, token)
    person = None if live is None else await find_person(desk, live.session.tenant_id, live.session.principal_id)
    if live is None or person is None:
        return
    session_id = live.session.session_id
    asked = Asked(person.actor, request_id=client.request_id, address=client.address, once=once)

    async def act(transaction: Transaction) -> bool:
        now = desk.clock.now()
        seen_after = now - desk.session_limits.idle
        if not await revoke_session(transaction, person.identity, session_id, now=now, seen_after=seen_after):
            return False
        detail = {"session_id": public_id("session", session_id), "user_agent": _printable(client.user_agent)}
        told = Told("signed_out", subject_of(person.actor), detail=detail)
        await record(transaction, desk, asked, person.tenant_id, told)
        return True

    await once_of_own(desk, asked, bool, act)


def _failed() -> Refusal:
    """The one answer to an unknown name and a wrong password.

    Rule: SESSION-2
    """
    return Refusal("sign_in_failed", "The name or the password is wrong.")


def _printable(user_agent: str | None) -> str | None:
    """What a browser calls itself, as far as it can be shown."""
    if not user_agent:
        return None
    return "".join(letter for letter in user_agent if letter.isprintable())[:USER_AGENT_LENGTH_MAX]
