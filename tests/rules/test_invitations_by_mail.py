"""Invitations where mail is set up: what is mailed, what the inviter sees, and what happens when it fails."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bursar.compose import mailer_of
from bursar.config import CannotStart, check_mail_is_whole
from bursar.domain.invitations import Summons, write_letter
from bursar.domain.roles import Role
from tests.support.mailboxes import Mailbox, mail_server
from tests.support.offices import PASSWORD, TestOffice, running_office, settings_for
from tests.support.postgres import FreshDatabase

SITE = "https://credits.example.com"
EVE = "eve@example.com"


def mail_settings(port: int, **chosen: Any) -> dict[str, Any]:
    """Mail by a relay on this machine."""
    return {
        "smtp_url": f"smtp://127.0.0.1:{port}?starttls=never",
        "mail_from": "Bursar <bursar@example.com>",
        "public_url": f"{SITE}/",
        **chosen,
    }


@asynccontextmanager
async def house_with_mail(fresh: FreshDatabase) -> AsyncIterator[tuple[TestOffice, Mailbox]]:
    async with mail_server() as mailbox, running_office(fresh, **mail_settings(mailbox.port)) as house:
        yield house, mailbox


async def listed(client: httpx.AsyncClient) -> dict[str, Any]:
    """The one open invitation."""
    (row,) = (await client.get("/api/v1/invitations")).json()["invitations"]
    assert isinstance(row, dict)
    return row


def token_in(text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(f"{SITE}/invite#")]
    return line.removeprefix(f"{SITE}/invite#")


@pytest.mark.rule("INVITATION-6")
async def test_the_link_is_mailed_and_not_shown_and_lets_the_person_in(fresh_database: FreshDatabase) -> None:
    async with house_with_mail(fresh_database) as (house, mailbox):
        await house.tenant("Acme & Söhne")
        admin = await house.signed_in("acme-admin")

        answer = (await admin.post("/api/v1/invitations", json={"email": EVE})).json()

        assert (answer["delivery"], answer["link"]) == ("mail", None)
        assert mailbox.recipients == [[EVE]]
        assert mailbox.senders == ["bursar@example.com"]
        message = mailbox.messages[0]
        assert message["From"] == "Bursar <bursar@example.com>"
        assert message["To"] == EVE
        assert message["Subject"] == "You are invited to join Acme & Söhne"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Message-ID"].endswith("@example.com>")
        assert abs(parsedate_to_datetime(message["Date"]) - house.clock.now()) < timedelta(minutes=1)
        assert "invites you to join Acme & Söhne" in mailbox.text()
        assert "Acme &amp; Söhne" in mailbox.html()
        token = token_in(mailbox.text())
        assert f'<a href="{SITE}/invite#{token}">' in mailbox.html()
        row = await listed(admin)
        assert row["mailed_at"] is not None
        assert row["mail_fault"] is None
        joined = await house.visitor().post(
            "/api/v1/invitation-acceptance", json={"token": token, "username": "eve", "password": PASSWORD}
        )
        assert joined.status_code == 201


@pytest.mark.rule("INVITATION-6")
async def test_a_request_sent_again_gets_its_answer_and_sends_no_second_mail(fresh_database: FreshDatabase) -> None:
    async with house_with_mail(fresh_database) as (house, mailbox):
        await house.tenant()
        admin = await house.signed_in("acme-admin")

        async def sent() -> httpx.Response:
            return await admin.post("/api/v1/invitations", json={"email": EVE}, headers={"Idempotency-Key": "one"})

        answers = await asyncio.gather(*(sent() for _ in range(3)))
        late = await sent()

        assert {answer.content for answer in answers} == {late.content}
        assert len(mailbox.messages) == 1


@pytest.mark.rule("INVITATION-6")
async def test_a_mail_that_fails_undoes_nothing_and_the_link_can_be_shown_instead(
    fresh_database: FreshDatabase,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port_of_nobody = taken.getsockname()[1]
    async with running_office(fresh_database, **mail_settings(port_of_nobody)) as house:
        await house.tenant()
        admin = await house.signed_in("acme-admin")

        with capture_logs() as lines:
            answer = await admin.post("/api/v1/invitations", json={"email": EVE})
        row = await listed(admin)
        resend = f"/api/v1/invitations/{row['id']}/resend"
        shown = await admin.post(resend, json={"delivery": "link"})

        assert (answer.status_code, answer.json()["delivery"], answer.json()["link"]) == (201, "mail", None)
        assert (row["mailed_at"], row["mail_fault"]) == (None, "The mail server could not be reached.")
        (warning,) = [line for line in lines if line["event"] == "mail not sent"]
        assert warning["fault"] == "unreachable"
        assert EVE not in str(lines)
        assert shown.json()["delivery"] == "link"
        token = token_in(shown.json()["link"])
        found = await house.visitor().post("/api/v1/invitation-look-up", json={"token": token})
        assert found.status_code == 200
        row = await listed(admin)
        assert (row["mailed_at"], row["mail_fault"]) == (None, None)


@pytest.mark.rule("INVITATION-6")
async def test_sending_again_mails_the_new_link(fresh_database: FreshDatabase) -> None:
    async with house_with_mail(fresh_database) as (house, mailbox):
        await house.tenant()
        admin = await house.signed_in("acme-admin")
        mailbox.refuses_recipients = True
        await admin.post("/api/v1/invitations", json={"email": EVE})
        refused = await listed(admin)
        mailbox.refuses_recipients = False

        again = (await admin.post(f"/api/v1/invitations/{refused['id']}/resend")).json()

        assert refused["mail_fault"] == "The mail server does not take mail to this address."
        assert (again["delivery"], again["link"]) == ("mail", None)
        row = await listed(admin)
        assert row["mailed_at"] is not None
        assert row["mail_fault"] is None
        found = await house.visitor().post("/api/v1/invitation-look-up", json={"token": token_in(mailbox.text())})
        assert found.status_code == 200


@pytest.mark.rule("INVITATION-6")
async def test_what_became_of_an_older_mail_is_not_told_of_a_newer_link(fresh_database: FreshDatabase) -> None:
    async with mail_server() as mailbox:
        settings = mail_settings(mailbox.port, smtp_timeout_seconds=2.0)
        async with running_office(fresh_database, **settings) as house:
            await house.tenant()
            admin = await house.signed_in("acme-admin")
            mailbox.is_stuck = True
            under_way = asyncio.create_task(admin.post("/api/v1/invitations", json={"email": EVE}))
            while not (page := (await admin.get("/api/v1/invitations")).json()["invitations"]):
                pass
            resend = f"/api/v1/invitations/{page[0]['id']}/resend"

            shown = await admin.post(resend, json={"delivery": "link"})
            assert (await under_way).status_code == 201

            assert shown.json()["delivery"] == "link"
            row = await listed(admin)
            assert (row["mailed_at"], row["mail_fault"]) == (None, None)


@pytest.mark.rule("INVITATION-6")
async def test_a_mailed_link_leads_to_the_configured_site_whatever_the_request_says(
    fresh_database: FreshDatabase,
) -> None:
    async with house_with_mail(fresh_database) as (house, mailbox):
        await house.tenant()
        admin = await house.signed_in("acme-admin")
        jar = "; ".join(f"{name}={value}" for name, value in admin.cookies.items())
        elsewhere = house.visitor(cookie=jar, host="evil.example")

        assert (await elsewhere.post("/api/v1/invitations", json={"email": EVE})).status_code == 201

        assert "evil.example" not in mailbox.raw[0].decode()
        assert token_in(mailbox.text())


@pytest.mark.rule("INVITATION-6")
async def test_mail_cannot_be_asked_for_where_none_is_set_up(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    answer = (await admin.post("/api/v1/invitations", json={"email": EVE})).json()

    refused = await admin.post(f"/api/v1/invitations/{answer['invitation']['id']}/resend", json={"delivery": "mail"})

    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "delivery")
    assert (await listed(admin))["expires_at"] == answer["invitation"]["expires_at"]


@pytest.mark.rule("INVITATION-6")
@pytest.mark.parametrize(("missing", "hint"), [("mail_from", "BURSAR_MAIL_FROM"), ("public_url", "BURSAR_PUBLIC_URL")])
def test_half_a_mail_setting_does_not_start(missing: str, hint: str) -> None:
    settings = settings_for(**mail_settings(25, **{missing: None}))

    for check in (check_mail_is_whole, mailer_of):
        with pytest.raises(CannotStart) as stopped:
            check(settings)
        assert "BURSAR_SMTP_URL" in stopped.value.sentence
        assert hint in stopped.value.hint
    assert mailer_of(settings_for()) is None
    assert mailer_of(settings_for(**mail_settings(25))) is not None


@pytest.mark.rule("INVITATION-8")
@pytest.mark.parametrize(
    "name", ['<img src=x onerror="alert(1)">', "Acme\r\nBcc: all@example.com", "A\u2028B", "=?x?="]
)
def test_a_name_can_neither_add_a_header_nor_markup(name: str) -> None:
    letter = write_letter(
        Summons(
            tenant_name=name,
            inviter_name=name,
            role=Role.MEMBER,
            link=f'{SITE}/invite#a"b',
            expires_at=datetime(2026, 3, 1, 9, 5, tzinfo=UTC),
        )
    )

    assert letter.subject.isprintable()
    assert "\nBcc" not in letter.text
    assert "<img" not in letter.html
    assert 'href="https://credits.example.com/invite#a&quot;b"' in letter.html
    assert "until 1 March 2026, 09:05 UTC" in letter.text
