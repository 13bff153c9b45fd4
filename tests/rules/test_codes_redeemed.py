"""docs/rules/codes.md, example by example: how codes are redeemed, refused and guessed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from bursar.actions.codes import redeem
from bursar.actions.desk import Asked
from bursar.db.transaction import writing
from bursar.domain.codes import written_code
from bursar.domain.credits import AMOUNT_MAX_MICRO, TOTAL_MAX_MICRO, Credits
from bursar.domain.permissions import Actor
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Role
from bursar.ledger import Transfer, post
from bursar.outside.identity import new_uuid
from tests.support.codes import (
    CODES,
    a_guess,
    check_books,
    codes_of,
    issued,
    listed,
    one_code,
    pool_of,
    redeemed,
)
from tests.support.losses import planted_loss, taken_out
from tests.support.offices import TestOffice, running_office
from tests.support.postgres import Server, copied_database
from tests.support.rows import rows_of_everything


@pytest.mark.rule("CODE-3")
async def test_a_code_brings_its_value_to_the_pool_once(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "100")
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    code = await one_code(root, value="25.50")

    first = await redeemed(admin, code)
    second = await redeemed(admin, code)

    assert first.status_code == 201, first.text
    assert (first.json()["kind"], first.json()["amount"]) == ("redemption", "25.50")
    assert first.json()["target_after"] == "125.50"
    assert (second.status_code, second.json()["code"]) == (409, "code_spent")
    assert await pool_of(admin) == "125.50"
    newest = (await admin.get("/api/v1/transactions")).json()["transactions"][0]
    assert (newest["id"], newest["label"], newest["amount"]) == (first.json()["id"], "Redemption", "25.50")
    assert (newest["before"], newest["after"], newest["note"]) == ("100.00", "125.50", f"Code ending in {code[-4:]}")
    assert newest["operator"] == {"id": place.admin_id, "name": "Acme Admin"}
    await check_books(house, place)


@pytest.mark.rule("CODE-3")
async def test_of_twenty_who_redeem_a_code_at_once_in_two_tenants_one_gets_it(house: TestOffice) -> None:
    acme, globex = await house.tenant("Acme"), await house.tenant("Globex")
    root = await house.super_admin()
    ours, theirs = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    for _ in range(3):
        code = await one_code(root, value="40")

        answers = await asyncio.gather(*(redeemed(client, code) for client in (ours, theirs) for _ in range(10)))

        assert codes_of(answers) == ["code_spent"] * 19 + ["redeemed"]
        house.clock.turn(timedelta(minutes=15))
    totals = {total["state"]: total for total in (await listed(root))["totals"]}
    assert (totals["redeemed"]["count"], totals["redeemed"]["value"]) == (3, "120.00")
    assert sum([Decimal(await pool_of(client)) for client in (ours, theirs)]) == 120
    await check_books(house, acme, globex)


@pytest.mark.rule("CODE-3")
async def test_a_redemption_sent_again_gets_the_first_answer_even_when_the_next_code_has_to_wait(
    house: TestOffice,
) -> None:
    await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    code = await one_code(root)

    twins = await asyncio.gather(*(redeemed(admin, code, "once") for _ in range(4)))
    for _ in range(10):
        await redeemed(admin, a_guess())
    again = await redeemed(admin, code, "once")
    next_one = await redeemed(admin, await one_code(root), "another")

    assert {twin.content for twin in twins} == {again.content}
    assert {twin.status_code for twin in (*twins, again)} == {201}
    assert next_one.json()["code"] == "too_many_attempts"
    assert await pool_of(admin) == "25.00"


@pytest.mark.rule("CODE-3")
async def test_only_the_tenant_admin_redeems(house: TestOffice) -> None:
    await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    body = {"username": "acme-clerk", "display_name": "Clerk", "password": "long enough", "role": "admin"}
    assert (await admin.post("/api/v1/members", json=body)).status_code == 201
    clerk, member = await house.signed_in("acme-clerk", "long enough"), await house.signed_in("acme-member")
    code = await one_code(root)

    for client in (clerk, member, root):
        refused = await redeemed(client, code)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")

    assert (await redeemed(admin, code)).status_code == 201


@pytest.mark.rule("CODE-3")
@pytest.mark.parametrize("table", ["redemption_codes", "ledger_journal", "events"])
async def test_a_connection_lost_in_the_middle_leaves_the_code_open_and_the_pool_as_it_was(
    house: TestOffice, table: str
) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    code = await one_code(root)
    before = await rows_of_everything(house)
    await planted_loss(house, table)

    lost = await redeemed(admin, code)

    assert lost.status_code >= 500
    await taken_out(house, table)
    assert await rows_of_everything(house) == before
    assert (await pool_of(admin), (await listed(root))["codes"][0]["state"]) == ("0.00", "open")
    assert (await redeemed(admin, code)).status_code == 201
    assert await pool_of(admin) == "25.00"
    await check_books(house, place)


@pytest.mark.rule("CODE-3")
async def test_a_code_that_the_pool_cannot_hold_stays_open_and_is_no_guess(house: TestOffice) -> None:
    place = await house.tenant(per_cycle="0")
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    code = await one_code(root, value="1000000000")
    grants = [
        Transfer(actor_id=None, transfer_id=new_uuid(), kind="grant", amount=Credits(AMOUNT_MAX_MICRO))
        for _ in range(TOTAL_MAX_MICRO // AMOUNT_MAX_MICRO + 1)
    ]
    tenant_id = place.tenant.tenant_id
    async with writing(house.desk.tenants, tenant_id) as transaction:
        outcomes = await post(transaction, tenant_id, grants, house.desk.clock.of_ledger)
    assert outcomes[0].refusal is None
    assert outcomes[-1].refusal is not None
    assert outcomes[-1].refusal.code == "total_too_large"

    answers = [await redeemed(admin, code) for _ in range(11)]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "total_too_large")}
    assert (await listed(root))["codes"][0]["state"] == "open"


@pytest.mark.rule("CODE-4")
async def test_unknown_spent_expired_and_revoked_each_say_so_and_move_nothing(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    soon = (house.clock.now() + timedelta(hours=1)).isoformat()
    spent, revoked, ends = (await issued(root, 3, expires_at=soon))["codes"]
    lasts = await one_code(root)
    assert (await redeemed(admin, spent["code"])).status_code == 201
    assert (await root.post(f"{CODES}/{revoked['id']}/revoke")).status_code == 200
    before = await pool_of(admin)

    early = [await redeemed(admin, code) for code in (written_code(7), spent["code"], revoked["code"])]
    house.clock.turn(timedelta(hours=1))
    back = await house.signed_in("acme-admin")
    late = [await redeemed(back, code["code"]) for code in (spent, revoked, ends)]

    assert [(answer.status_code, answer.json()["code"]) for answer in (*early, *late)] == [
        (404, "code_unknown"),
        (409, "code_spent"),
        (409, "code_revoked"),
        (409, "code_spent"),
        (409, "code_revoked"),
        (409, "code_expired"),
    ]
    assert {answer.json()["fields"][0]["field"] for answer in (*early, *late)} == {"code"}
    assert await pool_of(back) == before
    assert (await redeemed(back, lasts)).status_code == 201
    await check_books(house, place)


@pytest.mark.rule("CODE-4")
async def test_a_code_of_another_installation_is_unknown(
    house: TestOffice, postgres: Server, migrated_template: str
) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    with copied_database(postgres, migrated_template) as elsewhere:
        async with running_office(elsewhere) as other:
            code = await one_code(await other.super_admin())

            refused = await redeemed(admin, code)

    assert (refused.status_code, refused.json()["code"]) == (404, "code_unknown")


async def guessed(client: httpx.AsyncClient, times: int) -> list[httpx.Response]:
    return [await redeemed(client, a_guess()) for _ in range(times)]


@pytest.mark.rule("CODE-5")
async def test_after_ten_wrong_codes_the_next_one_waits_a_quarter_of_an_hour(house: TestOffice) -> None:
    await house.tenant("Acme")
    await house.tenant("Globex")
    root = await house.super_admin()
    admin, other = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    right, also_right = (code["code"] for code in (await issued(root, 2))["codes"])
    wrong = await guessed(admin, 10)

    refused = await redeemed(admin, right)
    elsewhere = await redeemed(other, also_right)
    house.clock.turn(timedelta(minutes=14))
    still = await redeemed(admin, right)
    house.clock.turn(timedelta(minutes=1))
    afterwards = await redeemed(admin, right)

    assert codes_of(wrong) == ["code_unknown"] * 10
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    seconds = int(refused.headers["retry-after"])
    assert 890 <= seconds <= 900
    assert refused.json()["facts"] == {"retry_after_seconds": str(seconds)}
    assert elsewhere.status_code == 201, "an address counts for each tenant by itself"
    assert still.status_code == 429
    assert afterwards.status_code == 201, afterwards.text


@pytest.mark.rule("CODE-5")
async def test_many_at_once_are_told_of_no_more_than_one_by_one(house: TestOffice) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    guesses = [a_guess() for _ in range(30)]

    answers = await asyncio.gather(*(redeemed(admin, guess) for guess in guesses))

    assert codes_of(answers) == ["code_unknown"] * 10 + ["too_many_attempts"] * 20


@pytest.mark.rule("CODE-5")
async def test_who_changes_the_address_comes_to_the_tenants_bound(house: TestOffice) -> None:
    place = await house.tenant()
    actor = Actor(Role.TENANT_ADMIN, place.admin.member_id, place.tenant.tenant_id, "Acme Admin")
    told = []

    for number in range(40):
        asked = Asked(actor, address=f"203.0.113.{number}")
        with pytest.raises(Refusal) as caught:
            await redeem(house.desk, asked, place.tenant.tenant_id, written_code(number))
        told.append(caught.value.code)

    assert told == ["code_unknown"] * 30 + ["too_many_attempts"] * 10
