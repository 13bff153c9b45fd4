"""The tenant's budgeting period: how much it has, how long it lasts, starting a fresh one."""

from __future__ import annotations

from uuid import UUID

from bursar.actions.desk import Asked, Change, Desk, Subject, Told
from bursar.actions.once import Done
from bursar.actions.posting import level_set, post_and_tell
from bursar.domain.credits import Credits
from bursar.domain.permissions import check_permission
from bursar.domain.roles import Permission
from bursar.ledger import Changed, CycleStarted, ResetCycle, SetGroupMonthly, SetMemberMonthly, SetPerCycle
from bursar.outside.identity import new_uuid


async def reset_cycle(desk: Desk, asked: Asked, tenant_id: UUID, *, epoch: int, note: str | None) -> Done[CycleStarted]:
    """Ends cycle number `epoch` and starts a fresh one; done twice, it is done once. Refuses `cycle_changed`."""
    check_permission(asked.actor, Permission.RESET_CYCLE)
    command = ResetCycle(actor_id=asked.actor.identity, key=asked.key, transfer_id=new_uuid(), epoch=epoch, note=note)

    def told(answer: CycleStarted) -> Told | None:
        if answer.ended_epoch is None:
            return None  # somebody else was first
        changes = {"epoch": Change(str(answer.ended_epoch), str(answer.epoch))}
        return Told("cycle_reset", Subject("tenant", tenant_id), note, changes=changes)

    return await post_and_tell(desk, asked, tenant_id, command, CycleStarted, told=told)


async def set_per_cycle(desk: Desk, asked: Asked, tenant_id: UUID, per_cycle: Credits) -> Done[Changed]:
    """Sets the tenant's credits per cycle. Refuses `budget_below_children`, `budget_above_ceiling`."""
    check_permission(asked.actor, Permission.CHANGE_CYCLE)
    command = SetPerCycle(actor_id=asked.actor.identity, key=asked.key, transfer_id=new_uuid(), per_cycle=per_cycle)
    subject = Subject("tenant", tenant_id)

    def told(answer: Changed) -> Told | None:
        return level_set("credits_per_cycle_set", subject, "credits_per_cycle", answer, per_cycle)

    return await post_and_tell(desk, asked, tenant_id, command, Changed, told=told)


async def set_group_monthly(
    desk: Desk, asked: Asked, tenant_id: UUID, group_id: UUID, monthly: Credits
) -> Done[Changed]:
    """Sets a group's budget per cycle. Refuses `insufficient_plan`, `budget_below_children`."""
    check_permission(asked.actor, Permission.SET_MONTHLY)
    command = SetGroupMonthly(
        actor_id=asked.actor.identity, key=asked.key, transfer_id=new_uuid(), group_id=group_id, monthly=monthly
    )
    subject = Subject("group", group_id)

    def told(answer: Changed) -> Told | None:
        return level_set("group_monthly_set", subject, "monthly", answer, monthly)

    return await post_and_tell(desk, asked, tenant_id, command, Changed, told=told)


async def set_member_monthly(
    desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID, monthly: Credits
) -> Done[Changed]:
    """Sets a member's allowance per cycle. Refuses `insufficient_budget`, `insufficient_allowance`."""
    check_permission(asked.actor, Permission.SET_MONTHLY)
    command = SetMemberMonthly(
        actor_id=asked.actor.identity, key=asked.key, transfer_id=new_uuid(), member_id=member_id, monthly=monthly
    )
    subject = Subject("member", member_id)

    def told(answer: Changed) -> Told | None:
        return level_set("member_monthly_set", subject, "monthly", answer, monthly)

    return await post_and_tell(desk, asked, tenant_id, command, Changed, told=told)
