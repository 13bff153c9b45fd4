"""Members asking for more credits: submitted by them, seen and decided by admins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from bursar.actions.credit_requests import Approval, NewRequest, approve_request, deny_request, submit_request
from bursar.api.amounts import Amount, TypedAmount
from bursar.api.answers import Shape, problems
from bursar.api.groups import GroupNamed
from bursar.api.identifiers import CreditRequestId, GroupId, MemberId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.api.texts import SEARCH_LENGTH_MAX, Note, Paragraphs, Reason
from bursar.domain.credit_requests import ALL_STATUSES_LABEL, STATUS_LABELS, STATUS_TAGS, Means, RequestStatus, Source
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.permissions import Actor, Target, check_may_reach
from bursar.domain.refusals import REFUSALS, Refusal
from bursar.domain.roles import Permission, Role
from bursar.reports.credit_requests import (
    RequestPage,
    see_credit_request,
    see_credit_requests,
    see_own_credit_requests,
)
from bursar.store.credit_requests import KnownRequest, RequestFilter

routes = APIRouter(tags=["credit requests"])

Status = Literal["pending", "approved", "denied", "auto_approved"]
OfStatus = Annotated[Status | None, Query(description="Only those of this status.")]


class CreditRequestDraft(Shape):
    """How much is asked for, and why; a reason may have several lines."""

    amount: TypedAmount
    reason: Paragraphs


class ApprovalDraft(Shape):
    """How much is approved, which need not be what was asked for, and where it comes from: the group's allowance and
    then its balance, the same and then the pool, or the pool alone."""

    amount: TypedAmount
    source: Literal["group", "group_and_pool", "pool"]
    note: Note = None


class DenialDraft(Shape):
    """Why not."""

    note: Reason


class RequesterShape(Shape):
    """Who asked, as they are now. A disabled member can be given nothing until they are enabled."""

    id: str
    name: str
    email: str | None
    status: Literal["active", "disabled", "deleted"]


class SourcesShape(Shape):
    """What of an approved amount came from where."""

    group_allowance: Amount
    group_balance: Amount
    pool: Amount


class CreditRequestShape(Shape):
    """One request. `approved` and `sources` are null unless credits were given. `group` is the one that paid, or that
    the member is in while the request waits. `tag` is the colour its status is shown with."""

    id: str
    member: RequesterShape
    group: GroupNamed
    amount: Amount
    approved: Amount | None
    reason: str
    submitted_at: datetime
    status: Status
    status_label: str
    tag: str
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    sources: SourcesShape | None


class MeansShape(Shape):
    """What there is to approve with at this moment, nothing of it spent or held, and what is left of the reserve within
    which the group's requests are approved by themselves in this cycle."""

    group_allowance: Amount
    group_balance: Amount
    pool: Amount
    reserve_left: Amount


class CreditRequestToDecide(CreditRequestShape):
    """One request as admins see it. `means` is null once it is decided. Where `may_decide` is false, `objection` says
    why whoever looks may not decide it."""

    means: MeansShape | None
    may_decide: bool
    objection: str | None


class StatusTotal(Shape):
    """How many requests there are of one status; of all together where it is null."""

    status: Status | None
    label: str
    count: int


class CreditRequestList(Shape):
    """A page of requests, how many the filter lets through, and how many of each status, whichever it names."""

    credit_requests: list[CreditRequestToDecide]
    total: int
    totals: list[StatusTotal]
    next_cursor: str | None


class OwnCreditRequestList(Shape):
    """A page of one's own requests, and the same counts."""

    credit_requests: list[CreditRequestShape]
    total: int
    totals: list[StatusTotal]
    next_cursor: str | None


@routes.post("/credit-requests", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def create_credit_request(
    body: CreditRequestDraft, visit: Annotated[TenantVisit, tenant_change(Permission.REQUEST_CREDITS)]
) -> CreditRequestShape:
    """Asks for more credits of one's own. What is within the group's reserve is given at once."""
    new = NewRequest(body.amount, body.reason)
    return CreditRequestShape.model_validate(
        _fields(visit.told(await submit_request(visit.desk, visit.asked, visit.tenant_id, new)))
    )


@routes.get("/credit-requests", responses=problems(401, 403, 404, 422))
async def list_credit_requests_of_tenant(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_CREDIT_REQUESTS)],
    status: OfStatus = None,
    member_id: Annotated[MemberId | None, Query(description="Only this member's.")] = None,
    group_id: Annotated[GroupId | None, Query(description="Only this group's.")] = None,
    search: Annotated[
        str | None,
        Query(
            max_length=SEARCH_LENGTH_MAX,
            description="Words that all occur in the member's username, display name or email.",
        ),
    ] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> CreditRequestList:
    """The requests of the tenant's members, the last first."""
    if search is not None and "\0" in search:
        raise Refusal("invalid_input", "A search must not contain control characters.", field="search")
    wanted = RequestFilter(_status(status), member_id, group_id, search)
    seen = await see_credit_requests(
        visit.desk.tenants,
        visit.tenant_id,
        visit.desk.clock.of_ledger,
        wanted,
        before=_before(cursor),
        limit=limit + 1,
    )
    shown = seen.page.requests[:limit]
    return CreditRequestList(
        credit_requests=[_to_decide(known, seen.means, visit.asked.actor) for known in shown],
        total=_total(seen.page, wanted),
        totals=_totals(seen.page),
        next_cursor=_next(seen.page, limit),
    )


@routes.get("/credit-requests/{credit_request_id}", responses=problems(401, 403, 404, 422))
async def get_credit_request(
    credit_request_id: CreditRequestId, visit: Annotated[TenantVisit, tenant(Permission.SEE_CREDIT_REQUESTS)]
) -> CreditRequestToDecide:
    """One request."""
    seen = await see_credit_request(visit.desk.tenants, visit.tenant_id, credit_request_id, visit.desk.clock.of_ledger)
    return _to_decide(seen.page.requests[0], seen.means, visit.asked.actor)


@routes.post("/credit-requests/{credit_request_id}/approve", responses=problems(401, 403, 404, 409, 422))
async def approve_credit_request(
    credit_request_id: CreditRequestId,
    body: ApprovalDraft,
    visit: Annotated[TenantVisit, tenant_change(Permission.DECIDE_CREDIT_REQUESTS)],
) -> CreditRequestToDecide:
    """Gives the member what is approved. Where the source has too little, the request stays pending."""
    approval = Approval(body.amount, Source(body.source), body.note)
    done = await approve_request(visit.desk, visit.asked, visit.tenant_id, credit_request_id, approval)
    return _to_decide(visit.told(done), {}, visit.asked.actor)


@routes.post("/credit-requests/{credit_request_id}/deny", responses=problems(401, 403, 404, 409, 422))
async def deny_credit_request(
    credit_request_id: CreditRequestId,
    body: DenialDraft,
    visit: Annotated[TenantVisit, tenant_change(Permission.DECIDE_CREDIT_REQUESTS)],
) -> CreditRequestToDecide:
    """Says no, and why."""
    done = await deny_request(visit.desk, visit.asked, visit.tenant_id, credit_request_id, body.note)
    return _to_decide(visit.told(done), {}, visit.asked.actor)


@routes.get("/own-credit-requests", responses=problems(401, 403, 404, 422))
async def list_own_credit_requests(
    visit: Annotated[TenantVisit, tenant(Permission.SEE_OWN_CREDITS)],
    status: OfStatus = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> OwnCreditRequestList:
    """One's own requests, the last first."""
    wanted = RequestFilter(_status(status), visit.asked.actor.identity)
    page = await see_own_credit_requests(
        visit.desk.tenants, visit.tenant_id, wanted, before=_before(cursor), limit=limit + 1
    )
    return OwnCreditRequestList(
        credit_requests=[CreditRequestShape.model_validate(_fields(known)) for known in page.requests[:limit]],
        total=_total(page, wanted),
        totals=_totals(page),
        next_cursor=_next(page, limit),
    )


def _status(status: str | None) -> RequestStatus | None:
    return None if status is None else RequestStatus(status)


def _before(cursor: str | None) -> UUID | None:
    return None if cursor is None else parse_public_id("credit_request", decode_cursor(cursor, str)[0], field="cursor")


def _next(page: RequestPage, limit: int) -> str | None:
    if len(page.requests) <= limit:
        return None
    return encode_cursor(public_id("credit_request", page.requests[limit - 1].request.request_id))


def _total(page: RequestPage, wanted: RequestFilter) -> int:
    return sum(count for status, count in page.totals.items() if wanted.status in (None, status))


def _totals(page: RequestPage) -> list[StatusTotal]:
    """What people choose from: all, and each status.

    Rule: REQUEST-10
    """
    everything = StatusTotal(status=None, label=ALL_STATUSES_LABEL, count=sum(page.totals.values()))
    return [everything, *(
        StatusTotal(status=status.value, label=label, count=page.totals[status])
        for status, label in STATUS_LABELS.items()
    )]  # fmt: skip


def _fields(known: KnownRequest) -> dict[str, object]:
    request, requester, parts = known.request, known.requester, known.request.parts
    return {
        "id": public_id("credit_request", request.request_id),
        "member": {
            "id": public_id("member", request.member_id),
            "name": requester.name,
            "email": requester.email,
            "status": requester.status,
        },
        "group": {"id": public_id("group", request.group_id), "name": known.group_name},
        "amount": request.amount,
        "approved": request.approved,
        "reason": request.reason,
        "submitted_at": request.submitted_at,
        "status": request.status.value,
        "status_label": STATUS_LABELS[request.status],
        "tag": STATUS_TAGS[request.status],
        "decided_by": known.decider,
        "decided_at": request.decided_at,
        "note": request.note,
        "sources": None
        if parts is None
        else {"group_allowance": parts.of_allowance, "group_balance": parts.of_balance, "pool": parts.of_pool},
    }


def _to_decide(known: KnownRequest, means_by_group: Mapping[UUID, Means], actor: Actor) -> CreditRequestToDecide:
    means = means_by_group.get(known.request.group_id) if known.request.decided_at is None else None
    objection = _objection(known, actor)
    return CreditRequestToDecide.model_validate(
        {
            **_fields(known),
            "means": None
            if means is None
            else {
                "group_allowance": means.funds.group_allowance,
                "group_balance": means.funds.group_balance,
                "pool": means.funds.pool,
                "reserve_left": means.reserve_left,
            },
            "may_decide": objection is None,
            "objection": objection,
        }
    )


def _objection(known: KnownRequest, actor: Actor) -> str | None:
    """Why this person may not decide this request; None if they may.

    Rule: REQUEST-8
    """
    target = Target(Role(known.requester.role), known.request.member_id)
    try:
        check_may_reach(actor, Permission.DECIDE_CREDIT_REQUESTS, target)
    except Refusal as refusal:
        return refusal.detail
    return None if known.request.decided_at is None else REFUSALS["credit_request_decided"].meaning
