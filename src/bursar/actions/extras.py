"""What a group or a member has in this cycle beyond its monthly budget, set as a level: the difference moves at once.

A member is given of its group's balance first and of the pool for the rest; what is taken back goes to the pool. All
of it happens or none. Read next: `allocations`, where the same is done by the amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bursar.actions.budgets import NewLevel
from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.groups import known_group
from bursar.actions.members import known_member
from bursar.actions.once import Done, once
from bursar.actions.posting import LevelSet, asked_as, held_still, posted
from bursar.db.transaction import Transaction
from bursar.domain.credits import ZERO, Credits
from bursar.domain.levels import check_seen
from bursar.domain.permissions import Actor, check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.ledger import (
    Clock,
    Command,
    Transfer,
    Transferred,
    group_columns,
    group_figures,
    lock_books,
    member_balance,
    post,
)
from bursar.outside.identity import new_uuid


@dataclass(frozen=True)
class MemberExtraSet:
    """A member's Extra before and after, and where the difference came from, or what of it went back to the pool."""

    before: Credits
    after: Credits
    of_group: Credits = ZERO
    of_pool: Credits = ZERO
    returned: Credits = ZERO


async def set_group_extra(
    desk: Desk, asked: Asked, tenant_id: UUID, group_id: UUID, wanted: NewLevel
) -> Done[LevelSet]:
    """Sets what a group has beyond its budget, out of the pool or back into it. Refuses `group_unknown`,
    `figure_changed`, `insufficient_pool`, `insufficient_balance`.

    Rule: BUDGET-12
    """
    _check_may_set(asked.actor)

    async def act(transaction: Transaction) -> LevelSet:
        clock = held_still(desk.clock.of_ledger)
        await lock_books(transaction, tenant_id)
        await known_group(transaction, tenant_id, group_id)
        present = (await group_columns(transaction, tenant_id, group_id, clock)).extra
        check_seen(wanted.seen, present=present)
        change = wanted.level - present
        if change != ZERO:
            kind = "group_allocation" if change > ZERO else "group_reclaim"
            amount = max(change, -change)
            command = _transfer(asked, wanted, kind, amount, group_id=group_id)
            await _post_all(transaction, tenant_id, [command], clock)
            changes = {"extra": Change(str(present), str(wanted.level))}
            told = Told("group_extra_set", Subject("group", group_id), wanted.note, changes=changes)
            await record(transaction, desk, asked, tenant_id, told)
        return LevelSet(present, wanted.level)

    return await once(desk, asked, tenant_id, LevelSet, act)


async def set_member_extra(
    desk: Desk, asked: Asked, tenant_id: UUID, member_id: UUID, wanted: NewLevel
) -> Done[MemberExtraSet]:
    """Sets what a member has beyond its allowance: more comes out of its group's balance, then out of the pool; less
    goes back to the pool. Refuses `member_unknown`, `recipient_spends_pool`, `figure_changed`, `member_disabled`,
    `recipient_is_actor`, `insufficient_pool`, `insufficient_balance`.

    Rule: BUDGET-13
    """
    _check_may_set(asked.actor)

    async def act(transaction: Transaction) -> MemberExtraSet:
        clock = held_still(desk.clock.of_ledger)
        await lock_books(transaction, tenant_id)
        await known_member(transaction, tenant_id, member_id)
        figures = await member_balance(transaction, tenant_id, member_id, clock)
        if figures.spends_pool:
            raise Refusal("recipient_spends_pool", "A tenant admin spends from the pool.", field="member_id")
        check_seen(wanted.seen, present=figures.extra)
        group = await group_figures(transaction, tenant_id, figures.group_id, clock)
        done = _split(figures.extra, wanted.level, of_group=max(group.balance_available, ZERO))
        parts = (("group_hand_out", done.of_group), ("allocation", done.of_pool), ("reclaim", done.returned))
        moves = {kind: amount for kind, amount in parts if amount != ZERO}
        commands = [_transfer(asked, wanted, kind, amount, member_id=member_id) for kind, amount in moves.items()]
        if commands:
            await _post_all(transaction, tenant_id, commands, clock)
            detail = {kind: str(amount) for kind, amount in moves.items()}
            changes = {"extra": Change(str(done.before), str(done.after))}
            told = Told("member_extra_set", Subject("member", member_id), wanted.note, detail, changes)
            await record(transaction, desk, asked, tenant_id, told)
        return done

    return await once(desk, asked, tenant_id, MemberExtraSet, act)


def _split(before: Credits, after: Credits, *, of_group: Credits) -> MemberExtraSet:
    """What a difference is made of, given what the group's balance could give."""
    change = after - before
    if change <= ZERO:
        return MemberExtraSet(before, after, returned=-change)
    from_group = min(change, of_group)
    return MemberExtraSet(before, after, of_group=from_group, of_pool=change - from_group)


def _check_may_set(actor: Actor) -> None:
    """Extra moves credits as an allocation or a reclaim does, and takes what those take."""
    check_permission(actor, Permission.ALLOCATE)
    check_permission(actor, Permission.RECLAIM)


def _transfer(
    asked: Asked,
    wanted: NewLevel,
    kind: str,
    amount: Credits,
    *,
    member_id: UUID | None = None,
    group_id: UUID | None = None,
) -> Transfer:
    return Transfer(
        actor_id=asked.actor.identity,
        transfer_id=new_uuid(),
        kind=kind,
        amount=amount,
        member_id=member_id,
        group_id=group_id,
        note=wanted.note,
    )


async def _post_all(transaction: Transaction, tenant_id: UUID, commands: Sequence[Command], clock: Clock) -> None:
    """Posts all of these, or raises the first refusal: then the transaction ends, and none of them happened."""
    with asked_as(amount="extra"):
        for outcome in await post(transaction, tenant_id, commands, clock):
            posted(outcome, Transferred)
