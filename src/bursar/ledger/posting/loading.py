"""Loading: what a round's commands name, in a few set-based statements, after the control rows are locked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.ledger.commands import (
    CloseGroup,
    Command,
    ExpireHold,
    ExtendHold,
    MoveWallet,
    OpenGroup,
    OpenHold,
    OpenWallet,
    Reverse,
    SetGroupMonthly,
    SettleHold,
    ShareGroup,
    Transfer,
    VoidHold,
    caller_key,
)
from bursar.ledger.core.books import Books
from bursar.ledger.core.rows import Control, Group, Hold, Issued, Line, Remembered, Wallet
from bursar.ledger.core.transfers import reversal_key
from bursar.ledger.posting import tables

Clock = Callable[[datetime], datetime]
"""Turns the database's time into the ledger's: the identity, but for tests that turn it."""

_HOLD_COMMANDS = (OpenHold, SettleHold, VoidHold, ExtendHold, ExpireHold)
_GROUP_COMMANDS = (OpenGroup, CloseGroup, ShareGroup, SetGroupMonthly, OpenWallet, MoveWallet, Transfer)

# The only explicit lock of a posting. Ordered, so that two rounds never wait for each other.
_LOCK_CONTROLS = f"""
select {tables.CONTROL.listed("control")}, clock_timestamp() as now
from bursar.ledger_control as control
where control.tenant_id = any($1::uuid[])
order by control.tenant_id
for no key update
"""

_FIND_HOLDS = f"""
select {tables.HOLDS.listed("hold")}
from unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, hold_id)
join bursar.ledger_holds as hold on hold.tenant_id = wanted.tenant_id and hold.hold_id = wanted.hold_id
"""

_FIND_WALLETS = f"""
select {tables.WALLETS.listed("wallet")}
from unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, member_id)
join bursar.ledger_wallets as wallet on wallet.tenant_id = wanted.tenant_id and wallet.member_id = wanted.member_id
"""

_FIND_GROUPS = f"""
select {tables.GROUPS.listed("member_group")}
from unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, group_id)
join bursar.ledger_groups as member_group
  on member_group.tenant_id = wanted.tenant_id and member_group.group_id = wanted.group_id
"""

_FIND_COMMANDS = """
select stored.tenant_id, stored.key, stored.fingerprint, stored.outcome, stored.batch_number, stored.posted_at,
  stored.forget_at
from unnest($1::uuid[], $2::text[]) as wanted (tenant_id, key)
join bursar.ledger_commands as stored on stored.tenant_id = wanted.tenant_id and stored.key = wanted.key
"""

_FIND_ORIGINALS = f"""
select {tables.JOURNAL.listed("journal")}
from unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, transfer_id)
join bursar.ledger_journal as journal
  on journal.tenant_id = wanted.tenant_id and journal.transfer_id = wanted.transfer_id and journal.kind <> 'usage'
"""

_LIST_ISSUED = f"""
select {tables.ISSUED.listed("issued")}
from bursar.ledger_issued as issued
where issued.tenant_id = any($1::uuid[])
"""


async def load(transaction: Transaction, batches: Mapping[UUID, Sequence[Command]], clock: Clock) -> dict[UUID, Books]:
    """The books of each tenant that exists, locked, with every row its commands name.

    The transaction's scope must hold the tenants. The time is the database's, and never earlier than the tenant's last
    batch (see `Books`), since it may have been read while waiting for the lock.
    """
    books: dict[UUID, Books] = {}
    for record in await transaction.fetch(_LOCK_CONTROLS, sorted(batches)):
        *columns, now = record
        books[record["tenant_id"]] = Books(Control(*columns), clock(now))
    present = {tenant_id: commands for tenant_id, commands in batches.items() if tenant_id in books}
    await _load_holds(transaction, books, present)
    await _load_keys(transaction, books, present)
    await _load_wallets(transaction, books, present)
    await _load_groups(transaction, books, present)
    await _load_issued(transaction, books, present)
    return books


async def _load_holds(
    transaction: Transaction, books: Mapping[UUID, Books], batches: Mapping[UUID, Sequence[Command]]
) -> None:
    wanted = _distinct(
        (tenant_id, command.hold_id)
        for tenant_id, commands in batches.items()
        for command in commands
        if isinstance(command, _HOLD_COMMANDS)
    )
    if wanted[0]:
        for record in await transaction.fetch(_FIND_HOLDS, *wanted):
            hold = Hold(*record)
            books[hold.tenant_id].holds[hold.hold_id] = hold


async def _load_keys(
    transaction: Transaction, books: Mapping[UUID, Books], batches: Mapping[UUID, Sequence[Command]]
) -> None:
    reversals = [
        (tenant_id, command.reverses_id)
        for tenant_id, commands in batches.items()
        for command in commands
        if isinstance(command, Reverse)
    ]
    keys = [(tenant_id, reversal_key(transfer_id)) for tenant_id, transfer_id in reversals]
    keys += [
        (tenant_id, caller_key(command.key))
        for tenant_id, commands in batches.items()
        for command in commands
        if command.key is not None
    ]
    if keys:
        for record in await transaction.fetch(_FIND_COMMANDS, *_distinct(keys)):
            tenant_id, *columns = record
            remembered = Remembered(*columns)
            books[tenant_id].commands[remembered.key] = remembered
    if reversals:
        for record in await transaction.fetch(_FIND_ORIGINALS, *_distinct(reversals)):
            line = Line(*record)
            books[line.tenant_id].originals.setdefault(line.transfer_id, line)


async def _load_wallets(
    transaction: Transaction, books: Mapping[UUID, Books], batches: Mapping[UUID, Sequence[Command]]
) -> None:
    def members() -> Iterable[tuple[UUID, UUID]]:
        for tenant_id, commands in batches.items():
            for command in commands:
                member_id = getattr(command, "member_id", None)
                if member_id is not None:
                    yield tenant_id, member_id
            for hold in books[tenant_id].holds.values():
                yield tenant_id, hold.member_id
            # Whose transfer is reversed is known from its line; a group's id finds no wallet here.
            for line in books[tenant_id].originals.values():
                yield tenant_id, line.source_id or line.target_id or tenant_id

    wanted = _distinct(members())
    if wanted[0]:
        for record in await transaction.fetch(_FIND_WALLETS, *wanted):
            wallet = Wallet(*record)
            books[wallet.tenant_id].wallets[wallet.member_id] = wallet
            books[wallet.tenant_id].stored_wallets.add(wallet.member_id)


async def _load_groups(
    transaction: Transaction, books: Mapping[UUID, Books], batches: Mapping[UUID, Sequence[Command]]
) -> None:
    def groups() -> Iterable[tuple[UUID, UUID]]:
        for tenant_id, commands in batches.items():
            for command in commands:
                if isinstance(command, _GROUP_COMMANDS) and command.group_id is not None:
                    yield tenant_id, command.group_id
            of_tenant = books[tenant_id]
            for wallet in of_tenant.wallets.values():
                yield tenant_id, wallet.group_id
            for hold in of_tenant.holds.values():
                if hold.group_id is not None:
                    yield tenant_id, hold.group_id
            for line in of_tenant.originals.values():
                yield tenant_id, line.source_id or line.target_id or tenant_id

    wanted = _distinct(groups())
    if wanted[0]:
        for record in await transaction.fetch(_FIND_GROUPS, *wanted):
            group = Group(*record)
            books[group.tenant_id].groups[group.group_id] = group
            books[group.tenant_id].stored_groups.add(group.group_id)


async def _load_issued(
    transaction: Transaction, books: Mapping[UUID, Books], batches: Mapping[UUID, Sequence[Command]]
) -> None:
    """The few accounts that credits come from: not needed while calls are held and settled within one cycle."""
    tenants = [
        tenant_id
        for tenant_id, commands in batches.items()
        if books[tenant_id].now >= books[tenant_id].control.epoch_ends_at
        or any(not isinstance(command, OpenHold | ExtendHold) for command in commands)
    ]
    if tenants:
        for record in await transaction.fetch(_LIST_ISSUED, tenants):
            issued = Issued(*record)
            books[issued.tenant_id].issued[issued.account] = issued


def _distinct(pairs: Iterable[tuple[UUID, object]]) -> tuple[list[UUID], list[object]]:
    """The distinct pairs, sorted so that their index probes go one way, as one list for each side."""
    ordered = sorted(set(pairs))
    return [tenant_id for tenant_id, _ in ordered], [other for _, other in ordered]
