"""A mail server on the loopback that keeps what it is given, with or without encryption and a sign-in."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bursar.outside.clock import SystemClock

USERNAME, PASSWORD = "bursar", "p@ss word"


@dataclass
class Mailbox:
    """What a mail server was given, and how it answers to recipients."""

    port: int = 0
    refuses_recipients: bool = False
    is_stuck: bool = False
    senders: list[str] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    messages: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    signed_in: list[bool] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def recipient(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuses_recipients:
            return f"550 no such user: {address}"
        if self.is_stuck:
            await asyncio.Event().wait()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def content(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.SMTP)
        assert isinstance(message, EmailMessage)
        self.senders.append(envelope.mail_from or "")
        self.recipients.append(envelope.rcpt_tos)
        self.messages.append(message)
        self.raw.append(content)
        self.signed_in.append(session.authenticated is True)
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    def text(self, number: int = -1) -> str:
        """The plain text of a mail."""
        part = self.messages[number].get_body(("plain",))
        assert isinstance(part, EmailMessage)
        return str(part.get_content())

    def html(self, number: int = -1) -> str:
        """The other form of the same."""
        part = self.messages[number].get_body(("html",))
        assert isinstance(part, EmailMessage)
        return str(part.get_content())


@dataclass(frozen=True)
class Certificate:
    """A key and a certificate for 127.0.0.1 that nobody but the test believes."""

    path: Path

    def of_server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path)
        return context

    def believed(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.path))


def _check_password(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
    assert isinstance(login, LoginPassword)
    is_right = (login.login, login.password) == (USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)


@asynccontextmanager
async def mail_server(*, certificate: Certificate | None = None, needs_sign_in: bool = False) -> AsyncIterator[Mailbox]:
    """Listens until the block ends; with a certificate it offers STARTTLS."""
    mailbox = Mailbox()
    # The library looks these up by the names of SMTP's commands.
    handler = SimpleNamespace(handle_RCPT=mailbox.recipient, handle_DATA=mailbox.content)
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        return SMTP(
            handler,
            hostname="mail.test",
            enable_SMTPUTF8=True,
            tls_context=certificate.of_server() if certificate else None,
            authenticator=_check_password if needs_sign_in else None,
            auth_required=needs_sign_in,
            loop=loop,
        )

    server = await loop.create_server(session, "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()


def make_certificate(folder: Path) -> Certificate:
    """Writes a new one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Certificate(path)
