"""What groups and members have per cycle and on top of it. Each save says what the person saw before changing it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from bursar.actions.budgets import NewLevel, set_auto_approve, set_group_monthly, set_member_monthly
from bursar.actions.extras import set_group_extra, set_member_extra
from bursar.api.amounts import Amount, Figure, TypedLevel
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import GroupId, MemberId
from bursar.api.signed_in import TenantVisit, tenant_change
from bursar.api.texts import Note
from bursar.domain.roles import Permission

routes = APIRouter(tags=["budgets"])


class MonthlyDraft(Shape):
    """What there is to be per cycle, and `seen`, what it was when the person looked."""

    monthly: TypedLevel
    seen: TypedLevel
    note: Note = None


class MonthlySet(Shape):
    """What there is per cycle, and what it was before."""

    monthly: Amount
    before: Amount


class ExtraDraft(Shape):
    """What there is to be beyond the monthly budget in this cycle, and `seen`, what it was when the person looked."""

    extra: TypedLevel
    seen: Figure
    note: Note = None


class GroupExtraSet(Shape):
    """What the group has beyond its budget in this cycle, and what it had before."""

    extra: Amount
    before: Amount


class MemberExtraShape(Shape):
    """What the member has beyond its allowance in this cycle, and what it had before. The difference came out of the
    group's balance and of the pool, or was returned to the pool."""

    extra: Amount
    before: Amount
    of_group: Amount
    of_pool: Amount
    returned: Amount


class AutoApproveDraft(Shape):
    """How much is to be approved automatically per cycle, 0 for nothing; and `seen`, what it was when the person
    looked."""

    auto_approve: TypedLevel
    seen: TypedLevel
    note: Note = None


class AutoApproveSet(Shape):
    """How much is approved automatically per cycle, and what it was before."""

    auto_approve: Amount
    before: Amount


@routes.put("/groups/{group_id}/monthly", responses=problems(401, 403, 404, 409, 422))
async def set_monthly_of_group(
    group_id: GroupId, body: MonthlyDraft, visit: Annotated[TenantVisit, tenant_change(Permission.SET_MONTHLY)]
) -> MonthlySet:
    """Sets a group's budget per cycle; the difference applies to the running cycle at once."""
    wanted = NewLevel(body.monthly, body.seen, body.note)
    level = visit.told(await set_group_monthly(visit.desk, visit.asked, visit.tenant_id, group_id, wanted))
    return MonthlySet(monthly=level.after, before=level.before)


@routes.put("/groups/{group_id}/extra", responses=problems(401, 403, 404, 409, 422))
async def set_extra_of_group(
    group_id: GroupId, body: ExtraDraft, visit: Annotated[TenantVisit, tenant_change(Permission.ALLOCATE)]
) -> GroupExtraSet:
    """Sets what a group has on top of its budget: the difference comes out of the pool, or goes back to it."""
    wanted = NewLevel(body.extra, body.seen, body.note)
    level = visit.told(await set_group_extra(visit.desk, visit.asked, visit.tenant_id, group_id, wanted))
    return GroupExtraSet(extra=level.after, before=level.before)


@routes.put("/groups/{group_id}/auto-approve", responses=problems(401, 403, 404, 409, 422))
async def set_auto_approve_of_group(
    group_id: GroupId, body: AutoApproveDraft, visit: Annotated[TenantVisit, tenant_change(Permission.SET_MONTHLY)]
) -> AutoApproveSet:
    """Sets how much of what the group's members ask for is approved automatically in each cycle."""
    wanted = NewLevel(body.auto_approve, body.seen, body.note)
    level = visit.told(await set_auto_approve(visit.desk, visit.asked, visit.tenant_id, group_id, wanted))
    return AutoApproveSet(auto_approve=level.after, before=level.before)


@routes.put("/members/{member_id}/monthly", responses=problems(401, 403, 404, 409, 422))
async def set_monthly_of_member(
    member_id: MemberId, body: MonthlyDraft, visit: Annotated[TenantVisit, tenant_change(Permission.SET_MONTHLY)]
) -> MonthlySet:
    """Sets a member's allowance per cycle, out of the group's budget; the difference applies at once."""
    wanted = NewLevel(body.monthly, body.seen, body.note)
    level = visit.told(await set_member_monthly(visit.desk, visit.asked, visit.tenant_id, member_id, wanted))
    return MonthlySet(monthly=level.after, before=level.before)


@routes.put("/members/{member_id}/extra", responses=problems(401, 403, 404, 409, 422))
async def set_extra_of_member(
    member_id: MemberId, body: ExtraDraft, visit: Annotated[TenantVisit, tenant_change(Permission.ALLOCATE)]
) -> MemberExtraShape:
    """Sets what a member has on top of its allowance: more comes out of the group's balance, then out of the pool;
    less goes back to the pool."""
    wanted = NewLevel(body.extra, body.seen, body.note)
    done = visit.told(await set_member_extra(visit.desk, visit.asked, visit.tenant_id, member_id, wanted))
    return MemberExtraShape(
        extra=done.after, before=done.before, of_group=done.of_group, of_pool=done.of_pool, returned=done.returned
    )
