"""What groups and members may use in each cycle, and how much of what members ask for is approved automatically.

Each is a level that somebody looked at: what they saw comes with it. What a cycle itself has is in `cycles`, and what
is given on top in `extras`.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.actions.children import naming_children
from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.groups import known_group
from bursar.actions.members import known_member
from bursar.actions.once import Done, once
from bursar.actions.posting import LevelSet, post_one
from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.levels import check_seen
from bursar.domain.permissions import check_permission
from bursar.domain.roles import Permission
from bursar.ledger import Changed, SetGroupMonthly, SetMemberMonthly, group_figures, lock_books, member_balance
from bursar.outside.identity import new_uuid
from bursar.store.groups import update_auto_approve


@dataclass(frozen=True)
class NewLevel:
    """The level to be, the one that the person saw, and why."""

    level: Credits
    seen: Credits
    note: str | None = None


async def set_group_monthly(
    desk: Desk, asked: Asked, tenant_id: UUID, group_id: UUID, wanted: NewLevel
) -> Done[LevelSet]:
    """Sets a group's budget per cycle. Refuses `group_unknown`, `figure_changed`, `insufficient_plan`,
    `insufficient_budget`, `budget_below_children`.

    Rule: BUDGET-4, BUDGET-11
    """
    check_permission(asked.actor, Permission.SET_MONTHLY)
    command = SetGroupMonthly(
        actor_id=asked.actor.identity,
        transfer_id=new_uuid(),
        group_id=group_id,
        monthly=wanted.level,
        note=wanted.note,
    )

    async def act(transaction: Transaction) -> LevelSet:
        await lock_books(transaction, tenant_id)
        await known_group(transaction, tenant_id, group_id)
        present = (await group_figures(transaction, tenant_id, group_id, desk.clock.of_ledger)).monthly
        check_seen(wanted.seen, present=present)
        async with naming_children(transaction, tenant_id, group_id):
            await post_one(transaction, desk, tenant_id, command, Changed)
        if wanted.level != present:
            told = _level_told("group_monthly_set", Subject("group", group_id), "monthly", present, wanted)
            await record(transaction, desk, asked, tenant_id, told)
        return LevelSet(present, wanted.level)

    return await once(desk, asked, tenant_id, LevelSet, act)


async def set_member_monthly(
    desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID, wanted: NewLevel
) -> Done[LevelSet]:
    """Sets a member's allowance per cycle. Refuses `member_unknown`, `figure_changed`, `insufficient_budget`,
    `insufficient_allowance`, and to raise what the ledger gives nothing to.

    Rule: BUDGET-5, BUDGET-11
    """
    check_permission(asked.actor, Permission.SET_MONTHLY)
    command = SetMemberMonthly(
        actor_id=asked.actor.identity,
        transfer_id=new_uuid(),
        member_id=member_id,
        monthly=wanted.level,
        note=wanted.note,
    )

    async def act(transaction: Transaction) -> LevelSet:
        await lock_books(transaction, tenant_id)
        await known_member(transaction, tenant_id, member_id)
        present = (await member_balance(transaction, tenant_id, member_id, desk.clock.of_ledger)).monthly
        check_seen(wanted.seen, present=present)
        await post_one(transaction, desk, tenant_id, command, Changed)
        if wanted.level != present:
            told = _level_told("member_monthly_set", Subject("member", member_id), "monthly", present, wanted)
            await record(transaction, desk, asked, tenant_id, told)
        return LevelSet(present, wanted.level)

    return await once(desk, asked, tenant_id, LevelSet, act)


async def set_auto_approve(
    desk: Desk, asked: Asked, tenant_id: UUID, group_id: UUID, wanted: NewLevel
) -> Done[LevelSet]:
    """Sets how much of what a group's members ask for is approved automatically in each cycle. Refuses
    `group_unknown`, `figure_changed`.

    Rule: GROUP-10
    """
    check_permission(asked.actor, Permission.SET_MONTHLY)

    async def act(transaction: Transaction) -> LevelSet:
        # Under the books' lock, as every decision about a request is: what it read of the reserve still is so.
        await lock_books(transaction, tenant_id)
        present = (await known_group(transaction, tenant_id, group_id)).auto_approve
        check_seen(wanted.seen, present=present)
        await update_auto_approve(transaction, tenant_id, group_id, wanted.level)
        if wanted.level != present:
            told = _level_told("auto_approve_set", Subject("group", group_id), "auto_approve", present, wanted)
            await record(transaction, desk, asked, tenant_id, told)
        return LevelSet(present, wanted.level)

    return await once(desk, asked, tenant_id, LevelSet, act)


def _level_told(kind: str, subject: Subject, field: str, present: Credits, wanted: NewLevel) -> Told:
    """The event of a level that was set, with what it was before.

    Rule: AUDIT-3
    """
    return Told(kind, subject, wanted.note, changes={field: Change(str(present), str(wanted.level))})
