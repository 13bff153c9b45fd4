"""A tenant's history with everything in it that credits can do, told in a few months of turned time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from uuid import UUID, uuid5

import msgspec

from bursar.actions.calls import written_with
from bursar.db.engine import Database
from bursar.db.transaction import reading, writing
from bursar.domain.credits import Credits
from bursar.domain.refusals import Refusal
from bursar.ledger import (
    Answer,
    CloseGroup,
    CloseWallet,
    Command,
    EndDueCycle,
    ExpireHold,
    ExtendHold,
    KeyLimit,
    Lanes,
    MoveWallet,
    OpenGroup,
    OpenHold,
    OpenWallet,
    ResetCycle,
    Reverse,
    SetCadence,
    SetCycleCeiling,
    SetExpiredHolds,
    SetGroupMonthly,
    SetMemberMonthly,
    SetPerCycle,
    SetSpendsPool,
    SettleHold,
    SetWalletStatus,
    ShareGroup,
    Transfer,
    VoidHold,
    open_books,
    pool_figures,
    post,
    tenant_figures,
)
from tests.support.ledger_clock import TurnedClock
from tests.support.people import insert_tenant
from tests.support.usage_rows import add_up, usage_row

MINUTE = timedelta(minutes=1)


@dataclass
class Office:
    """One tenant, whose people, groups and calls go by names."""

    database: Database
    tenant_id: UUID
    clock: TurnedClock = field(default_factory=TurnedClock)
    keys: Iterator[int] = field(default_factory=count)

    def id_of(self, name: str) -> UUID:
        """The id that goes with a name; the same in every run, so that a failure can be looked at twice."""
        return uuid5(self.tenant_id, name)

    async def open(self) -> None:
        """Open the books of a tenant that is new."""
        await insert_tenant(self.database, "Acme", self.tenant_id)
        async with writing(self.database, self.tenant_id) as transaction:
            await open_books(
                transaction,
                self.tenant_id,
                default_group_id=self.id_of("Default"),
                cadence="calendar_month",
                time_zone="Europe/Berlin",
                now=self.clock.now,
            )

    async def do(self, *commands: Command) -> list[Answer]:
        """Post the commands as one batch, a minute after the last; each must be answered."""
        self.clock.turn(MINUTE)
        async with writing(self.database, self.tenant_id) as transaction:
            outcomes = await post(transaction, self.tenant_id, commands, self.clock)
            return [outcome.unwrap() for outcome in outcomes]

    async def fail(self, command: Command) -> Refusal:
        """Post the command, which must be refused."""
        self.clock.turn(MINUTE)
        async with writing(self.database, self.tenant_id) as transaction:
            (outcome,) = await post(transaction, self.tenant_id, [command], self.clock)
        assert outcome.refusal is not None, outcome
        return outcome.refusal

    # -- Commands in few words -------------------------------------------------------------------------------------

    def move(
        self, kind: str, micro: int, *, to: str | None = None, group: str | None = None, name: str = ""
    ) -> Transfer:
        """A transfer under a key of its own."""
        number = next(self.keys)
        return Transfer(
            actor_id=self.id_of("boss"),
            key=f"key {number}",
            transfer_id=self.id_of(name or f"transfer {number}"),
            kind=kind,
            amount=Credits(micro),
            member_id=None if to is None else self.id_of(to),
            group_id=None if group is None else self.id_of(group),
            note=f"{kind} number {number}",
        )

    def hold(self, name: str, member: str, micro: int, seconds: int = 600) -> OpenHold:
        """A hold by its name."""
        member_id = self.id_of(member)
        return OpenHold(
            actor_id=member_id, hold_id=self.id_of(name), member_id=member_id, amount=Credits(micro), seconds=seconds
        )

    def settle(self, name: str, micro: int) -> SettleHold:
        """The true cost of a hold."""
        return SettleHold(actor_id=None, hold_id=self.id_of(name), cost=Credits(micro))

    def void(self, name: str) -> VoidHold:
        """Nothing was delivered for a hold."""
        return VoidHold(actor_id=None, hold_id=self.id_of(name))

    def expire(self, name: str) -> ExpireHold:
        """Nobody settled a hold."""
        return ExpireHold(actor_id=None, hold_id=self.id_of(name))

    def budget(self, name: str, micro: int) -> SetGroupMonthly:
        """A group's monthly."""
        return SetGroupMonthly(
            actor_id=self.id_of("boss"),
            transfer_id=self.id_of(f"budget {next(self.keys)}"),
            group_id=self.id_of(name),
            monthly=Credits(micro),
        )

    def allow(self, name: str, micro: int) -> SetMemberMonthly:
        """A member's monthly."""
        return SetMemberMonthly(
            actor_id=self.id_of("boss"),
            transfer_id=self.id_of(f"allowance {next(self.keys)}"),
            member_id=self.id_of(name),
            monthly=Credits(micro),
        )

    def per_cycle(self, micro: int) -> SetPerCycle:
        """The tenant's credits per cycle."""
        return SetPerCycle(
            actor_id=self.id_of("boss"),
            transfer_id=self.id_of(f"per cycle {next(self.keys)}"),
            per_cycle=Credits(micro),
        )


async def live_through_everything(office: Office) -> None:
    """Post a history in which every kind of transfer of the catalogue occurs, with refusals and repeats in between."""
    await office.open()
    await _begin(office)
    await _hand_out(office)
    await _call(office)
    await _roll_over(office)
    await _call_late(office)
    await _leave(office)
    await _call_at_once(office)
    await _call_with_a_key(office)


async def _begin(office: Office) -> None:
    actor, ids = office.id_of("boss"), office.id_of
    groups = [OpenGroup(actor_id=actor, group_id=ids(name)) for name in ("Sales", "Lab", "Old", "East", "West")]
    members = [
        OpenWallet(actor_id=actor, member_id=ids(name), group_id=ids(group))
        for name, group in (
            ("ann", "Default"),
            ("bob", "Sales"),
            ("cat", "Sales"),
            ("dan", "Sales"),
            ("fay", "Lab"),
            ("gus", "Lab"),
            ("hal", "Default"),
            ("joe", "Default"),
            ("kim", "East"),
            ("lou", "Old"),
        )
    ]
    await office.do(*groups, *members)
    await office.do(OpenWallet(actor_id=actor, member_id=ids("boss"), group_id=ids("Default"), spends_pool=True))
    await office.do(
        office.move("purchase", 900_000_000),
        office.move("redemption", 50_000_000),
        office.move("grant", 80_000_000),
        office.move("grant_withdrawal", 20_000_000),
    )
    await office.do(SetCycleCeiling(actor_id=actor, ceiling=Credits(1_000_000_000)), office.per_cycle(600_000_000))
    await office.do(office.per_cycle(500_000_000))
    await office.do(
        office.budget("Default", 60_000_000),
        office.budget("Sales", 200_000_000),
        office.budget("Lab", 100_000_000),
        office.budget("Old", 20_000_000),
        office.budget("Default", 50_000_000),
        office.budget("East", 5_000_000),
        office.budget("West", 5_000_000),
    )
    await office.do(
        office.allow("ann", 10_000_000),
        office.allow("bob", 40_000_000),
        office.allow("cat", 30_000_000),
        office.allow("dan", 20_000_000),
        office.allow("fay", 25_000_000),
        office.allow("gus", 15_000_000),
        office.allow("cat", 22_000_000),
        office.allow("kim", 2_000_000),
    )
    await office.do(*(ShareGroup(actor_id=actor, group_id=ids(name), is_shared=True) for name in ("Sales", "Old")))


async def _hand_out(office: Office) -> None:
    actor, ids = office.id_of("boss"), office.id_of
    allocation = office.move("allocation", 30_000_000, to="ann", name="allocation to ann")
    await office.do(
        allocation, office.move("allocation", 7_000_000, to="bob"), office.move("signup_credits", 1, to="joe")
    )
    await office.do(allocation)
    await office.do(office.move("reclaim", 4_000_000, to="ann", name="reclaim from ann"))
    await office.do(
        office.move("group_allocation", 60_000_000, group="Sales", name="allocation to Sales"),
        office.move("group_allocation", 9_000_000, group="Old"),
        office.move("group_reclaim", 5_000_000, group="Sales", name="reclaim from Sales"),
    )
    for number, name in enumerate(("reclaim from ann", "reclaim from Sales", "allocation to Sales")):
        await office.do(
            Reverse(
                actor_id=actor,
                key=f"reversal {number}",
                transfer_id=ids(f"reversal of {name}"),
                reverses_id=ids(name),
                note="it was a mistake",
            )
        )
        if name == "reclaim from ann":
            await office.do(
                Reverse(
                    actor_id=actor, transfer_id=ids("reversal of allocation to ann"), reverses_id=allocation.transfer_id
                )
            )
    await office.do(
        office.move("allocation", 12_000_000, to="ann"), office.move("group_allocation", 40_000_000, group="Sales")
    )
    await office.do(
        office.move("group_hand_out", 6_000_000, to="cat"), office.move("cycle_top_up", 3_000_000, to="cat")
    )
    assert (await office.fail(office.move("allocation", 10**15, to="ann"))).code == "insufficient_pool"
    assert (await office.fail(office.move("reclaim", 10**15, to="ann"))).code == "insufficient_balance"
    assert (await office.fail(office.move("allocation", 5, to="boss"))).code == "recipient_is_actor"


async def _call(office: Office) -> None:
    """Calls below, at and above their holds; a shared budget; a debt; the pool's own."""
    await office.do(office.hold("ann 1", "ann", 12_000_000), office.hold("bob 1", "bob", 60_000_000))
    await office.do(office.settle("ann 1", 8_000_000), office.settle("bob 1", 60_000_000))
    await office.do(office.hold("ann 2", "ann", 1_000_000), office.settle("ann 2", 30_000_000))
    assert (await office.fail(office.hold("ann 3", "ann", 1))).code == "insufficient_quota"
    await office.do(office.hold("cat 1", "cat", 20_000_000), office.void("cat 1"), office.void("cat 1"))
    await office.do(office.hold("cat 2", "cat", 100_000_000), office.settle("cat 2", 90_000_000))
    await office.do(office.hold("boss 1", "boss", 5_000_000), office.settle("boss 1", 4_000_001))
    await office.do(office.hold("fay 1", "fay", 3_000_000, 60), ExtendHold(
        actor_id=None, hold_id=office.id_of("fay 1"), seconds=120
    ))  # fmt: skip
    office.clock.turn(5 * MINUTE)
    await office.do(office.expire("fay 1"), office.expire("fay 1"))
    await office.do(office.settle("fay 1", 2_000_000))
    await office.do(SetExpiredHolds(actor_id=office.id_of("boss"), is_charged=True))
    await office.do(office.hold("bob 2", "bob", 20_000_000, 60), office.hold("gus 1", "gus", 5_000_000, 60))
    await office.do(office.hold("gus 2", "gus", 1_000_000, 60))
    office.clock.turn(5 * MINUTE)
    await office.do(office.expire("bob 2"), office.expire("gus 1"), office.expire("gus 2"))
    await office.do(office.settle("bob 2", 7_000_000), office.settle("gus 1", 5_500_000), office.settle("gus 2", 0))


async def _roll_over(office: Office) -> None:
    """Holds that outlive their cycle, cycles that nobody saw, resets, another cadence; rows touched and untouched."""
    actor, ids = office.id_of("boss"), office.id_of
    week = 7 * 24 * 3600
    await office.do(
        office.hold("fay 2", "fay", 10_000_000, week),
        office.hold("gus 3", "gus", 4_000_000, week),
        office.hold("bob 3", "bob", 15_000_000, week),
        office.hold("gus 4", "gus", 1_000_000, week),
    )
    await office.do(ResetCycle(actor_id=actor, key="reset", transfer_id=ids("reset"), epoch=1, note="a fresh start"))
    await office.do(ResetCycle(actor_id=actor, transfer_id=ids("reset again"), epoch=1))
    await office.do(office.settle("fay 2", 6_000_000), office.void("gus 3"))
    await office.do(office.hold("gus 5", "gus", 2_000_000, week), office.settle("bob 3", 50_000_000))
    office.clock.turn(timedelta(days=100))
    await office.do(EndDueCycle(actor_id=None))
    await office.do(office.expire("gus 4"), office.settle("gus 5", 3_000_000))
    await office.do(office.settle("gus 4", 250_000))
    await office.do(
        SetCadence(
            actor_id=actor,
            transfer_id=ids("cadence"),
            epoch=(await _epoch(office)),
            cadence="1_day",
            time_zone="Asia/Tokyo",
        )
    )
    await office.do(office.hold("cat 3", "cat", 2_000_000), office.settle("cat 3", 1_000_000))


async def _call_late(office: Office) -> None:
    """A true cost that comes a cycle after its hold expired, below and above what was charged; and a hold that expired
    in the cycle after its own, with the group's budget in it."""
    await office.do(office.hold("cat 4", "cat", 4_000_000, 60), office.hold("fay 3", "fay", 2_000_000, 60))
    office.clock.turn(5 * MINUTE)
    await office.do(office.expire("cat 4"), office.expire("fay 3"))
    await office.do(office.hold("lou 1", "lou", 9_000_000, 24 * 3600))
    office.clock.turn(timedelta(days=1))
    await office.do(office.settle("cat 4", 1_000_000), office.settle("fay 3", 2_500_000), office.expire("lou 1"))
    await office.do(office.settle("lou 1", 8_000_000))
    await office.do(SetExpiredHolds(actor_id=office.id_of("boss"), is_charged=False))


async def _leave(office: Office) -> None:
    """Members move, are switched off, become admins, go with a balance, a debt or a call under way; groups close."""
    actor, ids = office.id_of("boss"), office.id_of
    await office.do(SetWalletStatus(actor_id=actor, member_id=ids("hal"), is_active=False))
    assert (await office.fail(office.move("allocation", 5_000_000, to="hal"))).code == "member_disabled"
    await office.do(office.move("allocation", 8_000_000, to="dan"), office.move("allocation", 3_000_000, to="fay"))
    await office.do(office.hold("dan 1", "dan", 21_000_000))
    await office.do(CloseWallet(actor_id=actor, key="bye", transfer_id=ids("dan leaves"), member_id=ids("dan")))
    await office.do(office.settle("dan 1", 20_500_000))
    await office.do(SetSpendsPool(actor_id=actor, transfer_id=ids("fay rises"), member_id=ids("fay"), spends_pool=True))
    await office.do(
        office.move("cycle_top_up", 1_000_000, to="kim"),
        *(
            MoveWallet(actor_id=actor, transfer_id=ids(f"{who} moves"), member_id=ids(who), group_id=ids(group))
            for who, group in (("gus", "Sales"), ("kim", "West"))
        ),
        CloseWallet(actor_id=actor, transfer_id=ids("kim leaves"), member_id=ids("kim")),
        CloseGroup(actor_id=actor, transfer_id=ids("West closes"), group_id=ids("West")),
    )
    office.clock.turn(timedelta(days=1))
    await office.do(office.hold("lou 2", "lou", 5_000_000), office.settle("lou 2", 5_000_000))
    await office.do(
        MoveWallet(actor_id=actor, transfer_id=ids("lou moves"), member_id=ids("lou"), group_id=ids("Default")),
        CloseGroup(actor_id=actor, transfer_id=ids("Old closes"), group_id=ids("Old")),
    )
    office.clock.turn(timedelta(days=1))
    await office.do(office.hold("joe 1", "joe", 1), office.settle("joe 1", 90_000_000))
    await office.do(office.move("group_allocation", await _pool(office) - 1_000_000, group="Sales"))
    await office.do(CloseWallet(actor_id=actor, transfer_id=ids("joe leaves"), member_id=ids("joe")))
    await office.do(office.move("purchase", 75_000_000))
    await office.do(office.allow("ann", 5_000_000), office.allow("ann", 6_000_000))


async def _call_at_once(office: Office) -> None:
    """Calls through the lanes: many in a batch, some still open at the end."""
    office.clock.turn(MINUTE)
    lanes = Lanes(office.database, office.clock, posters=1, tenants_per_round=4)
    await lanes.open()
    try:
        for number in range(20):
            await lanes.submit(office.tenant_id, office.hold(f"gus call {number}", "gus", 100_000))
            if number % 3:
                await lanes.submit(office.tenant_id, office.settle(f"gus call {number}", 90_000 + 5_000 * (number % 4)))
    finally:
        await lanes.close()
    await office.do(office.hold("boss 2", "boss", 2_000_000), office.hold("bob 4", "bob", 70_000_000))


async def _epoch(office: Office) -> int:
    async with reading(office.database, office.tenant_id) as transaction:
        return (await tenant_figures(transaction, office.tenant_id, office.clock)).cycle.epoch


async def _pool(office: Office) -> int:
    async with reading(office.database, office.tenant_id) as transaction:
        return (await pool_figures(transaction, office.tenant_id, office.clock)).available.micro


async def _call_with_a_key(office: Office) -> None:
    """Calls as the gateway makes them, with a key and a row that says what for: one is added up, and one is not yet."""
    key_id = office.id_of("key")
    for name, cost in (("call with a key", 250_000), ("call after that", 150_000)):
        held = office.hold(name, "gus", 400_000)
        await office.do(msgspec.structs.replace(held, actor_id=None, with_key=KeyLimit(key_id)))
        settled = office.settle(name, cost)
        row = usage_row(settled, member_id=office.id_of("gus"), key_id=key_id)
        await office.do(msgspec.structs.replace(settled, along=written_with(row)))
        if name == "call with a key":
            await add_up(office.database, office.tenant_id)
