"""The list of credit requests, and what there is to approve those with that wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, reading
from bursar.domain.credit_requests import Funds, Means, RequestStatus, request_unknown, reserve_left
from bursar.domain.credits import ZERO
from bursar.ledger import Clock, list_group_figures, pool_figures
from bursar.store.credit_requests import (
    KnownRequest,
    RequestFilter,
    count_credit_requests,
    find_credit_request,
    list_credit_requests,
)
from bursar.store.groups import list_groups_by_id, list_reserves_used


@dataclass(frozen=True)
class RequestPage:
    """Some requests, and how many of each status the filter lets through, whichever status it names."""

    requests: list[KnownRequest]
    totals: Mapping[RequestStatus, int]


@dataclass(frozen=True)
class RequestsToDecide:
    """A page, or one request, for whoever decides: with the means of the groups in which something waits."""

    page: RequestPage
    means: Mapping[UUID, Means]


async def see_credit_requests(
    database: Database, tenant_id: UUID, clock: Clock, wanted: RequestFilter, *, before: UUID | None, limit: int
) -> RequestsToDecide:
    """A page of requests, the last first. Refuses `tenant_unknown`.

    Rule: REQUEST-9
    """
    async with reading(database, tenant_id) as transaction:
        page = await _page(transaction, tenant_id, wanted, before=before, limit=limit)
        means = await _list_means(transaction, tenant_id, clock, page.requests)
    return RequestsToDecide(page, means)


async def see_own_credit_requests(
    database: Database, tenant_id: UUID, wanted: RequestFilter, *, before: UUID | None, limit: int
) -> RequestPage:
    """A page of one member's requests, the last first. What group and pool have is not the member's to know.

    Rule: REQUEST-9
    """
    async with reading(database, tenant_id) as transaction:
        return await _page(transaction, tenant_id, wanted, before=before, limit=limit)


async def see_credit_request(database: Database, tenant_id: UUID, request_id: UUID, clock: Clock) -> RequestsToDecide:
    """One request. Refuses `tenant_unknown`, `credit_request_unknown`."""
    async with reading(database, tenant_id) as transaction:
        known = await find_credit_request(transaction, tenant_id, request_id)
        means = await _list_means(transaction, tenant_id, clock, [] if known is None else [known])
    if known is None:
        raise request_unknown()
    return RequestsToDecide(RequestPage([known], {}), means)


async def _page(
    transaction: Transaction, tenant_id: UUID, wanted: RequestFilter, *, before: UUID | None, limit: int
) -> RequestPage:
    requests = await list_credit_requests(transaction, tenant_id, wanted, before=before, limit=limit)
    return RequestPage(requests, await count_credit_requests(transaction, tenant_id, wanted))


async def _list_means(
    transaction: Transaction, tenant_id: UUID, clock: Clock, requests: list[KnownRequest]
) -> dict[UUID, Means]:
    """By group, for those in which a request waits: the groups' figures are read together. Refuses `tenant_unknown`."""
    waiting = (known.request for known in requests if known.request.status is RequestStatus.PENDING)
    group_ids = list({request.group_id for request in waiting})
    pool = await pool_figures(transaction, tenant_id, clock)
    if not group_ids:
        return {}
    figures = await list_group_figures(transaction, tenant_id, group_ids, clock)
    epoch = next(iter(figures.values())).epoch
    used = await list_reserves_used(transaction, tenant_id, group_ids, epoch=epoch)
    return {
        group.group_id: Means(
            Funds(
                figures[group.group_id].allowance_available, figures[group.group_id].balance_available, pool.available
            ),
            reserve_left(group.auto_approve, used.get(group.group_id, ZERO)),
            epoch,
        )
        for group in await list_groups_by_id(transaction, tenant_id, group_ids)
    }
