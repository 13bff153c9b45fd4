"""docs/rules/invitations.md over HTTP: sending invitations. Mail and acceptance have pages of their own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bursar.domain.invitations import Course, InvitationState, check_may_invite
from bursar.domain.permissions import Actor
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Role
from bursar.reports.invitations import see_invitations
from tests.support.inviting import EVE, accepted, code_of, invited, kinds_of_events, looked_up, token_in
from tests.support.offices import PASSWORD, TestOffice
from tests.support.rows import rows_of_everything

DAYS = timedelta(days=1)


# ------------------------------------------------------------------ sending, sending again, taking back


@pytest.mark.rule("INVITATION-2")
async def test_an_address_with_an_account_is_not_invited_nor_one_that_is_invited_already(house: TestOffice) -> None:
    await house.tenant("Acme")
    await house.tenant("Globex")
    admin = await house.signed_in("acme-admin")
    first = await invited(admin)
    before = await rows_of_everything(house)

    elsewhere = await admin.post("/api/v1/invitations", json={"email": "Globex-Member@example.com"})
    twice = await admin.post("/api/v1/invitations", json={"email": " EVE@example.com "})
    no_address = await admin.post("/api/v1/invitations", json={"email": "eve"})

    assert code_of(elsewhere) == (409, "name_taken")
    assert code_of(twice) == (409, "already_invited")
    assert twice.json()["facts"] == {"invitation_id": first["invitation"]["id"]}
    assert code_of(no_address) == (422, "invalid_input")
    assert await rows_of_everything(house) == before


@pytest.mark.rule("INVITATION-2")
async def test_of_invitations_of_one_address_that_arrive_together_one_is_sent(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    answers = await asyncio.gather(*(admin.post("/api/v1/invitations", json={"email": EVE}) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    (sent,) = [answer.json() for answer in answers if answer.status_code == 201]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {problem["code"] for problem in refused} == {"already_invited"}
    assert {problem["facts"]["invitation_id"] for problem in refused} == {sent["invitation"]["id"]}


@pytest.mark.rule("INVITATION-2")
async def test_an_expired_invitation_makes_way_for_a_new_one(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    old = await invited(admin)
    house.clock.turn(8 * DAYS)
    admin = await house.signed_in("acme-admin")

    new = await invited(admin, role="admin")

    assert new["invitation"]["id"] != old["invitation"]["id"]
    assert code_of(await looked_up(house, token_in(old))) == (409, "invitation_revoked")
    assert (await looked_up(house, token_in(new))).status_code == 200
    assert await kinds_of_events(house, place, "invitation") == [
        "invitation_sent", "invitation_revoked", "invitation_sent",
    ]  # fmt: skip


@pytest.mark.rule("INVITATION-5")
async def test_sending_again_kills_the_link_before_and_begins_the_time_anew(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    first = await invited(admin, note="Eve starts on Monday")
    house.clock.turn(6 * DAYS)
    admin = await house.signed_in("acme-admin")
    resend = f"/api/v1/invitations/{first['invitation']['id']}/resend"
    second = (await admin.post(resend)).json()
    house.clock.turn(2 * DAYS)

    dead = await accepted(house.visitor(), token_in(first))
    alive = await looked_up(house, token_in(second))
    house.clock.turn(6 * DAYS)
    admin = await house.signed_in("acme-admin")
    expired = await looked_up(house, token_in(second))
    third = await admin.post(resend, json={"delivery": "link"})

    assert code_of(dead) == (404, "invitation_unknown")
    assert alive.status_code == 200
    assert code_of(expired) == (409, "invitation_expired")
    assert third.json()["invitation"]["state"] == "open"
    assert (await accepted(house.visitor(), token_in(third.json()))).status_code == 201
    assert code_of(await admin.post(resend)) == (409, "invitation_used")
    assert await kinds_of_events(house, place, "invitation") == [
        "invitation_sent", "invitation_resent", "invitation_resent", "invitation_accepted",
    ]  # fmt: skip


@pytest.mark.rule("INVITATION-5")
async def test_what_was_taken_back_stays_so_and_what_was_accepted_cannot_be_taken_back(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    back, used = await invited(admin, "back@example.com"), await invited(admin)
    address = f"/api/v1/invitations/{back['invitation']['id']}"

    assert (await admin.delete(address)).status_code == 204
    before = await rows_of_everything(house)
    assert (await admin.delete(address)).status_code == 204
    assert await rows_of_everything(house) == before
    again = await admin.post(f"{address}/resend")
    assert (await accepted(house.visitor(), token_in(used))).status_code == 201
    late = await admin.delete(f"/api/v1/invitations/{used['invitation']['id']}")

    assert code_of(again) == (409, "invitation_revoked")
    assert code_of(late) == (409, "invitation_used")
    assert (await invited(admin, "back@example.com"))["invitation"]["state"] == "open"
    assert (await kinds_of_events(house, place, "invitation")).count("invitation_revoked") == 1


@pytest.mark.rule("INVITATION-5")
async def test_an_acceptance_and_a_revocation_that_race_leave_one_of_the_two(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    for number in range(4):
        answer = await invited(admin, f"eve{number}@example.com")
        joined, revoked = await asyncio.gather(
            accepted(house.visitor(), token_in(answer), username=f"eve{number}"),
            admin.delete(f"/api/v1/invitations/{answer['invitation']['id']}"),
        )
        outcomes = (joined.status_code, revoked.status_code)
        assert outcomes in ((201, 409), (409, 204)), (joined.text, revoked.text)


# ------------------------------------------------------------------ who may


@pytest.mark.rule("INVITATION-1")
async def test_who_may_invite_whom(house: TestOffice) -> None:
    place = await house.tenant()
    tenant_admin, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    root = await house.super_admin()
    draft = {"username": "ada", "display_name": "Ada", "password": PASSWORD, "role": "admin"}
    await tenant_admin.post("/api/v1/members", json=draft)
    admin = await house.signed_in("ada")
    there = {"tenant_id": place.tenant_id}

    for client, params, allowed in (
        (root, there, {"tenant_admin"}),
        (tenant_admin, {}, {"admin", "member"}),
        (admin, {}, {"admin", "member"}),
        (member, {}, set[str]()),
    ):
        for role in ("tenant_admin", "admin", "member"):
            body = {"email": f"{role}{id(client)}@example.com", "role": role}
            response = await client.post("/api/v1/invitations", json=body, params=params)
            if role in allowed:
                assert response.status_code == 201
            else:
                assert code_of(response) == (403, "not_permitted")

    unnamed = await root.post("/api/v1/invitations", json={"email": EVE, "role": "tenant_admin"})
    nowhere = await root.post(
        "/api/v1/invitations", json={"email": EVE, "role": "tenant_admin"}, params={"tenant_id": f"ten_{7:032x}"}
    )
    assert code_of(unnamed) == (422, "invalid_input")
    assert code_of(nowhere) == (404, "tenant_unknown")


@pytest.mark.rule("INVITATION-1")
async def test_a_tenant_admin_who_was_invited_runs_the_tenant(house: TestOffice) -> None:
    place = await house.tenant()
    root = await house.super_admin()
    response = await root.post(
        "/api/v1/invitations", json={"email": EVE, "role": "tenant_admin"}, params={"tenant_id": place.tenant_id}
    )
    ours = await house.signed_in("acme-admin")
    (listed,) = (await ours.get("/api/v1/invitations")).json()["invitations"]
    address = f"/api/v1/invitations/{listed['id']}"

    assert code_of(await ours.post(f"{address}/resend")) == (403, "not_permitted")
    assert code_of(await ours.delete(address)) == (403, "not_permitted")
    visitor = house.visitor()
    joined = await accepted(visitor, token_in(response.json()))

    assert listed["invited_by_name"] == "Super admin"
    assert listed["invited_by"].startswith("adm_")
    assert joined.json()["role"] == "tenant_admin"
    session = (await visitor.get("/api/v1/session")).json()
    assert session["role"] == "tenant_admin"
    member = (await ours.get(f"/api/v1/members/{joined.json()['member_id']}")).json()
    assert (member["remaining"], member["extra"]) == (None, None)


@pytest.mark.rule("INVITATION-1")
async def test_another_tenants_invitations_are_unknown(house: TestOffice) -> None:
    await house.tenant("Acme")
    await house.tenant("Globex")
    ours, theirs = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    answer = await invited(theirs)
    address = f"/api/v1/invitations/{answer['invitation']['id']}"
    their_group = (await theirs.get("/api/v1/groups")).json()["groups"][0]["id"]
    before = await rows_of_everything(house)

    assert code_of(await ours.post(f"{address}/resend")) == (404, "invitation_unknown")
    assert code_of(await ours.delete(address)) == (404, "invitation_unknown")
    strange = await ours.post("/api/v1/invitations", json={"email": "x@example.com", "group_id": their_group})

    assert code_of(strange) == (404, "group_unknown")
    assert (await ours.get("/api/v1/invitations")).json() == {"invitations": [], "total": 0, "next_cursor": None}
    assert await rows_of_everything(house) == before


# ------------------------------------------------------------------ repeats, and the list


@pytest.mark.rule("INVITATION-6")
async def test_the_same_request_again_shows_the_same_link(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")

    async def sent() -> httpx.Response:
        headers = {"Idempotency-Key": "one"}
        return await admin.post("/api/v1/invitations", json={"email": EVE}, headers=headers)

    answers = await asyncio.gather(*(sent() for _ in range(3)))
    assert (await accepted(house.visitor(), token_in(answers[0].json()))).status_code == 201
    late = await sent()

    assert {answer.content for answer in answers} == {late.content}
    assert late.headers["Idempotent-Replayed"] == "true"
    assert late.json()["delivery"] == "link"
    resend = f"/api/v1/invitations/{(await invited(admin, 'two@example.com'))['invitation']['id']}/resend"
    first = await admin.post(resend, headers={"Idempotency-Key": "two"})
    second = await admin.post(resend, headers={"Idempotency-Key": "two"})
    assert first.content == second.content
    assert (await looked_up(house, token_in(first.json()))).status_code == 200


@pytest.mark.rule("INVITATION-4")
async def test_the_list_shows_one_state_newest_first_page_by_page(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    await invited(admin, "expired@example.com")
    house.clock.turn(8 * DAYS)
    admin = await house.signed_in("acme-admin")
    back = await invited(admin, "back@example.com")
    await admin.delete(f"/api/v1/invitations/{back['invitation']['id']}")
    await accepted(house.visitor(), token_in(await invited(admin, "in@example.com")))
    for number in range(5):
        await invited(admin, f"open{number}@example.com")

    async def page(**params: Any) -> dict[str, Any]:
        document: dict[str, Any] = (await admin.get("/api/v1/invitations", params=params)).json()
        return document

    first = await page(limit=3)
    second = await page(limit=3, cursor=first["next_cursor"])

    emails = [row["email"] for row in first["invitations"] + second["invitations"]]
    assert emails == [f"open{number}@example.com" for number in (4, 3, 2, 1, 0)]
    assert (first["total"], second["total"], second["next_cursor"]) == (5, 5, None)
    for state, email in (("expired", "expired"), ("revoked", "back"), ("accepted", "in")):
        (row,) = (await page(state=state))["invitations"]
        assert (row["email"], row["state"]) == (f"{email}@example.com", state)
        assert row["invited_by_name"] == "Acme Admin"
        assert (row["member_id"] is not None) == (state == "accepted")
    assert (await admin.get("/api/v1/invitations", params={"state": "lost"})).status_code == 422
    assert (await admin.get("/api/v1/invitations", params={"cursor": "bm90"})).status_code == 422


@pytest.mark.rule("INVITATION-4")
async def test_the_list_and_the_rule_agree_on_the_state(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    answer = await invited(admin)
    expires_at = datetime.fromisoformat(answer["invitation"]["expires_at"])

    for moment in (expires_at - timedelta(microseconds=1), expires_at, expires_at + timedelta(microseconds=1)):
        rule = Course(expires_at, None, None).state(moment)
        for state in InvitationState:
            page = await see_invitations(
                house.desk.tenants, place.tenant.tenant_id, state, moment, before=None, limit=2
            )
            assert page.total == len(page.rows) == (1 if state is rule else 0)


def test_final_states_stay_when_the_time_is_over() -> None:
    end = datetime(2026, 1, 1, tzinfo=UTC)

    assert Course(end, None, end).state(end + DAYS) is InvitationState.ACCEPTED
    assert Course(end, end - DAYS, None).state(end + DAYS) is InvitationState.REVOKED


def test_nobody_joins_as_the_system() -> None:
    with pytest.raises(Refusal, match="role must be"):
        check_may_invite(Actor(Role.SYSTEM, None, None, "Bursar"), Role.SUPER_ADMIN)
