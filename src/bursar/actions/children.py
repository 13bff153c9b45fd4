"""Naming who has to be lowered first, where a budget would be lower than what was given out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.ids import public_id
from bursar.domain.refusals import Refusal
from bursar.ledger import list_largest_allowances, list_largest_group_budgets
from bursar.store.groups import list_group_names
from bursar.store.members import list_display_names

CHILDREN_NAMED_MAX = 10
"""As many as a person reads; the largest, since they are what is worth lowering."""


@asynccontextmanager
async def naming_children(transaction: Transaction, tenant_id: UUID, group_id: UUID | None) -> AsyncIterator[None]:
    """Adds to `budget_below_children` who was given the most: the group's members, or the tenant's groups.

    Rule: BUDGET-6
    """
    try:
        yield
    except Refusal as refusal:
        if refusal.code != "budget_below_children":
            raise
        raise await _named(transaction, tenant_id, group_id, refusal) from refusal


async def _named(transaction: Transaction, tenant_id: UUID, group_id: UUID | None, refusal: Refusal) -> Refusal:
    limit = CHILDREN_NAMED_MAX + 1
    if group_id is None:
        noun, parts = "group", await list_largest_group_budgets(transaction, tenant_id, limit=limit)
        names = await list_group_names(transaction, tenant_id, [part.identity for part in parts])
    else:
        noun, parts = "member", await list_largest_allowances(transaction, tenant_id, group_id, limit=limit)
        names = await list_display_names(transaction, tenant_id, [part.identity for part in parts])
    shown = parts[:CHILDREN_NAMED_MAX]
    told = ", ".join(f"{names[part.identity]} {part.monthly}" for part in shown)
    more = " and others" if len(parts) > len(shown) else ""
    children = " ".join(public_id(noun, part.identity) for part in shown)
    detail = f"{refusal.detail.removesuffix('.')}: {told}{more}."
    return Refusal(refusal.code, detail, field=refusal.field, **refusal.facts, children=children)
