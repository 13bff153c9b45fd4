"""docs/rules/purchases.md, example by example: orders that are paid through a provider, and what it tells of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from bursar.actions.desk import Asked, Desk
from bursar.actions.purchases import NewPurchase, hear, order, reference_of
from bursar.domain.credits import Credits
from bursar.domain.ids import parse_public_id
from bursar.domain.permissions import Actor
from bursar.domain.purchases import PurchaseStatus
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Role
from bursar.outside.payments import Begun, Bill, Invoice, NotBegun, Notice
from bursar.store.purchases import Purchase
from tests.support.codes import check_books, pool_of
from tests.support.offices import Place, TestOffice
from tests.support.purchases import HOW_TO_PAY, PURCHASES, looked_at, selling


@dataclass
class CardProvider:
    """A provider as one that takes cards will be: somebody else, who answers with a page or cannot be reached."""

    name: str = "card"
    is_reachable: bool = True
    bills: list[Bill] = field(default_factory=list)

    async def begin(self, bill: Bill) -> Begun:
        self.bills.append(bill)
        if not self.is_reachable:
            raise NotBegun("no answer")
        return Begun(None, f"https://pay.example.com/{bill.reference}")

    def heard(self, body: bytes, headers: Mapping[str, str]) -> Notice | None:
        return Notice(body.decode(), is_paid=headers["event"] == "paid")


@dataclass(frozen=True)
class Shop:
    """A tenant that buys by card, and the desk with that provider."""

    desk: Desk
    place: Place
    provider: CardProvider
    admin: httpx.AsyncClient

    async def order(self, key: str | None = None) -> Purchase:
        tenant_id, by = self.place.tenant.tenant_id, self.place.admin
        asked = Asked(Actor(Role.TENANT_ADMIN, by.member_id, tenant_id, by.display_name)).under(key)
        new = NewPurchase(Credits(40_000_000), None)
        return (await order(self.desk, asked, tenant_id, new)).answer

    async def kept(self, purchase: Purchase) -> dict[str, Any]:
        (found,) = [
            row
            for row in (await looked_at(self.admin, PURCHASES))["purchases"]
            if parse_public_id("purchase", row["id"], field="id") == purchase.purchase_id
        ]
        return dict(found)


async def shop_of(house: TestOffice) -> Shop:
    place = await house.tenant()
    root, admin = await house.super_admin(), await house.signed_in("acme-admin")
    await selling(root)
    provider = CardProvider()
    return Shop(replace(house.desk, payments=provider), place, provider, admin)


@pytest.mark.rule("PURCHASE-5")
async def test_a_provider_is_told_of_an_order_that_is_there_and_says_where_to_pay(house: TestOffice) -> None:
    shop = await shop_of(house)

    made = await shop.order()

    (bill,) = shop.provider.bills
    assert (bill.title, str(bill.total), bill.instructions) == ("Order 1", "0.40", HOW_TO_PAY)
    kept = await shop.kept(made)
    assert (kept["provider"], kept["instructions"]) == ("card", None)
    assert kept["payment_link"] == made.payment.link == f"https://pay.example.com/{reference_of(made)}"


@pytest.mark.rule("PURCHASE-5")
async def test_an_order_whose_provider_cannot_be_reached_waits_and_is_begun_by_its_repeat(house: TestOffice) -> None:
    shop = await shop_of(house)
    shop.provider.is_reachable = False

    first = await shop.order("once")
    shop.provider.is_reachable = True
    second = await shop.order("once")
    third = await shop.order("once")

    assert (first.payment.link, second.payment.link) == (None, third.payment.link)
    assert second.payment.link is not None
    assert {made.purchase_id for made in (first, second, third)} == {first.purchase_id}
    assert len(shop.provider.bills) == 2, "the third finds what the second was told"
    assert (await shop.kept(first))["payment_link"] == second.payment.link


@pytest.mark.rule("PURCHASE-5")
async def test_a_repeat_does_not_bill_an_order_by_another_provider_than_it_was_made_with(house: TestOffice) -> None:
    by_card = await shop_of(house)
    by_invoice = replace(by_card, desk=house.desk)
    first = await by_invoice.order("once")

    again = await by_card.order("once")

    assert again == first
    assert by_card.provider.bills == [], "what the card is charged for this order could not be heard of"
    kept = await by_card.kept(first)
    assert (kept["provider"], kept["instructions"], kept["payment_link"]) == ("invoice", HOW_TO_PAY, None)


@pytest.mark.rule("PURCHASE-5")
async def test_no_transaction_is_open_while_a_provider_is_asked(house: TestOffice) -> None:
    shop = await shop_of(house)
    seen: list[int] = []

    class Looking(CardProvider):
        async def begin(self, bill: Bill) -> Begun:
            seen.append((await looked_at(shop.admin, PURCHASES))["total"])
            pool = shop.desk.tenants.pool
            seen.append(pool.get_size() - pool.get_idle_size())
            return await super().begin(bill)

    looking = replace(shop, desk=replace(shop.desk, payments=Looking()))

    await looking.order()

    assert seen == [1, 0]


@pytest.mark.rule("PURCHASE-8")
async def test_told_many_times_that_an_order_was_paid_it_is_paid_once(house: TestOffice) -> None:
    shop = await shop_of(house)
    made = await shop.order()
    notice = shop.provider.heard(reference_of(made).encode(), {"event": "paid"})
    assert notice is not None

    told = await asyncio.gather(*(hear(shop.desk, notice) for _ in range(10)))

    assert {purchase.status for purchase in told} == {PurchaseStatus.PAID}
    assert await pool_of(shop.admin) == "40.00"
    assert (await shop.kept(made))["decided_by"] == "Bursar"
    newest = (await looked_at(shop.admin, "/api/v1/transactions"))["transactions"][0]
    assert (newest["kind"], newest["operator"]["name"], newest["note"]) == ("purchase", "Acme Admin", "Order 1")
    await check_books(house, shop.place)


@pytest.mark.rule("PURCHASE-8")
@pytest.mark.parametrize(
    ("words", "note"),
    [("Paid\nin full\x00", "Paid in full"), ("x" * 500, "x" * 200), (" \t", None)],
    ids=["in lines", "long", "blank"],
)
async def test_whatever_words_a_provider_uses_the_order_is_paid(
    house: TestOffice, words: str, note: str | None
) -> None:
    shop = await shop_of(house)
    made = await shop.order()

    paid = await hear(shop.desk, Notice(reference_of(made), is_paid=True, note=words))

    assert paid.status is PurchaseStatus.PAID
    assert (await shop.kept(made))["decision_note"] == note
    assert await pool_of(shop.admin) == "40.00"


@pytest.mark.rule("PURCHASE-8")
async def test_money_for_an_order_that_was_withdrawn_credits_nothing(house: TestOffice) -> None:
    shop = await shop_of(house)
    made = await shop.order()
    failed = await hear(shop.desk, Notice(reference_of(made), is_paid=False, note="Card declined"))
    again = await hear(shop.desk, Notice(reference_of(made), is_paid=False))

    with pytest.raises(Refusal) as late:
        await hear(shop.desk, Notice(reference_of(made), is_paid=True))

    assert failed == again
    assert late.value.code == "purchase_decided"
    kept = await shop.kept(made)
    assert (kept["status"], kept["decided_by"], kept["decision_note"]) == ("cancelled", "Bursar", "Card declined")
    assert await pool_of(shop.admin) == "0.00"


@pytest.mark.rule("PURCHASE-8")
async def test_a_provider_is_heard_about_its_own_orders_only(house: TestOffice) -> None:
    shop = await shop_of(house)
    by_invoice = await replace(shop, desk=house.desk).order()
    by_card = await shop.order()
    references = [
        (shop.desk, reference_of(by_invoice)),
        (house.desk, reference_of(by_card)),
        (shop.desk, f"ten_{1:032x}.{reference_of(by_card).partition('.')[2]}"),
        (shop.desk, f"{reference_of(by_card).partition('.')[0]}.pur_{1:032x}"),
        (shop.desk, "no reference"),
    ]

    for desk, reference in references:
        with pytest.raises(Refusal) as unknown:
            await hear(desk, Notice(reference, is_paid=True))
        assert unknown.value.code in ("purchase_unknown", "tenant_unknown")

    assert isinstance(house.desk.payments, Invoice)
    assert await pool_of(shop.admin) == "0.00"


@pytest.mark.rule("PURCHASE-8")
def test_nobody_calls_about_an_invoice() -> None:
    assert Invoice().heard(b"anything", {"event": "paid"}) is None
