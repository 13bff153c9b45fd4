"""Usage logs: calls with the names of who made them, newest first; and one call with how its charge came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.calls import Call
from bursar.domain.costs import Explained, compile_price, explain
from bursar.domain.prices import Price
from bursar.domain.refusals import Refusal
from bursar.reports.names import NamedKey, Party, list_key_names, list_parties
from bursar.store.call_search import CallCount, CallFilter, CallPlace, count_calls, find_call, find_calls
from bursar.store.prices import find_price
from bursar.store.tenants import get_tenant


@dataclass(frozen=True)
class CallNames:
    """What everybody and everything in some calls is called now."""

    parties: Mapping[UUID, Party]
    keys: Mapping[UUID, NamedKey]


@dataclass(frozen=True)
class CallPage:
    """Some calls, the place behind which there may be more, and how many there are in all where that was asked."""

    calls: Sequence[Call]
    next_place: CallPlace | None
    names: CallNames
    count: CallCount | None
    tenant_name: str


@dataclass(frozen=True)
class CallDetail:
    """One call, with the price that it was charged at and how the charge came about, where a price was known."""

    call: Call
    names: CallNames
    price: Price | None
    explained: Explained | None


@dataclass(frozen=True)
class CallList:
    """All calls of a tenant that a filter lets through."""

    database: Database
    tenant_id: UUID
    wanted: CallFilter

    async def page(self, *, before: CallPlace | None, limit: int, with_count: bool) -> CallPage:
        """The newest ones before this place. Refuses `tenant_unknown`.

        Rule: USAGE-1, USAGE-2
        """
        async with reading(self.database, self.tenant_id) as transaction:
            tenant = await get_tenant(transaction, self.tenant_id)
            if tenant is None:
                raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")
            count = await count_calls(transaction, self.tenant_id, self.wanted) if with_count else None
            found = await find_calls(transaction, self.tenant_id, self.wanted, before=before, limit=limit)
            names = await names_in(transaction, self.tenant_id, found.calls)
        return CallPage(found.calls, found.next_place, names, count, tenant.name)


async def see_call(database: Database, tenant_id: UUID, call_id: UUID, *, only_of: UUID | None) -> CallDetail:
    """One call; with `only_of`, only if it is that member's. Refuses `call_unknown`.

    Rule: USAGE-4
    """
    async with reading(database, tenant_id) as transaction:
        call = await find_call(transaction, tenant_id, call_id)
        if call is None or only_of not in (None, call.member_id):
            raise Refusal("call_unknown", "There is no such call.", field="call_id")
        names = await names_in(transaction, tenant_id, [call])
        price = None if call.price_id is None else await find_price(transaction, call.price_id)
    return CallDetail(call, names, price, None if price is None else _explained(call, price))


async def names_in(transaction: Transaction, tenant_id: UUID, calls: Sequence[Call]) -> CallNames:
    """What the members, groups and keys of these calls are called now."""
    parties = {identity for call in calls for identity in (call.member_id, call.group_id)}
    keys = {call.key_id for call in calls if call.key_id is not None}
    return CallNames(
        await list_parties(transaction, tenant_id, parties), await list_key_names(transaction, tenant_id, keys)
    )


def _explained(call: Call, price: Price) -> Explained:
    return explain(
        compile_price(price),
        call.usage,
        call.service,
        credit_factor=call.credit_factor,
        price_factor=call.price_factor,
    )
