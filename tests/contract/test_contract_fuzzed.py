"""The contract tried by schemathesis: whatever fits openapi.json, and much that does not, is answered as it says.

Every role tries every route with all of the tool's checks, among them: no status of 500 or above, no status and no
content type that the contract does not list, every answer shaped as described, nothing malformed accepted.
`make fuzz` looks longer.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from bursar.domain.roles import Scope
from tests.support.credit_requests import waiting
from tests.support.inviting import invited
from tests.support.keys import made_key
from tests.support.offices import Place, TestOffice, running_office
from tests.support.postgres import FreshDatabase

HERE: Final = Path(__file__).parent
CONTRACT: Final = HERE.parent.parent / "openapi.json"

LONG: Final = "BURSAR_FUZZ_EXAMPLES"
"""Set by `make fuzz`: how many examples each route is tried with."""

ENDING_SESSIONS: Final = "sessions?($|/)"
"""Routes that may end the very sign-in that is used to try them; they are tried by themselves."""


async def tried(house: TestOffice, *options: str, ids: dict[str, list[str]], tenant_id: str | None) -> None:
    """Runs schemathesis against the house and shows what it found."""
    examples = os.environ.get(LONG)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"),
        "run", str(CONTRACT), "--url", house.url, "--checks", "all", "--no-color", "--continue-on-failure",
        "--max-examples", examples or "2", *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.contract.hooks",
            "PYTHONPATH": str(HERE.parent.parent),
            "BURSAR_FUZZ_IDS": json.dumps(ids),
            "BURSAR_FUZZ_TENANT": tenant_id or "",
        },
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode(errors="replace")


def ids_of(*places: Place) -> dict[str, list[str]]:
    """What there is to name: the first place's things, and the other's to be refused."""
    return {
        "ten": [place.tenant_id for place in places],
        "mem": [identity for place in places for identity in (place.member_id, place.admin_id)],
        "grp": [place.group_id for place in places],
    }


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[TestOffice]:
    """A Bursar that no key can ask too often: what is tried is the contract, thousands of times a minute."""
    async with running_office(fresh_database, key_requests_per_minute=1_000_000) as running:
        yield running


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("role", ["super_admin", "tenant_admin", "admin", "member", "management_key", "nobody"])
async def test_whatever_a_role_sends_is_answered_as_the_contract_says(house: TestOffice, role: str) -> None:
    acme, globex = await house.tenant("Acme"), await house.tenant("Globex")
    invitations = []
    for place, admin in ((acme, "acme-admin"), (globex, "globex-admin")):
        await house.granted(place, "1000")
        answer = await invited(await house.signed_in(admin))
        invitations.append(answer["invitation"]["id"])
    await house.admin(acme)
    names = {"tenant_admin": "acme-admin", "admin": "acme-deputy", "member": "acme-member"}
    if role == "super_admin":
        client = await house.super_admin()
    else:
        client = await house.signed_in(names[role]) if role in names else house.visitor()
    cookie = client.cookies.get("bursar_session")
    sign_in = ["--header", f"Cookie: bursar_session={cookie}"] if cookie else []
    if role == "management_key":
        made = await made_key(await house.signed_in("acme-admin"), "management", scopes=sorted(Scope))
        sign_in = ["--header", f"Authorization: Bearer {made['secret']}"]

    of_members = await made_key(await house.signed_in("acme-member"))
    asking = await house.signed_in("acme-member")
    requests = [await waiting(asking) for _ in range(5)]
    ids = {**ids_of(acme, globex), "inv": invitations, "key": [of_members["key"]["id"]], "crq": requests}
    tenant_id = acme.tenant_id if role == "super_admin" else None
    await tried(house, *sign_in, "--exclude-path-regex", ENDING_SESSIONS, ids=ids, tenant_id=tenant_id)
    await tried(house, *sign_in, "--include-path-regex", ENDING_SESSIONS, ids=ids, tenant_id=tenant_id)
