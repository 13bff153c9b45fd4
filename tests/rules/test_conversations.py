"""Conversations are kept for their member, read by nobody else, and gone when they are deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from bursar.db.transaction import writing
from bursar.domain import conversations as rules
from bursar.domain.conversations import (
    CONVERSATIONS_MAX,
    MESSAGES_MAX,
    Conversation,
    MessageRole,
    MessageState,
    Outline,
    check_text,
    retold,
    room_for,
    title_of,
)
from bursar.domain.ids import parse_public_id
from bursar.domain.refusals import Refusal
from bursar.outside.identity import new_uuid, new_uuid_at
from bursar.store.conversations import insert_conversation
from tests.support.callers import Caller
from tests.support.keys import field_at_fault, made_key, refused
from tests.support.models import Studio, studio
from tests.support.offices import TestOffice
from tests.support.talks import MODEL, PREFIX, Talk, begun

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def rows_with(house: TestOffice, word: str) -> list[str]:
    """The tables of the whole database in which a row has this word."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        tables = await connection.fetch(
            "select relname from pg_class where relnamespace = 'bursar'::regnamespace and relkind = 'r'"
        )
        found = []
        for (name,) in tables:
            if await connection.fetchval(
                f"select exists (select from bursar.{name} t where t::text like $1)", f"%{word}%"
            ):
                found.append(name)
    finally:
        await connection.close()
    return sorted(found)


async def listed(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    response = await client.get(f"{PREFIX}/conversations", params=query)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


async def titles(client: httpx.AsyncClient, **query: Any) -> list[str | None]:
    return [one["title"] for one in (await listed(client, **query))["conversations"]]


@pytest.mark.rule("CONV-1")
async def test_conversations_are_listed_with_the_last_talk_first_page_by_page(house: TestOffice) -> None:
    acme = await studio(house)
    client = acme.member.client
    talks = []
    for title in ("Budget", "Travel", "Café menu", "Rent"):
        talks.append(await begun(client, title=title))
        house.clock.turn(timedelta(seconds=1))
    await talks[0].asks("How much is left?")

    first = await listed(client, limit=3)
    second = await listed(client, limit=3, cursor=first["next_cursor"])

    assert [one["title"] for one in first["conversations"]] == ["Budget", "Rent", "Café menu"]
    assert [one["title"] for one in second["conversations"]] == ["Travel"]
    assert second["next_cursor"] is None
    assert await titles(client, search="CAFE") == ["Café menu"]
    assert await titles(client, search="menu budget") == []
    assert await titles(client, search="100%") == []


@pytest.mark.rule("CONV-1")
async def test_a_conversation_is_renamed_and_asks_another_model_from_then_on(house: TestOffice) -> None:
    acme = await studio(house)
    talk = await begun(acme.member.client, title="Budget", instructions="Be brief.")

    changed = await acme.member.patch(f"/conversations/{talk.id}", {"title": "  Rent  ", "model": "simulated-large"})
    cleared = await acme.member.patch(f"/conversations/{talk.id}", {"instructions": ""})
    said = await talk.asks("Hello?")

    assert (changed["title"], changed["model"], changed["instructions"]) == ("Rent", "simulated-large", "Be brief.")
    assert (cleared["title"], cleared["instructions"]) == ("Rent", None)
    assert said.answer["model"] == "simulated-large"
    client = acme.member.client
    unknown = await client.patch(talk.path, json={"model": "gpt-nothing"})
    assert (*refused(unknown), *field_at_fault(unknown)) == (404, "model_unknown", 404, "model")
    empty = await client.post(f"{PREFIX}/conversations", json={"model": ""})
    assert field_at_fault(empty) == (422, "model")
    assert refused(await client.get(f"{PREFIX}/conversations", params={"cursor": "x"})) == (422, "invalid_input")


@pytest.mark.rule("CONV-1")
async def test_a_conversation_without_a_title_is_called_by_its_first_question(house: TestOffice) -> None:
    acme = await studio(house)
    talk = await begun(acme.member.client)
    before = (await talk.read())["title"]

    await talk.asks("What is\n\n  double-entry\tbookkeeping?")
    await talk.asks("And why?")

    assert (before, (await talk.read())["title"]) == (None, "What is double-entry bookkeeping?")
    assert title_of("x" * 500) == "x" * 59 + "…"
    assert title_of("\u200b\u2028") == "…"


@pytest.mark.rule("CONV-2")
async def test_nobody_but_its_member_reads_a_conversation(house: TestOffice) -> None:
    acme = await studio(house)
    talk = await begun(acme.member.client, title="Doubts")
    answer = await talk.asks("Am I paid fairly?")
    root = await house.super_admin()
    deputy = await house.signed_in((await house.admin(acme.place)).username)
    stranger = await house.signed_in((await house.tenant("Globex")).member.username)
    calls: tuple[tuple[str, str, Any], ...] = (
        ("GET", "", None),
        ("PATCH", "", {"title": "Mine"}),
        ("DELETE", "", None),
        ("POST", "/messages", {"text": "And?"}),
        ("POST", f"/messages/{answer.answer['id']}/retry", {}),
    )

    for client in (acme.admin.client, deputy, stranger):
        assert await titles(client) == []
        for method, below, body in calls:
            response = await client.request(method, talk.path + below, json=body)
            assert refused(response) == (404, "conversation_unknown"), response.text
    for method, below, body in calls:
        response = await root.request(method, f"{talk.path}{below}?tenant_id={acme.place.tenant_id}", json=body)
        assert refused(response) == (403, "not_permitted"), response.text
    assert [state for _, state, _ in await talk.said()] == ["complete", "complete"]


@pytest.mark.rule("CONV-2", "KEY-9")
async def test_no_key_opens_conversations(house: TestOffice) -> None:
    acme = await studio(house)
    talk = await begun(acme.admin.client)
    secret = (await made_key(acme.admin.client, "management", scopes=["metering", "audit:read"]))["secret"]

    for client, code in ((house.visitor(authorization=f"Bearer {secret}"), "not_permitted"), (
        house.visitor(authorization=f"Bearer {acme.key}"), "api_key_kind_wrong",
    )):  # fmt: skip
        for path in (f"{PREFIX}/conversations", talk.path, f"{PREFIX}/models", f"{PREFIX}/playground"):
            assert refused(await client.get(path)) == (403, code)


@pytest.mark.rule("CONV-2", "CONV-4", "CALL-9")
async def test_what_was_said_stands_nowhere_but_in_the_conversation(house: TestOffice) -> None:
    acme = await studio(house)
    talk = await begun(acme.member.client, title="A talk", instructions="Mind the word wisteria.")

    await talk.asks("I feel like xylophone today.", key="once")

    assert await rows_with(house, "xylophone") == ["conversation_messages"]
    assert await rows_with(house, "wisteria") == ["conversations"]
    (row,) = await acme.rows()
    assert (row["endpoint"], row["member_id"]) == ("playground", acme.place.member.member_id)


@pytest.mark.rule("CONV-4")
async def test_what_is_said_is_kept_to_the_letter_and_markup_is_text(house: TestOffice) -> None:
    acme = await studio(house)
    talk = await begun(acme.member.client)
    text = "<script>alert(1)</script> & \"q\" 'x' \\u0041\n\tif a < b:\n👨‍👩‍👧 e\u0301 עברית {{7*7}} ${x}"

    said = await talk.asks(text)

    (_, _, kept), (_, _, answered) = await talk.said()
    assert kept == text
    assert said.text == answered
    assert "<script>alert(1)</script>" in answered
    crossed = await talk.asks("one\r\ntwo\rthree")
    assert crossed.started["question"]["text"] == "one\ntwo\nthree"
    headers = (await talk.sent("Hello?")).headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.rule("CONV-4")
@pytest.mark.parametrize("text", ["", "   \n\t", "a\x00b", "bell\x07", "x" * 32_001])
async def test_what_is_no_text_is_refused_by_its_field(house: TestOffice, text: str) -> None:
    acme = await studio(house)
    talk = await begun(acme.member.client)

    assert field_at_fault(await talk.sent(text)) == (422, "text")
    assert await talk.said() == []


@pytest.mark.rule("CONV-4")
def test_a_text_of_every_script_is_one_and_half_a_sign_is_none() -> None:
    assert check_text("שלום\nनमस्ते 🏳️‍🌈", field="text", length_max=100) == "שלום\nनमस्ते 🏳️‍🌈"
    assert rules.as_text("a\x00b\ud800c\n") == "a\ufffdb\ufffdc\n"
    with pytest.raises(Refusal, match="control characters"):
        check_text("\udc00", field="text", length_max=100)


@pytest.mark.rule("CONV-5")
async def test_a_deleted_conversation_is_gone_with_every_word_and_its_calls_stay(house: TestOffice) -> None:
    acme = await studio(house)
    talk, other = await begun(acme.member.client), await begun(acme.member.client)
    await talk.asks("Tell me of the xylophone.")
    await other.asks("Tell me of the bassoon.")

    gone = await acme.member.delete(f"/conversations/{talk.id}")

    assert gone == {"id": talk.id, "messages_count": 2}
    assert await rows_with(house, "xylophone") == []
    assert await rows_with(house, "bassoon") == ["conversation_messages", "conversations"]
    assert len(await acme.rows()) == 2
    for method in ("GET", "DELETE"):
        assert refused(await acme.member.client.request(method, talk.path)) == (404, "conversation_unknown")


@pytest.mark.rule("CONV-5", "MEMBER-12")
async def test_the_conversations_of_a_deleted_member_are_gone(house: TestOffice) -> None:
    acme = await studio(house)
    talk = await begun(acme.member.client)
    await talk.asks("Tell me of the xylophone.")
    kept = await begun(acme.admin.client)
    await kept.asks("Tell me of the bassoon.")

    await acme.admin.delete(f"/members/{acme.place.member_id}")

    assert await rows_with(house, "xylophone") == []
    assert await rows_with(house, "bassoon") == ["conversation_messages", "conversations"]


@pytest.mark.rule("CONV-3")
async def test_beyond_a_thousand_conversations_another_is_refused_and_none_is_removed(house: TestOffice) -> None:
    acme = await studio(house)
    tenant_id, member_id = acme.place.tenant.tenant_id, acme.place.member.member_id
    now = house.clock.now()
    async with writing(house.desk.tenants, tenant_id) as transaction:
        for number in range(CONVERSATIONS_MAX - 1):
            made = Conversation(new_uuid_at(now), member_id, f"Talk {number:03}", MODEL, None, 0, now, now)
            await insert_conversation(transaction, tenant_id, made)

    last = await begun(acme.member.client, title="The last")
    response = await acme.member.client.post(f"{PREFIX}/conversations", json={"model": MODEL})

    assert refused(response) == (409, "too_many_conversations")
    assert await titles(acme.member.client, search="Talk 000") == ["Talk 000"]
    await acme.member.delete(f"/conversations/{last.id}")
    await begun(acme.member.client)


async def filled(acme: Studio, talk: Talk, count: int) -> None:
    """The conversation with so many messages, written as the owner of the database."""
    connection = await asyncpg.connect(acme.house.admin_url)
    conversation_id = parse_public_id("conversation", talk.id, field="id")
    try:
        await connection.execute(
            """
            insert into bursar.conversation_messages
                (tenant_id, conversation_id, position, message_id, role, state, text, model, call_id, created_at)
            select $1, $2, n, gen_random_uuid(), case when n % 2 = 1 then 'user' else 'assistant' end, 'complete', 'x',
                   case when n % 2 = 0 then 'm' end, case when n % 2 = 0 then gen_random_uuid() end, $4
            from generate_series(1, $3) as n
            """,
            acme.place.tenant.tenant_id,
            conversation_id,
            count,
            acme.house.clock.now(),
        )
        await connection.execute(
            "update bursar.conversations set messages_count = $2 where conversation_id = $1", conversation_id, count
        )
    finally:
        await connection.close()


@pytest.mark.rule("CONV-3", "CONV-12")
async def test_a_full_conversation_takes_no_question_and_stays_readable(house: TestOffice) -> None:
    acme = await studio(house)
    talk = await begun(acme.member.client)
    await filled(acme, talk, MESSAGES_MAX - 2)

    await talk.asks("The last one?")
    response = await talk.sent("One more?")

    assert refused(response) == (409, "conversation_full")
    seen = await talk.read()
    assert (seen["composer"]["can_send"], seen["composer"]["reason"]["code"]) == (False, "conversation_full")
    assert seen["messages_count"] == MESSAGES_MAX
    assert len(await acme.rows()) == 1


@pytest.mark.rule("CONV-1", "CONV-6")
async def test_messages_are_read_from_the_newest_on_page_by_page(house: TestOffice) -> None:
    acme = await studio(house)
    talk = await begun(acme.member.client)
    for word in ("one", "two", "three"):
        await talk.asks(word)

    first = await talk.read(limit=4)
    second = await talk.read(limit=4, cursor=first["next_cursor"])

    texts = [message["text"].rpartition(": ")[2] for page in (first, second) for message in page["messages"]]
    assert texts == ["three", "three", "two", "two", "one", "one"]
    assert second["next_cursor"] is None


def outline(position: int, role: str, size: int, state: str = "complete") -> Outline:
    return Outline(new_uuid(), position, MessageRole(role), MessageState(state), NOW, size)


def talk_of(*sizes: int) -> list[Outline]:
    """Questions and answers of these sizes, in turn; an answer of nothing has failed."""
    roles = ("user", "assistant")
    return [
        outline(number + 1, roles[number % 2], size, "complete" if size else "failed")
        for number, size in enumerate(sizes)
    ]


@pytest.mark.rule("CONV-8")
def test_the_newest_whole_turns_that_fit_are_told_again() -> None:
    told = retold(talk_of(10, 20, 30, 40, 50, 60), room_bytes=180)

    assert (told.positions, told.left_out) == ((3, 4, 5, 6), 2)


@pytest.mark.rule("CONV-8")
def test_no_turn_is_told_before_one_that_does_not_fit() -> None:
    told = retold(talk_of(1, 1, 500, 500, 1, 1), room_bytes=100)

    assert (told.positions, told.left_out) == ((5, 6), 4)


@pytest.mark.rule("CONV-8")
def test_a_question_that_was_not_answered_is_not_told() -> None:
    told = retold([*talk_of(5, 5, 5, 0), outline(5, "user", 5), *talk_of(5, 5)], room_bytes=100)

    assert (told.positions, told.left_out) == ((1, 2, 1, 2), 0)


@pytest.mark.rule("CONV-8")
def test_a_quarter_of_the_window_is_kept_for_the_answer() -> None:
    assert room_for(1_000, window=4_000) == 3_000 * 2 - 1_000
    assert room_for(10_000, window=4_000) == 0
    assert room_for(0, window=None) == 16_384 // 4 * 3 * 2


@pytest.mark.rule("CONV-13")
async def test_the_list_of_models_says_what_they_cost_this_member(house: TestOffice) -> None:
    acme = await studio(house, input="1.25", output="10")
    root = Caller(await house.super_admin())

    (before,) = (await acme.member.get("/models"))["models"]
    path = f"/tenants/{acme.place.tenant_id}/price-factor"
    await root.put(path, {"price_factor": "1.5"})
    (after,) = (await acme.member.get("/models", search="SIMUL"))["models"]

    # A hundred credits for a dollar.
    assert (before["input_per_million"], before["output_per_million"]) == ("125.00", "1000.00")
    assert (after["input_per_million"], after["output_per_million"]) == ("187.50", "1500.00")
    assert (before["name"], before["is_simulated"]) == ("simulated", True)
    assert (await acme.member.get("/models", search="gpt"))["models"] == []
