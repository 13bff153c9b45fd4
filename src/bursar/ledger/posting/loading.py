"""Loading: what a round's commands name, in a few set-based statements, after the control rows are locked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.ledger.commands import (
    Charge,
    CloseGroup,
    CloseWallet,
    Command,
    ExpireHold,
    ExtendHold,
    MoveWallet,
    OpenGroup,
    OpenHold,
    OpenWallet,
    Reverse,
    SetGroupMonthly,
    SetMemberMonthly,
    SetSpendsPool,
    SettleHold,
    SetWalletStatus,
    ShareGroup,
    Transfer,
    VoidHold,
    stored_key,
)
from bursar.ledger.core.books import Books
from bursar.ledger.core.rows import Control, Group, Hold, Issued, Line, Remembered, SpendingKey, Wallet
from bursar.ledger.core.transfers import reversal_key
from bursar.ledger.posting import tables

Clock = Callable[[datetime], datetime]
"""Turns the database's time into the ledger's: the identity, but for tests that turn it."""

_Other = TypeVar("_Other")

_HOLD_COMMANDS = (OpenHold, Charge, SettleHold, VoidHold, ExtendHold, ExpireHold)
_GROUP_COMMANDS = (OpenGroup, CloseGroup, ShareGroup, SetGroupMonthly, OpenWallet, MoveWallet, Transfer)
_MEMBER_COMMANDS = (
    OpenHold,
    Charge,
    Transfer,
    OpenWallet,
    SetWalletStatus,
    SetSpendsPool,
    MoveWallet,
    CloseWallet,
    SetMemberMonthly,
)

# The only explicit lock of a posting. Ordered, so that two rounds never wait for each other.
LOCK_CONTROLS = f"""
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

_FIND_SPENDING_KEYS = f"""
select {tables.KEYS.listed("spending_key")}
from unnest($1::uuid[], $2::uuid[]) as wanted (tenant_id, key_id)
join bursar.ledger_keys as spending_key
  on spending_key.tenant_id = wanted.tenant_id and spending_key.key_id = wanted.key_id
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
    for record in await transaction.fetch(LOCK_CONTROLS, sorted(batches)):
        *columns, now = record
        books[record["tenant_id"]] = Books(Control(*columns), clock(now))
    present = {tenant_id: commands for tenant_id, commands in batches.items() if tenant_id in books}
    await _load_holds(transaction, books, present)
    await _load_spending_keys(transaction, books, present)
    await _load_keys(transaction, books, present)
    await _load_wallets(transaction, books, present)
    await _load_groups(transaction, books, present)
    await _load_issued(transaction, books, present)
    return books


async def _load_holds(
    transaction: Transaction, books: Mapping[UUID, Books], batches: Mapping[UUID, Sequence[Command]]
) -> None:
    wanted = _by_side(
        (tenant_id, command.hold_id)
        for tenant_id, commands in batches.items()
        for command in commands
        if isinstance(command, _HOLD_COMMANDS)
    )
    if wanted[0]:
        for record in await transaction.fetch(_FIND_HOLDS, *wanted):
            hold = Hold(*record)
            books[hold.tenant_id].holds[hold.hold_id] = hold


async def _load_spending_keys(
    transaction: Transaction, books: Mapping[UUID, Books], batches: Mapping[UUID, Sequence[Command]]
) -> None:
    def keys(tenant_id: UUID, commands: Sequence[Command]) -> set[UUID]:
        found = {hold.key_id for hold in books[tenant_id].holds.values() if hold.key_id is not None}
        found.update(
            command.with_key.key_id
            for command in commands
            if isinstance(command, OpenHold) and command.with_key is not None
        )
        return found

    wanted = _by_side(
        (tenant_id, key_id) for tenant_id, commands in batches.items() for key_id in keys(tenant_id, commands)
    )
    if wanted[0]:
        for record in await transaction.fetch(_FIND_SPENDING_KEYS, *wanted):
            key = SpendingKey(*record)
            books[key.tenant_id].keys[key.key_id] = key


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
        (tenant_id, stored_key(command, command.key))
        for tenant_id, commands in batches.items()
        for command in commands
        if command.key is not None
    ]
    if keys:
        for record in await transaction.fetch(_FIND_COMMANDS, *_by_side(keys)):
            tenant_id, *columns = record
            remembered = Remembered(*columns)
            books[tenant_id].commands[remembered.key] = remembered
    if reversals:
        for record in await transaction.fetch(_FIND_ORIGINALS, *_by_side(reversals)):
            line = Line(*record)
            books[line.tenant_id].originals.setdefault(line.transfer_id, line)


async def _load_wallets(
    transaction: Transaction, books: Mapping[UUID, Books], batches: Mapping[UUID, Sequence[Command]]
) -> None:
    def members(tenant_id: UUID, commands: Sequence[Command]) -> set[UUID]:
        of_tenant = books[tenant_id]
        found = {command.member_id for command in commands if isinstance(command, _MEMBER_COMMANDS)}
        found.update(hold.member_id for hold in of_tenant.holds.values())
        # Whose transfer is reversed is known from its line; a group's id finds no wallet here.
        found.update(line.source_id or line.target_id for line in of_tenant.originals.values())
        found.discard(None)
        return found  # type: ignore[return-value]

    wanted = _by_side(
        (tenant_id, member_id) for tenant_id, commands in batches.items() for member_id in members(tenant_id, commands)
    )
    if wanted[0]:
        for record in await transaction.fetch(_FIND_WALLETS, *wanted):
            wallet = Wallet(*record)
            books[wallet.tenant_id].wallets[wallet.member_id] = wallet
            books[wallet.tenant_id].stored_wallets.add(wallet.member_id)


async def _load_groups(
    transaction: Transaction, books: Mapping[UUID, Books], batches: Mapping[UUID, Sequence[Command]]
) -> None:
    def groups(tenant_id: UUID, commands: Sequence[Command]) -> set[UUID]:
        of_tenant = books[tenant_id]
        found = {command.group_id for command in commands if isinstance(command, _GROUP_COMMANDS)}
        found.update(wallet.group_id for wallet in of_tenant.wallets.values())
        found.update(hold.group_id for hold in of_tenant.holds.values())
        found.update(line.source_id or line.target_id for line in of_tenant.originals.values())
        found.discard(None)
        return found  # type: ignore[return-value]

    wanted = _by_side(
        (tenant_id, group_id) for tenant_id, commands in batches.items() for group_id in groups(tenant_id, commands)
    )
    if wanted[0]:
        for record in await transaction.fetch(_FIND_GROUPS, *wanted):
            group = Group(*record)
            books[group.tenant_id].groups[group.group_id] = group
            books[group.tenant_id].stored_groups.add(group.group_id)


async def _load_issued(
    transaction: Transaction, books: Mapping[UUID, Books], batches: Mapping[UUID, Sequence[Command]]
) -> None:
    """The few accounts that credits come from, where a batch may need one.

    Calls do not, while they are held and settled within one cycle; but the end of a deleted member's hold may leave a
    debt that is adjusted.
    """

    def may_issue(of_tenant: Books, commands: Sequence[Command]) -> bool:
        return (
            of_tenant.now >= of_tenant.control.epoch_ends_at
            or not all(isinstance(command, _HOLD_COMMANDS) for command in commands)
            or any(wallet.status == "deleted" or wallet.spends_pool for wallet in of_tenant.wallets.values())
        )

    tenants = [tenant_id for tenant_id, commands in batches.items() if may_issue(books[tenant_id], commands)]
    if tenants:
        for record in await transaction.fetch(_LIST_ISSUED, tenants):
            issued = Issued(*record)
            books[issued.tenant_id].issued[issued.account] = issued


def _by_side(pairs: Iterable[tuple[UUID, _Other]]) -> tuple[list[UUID], list[_Other]]:
    """The pairs as one list for each side. A pair that comes twice is found twice, which does no harm."""
    tenants: list[UUID] = []
    others: list[_Other] = []
    for tenant_id, other in pairs:
        tenants.append(tenant_id)
        others.append(other)
    return tenants, others
