"""Handing mail to a server: encryption, signing in, and every way it can fail."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path

import pytest

from bursar.config import CannotStart, read_settings
from bursar.domain.invitations import MAIL_FAULTS, Letter
from bursar.outside.mail import Encryption, Mailer, MailFailed, MailServer, parse_sender, parse_smtp_url
from tests.support.mailboxes import PASSWORD, USERNAME, Mailbox, mail_server, make_certificate

LETTER = Letter("Grüße", "Guten Tag\n", "<p>Guten Tag</p>\n")
NOW = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)


def mailer_to(
    mailbox: Mailbox, encryption: Encryption, *, trust: ssl.SSLContext | None = None, **server: str
) -> Mailer:
    where = MailServer("127.0.0.1", mailbox.port, server.get("username"), server.get("password"), encryption=encryption)
    return Mailer(where, Address("Bürsar", "bursar", "example.com"), timeout_seconds=5, trust=trust)


async def test_it_encrypts_and_signs_in_where_the_url_says_so(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    async with mail_server(certificate=certificate, needs_sign_in=True) as mailbox:
        mailer = mailer_to(
            mailbox, Encryption.STARTTLS, trust=certificate.believed(), username=USERNAME, password=PASSWORD
        )

        await mailer.send(LETTER, to="eve@example.com", now=NOW)

    assert (mailbox.encrypted, mailbox.signed_in) == ([True], [True])
    assert mailbox.messages[0]["Subject"] == "Grüße"
    assert mailbox.messages[0]["From"] == "Bürsar <bursar@example.com>"
    assert mailbox.messages[0]["Date"] == "Sun, 01 Mar 2026 09:05:00 +0000"
    assert mailbox.raw[0].isascii()


async def test_it_says_nothing_to_a_server_without_encryption_or_with_a_certificate_nobody_knows(
    tmp_path: Path,
) -> None:
    async with mail_server() as open_server, mail_server(certificate=make_certificate(tmp_path)) as unknown:
        for mailbox in (open_server, unknown):
            with pytest.raises(MailFailed, match="not_secure"):
                await mailer_to(mailbox, Encryption.STARTTLS).send(LETTER, to="eve@example.com", now=NOW)
        with pytest.raises(MailFailed, match="not_secure"):
            await mailer_to(open_server, Encryption.AT_ONCE).send(LETTER, to="eve@example.com", now=NOW)

    assert open_server.messages == unknown.messages == []


async def test_offered_encryption_is_taken_and_missed_encryption_forgiven_only_if_the_url_says_so(
    tmp_path: Path,
) -> None:
    certificate = make_certificate(tmp_path)
    async with mail_server() as plain, mail_server(certificate=certificate) as encrypted:
        for mailbox in (plain, encrypted):
            mailer = mailer_to(mailbox, Encryption.STARTTLS_IF_OFFERED, trust=certificate.believed())
            await mailer.send(LETTER, to="eve@example.com", now=NOW)

    assert (plain.encrypted, encrypted.encrypted) == ([False], [True])


async def test_a_wrong_password_is_told_apart(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    async with mail_server(certificate=certificate, needs_sign_in=True) as mailbox:
        mailer = mailer_to(
            mailbox, Encryption.STARTTLS, trust=certificate.believed(), username=USERNAME, password="wrong"
        )

        with pytest.raises(MailFailed, match="sign_in_refused"):
            await mailer.send(LETTER, to="eve@example.com", now=NOW)


async def test_a_server_that_says_nothing_is_given_up() -> None:
    stuck = asyncio.Event()

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stuck.wait()
        writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    where = MailServer("127.0.0.1", server.sockets[0].getsockname()[1], None, None, Encryption.NONE)
    mailer = Mailer(where, Address("", "bursar", "example.com"), timeout_seconds=0.2)

    with pytest.raises(MailFailed, match="timed_out"):
        await mailer.send(LETTER, to="eve@example.com", now=NOW)

    stuck.set()
    server.close()


async def test_addresses_in_other_alphabets_arrive() -> None:
    async with mail_server() as mailbox:
        mailer = mailer_to(mailbox, Encryption.NONE)

        await mailer.send(LETTER, to="eve@bücher.example", now=NOW)
        await mailer.send(LETTER, to="jörg@bücher.example", now=NOW)

    assert mailbox.recipients == [["eve@xn--bcher-kva.example"], ["jörg@xn--bcher-kva.example"]]


@pytest.mark.parametrize(
    "address", ["eve@example.com\r\nRCPT TO:<x@y.zz>", "a>b@example.com", "<eve@example.com>", "eve@exa mple.com", "@"]
)
async def test_what_is_no_address_reaches_no_server(address: str) -> None:
    async with mail_server() as mailbox:
        with pytest.raises(MailFailed, match="address_refused"):
            await mailer_to(mailbox, Encryption.NONE).send(LETTER, to=address, now=NOW)

    assert mailbox.messages == []


async def test_a_letter_with_a_line_break_in_its_subject_is_not_sent() -> None:
    forged = Letter("Hello\r\nBcc: all@example.com", "", "")
    async with mail_server() as mailbox:
        with pytest.raises(MailFailed):
            await mailer_to(mailbox, Encryption.NONE).send(forged, to="eve@example.com", now=NOW)

    assert mailbox.messages == []


def test_every_fault_that_is_told_has_a_sentence() -> None:
    source = (Path(__file__).parents[2] / "src/bursar/outside/mail.py").read_text()

    assert all(f'"{fault}"' in source for fault in MAIL_FAULTS)
    assert all(sentence.endswith(".") for sentence in MAIL_FAULTS.values())


def test_what_a_url_says() -> None:
    assert parse_smtp_url("smtp://us%40er:p%3Ass@mail.example.com") == MailServer(
        "mail.example.com", 587, "us@er", "p:ss", Encryption.STARTTLS
    )
    assert parse_smtp_url("smtps://mail.example.com/") == MailServer(
        "mail.example.com", 465, None, None, Encryption.AT_ONCE
    )
    assert parse_smtp_url("smtp://[::1]:25?starttls=never").host == "::1"
    assert parse_smtp_url("smtp://relay:25?starttls=offered").encryption is Encryption.STARTTLS_IF_OFFERED


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "https://mail.example.com",
        "smtp://",
        "smtp://host:port",
        "smtp://host/path",
        "smtp://secret:hunter2@host?starttls=never",
        "smtp://secret:hunter2@host?starttls=offered",
        "smtp://host?starttls=perhaps",
        "smtps://host?starttls=never",
        "smtp://[host",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURSAR_SMTP_URL", url)

    with pytest.raises(CannotStart) as stopped:
        read_settings()

    assert "BURSAR_SMTP_URL" in stopped.value.sentence
    assert "hunter2" not in stopped.value.sentence


@pytest.mark.parametrize("sender", ["bursar", "a@b@c", "x@y.z\r\nBcc: a@b.cc", "jörg@example.com", "", "Bursar <>"])
def test_a_sender_that_cannot_be_used_is_refused(sender: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_sender(sender)


def test_a_sender_may_have_a_name() -> None:
    assert parse_sender("Bursar of Acme <bursar@example.com>").display_name == "Bursar of Acme"
    assert parse_sender("bursar@example.com").addr_spec == "bursar@example.com"


@pytest.mark.parametrize(
    "url",
    ["credits.example.com", "ftp://x.example", "https://x.example/path", "https://a:b@x.example", "https://x:99999"],
)
def test_a_public_url_that_is_no_site_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURSAR_PUBLIC_URL", url)

    with pytest.raises(CannotStart, match="BURSAR_PUBLIC_URL"):
        read_settings()


def test_mail_that_is_half_set_up_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURSAR_SMTP_URL", "smtp://mail.example.com")
    monkeypatch.setenv("BURSAR_MAIL_FROM", "bursar@example.com")

    with pytest.raises(CannotStart, match="where their links lead"):
        read_settings()

    monkeypatch.setenv("BURSAR_PUBLIC_URL", "https://credits.example.com/")
    assert read_settings().public_url == "https://credits.example.com"
