"""docs/rules/invitations.md over HTTP: what a link opens, and who gets in by it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from bursar.db.transaction import writing
from tests.support.inviting import EVE, accepted, code_of, invited, looked_up, token_in
from tests.support.offices import PASSWORD, Place, TestOffice
from tests.support.rows import rows_of_everything

DAYS = timedelta(days=1)


# ------------------------------------------------------------------ from invitation to member


@pytest.mark.rule("INVITATION-9")
async def test_who_accepts_is_a_member_with_the_role_the_group_and_the_address_of_the_invitation(
    house: TestOffice,
) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    group = (await admin.post("/api/v1/groups", json={"name": "Research"})).json()
    token = token_in(await invited(admin, role="admin", group_id=group["id"]))

    visitor = house.visitor()
    glimpse = await looked_up(house, token)
    joined = await accepted(visitor, token)

    assert glimpse.json()["tenant_name"] == "Acme Robotics"
    assert set(glimpse.json()) == {"tenant_name", "email", "expires_at"}
    assert joined.status_code == 201
    session = (await visitor.get("/api/v1/session")).json()
    assert (session["person"]["username"], session["person"]["email"], session["role"]) == ("eve", EVE, "admin")
    member = (await admin.get(f"/api/v1/members/{joined.json()['member_id']}")).json()
    assert (member["status"], member["role"], member["group_id"]) == ("active", "admin", group["id"])
    assert (member["number"], member["display_name"], member["email"]) == (3, "eve", EVE)
    assert (await house.signed_in(EVE)).cookies
    await house.granted(place, "10")
    given = await admin.post("/api/v1/allocations", json={"member_id": member["id"], "amount": "5"})
    assert given.status_code == 201


@pytest.mark.rule("INVITATION-9")
async def test_without_a_group_and_where_the_group_is_gone_they_come_into_default(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    group = (await admin.post("/api/v1/groups", json={"name": "Research"})).json()
    ungrouped = await invited(admin, "one@example.com")
    answer = await invited(admin, "two@example.com", group_id=group["id"])
    assert (await admin.delete(f"/api/v1/groups/{group['id']}")).status_code == 200
    listed = (await admin.get("/api/v1/invitations")).json()["invitations"]

    first = await accepted(house.visitor(), token_in(ungrouped), username="one")
    second = await accepted(house.visitor(), token_in(answer), username="two", display_name=" ")

    assert [row["group_id"] for row in listed] == [None, place.group_id]
    for joined in (first, second):
        assert joined.status_code == 201
        member = (await admin.get(f"/api/v1/members/{joined.json()['member_id']}")).json()
        assert member["group_id"] == place.group_id
    assert second.json()["display_name"] == "two"


@pytest.mark.rule("INVITATION-9")
async def test_what_the_person_enters_is_checked_like_any_members_and_a_refusal_leaves_the_link_working(
    house: TestOffice,
) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    token = token_in(await invited(admin))
    before = await rows_of_everything(house)

    taken = await accepted(house.visitor(), token, username="acme-member")
    short = await accepted(house.visitor(), token, password="7seven7")
    nameless = await accepted(house.visitor(), token, username="e v e")
    other_address = await accepted(house.visitor(), token, email="other@example.com")

    assert code_of(taken) == (409, "name_taken")
    assert taken.json()["fields"][0]["field"] == "username"
    for response, name in ((short, "password"), (nameless, "username"), (other_address, "email")):
        assert code_of(response) == (422, "invalid_input")
        assert response.json()["fields"][0]["field"] == name
        assert token not in response.text
    assert await rows_of_everything(house) == before
    assert (await accepted(house.visitor(), token, password="8 eight8")).status_code == 201


@pytest.mark.rule("INVITATION-9")
async def test_an_address_that_was_taken_meanwhile_cannot_be_joined_with(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    token = token_in(await invited(admin))
    draft = {"username": "evelyn", "display_name": "Eve", "password": PASSWORD, "email": EVE.upper()}
    assert (await admin.post("/api/v1/members", json=draft)).status_code == 201

    joined = await accepted(house.visitor(), token)
    again = await admin.post(
        f"/api/v1/invitations/{(await admin.get('/api/v1/invitations')).json()['invitations'][0]['id']}/resend"
    )

    assert code_of(joined) == (409, "name_taken")
    assert joined.json()["fields"][0]["field"] == "email"
    assert code_of(again) == (409, "name_taken")


@pytest.mark.rule("INVITATION-3")
async def test_who_is_invited_is_no_member_and_receives_nothing(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "100")
    admin = await house.signed_in("acme-admin")
    answer = await invited(admin)

    members = (await admin.get("/api/v1/members")).json()
    groups = (await admin.get("/api/v1/groups")).json()["groups"]
    same_digits = answer["invitation"]["id"].replace("inv_", "mem_")
    given = await admin.post("/api/v1/allocations", json={"member_id": same_digits, "amount": "1"})

    assert members["total"] == 2
    assert EVE not in [member["email"] for member in members["members"]]
    assert groups[0]["member_count"] == 2
    assert code_of(given) == (404, "member_unknown")
    assert code_of(await house.visitor().post("/api/v1/session", json={"name": EVE, "password": PASSWORD})) == (
        401, "sign_in_failed",
    )  # fmt: skip


@pytest.mark.rule("INVITATION-3")
async def test_an_address_may_be_invited_by_two_tenants_and_joins_the_first_it_accepts(house: TestOffice) -> None:
    await house.tenant("Acme")
    await house.tenant("Globex")
    ours, theirs = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    first, second = token_in(await invited(ours)), token_in(await invited(theirs))

    joined = await accepted(house.visitor(), second)
    late = await accepted(house.visitor(), first, username="eve2")

    assert joined.json()["tenant_name"] == "Globex"
    assert code_of(late) == (409, "name_taken")


# ------------------------------------------------------------------ once, and by one person


@pytest.mark.rule("INVITATION-10")
async def test_of_acceptances_that_arrive_together_one_wins(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    token = token_in(await invited(admin))

    answers = await asyncio.gather(*(accepted(house.visitor(), token, username=f"eve{n}") for n in range(5)))

    won = [answer for answer in answers if answer.status_code == 201]
    assert len(won) == 1
    assert {code_of(answer) for answer in answers if answer not in won} == {(409, "invitation_used")}
    members = (await admin.get("/api/v1/members", params={"search": EVE})).json()["members"]
    assert [member["username"] for member in members] == [won[0].json()["username"]]
    assert code_of(await looked_up(house, token)) == (409, "invitation_used")


@pytest.mark.rule("INVITATION-11")
async def test_an_acceptance_whose_answer_was_lost_is_sent_again_and_signs_in(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    token = token_in(await invited(admin))
    first = await accepted(house.visitor(), token, "mine")

    visitor = house.visitor()
    again = await accepted(visitor, token, "mine")
    other = await accepted(house.visitor(), token, "mine", username="evelyn")
    stranger = await accepted(house.visitor(), token, "another")
    keyless = await accepted(house.visitor(), token)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await visitor.get("/api/v1/session")).json()["person"]["username"] == "eve"
    assert code_of(other) == (422, "key_reused")
    assert code_of(stranger) == code_of(keyless) == (409, "invitation_used")
    assert (await admin.get("/api/v1/members")).json()["total"] == 3


@pytest.mark.rule("INVITATION-11")
async def test_a_repetition_signs_nobody_in_who_may_not_sign_in(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    token = token_in(await invited(admin))
    assert (await accepted(house.visitor(), token, "mine")).status_code == 201
    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        await transaction.execute(
            "update members set status = 'disabled' where tenant_id = $1 and username = 'eve'", place.tenant.tenant_id
        )

    visitor = house.visitor()
    again = await accepted(visitor, token, "mine")

    assert code_of(again) == (403, "member_disabled")
    assert "set-cookie" not in again.headers


@pytest.mark.rule("INVITATION-10")
async def test_accepting_ends_the_session_the_browser_came_with(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    token = token_in(await invited(admin))
    keeper = house.visitor()
    keeper.cookies.update(dict(admin.cookies))

    assert (await accepted(admin, token)).status_code == 201

    assert (await admin.get("/api/v1/session")).json()["person"]["username"] == "eve"
    assert (await keeper.get("/api/v1/session")).status_code == 401


# ------------------------------------------------------------------ links that do not work


@pytest.mark.rule("INVITATION-4")
async def test_a_dead_link_says_why(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    old = token_in(await invited(admin, "old@example.com"))
    house.clock.turn(7 * DAYS - timedelta(minutes=1))
    assert (await looked_up(house, old)).status_code == 200
    house.clock.turn(timedelta(minutes=2))
    admin = await house.signed_in("acme-admin")
    back = await invited(admin, "back@example.com")
    assert (await admin.delete(f"/api/v1/invitations/{back['invitation']['id']}")).status_code == 204
    used = token_in(await invited(admin, "used@example.com"))
    assert (await accepted(house.visitor(), used, username="used")).status_code == 201
    before = await rows_of_everything(house)

    for token, answer in (
        ("never-made", (404, "invitation_unknown")),
        ("\x00 ü", (404, "invitation_unknown")),
        (old, (409, "invitation_expired")),
        (token_in(back), (409, "invitation_revoked")),
        (used, (409, "invitation_used")),
    ):
        assert code_of(await looked_up(house, token)) == answer
        assert code_of(await accepted(house.visitor(), token)) == answer
    assert await rows_of_everything(house) == before


@pytest.mark.rule("INVITATION-4")
async def test_a_suspended_tenants_links_do_not_work_until_it_is_back(house: TestOffice) -> None:
    place = await house.tenant()
    admin = await house.signed_in("acme-admin")
    token = token_in(await invited(admin))
    await _set_tenant(house, place, "suspended")

    assert code_of(await looked_up(house, token)) == (403, "tenant_suspended")
    assert code_of(await accepted(house.visitor(), token)) == (403, "tenant_suspended")
    await _set_tenant(house, place, "active")

    assert (await accepted(house.visitor(), token)).status_code == 201


async def _set_tenant(house: TestOffice, place: Place, status: str) -> None:
    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        await transaction.execute("update tenants set status = $2 where tenant_id = $1", place.tenant.tenant_id, status)


@pytest.mark.rule("INVITATION-7")
async def test_the_token_is_nowhere_but_in_the_link(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    with capture_logs() as lines:
        token = token_in(await invited(admin))
        await looked_up(house, token)
        for path in (f"/invite/{token}", f"//invite/{token}", f"/INVITE/{token}/x", f"/invite/%0a{token}"):
            assert (await house.visitor().get(house.url + path)).status_code == 200
        await house.visitor().get("/invited/somewhere")

    logged = [line["path"] for line in lines if line["event"] == "request"]
    assert token not in str(lines)
    assert logged.count("/invite/...") == 4
    assert "/invited/somewhere" in logged
    async with house.desk.platform.pool.acquire() as connection:
        (row,) = await connection.fetch("select * from secret_hashes")
    assert token.encode() not in row["secret_hash"]
    listed = await admin.get("/api/v1/invitations")
    assert token not in listed.text
    assert "link" not in listed.json()["invitations"][0]


@pytest.mark.rule("INVITATION-7")
async def test_a_link_that_is_shown_leads_to_where_the_caller_found_us(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    jar = "; ".join(f"{name}={value}" for name, value in admin.cookies.items())

    async def link(email: str, **headers: str) -> httpx.Response:
        client = house.visitor(cookie=jar, **headers)
        return await client.post("/api/v1/invitations", json={"email": email})

    named = await link("a@example.com", host="credits.example.com:8443")
    six = await link("b@example.com", host="[::1]:8000")
    odd = await link("c@example.com", host='x"><script>')

    assert named.json()["link"].startswith("http://credits.example.com:8443/invite#")
    assert six.json()["link"].startswith("http://[::1]:8000/invite#")
    assert code_of(odd) == (422, "invalid_input")
