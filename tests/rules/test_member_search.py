"""docs/rules/members.md, example by example: the list and the search."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.domain.search import folded, search_text_of, search_words
from tests.support.offices import PASSWORD, Place, TestOffice

PEOPLE = (
    ("jose", "José Müller", "jose.mueller@example.com"),
    ("zhang.wei", "Zhang Wei", "zhang@example.com"),
    ("lizhang", "Li Zhang", None),
    ("strauss", "Anna Straße", "anna_s@example.com"),
    ("percent", "100% Sure", "back\\slash@example.com"),
)


async def populated(house: TestOffice) -> tuple[Place, httpx.AsyncClient]:
    """A tenant with people to look for, and another with people of the same names."""
    place = await house.tenant()
    await house.tenant("Globex")
    admin, other = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    for username, display_name, email in PEOPLE:
        body = {"username": username, "display_name": display_name, "email": email, "password": PASSWORD}
        assert (await admin.post("/api/v1/members", json=body)).status_code == 201
        theirs = {**body, "username": f"g-{username}", "email": None}
        assert (await other.post("/api/v1/members", json=theirs)).status_code == 201
    return place, admin


async def found(client: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await client.get("/api/v1/members", params=query)
    assert answer.status_code == 200, answer.text
    names = [member["username"] for member in answer.json()["members"]]
    assert answer.json()["total"] == len(names)
    return names


@pytest.mark.rule("MEMBER-13")
async def test_every_word_must_occur_somewhere_and_capitals_and_accents_do_not_matter(house: TestOffice) -> None:
    _, admin = await populated(house)

    assert await found(admin, search="zhang") == ["zhang.wei", "lizhang"]
    assert await found(admin, search="WEI zhang") == ["zhang.wei"]
    assert await found(admin, search="wei li") == []
    assert await found(admin, search="jose") == ["jose"]
    assert await found(admin, search="MÜLLER") == ["jose"]
    assert await found(admin, search="ＭＵＬＬＥＲ") == ["jose"]  # noqa: RUF001  full-width letters
    assert await found(admin, search="strasse") == ["strauss"]
    assert await found(admin, search="zhang@exam") == ["zhang.wei"]
    assert await found(admin, search="li zhang") == ["lizhang"]
    assert len(await found(admin, search=" ")) == len(await found(admin)) == 7
    # What a pattern would take for any letter is a letter like others.
    assert await found(admin, search="100%") == ["percent"]
    assert await found(admin, search="%") == ["percent"]
    assert await found(admin, search="_") == ["strauss"]
    assert await found(admin, search="\\") == ["percent"]
    # A word is not found across two of the parts.
    assert await found(admin, search="josejose") == []


@pytest.mark.rule("MEMBER-13")
async def test_what_was_edited_is_found_under_its_new_name_and_who_was_deleted_not_at_all(house: TestOffice) -> None:
    _, admin = await populated(house)
    listed = (await admin.get("/api/v1/members")).json()["members"]
    ids = {member["username"]: member["id"] for member in listed}

    await admin.patch(f"/api/v1/members/{ids['jose']}", json={"display_name": "Peppe Bianchi"})
    await admin.delete(f"/api/v1/members/{ids['lizhang']}")

    assert await found(admin, search="bianchi") == ["jose"]
    assert await found(admin, search="müller") == []
    assert await found(admin, search="zhang") == ["zhang.wei"]
    assert await found(admin, search="deleted") == []
    assert "lizhang" not in await found(admin)


@pytest.mark.rule("MEMBER-13")
async def test_the_list_is_narrowed_to_a_group_a_status_or_a_role(house: TestOffice) -> None:
    _, admin = await populated(house)
    listed = (await admin.get("/api/v1/members")).json()["members"]
    ids = {member["username"]: member["id"] for member in listed}
    group = (await admin.post("/api/v1/groups", json={"name": "Research"})).json()["id"]
    await admin.put(f"/api/v1/members/{ids['zhang.wei']}/group", json={"group_id": group})
    await admin.put(f"/api/v1/members/{ids['jose']}/role", json={"role": "admin"})
    await admin.post(f"/api/v1/members/{ids['strauss']}/disable")

    assert await found(admin, group_id=group) == ["zhang.wei"]
    assert await found(admin, group_id=group, search="li") == []
    assert await found(admin, status="disabled") == ["strauss"]
    assert len(await found(admin, status="active")) == 6
    assert await found(admin, role="admin") == ["jose"]
    assert await found(admin, role="tenant_admin", status="active") == ["acme-admin"]
    for bad in ({"status": "deleted"}, {"role": "super_admin"}, {"search": "x" * 101}):
        assert (await admin.get("/api/v1/members", params=bad)).status_code == 422


@pytest.mark.rule("MEMBER-13")
async def test_pages_go_by_number_and_every_page_says_how_many_there_are(house: TestOffice) -> None:
    _, admin = await populated(house)
    numbers: list[int] = []
    cursor: dict[str, str] = {}

    while True:
        page = (await admin.get("/api/v1/members", params={"limit": "2", "search": "a", **cursor})).json()
        assert page["total"] == 7
        numbers += [member["number"] for member in page["members"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert numbers == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.rule("MEMBER-13")
async def test_only_who_manages_members_sees_them(house: TestOffice) -> None:
    place, _ = await populated(house)
    member = await house.signed_in("acme-member")

    for path in ("members", f"members/{place.admin_id}", f"members/{place.member_id}"):
        answer = await member.get(f"/api/v1/{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


@pytest.mark.rule("MEMBER-13")
@given(st.text(max_size=40), st.text(max_size=40))
def test_whoever_is_called_so_is_found_so(display_name: str, email: str) -> None:
    text = search_text_of(username="ada", display_name=display_name, email=email or None)

    assert folded(text) == text
    assert all(word in text for word in search_words(f"{display_name} {email} ADA"))


@pytest.mark.rule("MEMBER-13")
def test_what_is_looked_into_says_nothing_twice() -> None:
    text = search_text_of(username="ada.l", display_name="Ada", email="Ada.L@Example.com")

    assert text == "ada.l@example.com"
