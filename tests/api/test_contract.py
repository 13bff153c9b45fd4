"""openapi.json is the contract: what the code serves, committed and reviewed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bursar.api.app import create_api
from bursar.cli.contract import contract_text
from tests.support.offices import TestOffice

COMMITTED = Path(__file__).parents[2] / "openapi.json"


def test_the_committed_contract_is_the_one_that_is_served() -> None:
    assert COMMITTED.read_text() == contract_text(), "run: bursar openapi > openapi.json"


def test_amounts_are_strings_in_bodies_and_answers() -> None:
    document = create_api().openapi()

    amounts = [schema for schema in walk(document) if schema.get("format") == "credits"]

    assert len(amounts) > 10
    assert {schema["type"] for schema in amounts} == {"string"}
    assert all("pattern" in schema for schema in amounts)


def test_operation_ids_are_the_routes_names() -> None:
    document = create_api().openapi()

    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]

    assert len(ids) == len(set(ids))
    assert {"start_session", "get_session", "end_session"} <= set(ids)
    assert all(identity.replace("_", "").isalpha() and identity.islower() for identity in ids)


def test_shapes_are_named_by_what_they_are_and_not_by_where_the_code_keeps_them() -> None:
    """Two shapes of one name would be told apart by their modules, in every client that is made from the contract."""
    assert [name for name in create_api().openapi()["components"]["schemas"] if "__" in name] == []


async def test_the_contract_is_served_without_a_sign_in(house: TestOffice) -> None:
    response = await house.visitor().get("/api/v1/openapi.json")

    assert response.json() == json.loads(contract_text())


def walk(value: Any) -> list[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(value, dict):
        return [value, *(found for part in value.values() for found in walk(part))]
    if isinstance(value, list):
        return [found for part in value for found in walk(part)]
    return []
