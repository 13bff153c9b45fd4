"""The core against the model: thousands of random histories, compared and audited after every batch.

`BURSAR_EXAMPLES` sets how many histories are tried. The default is a fixed selection, the same on every run; any other
number draws new ones.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from bursar.domain.credits import Credits
from bursar.ledger import (
    CloseGroup,
    CloseWallet,
    Command,
    EndDueCycle,
    ExpireHold,
    MoveWallet,
    OpenGroup,
    OpenHold,
    Outcome,
    SetGroupMonthly,
    SetMemberMonthly,
    SettleHold,
    Transfer,
)
from tests.ledger.model.calendar import next_boundary
from tests.ledger.model.comparison import check_same_figures, check_same_outcome
from tests.ledger.model.deeds import Model
from tests.ledger.model.intents import (
    ADMIN,
    AMOUNTS,
    ANY,
    BUDGETING,
    CADENCES,
    HANDING,
    JUMPS,
    OPENINGS,
    PEOPLE,
    SPENDING,
    START,
    TURNING,
    ZONES,
    Desk,
    Intent,
    opening_commands,
)
from tests.ledger.model.invariants import Audit, check_rows
from tests.ledger.model.office import PLAN, Office
from tests.ledger.model.store import DEFAULT_GROUP, Store

EXAMPLES = 500
STEPS = 100

_wanted = int(os.environ.get("BURSAR_EXAMPLES", EXAMPLES))


class CoreAndModel(RuleBasedStateMachine):
    """One tenant, kept twice."""

    @initialize(
        is_shared=st.booleans(),
        is_charged=st.booleans(),
        per_cycle=st.sampled_from([90_000_000, 90_000_000, 0]),
        cadence=st.sampled_from(CADENCES),
        time_zone=st.sampled_from(ZONES),
    )
    def open(self, is_shared: bool, is_charged: bool, per_cycle: int, cadence: str, time_zone: str) -> None:
        self.now = START
        self.store = Store(START, cadence=cadence, time_zone=time_zone)
        self.model = Model(Office(START, cadence, time_zone))
        self.model.answer(OpenGroup(actor_id=None, group_id=DEFAULT_GROUP, is_default=True))
        self.desk = Desk(self.model.office)
        self.audit = Audit()
        self.audit.read_on(self.store)
        self.sent: list[tuple[Command, Outcome]] = []
        self.post(opening_commands(is_shared=is_shared, is_charged=is_charged, per_cycle=per_cycle))

    def post(self, commands: list[Command]) -> None:
        """Post one batch to both; outcomes, figures and invariants must agree."""
        office = self.model.office
        office.turn_clock(self.now)
        is_cycle_due = self.store.control.epoch_ends_at <= self.now
        before = self.store.unkeyed_rows()
        outcomes = self.store.post(self.now, *commands)
        for command, outcome in zip(commands, outcomes, strict=True):
            check_same_outcome(outcome, self.model.answer(command))
            self.sent.append((command, outcome))
        check_same_figures(self.store, office)
        check_rows(self.store)
        self.audit.read_on(self.store)
        if not is_cycle_due and all(outcome.refusal is not None or outcome.replayed for outcome in outcomes):
            assert self.store.unkeyed_rows() == before, "I15: a refusal or a repeat changed something"

    @rule(intent=SPENDING)
    def spend(self, intent: Intent) -> None:
        self.post([self.desk.command(intent)])

    @rule(intent=SPENDING)
    def spend_more(self, intent: Intent) -> None:
        self.post([self.desk.command(intent)])

    @rule(intent=HANDING)
    def hand_out(self, intent: Intent) -> None:
        self.post([self.desk.command(intent)])

    @rule(intent=BUDGETING)
    def budget(self, intent: Intent) -> None:
        self.post([self.desk.command(intent)])

    @rule(intent=PEOPLE)
    def change_people(self, intent: Intent) -> None:
        self.post([self.desk.command(intent)])

    @rule(intent=TURNING)
    def turn(self, intent: Intent) -> None:
        self.post([self.desk.command(intent)])

    @rule(intents=st.lists(ANY, min_size=2, max_size=4))
    def post_a_batch(self, intents: list[Intent]) -> None:
        self.post([self.desk.command(intent) for intent in intents])

    @rule(jump=st.sampled_from(JUMPS))
    def wait(self, jump: timedelta) -> None:
        """Time passes, and nothing happens until the next command."""
        self.now += jump

    @rule(pick=st.integers(0, 5))
    def let_a_hold_expire(self, pick: int) -> None:
        """The sweeper comes as soon as it may."""
        due = [(hold_id, hold) for hold_id, hold in self.model.office.holds.items() if hold.state == "open"]
        if not due:
            return
        hold_id, hold = due[pick % len(due)]
        self.now = max(self.now, hold.expires_at)
        self.post([ExpireHold(actor_id=None, hold_id=hold_id)])

    @rule(intent=SPENDING, boundaries=st.integers(1, 3))
    def spend_after_the_boundary(self, intent: Intent, boundaries: int) -> None:
        """The first command to arrive exactly when one, two or three cycles have ended."""
        self.pass_boundaries(boundaries)
        self.post([self.desk.command(intent)])

    @rule(
        opening=OPENINGS,
        before_it_expires=st.integers(0, 2),
        before_its_cost_is_known=st.integers(0, 1),
        cost=st.sampled_from(AMOUNTS),
    )
    def settle_late(
        self, opening: Intent, before_it_expires: int, before_its_cost_is_known: int, cost: Credits
    ) -> None:
        """The whole life of a hold whose call is forgotten, and turns up after all."""
        hold = self.desk.command(opening)
        assert isinstance(hold, OpenHold)
        self.post([hold])
        if self.sent[-1][1].refusal is not None:
            return
        self.pass_boundaries(before_it_expires)
        self.now += timedelta(seconds=hold.seconds)
        self.post([ExpireHold(actor_id=None, hold_id=hold.hold_id)])
        self.pass_boundaries(before_its_cost_is_known)
        self.post([SettleHold(actor_id=None, hold_id=hold.hold_id, cost=cost)])

    @rule(leaver=st.integers(0, 9), top_up=st.sampled_from(AMOUNTS), wanted=st.sampled_from(AMOUNTS))
    def take_a_top_up_along(self, leaver: int, top_up: Credits, wanted: Credits) -> None:
        """A member gets more for this cycle, moves to a new group and is deleted there; the group is closed, and what
        it leaves in the plan is asked for."""
        member, new_group = self.desk.member(Intent("", leaver, 0, top_up, 0, None)), self.desk.new_id()
        members = self.model.office.members
        old_group = members[member].group if member in members else DEFAULT_GROUP
        ids = [self.desk.new_id() for _ in range(5)]
        going: list[Command] = [
            OpenGroup(actor_id=ADMIN, group_id=new_group),
            Transfer(actor_id=ADMIN, transfer_id=ids[0], kind="cycle_top_up", amount=top_up, member_id=member),
            SetMemberMonthly(actor_id=ADMIN, transfer_id=ids[1], member_id=member, monthly=Credits(0)),
            MoveWallet(actor_id=ADMIN, transfer_id=ids[2], member_id=member, group_id=new_group),
        ]
        self.post(going)
        if leaver % 2:
            self.post([CloseWallet(actor_id=ADMIN, transfer_id=ids[3], member_id=member)])
            self.post([CloseGroup(actor_id=ADMIN, transfer_id=ids[4], group_id=new_group)])
        everything = Credits(self.model.office.groups[old_group].monthly + self.model.office.accounts[PLAN])
        for level in (everything, wanted):
            raising = SetGroupMonthly(
                actor_id=ADMIN, transfer_id=self.desk.new_id(), group_id=old_group, monthly=level
            )  # fmt: skip
            self.post([raising])

    def pass_boundaries(self, count: int) -> None:
        """Turn the clock to the very moment at which so many more cycles have ended."""
        office = self.model.office
        ends_at = office.ends_at
        for _ in range(count):
            self.now = max(self.now, ends_at)
            ends_at = next_boundary(ends_at, office.cadence, office.time_zone)

    @rule(pick=st.integers(0, 200))
    def repeat(self, pick: int) -> None:
        """I11: an earlier command is sent again. If it was answered under a key, it gets that answer and moves nothing;
        the model knows what it gets otherwise."""
        command, first = self.sent[-1 - pick % len(self.sent)]
        self.post([EndDueCycle(actor_id=None)])
        before = self.store.unkeyed_rows()
        self.post([command])
        _, again = self.sent[-1]
        if command.key and first.refusal is None:
            assert (again.answer, again.replayed) == (first.answer, True)
        if again.replayed:
            assert self.store.unkeyed_rows() == before


CoreAndModel.TestCase.settings = settings(
    max_examples=_wanted,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=_wanted == EXAMPLES,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

TestCoreAgainstTheModel = pytest.mark.timeout(0)(CoreAndModel.TestCase)
