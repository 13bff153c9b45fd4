"""docs/rules/allocation_batches.md, example by example: batches out of CSV files."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from bursar.domain.allocation_batches import ROWS_MAX
from bursar.domain.allocation_imports import FAULTS_TOLD_MAX, read_import
from bursar.domain.refusals import Refusal
from tests.support.batches import PREFIX, balances_of, batch_of, check_green, many_members, retried, rows_of
from tests.support.offices import Place, TestOffice
from tests.support.rows import rows_of_everything


async def imported(client: httpx.AsyncClient, *lines: str, key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(f"{PREFIX}/allocation-imports", json={"csv": "\n".join(lines)}, headers=headers)


async def team(house: TestOffice, count: int) -> tuple[Place, httpx.AsyncClient, list[str]]:
    place = await house.tenant()
    await house.granted(place, "1000")
    return place, await house.signed_in("acme-admin"), await many_members(house, place, count)


@pytest.mark.rule("BATCH-11", "BATCH-12")
async def test_a_file_gives_each_line_its_amount_with_its_note(house: TestOffice) -> None:
    place, admin, members = await team(house, 4)

    answer = await imported(
        admin,
        "\ufeffMember,Note,Amount",
        "USER1000@example.com,,10",
        'user1001,"Kickoff, first half",0.25',
        "",
        f"{members[2]},,7.5",
    )

    batch = answer.json()
    assert answer.status_code == 202, answer.text
    assert (batch["kind"], batch["amount"], batch["total"], batch["given"]) == ("import", None, "17.75", 3)
    balances = await balances_of(house, place)
    assert [balances[member] for member in members] == ["10.00", "0.25", "7.50", "0.00"]
    assert [row["note"] for row in await rows_of(admin, batch["id"])] == [None, "Kickoff, first half", None]
    listed = (await admin.get(f"{PREFIX}/transactions")).json()["transactions"][:3]
    assert [(line["amount"], line["note"]) for line in reversed(listed)] == [
        ("-10.00", None), ("-0.25", "Kickoff, first half"), ("-7.50", None),
    ]  # fmt: skip
    await check_green(house, place)


@pytest.mark.rule("BATCH-11", "BATCH-12")
async def test_one_wrong_line_stops_all_of_them_and_each_is_told_with_its_number(house: TestOffice) -> None:
    place, admin, members = await team(house, 2)
    other = await house.tenant("Globex")
    before = await rows_of_everything(house)

    refused = await imported(
        admin,
        "member,amount,note",
        "user1000,1,",
        "user1001,0,",
        "user1001,1.234,",
        '"user1001",five,"a note',
        'over two lines"',
        "user1001,2",
        "globex-member,1,",
        f"{other.member_id},1,",
        f"{members[0]},3,",
        f"user1001,1,{'x' * 201}",
        ",1,",
    )

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    assert refused.json()["fields"][0]["field"] == "csv"
    facts = refused.json()["facts"]
    assert facts.pop("wrong_lines") == "9"
    assert facts == {
        "line_3": "The amount must be at least 0.01.",
        "line_4": "The amount may have at most 2 decimals.",
        "line_5": "A note is one line of at most 200 characters.",
        "line_7": "It has 2 cells, and the header has 3.",
        "line_8": "There is no member 'globex-member'.",
        "line_9": f"There is no member '{other.member_id}'.",
        "line_10": "Line 2 names the same member.",
        "line_11": "A note is one line of at most 200 characters.",
        "line_12": "It names nobody.",
    }
    assert await rows_of_everything(house) == before
    assert (await imported(admin, "member,amount,note", "user1000,1,", "user1001,1,")).json()["given"] == 2
    await check_green(house, place)


@pytest.mark.rule("BATCH-11")
async def test_the_first_hundred_wrong_lines_are_told(house: TestOffice) -> None:
    _, admin, _ = await team(house, 1)

    refused = await imported(admin, "member,amount", *("nobody,1" for _ in range(FAULTS_TOLD_MAX + 50)))

    facts = refused.json()["facts"]
    assert facts["wrong_lines"] == str(FAULTS_TOLD_MAX + 50)
    assert len(facts) == FAULTS_TOLD_MAX + 1
    assert "line_101" in facts
    assert "line_102" not in facts


@pytest.mark.rule("BATCH-11")
@pytest.mark.parametrize(
    "text",
    [
        "member,amount",
        "member\nann",
        "amount\n1",
        "member,amount,comment\nann,1,x",
        "member,amount,amount\nann,1,1",
        "\n",
        'member,amount\n"ann,1',
        'member,amount\nann,"1"2',
    ],
)
def test_what_is_no_such_file_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_import(text)

    assert (refused.value.code, refused.value.field) == ("invalid_input", "csv")


@pytest.mark.rule("BATCH-11")
def test_a_file_has_at_most_as_many_lines_as_a_batch_has_members() -> None:
    line = "ann,1\n"
    header = "member,amount\n"

    assert len(read_import(header + line * ROWS_MAX).lines) == ROWS_MAX
    with pytest.raises(Refusal, match="at most 100000 lines"):
        read_import(header + line * (ROWS_MAX + 1))


@pytest.mark.rule("BATCH-4")
async def test_the_total_of_a_file_must_fit_the_pool(house: TestOffice) -> None:
    _, admin, _ = await team(house, 2)

    refused = await imported(admin, "member,amount", "user1000,1000", "user1001,0.01")

    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_pool")
    assert refused.json()["facts"] == {"total": "1000.01", "available": "1000.00"}
    assert refused.json()["fields"][0]["field"] == "csv"


@pytest.mark.rule("BATCH-9", "BATCH-10")
async def test_an_import_is_retried_and_repeated_like_any_batch(house: TestOffice) -> None:
    place, admin, members = await team(house, 2)
    await admin.post(f"{PREFIX}/members/{members[1]}/disable", json={})

    twins = await asyncio.gather(
        *(imported(admin, "member,amount,note", "user1000,1,a", "user1001,2,b", key="once") for _ in range(2))
    )
    batch_id = twins[0].json()["id"]
    failed = (await batch_of(admin, batch_id))["failed"]
    await admin.post(f"{PREFIX}/members/{members[1]}/enable", json={})
    done = await retried(admin, batch_id)

    assert ({twin.json()["id"] for twin in twins}, failed) == ({batch_id}, 1)
    assert (done.json()["given"], done.json()["given_total"]) == (2, "3.00")
    balances = await balances_of(house, place)
    assert [balances[member] for member in members] == ["1.00", "2.00"]
    newest = (await admin.get(f"{PREFIX}/transactions")).json()["transactions"][0]
    assert (newest["amount"], newest["note"]) == ("-2.00", "b")
