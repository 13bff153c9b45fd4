"""What everybody may change of themselves: the shown name and the password."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from bursar.actions.attempts import count_attempt, take_off
from bursar.actions.desk import Asked, Change, Desk, Told, record
from bursar.actions.once import Done, once_of_own
from bursar.actions.persons import Person, subject_of
from bursar.actions.sessions import TOKEN_OVERLAP, SignedIn, change_token, end_sessions, not_signed_in, token_hash
from bursar.db.transaction import Transaction
from bursar.domain.attempts import CountedBy
from bursar.domain.people import DISPLAY_NAME_LENGTH_MAX, check_password, check_shown_name
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission, Role
from bursar.domain.search import search_text_of
from bursar.store.credentials import Credentials, lock_credentials, update_own_account
from bursar.store.platform_admins import PlatformAdmin, lock_platform_admin, update_platform_admin
from bursar.store.sessions import end_other_tokens
from bursar.store.tenants import Tenant


@dataclass(frozen=True)
class OwnAccount:
    """Oneself, as one's own account shows it."""

    identity: UUID
    username: str
    display_name: str
    email: str | None
    role: Role
    tenant: Tenant | None


@dataclass(frozen=True)
class PasswordChanged:
    """How many other sign-ins that ended, and the token of the one that goes on."""

    ended: int
    token: str


@dataclass(frozen=True)
class NewPassword:
    """The present password, which proves that it is not somebody at an unlocked screen, and the one to be."""

    current: str
    new: str


def own_account(person: Person) -> OwnAccount:
    """The account of somebody who is signed in."""
    return OwnAccount(person.identity, person.username, person.display_name, person.email, person.role, person.tenant)


async def change_own_name(desk: Desk, asked: Asked, person: Person, display_name: str) -> Done[OwnAccount]:
    """Changes the shown name, under which the person is found from then on. Refuses `invalid_input`.

    Rule: SESSION-15
    """
    check_permission(asked.actor, Permission.OWN_ACCOUNT)
    check_shown_name(display_name, field="display_name", length_max=DISPLAY_NAME_LENGTH_MAX)

    async def act(transaction: Transaction) -> OwnAccount:
        before = await _locked(transaction, person)
        if before.display_name != display_name:
            await _write(transaction, desk, person, before, display_name=display_name)
            changes = {"display_name": Change(before.display_name, display_name)}
            told = Told("profile_changed", subject_of(asked.actor), changes=changes)
            await record(transaction, desk, asked, person.tenant_id, told)
        return replace(own_account(person), display_name=display_name)

    return await once_of_own(desk, asked, OwnAccount, act)


async def change_own_password(
    desk: Desk, asked: Asked, signed_in: SignedIn, password: NewPassword
) -> Done[PasswordChanged]:
    """Changes the password, ends all other sign-ins and gives this one a new token.

    Refuses `invalid_input`, `too_many_attempts`, `too_busy`, `password_wrong`. Wrong ones are counted for the account.

    Rule: SESSION-16
    """
    check_permission(asked.actor, Permission.OWN_ACCOUNT)
    check_password(password.new, field="new_password")
    person, session_id = signed_in.person, signed_in.session.session_id
    attempt = await count_attempt(desk, {CountedBy.ACCOUNT: person.identity.hex})
    try:
        is_right = await desk.passwords.matches(person.password_hash, password.current)
        new_hash = await desk.passwords.hashed(password.new) if is_right else None
    except Refusal:  # too busy: nothing was looked at
        await take_off(desk, attempt, is_right=False)
        raise

    async def act(transaction: Transaction) -> PasswordChanged:
        before = await _locked(transaction, person)
        # Refused only here, because a repeat of what was done already comes with a password that is no longer right.
        if new_hash is None or before.password_hash != person.password_hash:
            raise Refusal("password_wrong", "The present password is not this one.", field="current_password")
        await _write(transaction, desk, person, before, password_hash=new_hash)
        ended = await end_sessions(transaction, desk, person.identity, kept=session_id)
        token = await change_token(transaction, desk, session_id)
        # At once, not from the next one's first use: a copy of the old token must not outlive the old password.
        await end_other_tokens(
            transaction, session_id, token_hash(desk, token), valid_until=desk.clock.now() + TOKEN_OVERLAP
        )
        told = Told("password_changed", subject_of(asked.actor), detail={"ended": str(ended)})
        await record(transaction, desk, asked, person.tenant_id, told)
        return PasswordChanged(ended, token)

    done = await once_of_own(desk, asked, PasswordChanged, act)
    await take_off(desk, attempt, is_right=is_right)
    return done


@dataclass(frozen=True)
class _Own:
    """What is one's own, as it is now and held: the row of a super admin, or of a member."""

    row: PlatformAdmin | Credentials

    @property
    def display_name(self) -> str:
        return self.row.display_name

    @property
    def password_hash(self) -> str | None:
        return self.row.password_hash


async def _locked(transaction: Transaction, person: Person) -> _Own:
    if person.tenant_id is None:
        row: PlatformAdmin | Credentials | None = await lock_platform_admin(transaction, person.identity)
    else:
        row = await lock_credentials(transaction, person.tenant_id, person.identity)
    if row is None or (isinstance(row, Credentials) and row.status == "deleted"):
        raise not_signed_in()
    return _Own(row)


async def _write(
    transaction: Transaction, desk: Desk, person: Person, own: _Own, *,
    display_name: str | None = None, password_hash: str | None = None,
) -> None:  # fmt: skip
    """Keeps a new shown name or a new password."""
    display_name, password_hash = display_name or own.display_name, password_hash or own.password_hash
    if isinstance(own.row, PlatformAdmin):
        assert password_hash is not None, "a super admin has a password"
        await update_platform_admin(
            transaction, own.row.admin_id, display_name=display_name, password_hash=password_hash
        )
        return
    assert person.tenant_id is not None, "a member has a tenant"
    changed = replace(own.row, display_name=display_name, password_hash=password_hash)
    search_text = search_text_of(username=changed.username, display_name=changed.display_name, email=changed.email)
    await update_own_account(transaction, person.tenant_id, changed, search_text=search_text, now=desk.clock.now())
