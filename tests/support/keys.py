"""Keys for tests over HTTP: made by a person, used by a program."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx

from tests.support.offices import Place, TestOffice


async def made_key(client: httpx.AsyncClient, kind: str = "model", **fields: Any) -> dict[str, Any]:
    """A new key with its secret, of whoever asks unless `member_id` says otherwise."""
    scopes = {"scopes": ["metering"]} if kind == "management" else {}
    response = await client.post("/api/v1/api-keys", json={"kind": kind, "name": "Notebook", **scopes, **fields})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def owner_run(house: TestOffice, statement: str) -> None:
    """A statement as the owner of the database, for what nobody can do over HTTP."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        await connection.execute(f"set search_path = bursar; set row_security = off; {statement}")
    finally:
        await connection.close()


async def service_account(house: TestOffice, place: Place, username: str, role: str = "member") -> str:
    """The id of a new service account in this role."""
    admin = await house.signed_in(place.admin.username)
    body = {"username": username, "display_name": username.title(), "password": "long enough"}
    member_id: str = (await admin.post("/api/v1/members", json=body)).json()["id"]
    await owner_run(
        house,
        "update members set kind = 'service_account', password_hash = null, "
        f"role = '{role}' where member_id = '{member_id.removeprefix('mem_')}'",
    )
    return member_id


def model_client(house: TestOffice, secret: str) -> httpx.AsyncClient:
    """A client of models with this key."""
    return house.visitor(authorization=f"Bearer {secret}")


async def answer_at_the_gateway(house: TestOffice, secret: str) -> tuple[int, str | None]:
    """What somebody with this key is told who asks which models there are: the status, and the code of a refusal."""
    response = await model_client(house, secret).get("/v1/models")
    answer = response.json()
    return response.status_code, answer["error"]["code"] if "error" in answer else None


LET_IN = (200, None)


def refused(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem."""
    return response.status_code, response.json()["code"]


def field_at_fault(response: httpx.Response) -> tuple[int, str]:
    """Status and first field of a problem."""
    return response.status_code, response.json()["fields"][0]["field"]
