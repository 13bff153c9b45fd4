"""What a key is bound and limited to: KEY-4 and KEY-5 of docs/rules/api_keys.md."""

from __future__ import annotations

from typing import Any

import pytest

from bursar.domain.api_keys import (
    INHERIT,
    UNLIMITED,
    CountLimit,
    Effective,
    effective,
    is_address_allowed,
    parse_network,
)
from bursar.domain.credits import parse_level
from bursar.domain.refusals import Refusal
from tests.support.keys import field_at_fault, made_key, refused
from tests.support.offices import TestOffice
from tests.support.rows import rows_of_everything

KEYS = "/api/v1/api-keys"


@pytest.mark.rule("KEY-4")
@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 121}),
        ("name", {"name": "a\u0000b"}),
        ("expires_at", {"expires_at": "2020-01-01T00:00:00Z"}),
        ("expires_at", {"expires_at": "9999-12-31T23:59:59-23:59"}),
        ("expires_at", {"expires_at": "2400-01-01T00:00:00Z"}),
        ("expires_at", {"expires_at": "2030-01-01"}),
        ("expires_at", {"expires_at": 4_000_000_000}),
        ("allowed_models", {"allowed_models": ["gpt\u0000"]}),
        ("allowed_models", {"allowed_models": [" gpt"]}),
        ("allowed_networks", {"allowed_networks": ["10.0.0.1/8"]}),
        ("allowed_networks", {"allowed_networks": ["::ffff:10.0.0.0/104"]}),
        ("allowed_networks", {"allowed_networks": ["nowhere"]}),
        ("allowed_networks", {"allowed_networks": ["fe80::1%eth0"]}),
        ("scopes", {"scopes": ["metering"]}),
        ("scopes", {"kind": "management"}),
        ("allowed_models", {"kind": "management", "scopes": ["metering"], "allowed_models": []}),
        ("limits.calls_at_once", {"kind": "management", "scopes": ["metering"], "limits": {"calls_at_once": 1}}),
        ("limits.requests_per_minute", {"kind": "management", "scopes": ["metering"],
                                        "limits": {"requests_per_minute": "unlimited"}}),
        ("limits.calls_at_once", {"limits": {"calls_at_once": -1}}),
        ("limits.calls_at_once", {"limits": {"calls_at_once": True}}),
        ("limits.calls_at_once", {"limits": {"calls_at_once": "5"}}),
        ("limits.calls_at_once", {"limits": {"calls_at_once": 10**12}}),
        ("limits.credits_in_total", {"limits": {"credits_in_total": 5}}),
        ("limits.credits_in_total", {"limits": {"credits_in_total": "0.001"}}),
        ("limits.tokens_per_minute", {"limits": {"tokens_per_minute": None}}),
        ("member_id", {"member_id": "somebody"}),
    ],
)  # fmt: skip
async def test_what_a_key_cannot_be_is_refused_with_its_field(
    house: TestOffice, field: str, body: dict[str, Any]
) -> None:
    await house.tenant()
    admin = await house.signed_in("acme-admin")
    before = await rows_of_everything(house)

    response = await admin.post(KEYS, json={"kind": "model", "name": "X", **body})

    status, at_fault = field_at_fault(response)
    assert (status, at_fault.partition(".0")[0]) == (422, field), response.text
    assert await rows_of_everything(house) == before


@pytest.mark.rule("KEY-4")
async def test_bounds_are_kept_as_they_were_meant_and_null_is_not_an_empty_list(house: TestOffice) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")
    bounds: dict[str, Any] = {
        "expires_at": "2090-01-31T12:00:00+02:00",
        "allowed_models": ["gpt-5", "gpt-5", "claude"],
        "allowed_networks": ["10.0.0.0/8", "192.0.2.7", "2001:DB8::/32", "2001:db8::1"],
    }

    key = (await made_key(member, **bounds))["key"]
    one = f"{KEYS}/{key['id']}"
    named = await member.patch(one, json={"name": "Laptop"})
    emptied = await member.patch(one, json={"allowed_models": [], "allowed_networks": []})
    freed = await member.patch(one, json={"expires_at": None, "allowed_models": None, "allowed_networks": None})

    assert key["expires_at"] == "2090-01-31T10:00:00Z"
    assert key["allowed_models"] == ["gpt-5", "claude"]
    assert key["allowed_networks"] == ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "2001:db8::1/128"]
    assert named.json() == {**key, "name": "Laptop"}
    assert (emptied.json()["allowed_models"], emptied.json()["allowed_networks"]) == ([], [])
    assert [freed.json()[name] for name in bounds] == [None, None, None]


@pytest.mark.rule("KEY-4")
@pytest.mark.parametrize(
    ("address", "networks", "is_allowed"),
    [
        ("10.1.2.3", None, True),
        ("10.1.2.3", (), False),
        (None, None, True),
        (None, ("0.0.0.0/0", "::/0"), False),
        ("10.1.2.3", ("10.0.0.0/8",), True),
        ("11.1.2.3", ("10.0.0.0/8",), False),
        ("::ffff:10.1.2.3", ("10.0.0.0/8",), True),
        ("2001:db8::1", ("10.0.0.0/8", "2001:db8::/32"), True),
        ("2001:db9::1", ("10.0.0.0/8", "2001:db8::/32"), False),
        ("10.1.2.3", ("::/0",), False),
        ("/run/bursar.sock", ("0.0.0.0/0",), False),
    ],
)
def test_an_address_is_in_an_allowed_network_or_not(
    address: str | None, networks: tuple[str, ...] | None, is_allowed: bool
) -> None:
    assert is_address_allowed(address, networks) is is_allowed


@pytest.mark.rule("KEY-4")
def test_bits_beyond_the_prefix_are_refused_with_what_may_have_been_meant() -> None:
    with pytest.raises(Refusal) as caught:
        parse_network("10.1.2.3/8", field="allowed_networks")

    assert caught.value.detail == "10.1.2.3 is an address inside 10.0.0.0/8: write 10.0.0.0/8, or 10.1.2.3 alone."


@pytest.mark.rule("KEY-5")
@pytest.mark.parametrize(
    ("own", "of_tenant", "expected"),
    [
        (INHERIT, INHERIT, Effective(UNLIMITED, "none")),
        (INHERIT, UNLIMITED, Effective(UNLIMITED, "tenant")),
        (INHERIT, 0, Effective(0, "tenant")),
        (INHERIT, 7, Effective(7, "tenant")),
        (UNLIMITED, INHERIT, Effective(UNLIMITED, "key")),
        (UNLIMITED, UNLIMITED, Effective(UNLIMITED, "key")),
        (UNLIMITED, 0, Effective(UNLIMITED, "key")),
        (UNLIMITED, 7, Effective(UNLIMITED, "key")),
        (0, INHERIT, Effective(0, "key")),
        (0, UNLIMITED, Effective(0, "key")),
        (0, 7, Effective(0, "key")),
        (9, 7, Effective(9, "key")),
    ],
)
def test_inherit_unlimited_and_0_are_three_different_limits(
    own: CountLimit, of_tenant: CountLimit, expected: Effective[int]
) -> None:
    def in_credits(limit: Any) -> Any:
        return parse_level(str(limit), field="x") if type(limit) is int else limit

    assert effective(own, of_tenant) == expected
    assert effective(in_credits(own), in_credits(of_tenant)) == Effective(
        in_credits(expected.limit), expected.source
    )  # fmt: skip


@pytest.mark.rule("KEY-5")
async def test_a_keys_limits_are_shown_beside_what_comes_of_them(house: TestOffice) -> None:
    await house.tenant()
    boss, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    none = {
        "requests_per_minute": "inherit",
        "tokens_per_minute": "inherit",
        "calls_at_once": "inherit",
        "credits_per_cycle": "inherit",
        "credits_in_total": "inherit",
    }
    assert (await boss.get("/api/v1/settings/key-limits")).json() == none
    of_tenant = {**none, "requests_per_minute": 60, "calls_at_once": 0, "credits_per_cycle": "12.50"}

    put = await boss.put("/api/v1/settings/key-limits", json=of_tenant)
    limits = {"requests_per_minute": "unlimited", "tokens_per_minute": 0, "credits_in_total": "0"}
    key = (await made_key(member, limits=limits))["key"]

    assert put.json() == of_tenant == (await boss.get("/api/v1/settings/key-limits")).json()
    assert key["limits"] == {
        "requests_per_minute": {"own": "unlimited", "effective": "unlimited", "source": "key"},
        "tokens_per_minute": {"own": 0, "effective": 0, "source": "key"},
        "calls_at_once": {"own": "inherit", "effective": 0, "source": "tenant"},
        "credits_per_cycle": {"own": "inherit", "effective": "12.50", "source": "tenant"},
        "credits_in_total": {"own": "0.00", "effective": "0.00", "source": "key"},
    }
    edited = await member.patch(f"{KEYS}/{key['id']}", json={"limits": {"tokens_per_minute": "inherit"}})
    assert edited.json()["limits"] == {
        **key["limits"],
        "tokens_per_minute": {"own": "inherit", "effective": "unlimited", "source": "none"},
    }


@pytest.mark.rule("KEY-5")
async def test_what_keys_inherit_is_the_tenant_admins_to_say(house: TestOffice) -> None:
    await house.tenant()
    boss, member = await house.signed_in("acme-admin"), await house.signed_in("acme-member")
    body = {"username": "ann", "display_name": "Ann", "password": "long enough", "role": "admin"}
    await boss.post("/api/v1/members", json=body)
    ann = await house.signed_in("ann", "long enough")

    assert (await ann.get("/api/v1/settings/key-limits")).status_code == 200
    assert refused(await ann.put("/api/v1/settings/key-limits", json={})) == (403, "not_permitted")
    assert refused(await member.get("/api/v1/settings/key-limits")) == (403, "not_permitted")
    assert field_at_fault(await boss.put("/api/v1/settings/key-limits", json={"calls_at_once": -1})) == (
        422,
        "calls_at_once",
    )


@pytest.mark.rule("KEY-4")
@pytest.mark.parametrize(("before", "after"), [(["nothing"], []), (["a, b"], ["a", "b"]), ([], None)])
async def test_a_list_that_reads_like_another_is_another(
    house: TestOffice, before: list[str], after: list[str] | None
) -> None:
    await house.tenant()
    member = await house.signed_in("acme-member")
    key = (await made_key(member, allowed_models=before))["key"]["id"]

    changed = await member.patch(f"/api/v1/api-keys/{key}", json={"allowed_models": after})

    assert (changed.status_code, changed.json()["allowed_models"]) == (200, after)
    assert (await member.get(f"/api/v1/api-keys/{key}")).json()["allowed_models"] == after
