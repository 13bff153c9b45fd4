"""Unknown paths of the gateway, answered in the caller's own dialect. Keys are in `test_keys`."""

from __future__ import annotations

from tests.support.keys import made_key, model_client
from tests.support.offices import TestOffice


async def test_an_openai_client_reads_its_own_envelope(house: TestOffice) -> None:
    await house.tenant()
    client = model_client(house, (await made_key(await house.signed_in("acme-member")))["secret"])

    response = await client.post("/v1/chat/completionz", json={}, headers={"x-request-id": "call-1"})

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"] == response.headers["request-id"] == "call-1"
    assert response.json() == {
        "error": {
            "message": "There is nothing at POST /v1/chat/completionz on this gateway.",
            "type": "invalid_request_error",
            "param": None,
            "code": "not_found",
        }
    }


async def test_an_anthropic_client_reads_its_own_envelope(house: TestOffice) -> None:
    await house.tenant()
    client = model_client(house, (await made_key(await house.signed_in("acme-member")))["secret"])

    by_path = await client.post("/v1/messages/nowhere", json={})
    by_header = await client.get("/v1/modelz", headers={"anthropic-version": "2023-06-01"})

    for response in (by_path, by_header):
        assert response.status_code == 404
        body = response.json()
        assert body["type"] == "error"
        assert body["error"]["type"] == "not_found_error"
        assert body["request_id"] == response.headers["request-id"] == response.headers["x-request-id"]


async def test_a_path_that_merely_begins_like_the_gateways_is_the_consoles(house: TestOffice) -> None:
    response = await house.visitor().get("/v1x")

    assert response.headers["content-type"] == "text/html; charset=utf-8"
