"""Sending mail through the operator's SMTP server, or saying in a word why that failed.

Nothing here logs an address, a subject or a text. What letters say is in the domain.
"""

from __future__ import annotations

import asyncio
import email.policy
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
import structlog

from bursar.domain.invitations import Letter
from bursar.outside.identity import new_uuid

log = structlog.get_logger("bursar.mail")

MAILS_AT_ONCE = 8
"""Connections to the mail server at a time; whoever sends more waits, within the same time-out."""
QUIT_TIMEOUT_SECONDS = 2.0
"""How long to wait for a goodbye; the mail is taken by then."""


class Encryption(StrEnum):
    """How a connection to the mail server is protected."""

    AT_ONCE = "at once"
    STARTTLS = "required"
    STARTTLS_IF_OFFERED = "offered"
    NONE = "never"


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over, and how."""

    host: str
    port: int
    username: str | None
    password: str | None
    encryption: Encryption


def parse_smtp_url(url: str) -> MailServer:
    """The server that `smtp://user:password@host:587` or `smtps://…` names. `smtp` upgrades to TLS before it says
    anything, and gives up where it cannot, unless the URL ends with `?starttls=offered` or `?starttls=never`.

    Raises `ValueError` with a reason that holds no part of the URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("must look like smtp://user:password@host:587") from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise ValueError("must look like smtp://user:password@host:587 or smtps://user:password@host:465")
    encryption = _encryption(parts.scheme, parts.query)
    if parts.username and encryption in (Encryption.STARTTLS_IF_OFFERED, Encryption.NONE):
        raise ValueError("must not send a password without encryption: leave out starttls=, or the user")
    return MailServer(
        host=parts.hostname,
        port=port or (465 if encryption is Encryption.AT_ONCE else 587),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or "") if parts.username else None,
        encryption=encryption,
    )


def _encryption(scheme: str, query: str) -> Encryption:
    options = parse_qs(query, keep_blank_values=True)
    if scheme == "smtps":
        if options:
            raise ValueError("takes no options after smtps://")
        return Encryption.AT_ONCE
    wanted = options.pop("starttls", ["required"])
    if options or wanted not in (["required"], ["offered"], ["never"]):
        raise ValueError("takes no other option than ?starttls=required, offered or never")
    return Encryption(wanted[0])


def parse_sender(text: str) -> Address:
    """The sender that `Bursar <bursar@acme.example>` or a bare address names. Raises `ValueError`."""
    if not text.isprintable():
        raise ValueError("must be one line")
    name, address = parseaddr(text)
    if address.count("@") != 1 or not address.isascii():
        raise ValueError("must be an email address, or look like Bursar <bursar@acme.example>")
    try:
        return Address(name, addr_spec=address)
    except (MessageError, ValueError, IndexError):
        raise ValueError("must be an email address, or look like Bursar <bursar@acme.example>") from None


class MailFailed(Exception):
    """The mail was not sent; `fault` is a code of `domain/invitations.MAIL_FAULTS`."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


class Mailer:
    """Hands letters to one mail server, a few at a time, each in a connection of its own."""

    def __init__(
        self, server: MailServer, sender: Address, *, timeout_seconds: float, trust: ssl.SSLContext | None = None
    ) -> None:
        """`trust` says which certificates are believed; by default those that the machine believes."""
        self._server = server
        self._sender = sender
        self._timeout_seconds = timeout_seconds
        self._trust = trust
        self._gate = asyncio.Semaphore(MAILS_AT_ONCE)

    async def send(self, letter: Letter, *, to: str, now: datetime) -> None:
        """Returns when the server has taken the letter, and raises `MailFailed` when it has not, or not in time."""
        try:
            async with asyncio.timeout(self._timeout_seconds), self._gate:
                await self._hand_over(letter, to=to, now=now)
        except (MailFailed, aiosmtplib.SMTPException, OSError, MessageError, ValueError) as error:
            fault = error.fault if isinstance(error, MailFailed) else _fault_of(error)
            # The answer of a server may repeat the address, so only its number is told.
            log.warning("mail not sent", fault=fault, error=type(error).__name__, code=getattr(error, "code", None))
            raise MailFailed(fault) from error

    async def _hand_over(self, letter: Letter, *, to: str, now: datetime) -> None:
        recipient = _mailable(to)
        message = _message(letter, sender=self._sender, recipient=recipient, now=now)
        is_international = not recipient.addr_spec.isascii()
        policy = email.policy.SMTPUTF8 if is_international else email.policy.SMTP
        client = self._client()
        try:
            await self._connect(client)
            await client.sendmail(
                self._sender.addr_spec,
                [recipient.addr_spec],
                message.as_bytes(policy=policy),
                mail_options=["SMTPUTF8"] if is_international else [],
            )
            with suppress(aiosmtplib.SMTPException):
                await client.quit(timeout=QUIT_TIMEOUT_SECONDS)
        finally:
            client.close()

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            local_hostname=self._sender.domain,
            timeout=self._timeout_seconds,
            use_tls=self._server.encryption is Encryption.AT_ONCE,
            start_tls=False,
            tls_context=self._trust,
        )

    async def _connect(self, client: aiosmtplib.SMTP) -> None:
        """Connects, encrypts, and only then says who we are."""
        await client.connect()
        if self._server.encryption in (Encryption.STARTTLS, Encryption.STARTTLS_IF_OFFERED):
            await client.ehlo()
            if client.supports_extension("starttls"):
                await client.starttls()
            elif self._server.encryption is Encryption.STARTTLS:
                raise MailFailed("not_secure")
        if self._server.username is not None:
            await client.login(self._server.username, self._server.password or "")


def _mailable(address: str) -> Address:
    """The address as mail servers take it, its domain in ASCII. Raises `MailFailed` for what cannot be one."""
    local, _, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
        # The library takes letters of other alphabets only unchecked, so the check is made with an x for each of them.
        Address(addr_spec=f"{''.join(letter if letter.isascii() else 'x' for letter in local)}@{ascii_domain}")
        return Address(username=local, domain=ascii_domain)
    except (MessageError, ValueError, IndexError) as error:
        raise MailFailed("address_refused") from error


def _message(letter: Letter, *, sender: Address, recipient: Address, now: datetime) -> EmailMessage:
    """The letter with its headers. The policy refuses a header with a line break, so nothing can be added to them.

    Rule: INVITATION-8
    """
    message = EmailMessage(policy=email.policy.SMTP.clone(cte_type="7bit"))
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{new_uuid().hex}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _fault_of(error: Exception) -> str:
    """Why it failed, in a code of `MAIL_FAULTS`; the first that fits."""
    if isinstance(error.__cause__, ssl.SSLError):
        return "not_secure"
    kinds: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
        ((aiosmtplib.SMTPTimeoutError, TimeoutError), "timed_out"),
        ((ssl.SSLError, aiosmtplib.SMTPNotSupported), "not_secure"),
        (aiosmtplib.SMTPAuthenticationError, "sign_in_refused"),
        (aiosmtplib.SMTPSenderRefused, "sender_refused"),
        (
            (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPRecipientRefused, MessageError, ValueError),
            "address_refused",
        ),
        (aiosmtplib.SMTPConnectResponseError, "refused"),
        ((OSError, aiosmtplib.SMTPServerDisconnected), "unreachable"),
    )
    return next((fault for kind, fault in kinds if isinstance(error, kind)), "refused")
