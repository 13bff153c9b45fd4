"""A space manager runs a team: sub-accounts, their quota, an admin who helps, and somebody who leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.callers import Caller, check_books, new_tenant, signed_in
from tests.support.offices import TestOffice


@dataclass
class Story:
    """Who is in it."""

    house: TestOffice
    root: Caller
    tenant_id: str
    manager: Caller
    ids: dict[str, str]

    async def row(self, name: str) -> dict[str, Any]:
        return dict(await self.manager.get(f"/members/{self.ids[name]}"))

    async def quota(self, name: str) -> tuple[str, str]:
        """Remaining and consumed."""
        row = await self.row(name)
        return str(row["remaining"]), str(row["consumed"])

    async def available(self) -> str:
        return str((await self.manager.get("/pool"))["balance"])


async def test_a_space_manager_runs_a_team(house: TestOffice) -> None:
    root = Caller(await house.super_admin())
    tenant_id = await new_tenant(root, "Atelier", admin="manager")
    await root.put(f"/tenants/{tenant_id}/total", {"total": "100", "seen": "0"})
    manager = await signed_in(house, "manager")
    story = Story(house, root, tenant_id, manager, {})

    await users_are_added(story)
    await quota_is_given_out_of_the_total(story)
    await quota_is_set_up_and_down(story)
    await an_admin_helps(story)
    await the_manager_spends_from_the_total(story)
    await somebody_is_disabled_and_enabled(story)
    await somebody_leaves_for_good(story)
    await the_platform_changes_the_total(story)
    await spaces_do_not_see_each_other(story)
    await check_books(house, tenant_id)


async def users_are_added(story: Story) -> None:
    """S-04 S-20 S-33..S-39 S-41 S-61: a username and a password are enough; everybody begins with nothing."""
    add = {"username": "dora", "password": "secret-8"}
    assert (await story.manager.refused("POST", "/members", {"username": "dora"}))["code"] == "invalid_input"
    assert (await story.manager.refused("POST", "/members", {**add, "password": "seven77"}))["code"] == "invalid_input"
    dora = await story.manager.post("/members", add)
    assert (await story.manager.refused("POST", "/members", add))["code"] == "name_taken"
    emil = await story.manager.post("/members", {**add, "username": "emil", "display_name": "Emil K."})
    story.ids |= {"dora": dora["id"], "emil": emil["id"]}

    assert (dora["display_name"], dora["role_label"], dora["status"]) == ("dora", "Member", "active")
    assert (dora["remaining"], emil["number"]) == ("0.00", dora["number"] + 1)
    signed = await signed_in(story.house, "dora", "secret-8")
    assert (await signed.refused("GET", "/members"))["code"] == "not_permitted"
    assert (await signed.refused("GET", f"/members/{story.ids['emil']}"))["code"] in {"not_permitted", "member_unknown"}


async def quota_is_given_out_of_the_total(story: Story) -> None:
    """S-05 S-22 S-40 S-45 S-47 S-54..S-56 S-59: what a user gets leaves what is available, and no more than that."""
    dora = story.ids["dora"]
    assert (await story.manager.get("/pool"))["granted"] == "100.00"

    await story.manager.put(f"/members/{dora}/remaining", {"remaining": "5", "seen": "0"})
    assert (await story.quota("dora"), await story.available()) == (("5.00", "0.00"), "95.00")
    refusal = await story.manager.refused("PUT", f"/members/{dora}/remaining", {"remaining": "100.01", "seen": "5"})
    assert refusal["code"] == "insufficient_pool"

    signed = await signed_in(story.house, "dora", "secret-8")
    await signed.spends("3")
    seen = await signed.get("/own-credits")
    assert (seen["own"]["remaining"], seen["own"]["total"], seen["consumed"]) == ("2.00", "5.00", "3.00")
    assert (await story.manager.get("/pool"))["assigned"] == "5.00"


async def quota_is_set_up_and_down(story: Story) -> None:
    """S-48 S-49 S-50 S-67: the difference comes out of the total or goes back; never below what was consumed."""
    dora = story.ids["dora"]
    await story.manager.put(f"/members/{dora}/remaining", {"remaining": "5", "seen": "2"})
    assert await story.available() == "92.00"
    await story.manager.put(f"/members/{dora}/remaining", {"remaining": "3", "seen": "5"})
    assert (await story.available(), await story.quota("dora")) == ("94.00", ("3.00", "3.00"))

    stale = await story.manager.refused("PUT", f"/members/{dora}/remaining", {"remaining": "8", "seen": "5"})
    assert (stale["code"], stale["facts"]["present"]) == ("figure_changed", "3.00")
    below = await story.manager.refused("PUT", f"/members/{dora}/remaining", {"remaining": "-1", "seen": "3"})
    assert below["code"] in {"amount_too_small", "amount_not_decimal"}


async def an_admin_helps(story: Story) -> None:
    """S-06 S-10..S-14 S-51..S-53: an admin does nearly all that the manager does, but deletes nobody."""
    emil_id, dora_id = story.ids["emil"], story.ids["dora"]
    await story.manager.put(f"/members/{emil_id}/role", {"role": "admin"})
    emil = await signed_in(story.house, "emil", "secret-8")

    fritz = await emil.post("/members", {"username": "fritz", "password": "secret-8"})
    story.ids["fritz"] = fritz["id"]
    await emil.put(f"/members/{fritz['id']}/remaining", {"remaining": "10", "seen": "0"})
    assert await story.available() == "84.00"
    await emil.patch(f"/members/{fritz['id']}", {"display_name": "Fritz L.", "username": "fritzl"})
    assert await signed_in(story.house, "fritzl", "secret-8")
    await emil.put(f"/members/{dora_id}/role", {"role": "admin"})
    await emil.put(f"/members/{dora_id}/role", {"role": "member"})
    assert (await emil.refused("DELETE", f"/members/{dora_id}"))["code"] == "not_permitted"
    own = await emil.refused("PUT", f"/members/{emil_id}/remaining", {"remaining": "1", "seen": "0"})
    assert own["code"] in {"recipient_is_actor", "not_to_oneself"}


async def the_manager_spends_from_the_total(story: Story) -> None:
    """S-08 S-57 S-58: no self-allocation: a call of the manager's own lowers what is available."""
    await story.manager.spends("4")

    pool = await story.manager.get("/pool")
    assert (pool["balance"], pool["pool_used"], pool["granted"]) == ("80.00", "4.00", "100.00")
    assert pool["assigned"] == "16.00"
    seen = await story.manager.get("/own-credits")
    own = seen["pool"]
    assert (own["total"], own["allocated"], own["available"]) == ("100.00", "16.00", "80.00")
    assert (seen["consumed"], own["pool_used"]) == ("4.00", "4.00")


async def somebody_is_disabled_and_enabled(story: Story) -> None:
    """S-26..S-29 S-68 S-69: a disabled user keeps the quota, which can be lowered and not raised."""
    fritz_id = story.ids["fritz"]
    fritz = await signed_in(story.house, "fritzl", "secret-8")
    key = await fritz.post("/api-keys", {"name": "laptop", "kind": "model"})
    await story.manager.post(f"/members/{fritz_id}/disable")

    refusal = await Caller(story.house.visitor()).refused(
        "POST", "/session", {"name": "fritzl", "password": "secret-8"}
    )
    assert refusal["code"] == "member_disabled"
    with_key = {"authorization": f"Bearer {key['secret']}"}
    assert (await story.house.visitor().get("/v1/models", headers=with_key)).status_code == 403
    assert await story.available() == "80.00"
    raised = await story.manager.refused("PUT", f"/members/{fritz_id}/remaining", {"remaining": "11", "seen": "10"})
    assert raised["code"] == "member_disabled"
    await story.manager.put(f"/members/{fritz_id}/remaining", {"remaining": "6", "seen": "10"})
    assert await story.available() == "84.00"

    await story.manager.post(f"/members/{fritz_id}/enable")
    assert (await story.house.visitor().get("/v1/models", headers=with_key)).status_code != 403
    assert await signed_in(story.house, "fritzl", "secret-8")


async def somebody_leaves_for_good(story: Story) -> None:
    """S-31 S-32: the unused remainder goes back, what was consumed stays spent, and the person is gone."""
    deleted = await story.manager.delete(f"/members/{story.ids['dora']}")

    assert deleted["returned"] == "3.00"
    assert await story.available() == "87.00"
    gone = await Caller(story.house.visitor()).refused("POST", "/session", {"name": "dora", "password": "secret-8"})
    assert gone["code"] == "sign_in_failed"
    pool = await story.manager.get("/pool")
    assert (pool["utilized"], pool["purchased"]) == ("7.00", "100.00")


async def the_platform_changes_the_total(story: Story) -> None:
    """S-03 S-54 S-55 S-72: only the super admin does, and never below what is assigned and consumed."""
    path = f"/tenants/{story.tenant_id}/total"
    assert (await story.manager.refused("PUT", path, {"total": "200", "seen": "100"}))["code"] == "not_permitted"
    refusal = await story.root.refused("PUT", path, {"total": "12.99", "seen": "100"})
    assert (refusal["code"], refusal["facts"]["lowest"]) == ("total_in_use", "13.00")
    await story.root.put(path, {"total": "13", "seen": "100"})
    assert await story.available() == "0.00"
    await story.root.put(path, {"total": "200", "seen": "13"})
    assert await story.available() == "187.00"


async def spaces_do_not_see_each_other(story: Story) -> None:
    """S-73: another organisation's people are unknown, not forbidden."""
    await new_tenant(story.root, "Bottega", admin="bottega")
    stranger = await signed_in(story.house, "bottega")

    for method, path, body in (
        ("GET", f"/members/{story.ids['emil']}", None),
        ("PUT", f"/members/{story.ids['emil']}/remaining", {"remaining": "1", "seen": "0"}),
        ("POST", "/allocations", {"member_id": story.ids["emil"], "amount": "1"}),
        ("POST", "/reclaims", {"member_id": story.ids["emil"], "amount": "1"}),
    ):
        assert (await stranger.refused(method, path, body))["code"] == "member_unknown", path
