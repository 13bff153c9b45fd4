"""docs/rules/codes.md, example by example: how codes are issued, listed and revoked."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from bursar.db.transaction import reading, writing
from tests.support.codes import CODES, check_books, issued, listed, one_code, pool_of, redeemed
from tests.support.offices import TestOffice
from tests.support.rows import rows_of_everything, text_of_everything


@pytest.mark.rule("CODE-1")
async def test_a_mistake_in_typing_is_told_from_a_wrong_code_and_is_no_guess(house: TestOffice) -> None:
    await house.tenant()
    admin, root = await house.signed_in("acme-admin"), await house.super_admin()
    code = await one_code(root)
    mistyped = code[:-1] + ("2" if code[-1] != "2" else "3")

    answers = [await redeemed(admin, mistyped) for _ in range(12)]
    right = await redeemed(admin, f" {code.lower().replace('-', ' ')} ")

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "invalid_input")}
    assert answers[0].json()["fields"][0]["field"] == "code"
    assert right.status_code == 201, right.text


@pytest.mark.rule("CODE-2")
async def test_codes_are_shown_once_and_kept_nowhere(house: TestOffice) -> None:
    await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")

    body = {"count": 1000, "value": "12.50", "note": "Trade fair", "expires_at": "2030-01-01T00:00:00+02:00"}
    batch = (await root.post(CODES, json=body, headers={"Idempotency-Key": "fair"})).json()
    codes = [code["code"] for code in batch["codes"]]
    spent = await redeemed(admin, codes[0])

    assert len(set(codes)) == 1000
    assert (batch["value"], batch["note"]) == ("12.50", "Trade fair")
    assert batch["expires_at"] == "2029-12-31T22:00:00Z"
    assert spent.status_code == 201
    seen = (await listed(root, limit=200)), (await admin.get("/api/v1/transactions")).text
    everything = await text_of_everything(house)
    for code in codes:
        for written in (code, code.replace("-", ""), code.removeprefix("BRS-")):
            assert written not in everything
            assert written.encode().hex() not in everything
            assert written not in str(seen)
    assert {code["last_four"] for code in seen[0]["codes"]} <= {code[-4:] for code in codes}


@pytest.mark.rule("CODE-2")
async def test_the_codes_are_a_file_to_download_for_whoever_wants_one_and_the_same_file_again(
    house: TestOffice,
) -> None:
    await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    body = {"count": 3, "value": "12.50", "note": "Trade fair", "expires_at": "2030-01-01T00:00:00Z"}
    headers = {"Accept": "text/csv, application/json;q=0.5", "Idempotency-Key": "fair"}

    file = await root.post(CODES, json=body, headers=headers)
    again = await root.post(CODES, json=body, headers=headers)
    in_json = (await root.post(CODES, json=body, headers={"Idempotency-Key": "fair"})).json()

    assert (file.status_code, file.headers["content-type"]) == (201, "text/csv; charset=utf-8")
    assert re.fullmatch(r'attachment; filename="codes-trade-fair-[0-9-]{10}\.csv"', file.headers["content-disposition"])
    assert (again.content, again.headers["Idempotent-Replayed"]) == (file.content, "true")
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"), newline="")))
    assert [(row["code"], row["id"]) for row in rows] == [(code["code"], code["id"]) for code in in_json["codes"]]
    assert {(row["value"], row["expires_at"], row["note"], row["batch_id"]) for row in rows} == {
        ("12.50", "2030-01-01T00:00:00+00:00", "Trade fair", in_json["batch_id"])
    }
    assert (await redeemed(admin, rows[0]["code"])).status_code == 201


@pytest.mark.rule("CODE-2")
async def test_the_same_request_gets_the_same_codes_again(house: TestOffice) -> None:
    root = await house.super_admin()
    body, key = {"count": 3, "value": "5", "note": "Prizes"}, {"Idempotency-Key": "prizes"}

    first = await root.post(CODES, json=body, headers=key)
    before = await rows_of_everything(house)
    again = await root.post(CODES, json=body, headers=key)
    other = await root.post(CODES, json={**body, "count": 4}, headers=key)

    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    assert other.json()["code"] == "key_reused"
    assert await rows_of_everything(house) == before
    assert (await listed(root))["total"] == 3


@pytest.mark.rule("CODE-2")
@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"count": 0}, "invalid_input", "count"),
        ({"count": 1001}, "invalid_input", "count"),
        ({"count": "3"}, "invalid_input", "count"),
        ({"value": "0"}, "amount_too_small", "value"),
        ({"value": "0.001"}, "amount_too_fine", "value"),
        ({"value": "1000000001"}, "amount_too_large", "value"),
        ({"value": 5}, "amount_not_decimal", "value"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "invalid_input", "expires_at"),
        ({"expires_at": "2030-01-01T00:00:00"}, "invalid_input", "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "invalid_input", "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+12:00"}, "invalid_input", "expires_at"),
        ({"note": "a\nb"}, "invalid_input", "note"),
        ({"note": "x" * 201}, "invalid_input", "note"),
        ({"surprise": 1}, "invalid_input", "surprise"),
    ],
)
async def test_what_cannot_be_issued_is_refused_and_stores_nothing(
    house: TestOffice, change: dict[str, Any], code: str, field: str
) -> None:
    root = await house.super_admin()
    before = await rows_of_everything(house)

    refused = await root.post(CODES, json={"count": 1, "value": "5", **change})

    assert refused.status_code == 422
    assert (refused.json()["code"], refused.json()["fields"][0]["field"]) == (code, field)
    assert await rows_of_everything(house) == before
    assert (await root.post(CODES, json={"count": 1, "value": "5"})).status_code == 201


@pytest.mark.rule("CODE-2")
async def test_only_the_platform_issues_and_the_event_holds_no_code(house: TestOffice) -> None:
    await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")

    refused = await admin.post(CODES, json={"count": 1, "value": "5"})
    batch = await issued(root, 2, "5", note="Prizes")

    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    async with house.desk.platform.pool.acquire() as connection:
        event = await connection.fetchrow("select * from platform_events where kind = 'codes_issued'")
    assert event is not None
    assert (event["actor_kind"], event["subject_kind"], event["note"]) == ("platform_admin", "code_batch", "Prizes")
    assert f"cob_{event['subject_id'].hex}" == batch["batch_id"]
    assert event["detail"] == '{"count": "2", "value": "5.00", "expires_at": null}'


@pytest.mark.rule("CODE-6")
async def test_an_open_code_is_revoked_once_and_a_spent_one_not_at_all(house: TestOffice) -> None:
    await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    spent, open_one, ends = (await issued(root, 3, expires_at=(house.clock.now() + timedelta(days=1)).isoformat()))[
        "codes"
    ]
    await redeemed(admin, spent["code"])

    revoked = await root.post(f"{CODES}/{open_one['id']}/revoke", headers={"Idempotency-Key": "back"})
    repeated = await root.post(f"{CODES}/{open_one['id']}/revoke", headers={"Idempotency-Key": "back"})
    again = await root.post(f"{CODES}/{open_one['id']}/revoke")
    too_late = await root.post(f"{CODES}/{spent['id']}/revoke")
    nowhere = await root.post(f"{CODES}/cod_{7:032x}/revoke")
    by_tenant = await admin.post(f"{CODES}/{ends['id']}/revoke")
    house.clock.turn(timedelta(days=1))
    expired = await (await house.signed_in("root")).post(f"{CODES}/{ends['id']}/revoke")

    assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
    assert repeated.content == revoked.content
    assert [
        (answer.status_code, answer.json()["code"]) for answer in (again, too_late, nowhere, by_tenant, expired)
    ] == [
        (409, "code_revoked"),
        (409, "code_spent"),
        (404, "code_unknown"),
        (403, "not_permitted"),
        (409, "code_expired"),
    ]
    async with house.desk.platform.pool.acquire() as connection:
        events = await connection.fetch("select * from platform_events where kind = 'code_revoked'")
    assert [f"cod_{event['subject_id'].hex}" for event in events] == [open_one["id"]]
    assert events[0]["changes"] == '{"state": {"after": "revoked", "before": "open"}}'


@pytest.mark.rule("CODE-6")
async def test_a_batch_is_revoked_as_far_as_it_is_open(house: TestOffice) -> None:
    await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    batch, other = await issued(root, 4, "10"), await issued(root, 1)
    await redeemed(admin, batch["codes"][0]["code"])
    await root.post(f"{CODES}/{batch['codes'][1]['id']}/revoke")
    address = f"/api/v1/redemption-code-batches/{batch['batch_id']}/revoke"

    revoked = await root.post(address)
    before = await rows_of_everything(house)
    again = await root.post(address)
    nowhere = await root.post(f"/api/v1/redemption-code-batches/cob_{7:032x}/revoke")

    assert revoked.json() == {"batch_id": batch["batch_id"], "count": 2, "value": "20.00"}
    assert again.json() == {"batch_id": batch["batch_id"], "count": 0, "value": "0.00"}
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "code_unknown")
    assert await rows_of_everything(house) == before
    assert [code["state"] for code in (await listed(root, batch_id=batch["batch_id"]))["codes"]] == [
        "revoked",
        "revoked",
        "revoked",
        "redeemed",
    ]
    assert (await redeemed(admin, other["codes"][0]["code"])).status_code == 201


@pytest.mark.rule("CODE-3", "CODE-6")
async def test_a_code_redeemed_and_revoked_at_one_moment_is_one_of_the_two(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    batch = await issued(root, 9, "10")

    answers = await asyncio.gather(
        root.post(f"/api/v1/redemption-code-batches/{batch['batch_id']}/revoke"),
        *(redeemed(admin, code["code"]) for code in batch["codes"]),
        *(root.post(f"{CODES}/{code['id']}/revoke") for code in batch["codes"]),
    )

    assert all(answer.status_code < 500 for answer in answers)
    totals = {total["state"]: total for total in (await listed(root))["totals"]}
    assert totals["open"]["count"] == 0
    assert totals["redeemed"]["value"] == await pool_of(admin)
    assert totals["redeemed"]["count"] == [answer.status_code for answer in answers].count(201)
    await check_books(house, place)


@pytest.mark.rule("CODE-7")
async def test_the_platform_sees_what_became_of_every_code(house: TestOffice) -> None:
    acme, globex = await house.tenant("Acme Robotics"), await house.tenant("Globex")
    root = await house.super_admin()
    ours, theirs = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    soon = (house.clock.now() + timedelta(minutes=10)).isoformat()
    fair = await issued(root, 4, "10", note="Trade FAIR 50%", expires_at=soon)
    other = await issued(root, 2, "7")
    await redeemed(ours, fair["codes"][0]["code"])
    transfer = (await redeemed(theirs, fair["codes"][1]["code"])).json()
    await root.post(f"{CODES}/{fair['codes'][2]['id']}/revoke")
    house.clock.turn(timedelta(minutes=10))

    everything = await listed(root)
    by_state = {state: await listed(root, state=state) for state in ("open", "redeemed", "expired", "revoked")}

    assert [code["id"] for code in everything["codes"]] == [
        code["id"] for code in reversed([*fair["codes"], *other["codes"]])
    ]
    assert (everything["total"], everything["next_cursor"]) == (6, None)
    assert {total["state"]: (total["count"], total["value"]) for total in everything["totals"]} == {
        "open": (2, "14.00"), "redeemed": (2, "20.00"), "expired": (1, "10.00"), "revoked": (1, "10.00"),
    }  # fmt: skip
    for state, page in by_state.items():
        assert {code["state"] for code in page["codes"]} == {state}
        assert page["totals"] == everything["totals"]
        assert page["total"] == len(page["codes"])
    first = next(code for code in everything["codes"] if code["id"] == fair["codes"][1]["id"])
    assert first["redeemed_by"] == {
        "tenant_id": globex.tenant_id, "tenant_name": "Globex",
        "member_id": globex.admin_id, "member_name": "Globex Admin", "transfer_id": transfer["id"],
    }  # fmt: skip
    assert (first["last_four"], first["issued_by"]) == (fair["codes"][1]["code"][-4:], "Root")
    assert first["redeemed_at"] is not None
    assert {code["redeemed_by"]["tenant_name"] for code in by_state["redeemed"]["codes"]} == {"Acme Robotics", "Globex"}
    assert acme.tenant_id != globex.tenant_id
    for found in (await listed(root, search="fair 50%"), await listed(root, batch_id=fair["batch_id"])):
        assert {code["batch_id"] for code in found["codes"]} == {fair["batch_id"]}
        assert found["total"] == 4
    last_four = other["codes"][1]["code"][-4:]
    assert [code["id"] for code in (await listed(root, search=last_four.lower()))["codes"]] == [other["codes"][1]["id"]]
    assert (await ours.get(CODES)).status_code == 403


@pytest.mark.rule("CODE-7")
async def test_pages_of_codes_hold_every_code_once(house: TestOffice) -> None:
    root = await house.super_admin()
    wanted = {code["id"] for code in (await issued(root, 7))["codes"]}
    seen: list[str] = []
    cursor: dict[str, str] = {}

    while True:
        page = await listed(root, limit=3, **cursor)
        seen += [code["id"] for code in page["codes"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        await issued(root)

    assert (len(seen), set(seen)) == (7, wanted)
    for bad in ({"cursor": "nonsense"}, {"search": "a\0"}, {"state": "gone"}, {"batch_id": "cod_1"}, {"limit": 0}):
        assert (await root.get(CODES, params=bad)).status_code == 422, bad


@pytest.mark.rule("CODE-7")
async def test_the_tenant_sees_its_redemption_in_its_audit_log(house: TestOffice) -> None:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    code = await one_code(root)

    await redeemed(admin, code)

    async with reading(house.desk.tenants, place.tenant.tenant_id) as transaction:
        event = await transaction.fetchrow("select * from events where kind = 'redemption'")
    assert event is not None
    assert (event["actor_id"], event["subject_kind"]) == (place.admin.member_id, "code")
    assert event["detail"] == f'{{"amount": "25.00", "last_four": "{code[-4:]}"}}'


@pytest.mark.rule("CODE-2", "CODE-7")
@pytest.mark.parametrize(
    "statement",
    [
        "select redeemed_in, redeemed_by from redemption_codes",
        "select note, batch_id from redemption_codes",
        "update redemption_codes set value_micro = 1",
        "update redemption_codes set revoked_at = null",
        "update redemption_codes set expires_at = null",
        "delete from redemption_codes",
        "insert into redemption_codes (code_id) values (gen_random_uuid())",
    ],
)
async def test_work_inside_a_tenant_can_neither_make_codes_nor_see_who_redeemed_others(
    house: TestOffice, statement: str
) -> None:
    place = await house.tenant()

    async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
        found = await transaction.fetch("select code_hash, value_micro from redemption_codes")
    assert found == []

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with writing(house.desk.tenants, place.tenant.tenant_id) as transaction:
            await transaction.execute(statement)


@pytest.mark.rule("CODE-2", "ONCE-1")
async def test_codes_are_told_again_to_their_key_also_when_they_have_expired_meanwhile(house: TestOffice) -> None:
    root = await house.super_admin()
    expires_at = (house.clock.now() + timedelta(hours=1)).isoformat()
    body, key = {"count": 1, "value": "5", "expires_at": expires_at}, {"Idempotency-Key": "a batch"}
    first = await root.post(CODES, json=body, headers=key)
    house.clock.turn(timedelta(hours=2))

    again = await root.post(CODES, json=body, headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert (await root.post(CODES, json=body)).status_code == 422
