"""Many clients on one tenant at once: afterwards every figure agrees, and every answer is in the database."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from bursar import ledger
from bursar.db.engine import Database
from bursar.domain.credits import Credits
from tests.support.acknowledged import Acknowledged
from tests.support.posters import Poster, posters
from tests.support.postgres import FreshDatabase
from tests.support.reconcile import check_books
from tests.support.tenancies import CREDIT, Tenancy, hold, open_tenancy, post, whole_credits

CLIENTS: Final = 64
STEPS: Final = 25


async def test_sixty_four_clients_on_one_tenant_leave_books_that_reconcile(
    database: Database, fresh_database: FreshDatabase
) -> None:
    tenancy = await open_tenancy(database, members=4, pool=300, balance=25)
    await post(
        database,
        tenancy,
        ledger.ShareGroup(actor_id=tenancy.actor_id, group_id=tenancy.group_id, is_shared=True),
        ledger.SetPerCycle(actor_id=tenancy.actor_id, transfer_id=uuid7(), per_cycle=whole_credits(100)),
        ledger.SetGroupMonthly(
            actor_id=tenancy.actor_id, transfer_id=uuid7(), group_id=tenancy.group_id, monthly=whole_credits(80)
        ),
        *(
            ledger.SetMemberMonthly(
                actor_id=tenancy.actor_id, transfer_id=uuid7(), member_id=member_id, monthly=whole_credits(10)
            )
            for member_id in tenancy.member_ids
        ),
    )
    acknowledged = Acknowledged()

    async with posters(fresh_database.app_url, 2) as children:
        clients = [_Client(tenancy, children, acknowledged, seed=number) for number in range(CLIENTS)]
        await asyncio.gather(*(client.run() for client in clients))

    # All kinds of answers were met, or this would be no race worth the name.
    assert {"Held", "HoldClosed", "Transferred", "CycleStarted", "insufficient_quota"} <= set(acknowledged.kinds)
    acknowledged.check(fresh_database.admin_url)
    await check_books(fresh_database, tenancy.tenant_id)


class _Client:
    """Somebody who does a little of everything, and remembers what was answered."""

    def __init__(self, tenancy: Tenancy, children: list[Poster], acknowledged: Acknowledged, *, seed: int) -> None:
        self._tenancy = tenancy
        self._children = children
        self._acknowledged = acknowledged
        self._random = Random(seed)
        self._holds: list[UUID] = []
        self._epoch = 1

    async def run(self) -> None:
        """Some steps, then everything that is still held is settled or voided."""
        for _ in range(STEPS):
            await self._step(self._pick())
        for hold_id in self._holds:
            await self._step(self._end(hold_id))

    async def _step(self, command: ledger.Command) -> None:
        child = self._random.choice(self._children)
        tenant_id = self._tenancy.tenant_id
        if self._random.random() < 0.1:
            (outcome,) = await child.post(tenant_id, command)
        else:
            outcome = await child.submit(tenant_id, command)
        self._acknowledged.note(tenant_id, command, outcome)
        if isinstance(outcome.answer, ledger.Held):
            self._holds.append(outcome.answer.hold_id)
        if isinstance(outcome.answer, ledger.CycleStarted):
            self._epoch = outcome.answer.epoch
        if self._random.random() < 0.05:
            again = await self._random.choice(self._children).submit(tenant_id, command)
            assert again.replayed or outcome.refusal is not None or not _is_recognised(command)

    def _pick(self) -> ledger.Command:
        random, tenancy = self._random, self._tenancy
        member_id, actor_id = random.choice(tenancy.member_ids), tenancy.actor_id
        roll = random.random()
        if self._holds and roll < 0.4:
            return self._end(self._holds.pop(random.randrange(len(self._holds))))
        if roll < 0.8:
            return hold(tenancy, random.randint(1, 5), member_id)
        if roll < 0.98:
            return ledger.Transfer(
                actor_id=actor_id,
                transfer_id=uuid7(),
                kind=random.choice(["allocation", "reclaim"]),
                amount=Credits(random.randint(1, 10 * CREDIT)),
                member_id=member_id,
                key=str(uuid7()),
            )
        return ledger.ResetCycle(actor_id=actor_id, transfer_id=uuid7(), epoch=self._epoch)

    def _end(self, hold_id: UUID) -> ledger.Command:
        actor_id = self._tenancy.actor_id
        if self._random.random() < 0.25:
            return ledger.VoidHold(actor_id=actor_id, hold_id=hold_id)
        return ledger.SettleHold(actor_id=actor_id, hold_id=hold_id, cost=Credits(self._random.randint(0, 6 * CREDIT)))


def _is_recognised(command: ledger.Command) -> bool:
    """Whether a repeat is marked as one: by its key, or by its hold's id. A reset done twice just finds a new cycle."""
    return not isinstance(command, ledger.ResetCycle)
