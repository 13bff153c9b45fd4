"""The tenant's budgeting period: how much it has, how long it lasts, starting a fresh one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.actions.children import naming_children
from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once
from bursar.actions.posting import LevelSet, asked_as, locked_figures, post_and_tell, post_one
from bursar.db.transaction import Transaction
from bursar.domain.credits import Credits
from bursar.domain.levels import check_seen
from bursar.domain.permissions import check_permission
from bursar.domain.roles import Permission
from bursar.ledger import (
    Changed,
    CycleStarted,
    ResetCycle,
    SetCadence,
    SetCycleCeiling,
    SetPerCycle,
)
from bursar.outside.identity import new_uuid


@dataclass(frozen=True)
class NewPerCycle:
    """The credits per cycle to be, those that the person saw, and why."""

    per_cycle: Credits
    seen: Credits
    note: str | None


@dataclass(frozen=True)
class NewCadence:
    """How long cycles are to last and where their days begin, which cycle that ends, and why."""

    cadence: str
    time_zone: str
    epoch: int
    note: str | None


@dataclass(frozen=True)
class CeilingSet:
    """The cap on credits per cycle before and after; None is no cap."""

    before: Credits | None
    after: Credits | None


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


async def set_cadence(desk: Desk, asked: Asked, tenant_id: UUID, wanted: NewCadence) -> Done[CycleStarted]:
    """Changes cadence or time zone and starts a fresh cycle. Refuses `cycle_changed`, `cadence_unknown`,
    `time_zone_unknown`, `amount_too_large`.

    Rule: TENANT-8
    """
    check_permission(asked.actor, Permission.CHANGE_CYCLE)
    command = SetCadence(
        actor_id=asked.actor.identity,
        transfer_id=new_uuid(),
        epoch=wanted.epoch,
        cadence=wanted.cadence,
        time_zone=wanted.time_zone,
        note=wanted.note,
    )

    async def act(transaction: Transaction) -> CycleStarted:
        before = (await locked_figures(transaction, desk, tenant_id)).cycle
        started = await post_one(transaction, desk, tenant_id, command, CycleStarted)
        if started.epoch != before.epoch:
            pairs = {
                "cadence": (before.cadence, wanted.cadence),
                "time_zone": (before.time_zone, wanted.time_zone),
            }
            changes = {name: Change(*pair) for name, pair in pairs.items() if pair[0] != pair[1]}
            subject, detail = Subject("tenant", tenant_id), {"epoch": str(wanted.epoch)}
            told = Told("cadence_set", subject, wanted.note, detail, changes)
            await record(transaction, desk, asked, tenant_id, told)
        return started

    return await once(desk, asked, tenant_id, CycleStarted, act)


async def set_per_cycle(desk: Desk, asked: Asked, tenant_id: UUID, wanted: NewPerCycle) -> Done[LevelSet]:
    """Sets the tenant's credits per cycle. Refuses `figure_changed`, `budget_below_children`, `budget_above_ceiling`,
    `insufficient_plan`, `amount_too_large`.

    Rule: TENANT-8
    """
    check_permission(asked.actor, Permission.CHANGE_CYCLE)
    per_cycle = wanted.per_cycle
    command = SetPerCycle(actor_id=asked.actor.identity, transfer_id=new_uuid(), per_cycle=per_cycle, note=wanted.note)

    async def act(transaction: Transaction) -> LevelSet:
        present = (await locked_figures(transaction, desk, tenant_id)).cycle.per_cycle
        check_seen(wanted.seen, present=present)
        with asked_as(per_cycle="credits_per_cycle"):
            async with naming_children(transaction, tenant_id, None):
                await post_one(transaction, desk, tenant_id, command, Changed)
        if per_cycle != present:
            changes = {"credits_per_cycle": Change(str(present), str(per_cycle))}
            told = Told("credits_per_cycle_set", Subject("tenant", tenant_id), wanted.note, changes=changes)
            await record(transaction, desk, asked, tenant_id, told)
        return LevelSet(present, per_cycle)

    return await once(desk, asked, tenant_id, LevelSet, act)


async def set_cycle_ceiling(
    desk: Desk, asked: Asked, tenant_id: UUID, ceiling: Credits | None, *, note: str | None
) -> Done[CeilingSet]:
    """Caps the tenant's credits per cycle; None is no cap. Refuses `tenant_unknown`, `budget_below_children`.

    Rule: TENANT-6
    """
    check_permission(asked.actor, Permission.CHANGE_TENANT)
    command = SetCycleCeiling(actor_id=asked.actor.identity, ceiling=ceiling)

    async def act(transaction: Transaction) -> CeilingSet:
        before = (await locked_figures(transaction, desk, tenant_id)).cycle.ceiling
        await post_one(transaction, desk, tenant_id, command, Changed)
        if ceiling != before:
            changes = {"ceiling": Change(_text(before), _text(ceiling))}
            told = Told("cycle_ceiling_set", Subject("tenant", tenant_id), note, changes=changes)
            await record(transaction, desk, asked, tenant_id, told)
        return CeilingSet(before, ceiling)

    return await once(desk, asked, tenant_id, CeilingSet, act)


def _text(ceiling: Credits | None) -> str | None:
    return None if ceiling is None else str(ceiling)
