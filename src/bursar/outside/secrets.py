"""Chance and what is kept secret: the office's key, session tokens, passwords.

Passwords are hashed with Argon2id. Session tokens are random; what is stored is a keyed digest, so neither the database
nor a copy of it can be used to sign in.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bursar.domain.refusals import Refusal

SECRET_KEY_FILE = "secret.key"  # noqa: S105  a file's name, not a secret
TOKEN_BYTES = 32
_NONCE_BYTES = 12
PASSWORD_CHECKS_AT_ONCE = 4  # each takes 64 MiB and one core for its time; more at once would only be a way to flood us
PASSWORD_CHECKS_WAITING_MAX = 32  # the last of them waits some seconds; whoever came after would give up anyway
TOO_BUSY_SECONDS = 2  # by then those that are waiting are mostly done


def load_or_make_secret_key(data_dir: Path) -> bytes:
    """The key in <data dir>/secret.key; made once, readable by its owner only. Raises `OSError`."""
    path = data_dir / SECRET_KEY_FILE
    try:
        return _decode_key(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        pass
    key = secrets.token_bytes(32)
    draft = path.with_name(f"{SECRET_KEY_FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(base64.urlsafe_b64encode(key).decode("ascii") + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # unlike a rename, this never replaces the key of a start that was quicker
    except FileExistsError:
        return _decode_key(path.read_text(encoding="ascii"))
    finally:
        draft.unlink()
    return key


def _decode_key(text: str) -> bytes:
    key = base64.urlsafe_b64decode(text.strip())
    if len(key) < TOKEN_BYTES:
        raise OSError(f"{SECRET_KEY_FILE} is damaged: it holds {len(key)} bytes, not {TOKEN_BYTES}")
    return key


def derive_key(secret_key: bytes, *, purpose: str) -> bytes:
    """A key for one purpose, from which neither the office's key nor another purpose's can be told."""
    return hmac.digest(secret_key, f"bursar:{purpose}".encode(), hashlib.sha256)


def seal(key: bytes, plain: bytes) -> bytes:
    """Encrypts and authenticates (AES-256-GCM) with a key of 32 bytes, so that nothing can be read or changed."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, None)


def unseal(key: bytes, sealed: bytes) -> bytes:
    """What was sealed with this key. Raises `SealBroken` for anything else."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
    except (InvalidTag, ValueError) as error:
        raise SealBroken from error


class SealBroken(Exception):
    """The sealed bytes were changed, cut, or sealed with another key."""


def keyed_hash(key: bytes, secret: str) -> bytes:
    """What is stored of a secret: without the key, a copy of it cannot even be compared with a guess."""
    return hmac.digest(key, secret.encode("utf-8", "replace"), hashlib.sha256)


def new_token() -> str:
    """A token that cannot be guessed: 256 bits of chance in URL-safe letters."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def new_number(*, bits: int) -> int:
    """A number of so many bits that cannot be guessed."""
    return secrets.randbits(bits)


class Passwords:
    """Hashes and checks passwords, in threads, a few at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Argon2id with the library's recommended cost, unless told to spend less."""
        self._hasher = hasher or PasswordHasher()
        self._gate = asyncio.Semaphore(PASSWORD_CHECKS_AT_ONCE)
        self._asked = 0
        self._nobody = self._hasher.hash(new_token())

    async def hashed(self, password: str) -> str:
        """What to store for a password. Refuses `too_busy`."""
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether the password is the stored one. Takes the same time where nothing is stored, and says no.

        Refuses `too_busy`.
        """
        async with self._turn():
            is_right = await asyncio.to_thread(self._verify, stored or self._nobody, password)
        return is_right and stored is not None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One of the few places at the work, in the order of asking; a bounded number may wait for one.

        Rule: SESSION-7
        """
        if self._asked >= PASSWORD_CHECKS_AT_ONCE + PASSWORD_CHECKS_WAITING_MAX:
            raise Refusal(
                "too_busy",
                "Too many passwords are being checked at this moment. Try again in a few seconds.",
                retry_after_seconds=str(TOO_BUSY_SECONDS),
            )
        self._asked += 1
        try:
            async with self._gate:
                yield
        finally:
            self._asked -= 1

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
