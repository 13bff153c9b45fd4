"""Commands at random: small intents that hypothesis can draw and shrink, and the commands they come to mean.

An intent names members, groups and holds by number; what it means is settled against what there is by then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from hypothesis import strategies as st

from bursar.domain.credits import ZERO, Credits
from bursar.ledger import (
    Charge,
    CloseGroup,
    CloseWallet,
    Command,
    EndDueCycle,
    ExpireHold,
    ExtendHold,
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
    SetTotal,
    SetWalletStatus,
    ShareGroup,
    Transfer,
    VoidHold,
)
from tests.ledger.model.office import Office
from tests.ledger.model.store import DEFAULT_GROUP

MEMBERS_MAX = 8
GROUPS_MAX = 6
MEMBERS = [UUID(int=0xA0 + number) for number in range(MEMBERS_MAX + 1)]
GROUPS = [DEFAULT_GROUP, *(UUID(int=0xD1 + number) for number in range(GROUPS_MAX))]
ADMIN = UUID(int=0xAD)
ZONES = ["UTC", "Europe/Berlin", "America/Havana", "Asia/Kathmandu"]
CADENCES = ["calendar_month", "15_days", "1_week", "1_day", "12_hours", "6_hours", "1_hour"]

# Few and round, so that sums meet limits exactly; the odd ones catch whoever rounds.
AMOUNTS = [Credits(micro) for micro in (
    1_000_000, 2_000_000, 3_000_000, 5_000_000, 8_000_000, 12_000_000, 17_000_000, 30_000_000, 60_000_000, 1,
    2_500_001, 0,
)]  # fmt: skip
SECONDS = [60, 600, 3_600, 40_000, 7 * 24 * 3600, 0]
JUMPS = [timedelta(), timedelta(seconds=1), timedelta(minutes=2), timedelta(hours=1), timedelta(hours=25),
         timedelta(days=9), timedelta(days=40)]  # fmt: skip
UNKNOWN, ANY_ONE = 19, 18
LAST_PICK = 5
UNHEARD_OF = UUID(int=0xFFFF)

# One command in five carries a key, mostly one of its own.
KEYS = [None] * 120 + [f"key {number}" for number in range(29)] + [""]


class Intent(NamedTuple):
    """What somebody wants: a verb and some small numbers that it makes sense of."""

    verb: str
    member: int
    group: int
    amount: Credits
    pick: int
    key: str | None


class Desk:
    """Turns intents into commands. Mostly about what there is, so that most of them are done."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.transfers: list[UUID] = []
        self._last = 0x1000

    def command(self, intent: Intent) -> Command:
        """The command that the intent means now."""
        verb = intent.verb if self.office.holds or intent.verb not in _SPENDING else "hold"
        return _MEANINGS[verb](self, intent)

    def new_id(self) -> UUID:
        """An id that nobody has used."""
        self._last += 1
        return UUID(int=self._last)

    def new_transfer(self) -> UUID:
        """The id of a transfer that somebody may reverse later."""
        self.transfers.append(self.new_id())
        return self.transfers[-1]

    def member(self, intent: Intent) -> UUID:
        """A living member; for the two last numbers any member, and one that there is not."""
        members = self.office.members
        living = [member_id for member_id, member in members.items() if member.status != "deleted"]
        if intent.member == UNKNOWN or not members:
            return MEMBERS[MEMBERS_MAX]
        if intent.member == ANY_ONE or not living:
            return list(members)[intent.pick % len(members)]
        return living[intent.member % len(living)]

    def new_member(self, intent: Intent) -> UUID:
        """The next member to come, or one that is there already."""
        count = len(self.office.members)
        return MEMBERS[count] if count < MEMBERS_MAX else self.member(intent)

    def group(self, intent: Intent) -> UUID:
        """An open group; for the two last numbers any group, and one that there is not."""
        groups = self.office.groups
        if intent.group == UNKNOWN:
            return GROUPS[GROUPS_MAX]
        if intent.group == ANY_ONE:
            return list(groups)[intent.pick % len(groups)]
        still_open = [group_id for group_id, group in groups.items() if not group.is_closed]
        return still_open[intent.group % len(still_open)]

    def new_group(self, intent: Intent) -> UUID:
        """The next group to come, or one that is there already."""
        count = len(self.office.groups)
        return GROUPS[count] if count < GROUPS_MAX else self.group(intent)

    def hold(self, intent: Intent) -> UUID:
        """A hold that can still end, the latest for 0; for the last number any hold, or one that never was."""
        holds = self.office.holds
        unfinished = [hold_id for hold_id, hold in holds.items() if hold.state in ("open", "expired")]
        if intent.pick == LAST_PICK or not unfinished:
            return list(holds)[-1 - intent.member % len(holds)] if intent.member != UNKNOWN and holds else UNHEARD_OF
        return unfinished[-1 - intent.pick % len(unfinished)]

    def transfer(self, intent: Intent) -> UUID:
        """One of the latest transfers, or one that was never posted."""
        latest = self.transfers[-5:]
        return latest[-1 - intent.pick % len(latest)] if latest else UNHEARD_OF


Meaning = Callable[[Desk, Intent], Command]


def _posts(kind: str) -> Meaning:
    def meaning(desk: Desk, intent: Intent) -> Command:
        # Now and then somebody acts on itself.
        member_id = desk.member(intent)
        actor = member_id if intent.pick == LAST_PICK else ADMIN
        return Transfer(
            actor_id=actor, key=intent.key, transfer_id=desk.new_transfer(), kind=kind, amount=intent.amount,
            member_id=member_id,
            group_id=desk.group(intent), note="a note" if intent.pick else None,
        )  # fmt: skip

    return meaning


_FUNDING: dict[str, Meaning] = {
    kind: _posts(kind) for kind in ("purchase", "redemption", "grant", "grant_withdrawal", "signup_credits")
}
_FUNDING["total"] = lambda desk, i: SetTotal(
    actor_id=ADMIN, key=i.key, transfer_id=desk.new_id(), total=Credits(4 * i.amount.micro)
)
_HANDING: dict[str, Meaning] = {
    kind: _posts(kind)
    for kind in ("allocation", "reclaim", "group_allocation", "group_reclaim", "group_hand_out", "cycle_top_up")
} | {
    "reverse": lambda desk, i: Reverse(
        actor_id=ADMIN, key=i.key, reverses_id=desk.transfer(i), transfer_id=desk.new_transfer()
    ),
}
_SPENDING: dict[str, Meaning] = {
    "hold": lambda desk, i: OpenHold(
        actor_id=desk.member(i), key=i.key, hold_id=desk.new_id(), member_id=desk.member(i), amount=i.amount,
        seconds=SECONDS[i.pick],
    ),
    "free_hold": lambda desk, i: OpenHold(
        actor_id=desk.member(i), key=i.key, hold_id=desk.new_id(), member_id=desk.member(i), amount=ZERO,
        seconds=SECONDS[i.pick], is_free=True,
    ),
    "charge": lambda desk, i: Charge(
        actor_id=desk.member(i), key=i.key, hold_id=desk.new_id(), member_id=desk.member(i), amount=i.amount
    ),
    # Under the id of some hold there is, which is a repeat or another thing under the same id.
    "charge_again": lambda desk, i: Charge(
        actor_id=desk.member(i), hold_id=desk.hold(i), member_id=desk.member(i), amount=i.amount
    ),
    "settle": lambda desk, i: SettleHold(actor_id=ADMIN, key=i.key, hold_id=desk.hold(i), cost=i.amount),
    "void": lambda desk, i: VoidHold(actor_id=ADMIN, key=i.key, hold_id=desk.hold(i)),
    "extend": lambda desk, i: ExtendHold(
        actor_id=ADMIN, key=i.key, hold_id=desk.hold(i), seconds=SECONDS[i.group % 5]
    ),
    "expire": lambda desk, i: ExpireHold(actor_id=None, key=i.key, hold_id=desk.hold(i)),
}  # fmt: skip
_BUDGETING: dict[str, Meaning] = {
    "per_cycle": lambda desk, i: SetPerCycle(actor_id=ADMIN, key=i.key, transfer_id=desk.new_id(), per_cycle=i.amount),
    "ceiling": lambda desk, i: SetCycleCeiling(
        actor_id=None, key=i.key, ceiling=None if i.pick else Credits(4 * i.amount.micro)
    ),
    "group_monthly": lambda desk, i: SetGroupMonthly(
        actor_id=ADMIN, key=i.key, transfer_id=desk.new_id(), group_id=desk.group(i), monthly=i.amount
    ),
    # Now and then by the member itself, which is refused where it would be a raise.
    "member_monthly": lambda desk, i: SetMemberMonthly(
        actor_id=desk.member(i) if i.pick == 0 else ADMIN,
        key=i.key,
        transfer_id=desk.new_id(),
        member_id=desk.member(i),
        monthly=i.amount,
    ),
}
_PEOPLE: dict[str, Meaning] = {
    "move": lambda desk, i: MoveWallet(
        actor_id=ADMIN, key=i.key, transfer_id=desk.new_id(), member_id=desk.member(i), group_id=desk.group(i)
    ),
    "spends_pool": lambda desk, i: SetSpendsPool(
        actor_id=ADMIN, key=i.key, transfer_id=desk.new_id(), member_id=desk.member(i), spends_pool=i.pick < 2
    ),
    "status": lambda desk, i: SetWalletStatus(
        actor_id=ADMIN, key=i.key, member_id=desk.member(i), is_active=i.pick > 1
    ),
    "share": lambda desk, i: ShareGroup(actor_id=ADMIN, key=i.key, group_id=desk.group(i), is_shared=i.pick > 0),
    "open_member": lambda desk, i: OpenWallet(
        actor_id=ADMIN, key=i.key, member_id=desk.new_member(i), group_id=desk.group(i), spends_pool=i.pick == 0
    ),
    "open_group": lambda desk, i: OpenGroup(actor_id=ADMIN, key=i.key, group_id=desk.new_group(i)),
    "close_group": lambda desk, i: CloseGroup(
        actor_id=ADMIN, key=i.key, transfer_id=desk.new_id(), group_id=desk.group(i)
    ),
    "delete": lambda desk, i: CloseWallet(
        actor_id=ADMIN, key=i.key, transfer_id=desk.new_id(), member_id=desk.member(i)
    ),
}
_TURNING: dict[str, Meaning] = {
    "end_due": lambda desk, i: EndDueCycle(actor_id=None, key=i.key),
    "reset": lambda desk, i: ResetCycle(
        actor_id=ADMIN, key=i.key, transfer_id=desk.new_id(), epoch=max(1, desk.office.cycle + 1 - i.pick)
    ),
    "cadence": lambda desk, i: SetCadence(
        actor_id=ADMIN, key=i.key, transfer_id=desk.new_id(), epoch=desk.office.cycle - (i.pick == LAST_PICK),
        cadence=CADENCES[i.member % 7], time_zone=ZONES[i.group % 4],
    ),
    "policy": lambda desk, i: SetExpiredHolds(actor_id=ADMIN, key=i.key, is_charged=i.pick > 1),
}  # fmt: skip

_MEANINGS = _FUNDING | _HANDING | _SPENDING | _BUDGETING | _PEOPLE | _TURNING


def _intents(verbs: list[str]) -> st.SearchStrategy[Intent]:
    return st.builds(
        Intent,
        st.sampled_from(verbs),
        st.integers(0, UNKNOWN),
        st.integers(0, UNKNOWN),
        st.sampled_from(AMOUNTS),
        st.integers(0, LAST_PICK),
        st.sampled_from(KEYS),
    )


# Holding and settling come up most, as they do in life.
HANDING = _intents([*_HANDING, *_FUNDING, "allocation", "group_allocation"])
SPENDING = _intents(
    ["hold"] * 5 + ["settle"] * 3 + ["charge"] * 2 + ["expire"] * 2 + ["void", "extend", "free_hold", "charge_again"]
)
OPENINGS = _intents(["hold"])
BUDGETING = _intents(["group_monthly", "member_monthly", "member_monthly", "per_cycle", "ceiling"])
PEOPLE = _intents([*_PEOPLE, "open_member", "move", "move", "share", "status"])
TURNING = _intents(list(_TURNING))
ANY = st.one_of(SPENDING, HANDING, BUDGETING, PEOPLE, TURNING)


def opening_commands(*, is_shared: bool, is_charged: bool, per_cycle: int) -> list[Command]:
    """A tenant with something in it: three groups, four members, one of them a tenant admin, credits and budgets."""
    default, first, second = GROUPS[:3]
    ids = iter(range(0x100, 0x200))

    def fresh() -> UUID:
        return UUID(int=next(ids))

    commands: list[Command] = [
        OpenGroup(actor_id=ADMIN, group_id=first),
        OpenGroup(actor_id=ADMIN, group_id=second),
        ShareGroup(actor_id=ADMIN, group_id=first, is_shared=is_shared),
        *(
            OpenWallet(actor_id=ADMIN, member_id=member, group_id=group, spends_pool=number == 3)
            for number, (member, group) in enumerate(zip(MEMBERS[:4], [first, first, second, default], strict=True))
        ),
        Transfer(actor_id=ADMIN, transfer_id=fresh(), kind="purchase", amount=Credits(100_000_000)),
        Transfer(
            actor_id=ADMIN, transfer_id=fresh(), kind="group_allocation", amount=Credits(20_000_000), group_id=first
        ),
        SetExpiredHolds(actor_id=ADMIN, is_charged=is_charged),
    ]
    if per_cycle:
        commands += [
            SetPerCycle(actor_id=ADMIN, transfer_id=fresh(), per_cycle=Credits(per_cycle)),
            *(
                SetGroupMonthly(actor_id=ADMIN, transfer_id=fresh(), group_id=group, monthly=Credits(per_cycle // 3))
                for group in (first, second)
            ),
            *(
                SetMemberMonthly(actor_id=ADMIN, transfer_id=fresh(), member_id=member, monthly=Credits(10_000_000))
                for member in MEMBERS[:3]
            ),
        ]
    return commands


START = datetime.fromisoformat("2026-03-27T22:30:00+00:00")
"""Two days before European clocks go forward, four before a month ends."""
