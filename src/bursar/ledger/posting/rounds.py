"""A posting round: the batches of some tenants in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from bursar.db.transaction import Transaction
from bursar.domain.cycles import cycle_end, parse_cadence, parse_time_zone
from bursar.domain.refusals import Refusal
from bursar.ledger.answers import Outcome
from bursar.ledger.commands import Along, Command, OpenGroup
from bursar.ledger.core.books import Books
from bursar.ledger.core.chain import genesis
from bursar.ledger.core.decide import decide
from bursar.ledger.core.rows import Control
from bursar.ledger.posting import tables
from bursar.ledger.posting.loading import LOCK_CONTROLS, Clock, load
from bursar.ledger.posting.writing import write, write_along


class Posted:
    """What one round did: an outcome for each command, or the fault that kept a tenant's batch from being decided."""

    def __init__(self) -> None:
        # Stored with the batches, so that a poster can recognise its own when it lost sight of the commit.
        self.posting_id = uuid4()
        self.outcomes: dict[UUID, list[Outcome]] = {}
        self.faults: dict[UUID, Exception] = {}
        self.books: dict[UUID, Books] = {}


async def post_round(transaction: Transaction, batches: Mapping[UUID, Sequence[Command]], clock: Clock) -> Posted:
    """Decide and write the batches within the caller's transaction, whose scope must hold their tenants.

    A tenant whose batch cannot be decided is left out and reported; the others go through. Nothing is answered before
    the caller has committed.

    Rule: POSTING-1
    """
    posted = Posted()
    books_by_tenant = await load(transaction, batches, clock)
    for tenant_id, commands in batches.items():
        books = books_by_tenant.get(tenant_id)
        if books is None:
            refusal = Refusal("tenant_unknown", "There is no such tenant.")
            posted.outcomes[tenant_id] = [Outcome(None, refusal) for _ in commands]
            continue
        try:
            posted.outcomes[tenant_id] = decide(books, commands)
        except Exception as fault:  # noqa: BLE001 - the outermost loop of one tenant's batch: reported, never swallowed
            posted.faults[tenant_id] = fault
            continue
        posted.books[tenant_id] = books
    await write(transaction, list(posted.books.values()), posted.posting_id)
    await write_along(transaction, _carried(batches, posted))
    return posted


def _carried(batches: Mapping[UUID, Sequence[Command]], posted: Posted) -> Iterator[tuple[UUID, int, Along]]:
    """What comes along with the commands that this round posts for the first time.

    Rule: COMMAND-8
    """
    for tenant_id, books in posted.books.items():
        for command, outcome in zip(batches[tenant_id], posted.outcomes[tenant_id], strict=True):
            if command.along is not None and outcome.refusal is None and not outcome.replayed:
                yield tenant_id, books.batch_number, command.along


async def post(transaction: Transaction, tenant_id: UUID, commands: Sequence[Command], clock: Clock) -> list[Outcome]:
    """Post commands of one tenant within the caller's own transaction, and commit with it.

    For what people do, which writes other rows besides. Post before any other row of the tenant is locked, so that two
    actions never wait for each other. A fault is raised.

    Rule: POSTING-2
    """
    posted = await post_round(transaction, {tenant_id: commands}, clock)
    for fault in posted.faults.values():
        raise fault
    return posted.outcomes[tenant_id]


async def lock_books(transaction: Transaction, tenant_id: UUID) -> None:
    """Lock the tenant's books until the caller's transaction ends, so that what it reads is still so when it posts.

    For what has to be told with its value before. Refuses `tenant_unknown`.
    """
    if not await transaction.fetch(LOCK_CONTROLS, [tenant_id]):
        raise Refusal("tenant_unknown", "There is no such tenant.", field="tenant_id")


_INSERT_CONTROL = tables.CONTROL.insert


async def open_books(
    transaction: Transaction,
    tenant_id: UUID,
    *,
    default_group_id: UUID,
    cadence: str,
    time_zone: str,
    now: datetime,
) -> None:
    """Open a new tenant's books within the caller's transaction: all zero, the first cycle running, one group.

    Refuses `cadence_unknown`, `time_zone_unknown`. `now` is the ledger's time.

    Rule: POSTING-7
    """
    ends_at = cycle_end(now, parse_cadence(cadence), parse_time_zone(time_zone))
    zeros = {name: 0 for name, type_ in tables.CONTROL.columns if type_ == "bigint"}
    values = zeros | {
        "tenant_id": tenant_id,
        "chain_hash": genesis(tenant_id),
        "last_posted_at": now,
        "epoch": 1,
        "epoch_started_at": now,
        "epoch_ends_at": ends_at,
        "cadence": cadence,
        "time_zone": time_zone,
        "per_cycle_ceiling_micro": None,
        "expired_holds": "void",
    }
    control = Control(**values)  # type: ignore[arg-type]
    await transaction.fetch(_INSERT_CONTROL, *([value] for value in tables.CONTROL.values()(control)))
    opening = OpenGroup(actor_id=None, group_id=default_group_id, is_default=True)
    (outcome,) = await post(transaction, tenant_id, [opening], lambda _: now)
    outcome.unwrap()
