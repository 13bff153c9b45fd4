"""Puts the demo's orders and credit requests in place: one of each state, so that every list has something to show."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from bursar.actions.budgets import NewLevel, set_auto_approve
from bursar.actions.credit_requests import Approval, NewRequest, approve_request, deny_request, submit_request
from bursar.actions.desk import Asked, Desk
from bursar.actions.platform_settings import Selling, change_platform_settings
from bursar.actions.purchases import NewPurchase, confirm, order
from bursar.cli.demo_people import AUTO_APPROVE, ORDERS, REQUESTS, SELLING, DemoRequest
from bursar.domain.credit_requests import RequestStatus, Source
from bursar.domain.credits import ZERO, parse_level, parse_typed
from bursar.domain.permissions import Actor
from bursar.domain.roles import Role
from bursar.reports.lookup import find_group_named


async def seed_orders(desk: Desk, *, root: Asked, asked: Asked, tenant_id: UUID) -> None:
    """A price for credits, an order that was paid, and one that waits."""
    currency, price, instructions = SELLING
    selling = Selling(currency, price, {"payment_instructions": instructions})
    await change_platform_settings(desk, root.under("demo:selling"), selling)
    for number, (amount, note, is_paid) in enumerate(ORDERS, 1):
        new = NewPurchase(parse_typed(amount, field="amount"), note)
        ordered = await order(desk, asked.under(f"demo:order:{number}"), tenant_id, new)
        if is_paid:
            paid = root.under(f"demo:paid:{number}")
            await confirm(desk, paid, tenant_id, ordered.answer.purchase_id, note=None)


async def seed_requests(desk: Desk, asked: Asked, tenant_id: UUID, members: Mapping[str, UUID]) -> None:
    """A reserve for a group, and requests of its members and others: approved by itself, by hand, denied, waiting."""
    group_name, reserve = AUTO_APPROVE
    group = await find_group_named(desk.tenants, tenant_id, group_name)
    level = NewLevel(parse_level(reserve, field="auto_approve"), ZERO, None)
    await set_auto_approve(desk, asked.under("demo:reserve"), tenant_id, group.group_id, level)
    for wanted in REQUESTS:
        await _request(desk, asked, tenant_id, members[wanted.name], wanted)


async def _request(desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID, wanted: DemoRequest) -> None:
    by_member = Asked(Actor(Role.MEMBER, member_id, tenant_id, wanted.name)).under(f"demo:request:{wanted.reason}")
    new = NewRequest(parse_typed(wanted.amount, field="amount"), wanted.reason)
    request = (await submit_request(desk, by_member, tenant_id, new)).answer.request
    if request.status is not RequestStatus.PENDING or wanted.decision is None:
        return
    decided = asked.under(f"demo:decision:{wanted.reason}")
    if wanted.approved is None:
        await deny_request(desk, decided, tenant_id, request.request_id, wanted.decision)
    else:
        approval = Approval(parse_typed(wanted.approved, field="amount"), Source.GROUP, wanted.decision)
        await approve_request(desk, decided, tenant_id, request.request_id, approval)
