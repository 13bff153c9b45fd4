"""A tenant admin allocates credits: the whole guide, from an empty pool to taking back what a leaver did not use."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from tests.support.callers import Caller, check_books, new_member, new_tenant, signed_in
from tests.support.offices import TestOffice

PEOPLE = ("zhang", "li", "wang", "zhao")


@dataclass
class Story:
    """Who is in it."""

    house: TestOffice
    root: Caller
    tenant_id: str
    admin: Caller
    members: dict[str, str]

    async def pool(self) -> str:
        return str((await self.admin.get("/pool"))["balance"])

    async def balance(self, name: str) -> str:
        return str((await self.admin.get(f"/members/{self.members[name]}"))["balance"])


async def test_a_tenant_admin_allocates_credits(house: TestOffice) -> None:
    root = Caller(await house.super_admin())
    tenant_id = await new_tenant(root, "Harbour Labs", admin="harbour")
    admin = await signed_in(house, "harbour")
    members = {name: (await new_member(admin, name))["id"] for name in PEOPLE}
    story = Story(house, root, tenant_id, admin, members)

    await nothing_can_be_allocated_from_an_empty_pool(story)
    await the_pool_is_filled_by_a_code_and_by_a_purchase(story)
    await one_member_is_given_credits(story)
    await what_cannot_be_allocated_is_refused(story)
    await several_are_given_the_same_amount(story)
    await some_of_a_batch_fail_and_are_tried_again(story)
    await credits_are_taken_back(story)
    await the_log_tells_it_all(story)
    await check_books(house, tenant_id)


async def nothing_can_be_allocated_from_an_empty_pool(story: Story) -> None:
    """G-01 G-02 G-06 G-08 G-10 G-53 G-72: without credits nobody allocates, and nobody calls a model."""
    nobody = Caller(story.house.visitor())
    zhang = await signed_in(story.house, "zhang")
    give = {"member_id": story.members["zhang"], "amount": "10"}

    assert (await nobody.refused("POST", "/allocations", give))["code"] == "not_signed_in"
    assert (await zhang.refused("POST", "/allocations", give))["code"] == "not_permitted"
    refusal = await story.admin.refused("POST", "/allocations", give)
    assert (refusal["code"], refusal["title"]) == ("insufficient_pool", "Insufficient tenant balance")
    assert (await zhang.refused("POST", "/holds", {"amount": "1"}))["code"] == "insufficient_quota"


async def the_pool_is_filled_by_a_code_and_by_a_purchase(story: Story) -> None:
    """G-10 G-11 G-12 G-13: the platform issues a code, which is spent once; an order brings credits when it is paid."""
    draft = {"count": 1, "value": "60", "note": "Welcome"}
    assert (await story.admin.refused("POST", "/redemption-codes", draft))["code"] == "not_permitted"
    (code,) = (await story.root.post("/redemption-codes", draft))["codes"]

    await story.admin.post("/redemptions", {"code": code["code"]})
    assert (await story.admin.refused("POST", "/redemptions", {"code": code["code"]}))["code"] == "code_spent"
    assert await story.pool() == "60.00"

    await story.root.patch("/platform-settings", {"currency": "EUR", "credit_price": "0.05"})
    order = await story.admin.post("/purchases", {"amount": "40", "note": "July"})
    assert (order["status"], order["total"], order["currency"]) == ("pending", "2.00", "EUR")
    assert await story.pool() == "60.00"
    await story.root.post(f"/purchases/{order['id']}/confirm?tenant_id={story.tenant_id}", {})
    assert await story.pool() == "100.00"


async def one_member_is_given_credits(story: Story) -> None:
    """G-04 G-05 G-54 G-55 G-58..G-63 G-81: both sides move at once, the log says so, and the member can call."""
    given = await story.admin.post(
        "/allocations", {"member_id": story.members["zhang"], "amount": "10", "note": "For the pilot"}
    )

    assert (await story.pool(), await story.balance("zhang")) == ("90.00", "10.00")
    (row,) = (await story.admin.get("/transactions", limit=1))["transactions"]
    assert (row["id"], row["label"], row["tag"], row["amount"]) == (given["id"], "Allocation", "blue", "-10.00")
    assert (row["before"], row["after"], row["note"]) == ("100.00", "90.00", "For the pilot")
    assert row["related"]["email"] == "zhang@example.com"
    assert row["operator"]["name"] == "Harbour"

    zhang = await signed_in(story.house, "zhang")
    assert (await zhang.get("/own-credits"))["own"]["remaining"] == "10.00"
    (own,) = (await zhang.get("/own-transactions"))["transactions"]
    assert (own["label"], own["amount"], own["before"], own["after"]) == ("Allocation", "10.00", "0.00", "10.00")
    assert (await zhang.spends("0.75", held="1"))["charged"] == "0.75"
    assert await story.balance("zhang") == "9.25"


async def what_cannot_be_allocated_is_refused(story: Story) -> None:
    """G-09 G-21 G-22 G-23 G-46 G-52 G-53 G-56: amounts, notes and recipients, each with its reason; nothing moves."""
    before = await story.pool()

    async def code(member_id: str, amount: str) -> str:
        body = {"member_id": member_id, "amount": amount}
        return str((await story.admin.refused("POST", "/allocations", body))["code"])

    li = story.members["li"]
    for amount in ("0.009", "1.234"):
        assert await code(li, amount) in {"amount_too_fine", "invalid_input"}, amount
    for amount in ("0", "-1", "0.00"):
        assert await code(li, amount) in {"amount_too_small", "amount_not_decimal"}, amount
    long_note = {"member_id": li, "amount": "1", "note": "x" * 201}
    assert (await story.admin.refused("POST", "/allocations", long_note))["fields"][0]["field"] == "note"
    assert await code(li, "90.01") == "insufficient_pool"
    own_id = (await story.admin.get("/session"))["person"]["id"]
    assert await code(own_id, "1") in {"recipient_is_actor", "recipient_spends_pool"}
    assert await code("mem_" + "0" * 32, "1") == "member_unknown"
    await story.admin.post(f"/members/{li}/disable")
    assert await code(li, "1") == "member_disabled"
    offered = [member["id"] for member in (await story.admin.get("/members", can_receive="true"))["members"]]
    assert offered == [story.members[name] for name in ("zhang", "wang", "zhao")]
    await story.admin.post(f"/members/{li}/enable")

    assert await story.pool() == before == "90.00"
    await story.admin.post("/allocations", {"member_id": li, "amount": "0.01", "note": "x" * 200})
    assert await story.balance("li") == "0.01"


async def several_are_given_the_same_amount(story: Story) -> None:
    """G-27 G-33 G-36 G-41 G-42 G-82: one amount for each, checked as a whole first, one row of the log for each."""
    chosen = [story.members[name] for name in ("zhang", "li", "wang")]
    too_much = await story.admin.refused("POST", "/allocation-batches", {"member_ids": chosen, "amount": "30"})
    assert too_much["code"] == "insufficient_pool"
    assert await story.pool() == "89.99"

    batch = await story.admin.post("/allocation-batches", {"member_ids": chosen, "amount": "2.50", "note": "Kickoff"})

    assert (batch["state"], batch["given"], batch["failed"]) == ("finished", 3, 0)
    assert await story.pool() == "82.49"
    rows = (await story.admin.get("/transactions", limit=3))["transactions"]
    assert {row["amount"] for row in rows} == {"-2.50"}
    assert (rows[-1]["before"], rows[0]["after"]) == ("89.99", "82.49")


async def some_of_a_batch_fail_and_are_tried_again(story: Story) -> None:
    """G-37 G-38 G-39 G-79 G-80: who cannot receive fails with a reason; a retry gives to nobody twice."""
    await story.admin.post(f"/members/{story.members['wang']}/disable")
    chosen = [story.members[name] for name in ("zhang", "wang", "zhao")]

    batch = await story.admin.post("/allocation-batches", {"member_ids": chosen, "amount": "5"})
    failed = await story.admin.get(f"/allocation-batches/{batch['id']}/rows", state="failed")
    assert (batch["given"], batch["failed"]) == (2, 1)
    assert [(row["member_id"], row["code"]) for row in failed["rows"]] == [(story.members["wang"], "member_disabled")]

    await story.admin.post(f"/members/{story.members['wang']}/enable")
    retried = await story.admin.post(f"/allocation-batches/{batch['id']}/retry")
    assert (retried["state"], retried["given"], retried["failed"]) == ("finished", 3, 0)
    assert [await story.balance(name) for name in PEOPLE] == ["16.75", "2.51", "7.50", "5.00"]
    refusal = await story.admin.refused("POST", f"/allocation-batches/{batch['id']}/retry")
    assert refusal["code"] == "nothing_failed"


async def credits_are_taken_back(story: Story) -> None:
    """G-64..G-71 G-77 G-85: at most what is there, from somebody who is disabled as well."""
    zhao = story.members["zhao"]
    await story.admin.post(f"/members/{zhao}/disable")
    holders = await story.admin.get("/members", has_balance="true")
    assert [(member["email"], member["balance"]) for member in holders["members"]][-1] == ("zhao@example.com", "5.00")

    refusal = await story.admin.refused("POST", "/reclaims", {"member_id": zhao, "amount": "5.01"})
    assert (refusal["code"], refusal["title"]) == ("insufficient_balance", "Insufficient user balance")
    before = await story.pool()
    await story.admin.post("/reclaims", {"member_id": zhao, "amount": "5"})
    assert (before, await story.pool(), await story.balance("zhao")) == ("67.49", "72.49", "0.00")
    (row,) = (await story.admin.get("/transactions", limit=1))["transactions"]
    assert (row["label"], row["tag"], row["amount"]) == ("Reclaim", "orange", "5.00")


async def the_log_tells_it_all(story: Story) -> None:
    """G-05 G-82 G-83: every movement has its row, each begins where the last one ended, and none can be changed."""
    rows = (await story.admin.get("/transactions", limit=100))["transactions"]
    oldest_first = list(reversed(rows))
    assert [row["label"] for row in oldest_first] == [
        "Redemption", "Purchase", *["Allocation"] * 8, "Reclaim",
    ]  # fmt: skip
    assert oldest_first[0]["before"] == "0.00"
    for earlier, later in pairwise(oldest_first):
        assert later["before"] == earlier["after"]
    assert oldest_first[-1]["after"] == await story.pool()
    for method in ("DELETE", "PATCH", "PUT"):
        refusal = await story.admin.refused(
            method, f"/transactions/{rows[0]['id']}", {} if method != "DELETE" else None
        )
        assert refusal["code"] in {"not_found", "method_not_allowed"}
