"""What members, groups, the pool and the tenant have at this moment.

Rows that nobody touched since the last rollover, and a cycle whose end has passed without a posting, are read as the
next posting would find them: the figures come from the core itself, over rows that are loaded and never written.
Not here: columns of members together (`columns`), how a figure came about (`statement`), if it is right (`proofs`).

Rule: CYCLE-5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.accounts import Account
from bursar.domain.credits import ZERO, Credits
from bursar.domain.refusals import Refusal
from bursar.ledger.core import cycles, spending
from bursar.ledger.core.books import Books
from bursar.ledger.core.rows import Control, Group, Wallet
from bursar.ledger.posting import tables
from bursar.ledger.posting.loading import Clock

SUBJECTS_MAX = 1_000
"""The most members or groups whose figures are read at once: more than any page shows."""


@dataclass(frozen=True, slots=True)
class MemberFigures:
    """What one member has in the running cycle. `remaining` is its own; `spendable` is what a call can cost, with the
    group's budget where it is shared, or the pool's for who spends from it. `reclaimable` is what of the balance can be
    taken back, and `has_credits` whether it was given credits that were not all taken back."""

    member_id: UUID
    group_id: UUID
    status: str
    spends_pool: bool
    monthly: Credits
    allowance: Credits
    balance: Credits
    held: Credits
    remaining: Credits
    reclaimable: Credits
    spendable: Credits
    used: Credits
    consumed: Credits
    has_credits: bool

    @property
    def extra(self) -> Credits:
        """What the member has had this cycle beyond Monthly. What is held counts as had; a debt counts against it.

        Rule: GROUP-5
        """
        return self.remaining + self.held + self.used - self.monthly


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """What one group has in the running cycle, whose number is `epoch`. `available` is what can still be handed out or
    shared; `balance_available` is what of that stays when the cycle ends."""

    group_id: UUID
    epoch: int
    is_default: bool
    is_closed: bool
    is_shared: bool
    members_count: int
    monthly: Credits
    members_monthly: Credits
    allowance: Credits
    balance: Credits
    balance_available: Credits
    held: Credits
    available: Credits
    shared_used: Credits

    @property
    def allowance_available(self) -> Credits:
        """What of `available` lapses when the cycle ends."""
        return self.available - self.balance_available


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """The tenant's pool: all of it, what calls under way hold of it, and what can be handed out."""

    balance: Credits
    held: Credits
    available: Credits


@dataclass(frozen=True, slots=True)
class CycleFigures:
    """The running cycle: its number and times, what was budgeted for it, and how much of that is used."""

    epoch: int
    started_at: datetime
    ends_at: datetime
    cadence: str
    time_zone: str
    per_cycle: Credits
    ceiling: Credits | None
    plan: Credits
    used: Credits


@dataclass(frozen=True, slots=True)
class TenantFigures:
    """The summary of a tenant, in which every credit is counted once:

    purchased = assigned + pool_used + unassigned, and available = unassigned + spendable + held.
    `spendable` is the members' own; what calls under way hold, wherever they hold it, is in `held` alone. `granted` is
    what of `purchased` the platform gave, less what it took back.
    """

    purchased: Credits
    utilized: Credits
    available: Credits
    assigned: Credits
    unassigned: Credits
    spendable: Credits
    held: Credits
    pool_used: Credits
    granted: Credits
    pool: PoolFigures
    cycle: CycleFigures
    expired_holds: str

    @property
    def lowest_total(self) -> Credits:
        """The least that what was granted can be set to: what of it is not free in the pool any more.

        Rule: TRANSFER-10
        """
        return self.granted - max(min(self.pool.available, self.granted), ZERO)


async def member_balance(transaction: Transaction, tenant_id: UUID, member_id: UUID, clock: Clock) -> MemberFigures:
    """One member's figures; refuses `tenant_unknown`, `member_unknown`."""
    figures = await list_member_figures(transaction, tenant_id, [member_id], clock)
    if member_id not in figures:
        raise Refusal("member_unknown", "There is no such member.", field="member_id")
    return figures[member_id]


async def list_member_figures(
    transaction: Transaction, tenant_id: UUID, member_ids: Sequence[UUID], clock: Clock
) -> dict[UUID, MemberFigures]:
    """The figures of the members among these that there are; refuses `tenant_unknown`."""
    books = await _load_books(transaction, tenant_id, clock)
    for record in await transaction.fetch(_LIST_WALLETS, tenant_id, list(member_ids)[:SUBJECTS_MAX]):
        wallet = Wallet(*record)
        books.wallets[wallet.member_id] = wallet
    group_ids = {wallet.group_id for wallet in books.wallets.values()}
    for record in await transaction.fetch(_LIST_GROUPS, tenant_id, list(group_ids)):
        group = Group(*record)
        books.groups[group.group_id] = group
    return {wallet.member_id: _of_member(books, wallet) for wallet in books.wallets.values()}


async def group_figures(transaction: Transaction, tenant_id: UUID, group_id: UUID, clock: Clock) -> GroupFigures:
    """One group's figures, also after it was closed; refuses `tenant_unknown`, `group_unknown`."""
    figures = await list_group_figures(transaction, tenant_id, [group_id], clock)
    if group_id not in figures:
        raise Refusal("group_unknown", "There is no such group.", field="group_id")
    return figures[group_id]


async def list_group_figures(
    transaction: Transaction, tenant_id: UUID, group_ids: Sequence[UUID], clock: Clock
) -> dict[UUID, GroupFigures]:
    """The figures of the groups among these that there are; refuses `tenant_unknown`."""
    books = await _load_books(transaction, tenant_id, clock)
    records = await transaction.fetch(_LIST_GROUPS, tenant_id, list(group_ids)[:SUBJECTS_MAX])
    groups = [Group(*record) for record in records]
    return {group.group_id: _of_group(books, group) for group in groups}


async def pool_figures(transaction: Transaction, tenant_id: UUID, clock: Clock) -> PoolFigures:
    """The pool's figures; refuses `tenant_unknown`."""
    return _of_pool((await _load_books(transaction, tenant_id, clock)).control)


async def tenant_figures(transaction: Transaction, tenant_id: UUID, clock: Clock) -> TenantFigures:
    """The tenant's summary; refuses `tenant_unknown`."""
    figures = await list_tenant_figures(transaction, [tenant_id], clock)
    if tenant_id not in figures:
        raise _no_such_tenant()
    return figures[tenant_id]


async def list_tenant_figures(
    transaction: Transaction, tenant_ids: Sequence[UUID], clock: Clock
) -> dict[UUID, TenantFigures]:
    """The summaries of the tenants among these that there are, in as many statements as for one.

    The members' share of the pot is what plan and groups leave of it, so that no member's row has to be read but those
    of the few who spend from the pool. Of the groups only sums are read: those that were last touched in one cycle roll
    over together.
    """
    wanted = list(tenant_ids)[:SUBJECTS_MAX]
    all_books = await _load_all_books(transaction, wanted, clock)
    groups = {tenant_id: _GroupSums() for tenant_id in all_books}
    for tenant_id, epoch, *sums in await transaction.fetch(_SUM_GROUPS, wanted):
        groups[tenant_id].add(*sums, is_rolled_over=epoch != all_books[tenant_id].control.epoch)
    of_spenders = await transaction.fetch(_SUM_CONSUMED_BY_POOL_SPENDERS, wanted)
    pool_consumed: dict[UUID, int] = {row["tenant_id"]: row["consumed"] for row in of_spenders}
    of_platform = await transaction.fetch(_LIST_GRANTED, wanted, str(Account.ISSUED_GRANT))
    granted: dict[UUID, int] = {row["tenant_id"]: row["granted"] for row in of_platform}
    return {
        tenant_id: _of_tenant(
            books.control, groups[tenant_id], pool_consumed.get(tenant_id, 0), granted.get(tenant_id, 0)
        )
        for tenant_id, books in all_books.items()
    }


@dataclass(slots=True)
class _GroupSums:
    """What all groups of a tenant have together."""

    allowances: int = 0
    allowances_held: int = 0
    balances_free: int = 0

    def add(self, allowances: int, held: int, renewals: int, balances_free: int, *, is_rolled_over: bool) -> None:
        """Count some groups in; those that nobody touched since the cycle began, as rolled over."""
        self.allowances += renewals if is_rolled_over else allowances
        self.allowances_held += 0 if is_rolled_over else held
        self.balances_free += balances_free


def _of_tenant(control: Control, groups: _GroupSums, pool_consumed: int, granted: int) -> TenantFigures:
    member_free = (
        (control.pot_micro - control.plan_micro - groups.allowances)
        - (control.pot_held_micro - groups.allowances_held)
        + (control.members_micro - control.members_held_micro)
    )
    held_outside_pool = (
        control.pot_held_micro + control.pot_previous_micro + control.groups_held_micro + control.members_held_micro
    )
    pool_free = control.pool_micro - control.pool_held_micro
    group_free = groups.allowances - groups.allowances_held + groups.balances_free
    purchased = -control.issued_micro - control.expired_micro
    return TenantFigures(
        purchased=Credits(purchased),
        utilized=Credits(control.consumed_micro),
        available=Credits(purchased - control.consumed_micro),
        assigned=Credits(member_free + held_outside_pool + control.consumed_micro - pool_consumed),
        unassigned=Credits(pool_free + control.plan_micro + group_free),
        spendable=Credits(member_free),
        held=Credits(held_outside_pool + control.pool_held_micro),
        pool_used=Credits(pool_consumed + control.pool_held_micro),
        granted=Credits(granted),
        pool=_of_pool(control),
        cycle=_of_cycle(control),
        expired_holds=control.expired_holds,
    )


# No cycle may end between the readings of one report, so its time is its transaction's. A writer may have waited.
_LIST_CONTROLS = f"""
select {tables.CONTROL.listed("control")},
  case when current_setting('transaction_read_only') = 'on' then transaction_timestamp() else clock_timestamp() end
    as now
from bursar.ledger_control as control
where control.tenant_id = any($1::uuid[])
"""

_LIST_WALLETS = f"""
select {tables.WALLETS.listed("wallet")}
from bursar.ledger_wallets as wallet
where wallet.tenant_id = $1
  and wallet.member_id = any($2::uuid[])
"""

_LIST_GROUPS = f"""
select {tables.GROUPS.listed("member_group")}
from bursar.ledger_groups as member_group
where member_group.tenant_id = $1
  and member_group.group_id = any($2::uuid[])
"""

_SUM_GROUPS = """
select
  member_group.tenant_id,
  member_group.epoch,
  sum(member_group.allowance_micro)::bigint,
  sum(member_group.allowance_held_micro)::bigint,
  sum(member_group.monthly_micro - member_group.members_monthly_micro)::bigint,
  sum(member_group.balance_micro - member_group.balance_held_micro)::bigint
from bursar.ledger_groups as member_group
where member_group.tenant_id = any($1::uuid[])
group by member_group.tenant_id, member_group.epoch
"""

_SUM_CONSUMED_BY_POOL_SPENDERS = """
select wallet.tenant_id, sum(wallet.consumed_micro)::bigint as consumed
from bursar.ledger_wallets as wallet
where wallet.tenant_id = any($1::uuid[])
  and wallet.spends_pool
group by wallet.tenant_id
"""

_LIST_GRANTED = """
select issued.tenant_id, -issued.issued_micro as granted
from bursar.ledger_issued as issued
where issued.tenant_id = any($1::uuid[])
  and issued.account = $2
"""


async def _load_books(transaction: Transaction, tenant_id: UUID, clock: Clock) -> Books:
    """The tenant's books as a posting at this moment would find them; they are read and then forgotten."""
    found = await _load_all_books(transaction, [tenant_id], clock)
    if tenant_id not in found:
        raise _no_such_tenant()
    return found[tenant_id]


async def _load_all_books(transaction: Transaction, tenant_ids: Sequence[UUID], clock: Clock) -> dict[UUID, Books]:
    found = {}
    for *columns, now in await transaction.fetch(_LIST_CONTROLS, tenant_ids):
        books = Books(Control(*columns), clock(now))
        cycles.end_if_due(books)
        found[books.control.tenant_id] = books
    return found


def _no_such_tenant() -> Refusal:
    return Refusal("tenant_unknown", "There is no such tenant.")


def _of_member(books: Books, wallet: Wallet) -> MemberFigures:
    allowance, balance = books.allowance(wallet), wallet.balance_micro
    held = books.allowance_held(wallet) + wallet.balance_held_micro
    return MemberFigures(
        member_id=wallet.member_id,
        group_id=wallet.group_id,
        status=wallet.status,
        spends_pool=wallet.spends_pool,
        monthly=Credits(wallet.monthly_micro),
        allowance=Credits(allowance),
        balance=Credits(balance),
        held=Credits(held),
        remaining=Credits(allowance + balance - held),
        reclaimable=Credits(max(balance - wallet.balance_held_micro, 0)),
        spendable=Credits(spending.spendable(books, wallet)),
        used=Credits(wallet.used_micro if wallet.epoch == books.control.epoch else 0),
        consumed=Credits(wallet.consumed_micro),
        has_credits=wallet.has_credits,
    )


def _of_group(books: Books, group: Group) -> GroupFigures:
    allowance, balance = books.allowance(group), group.balance_micro
    held = books.allowance_held(group) + group.balance_held_micro
    return GroupFigures(
        group_id=group.group_id,
        epoch=books.control.epoch,
        is_default=group.is_default,
        is_closed=group.is_closed,
        is_shared=group.is_shared,
        members_count=group.members_count,
        monthly=Credits(group.monthly_micro),
        members_monthly=Credits(group.members_monthly_micro),
        allowance=Credits(allowance),
        balance=Credits(balance),
        balance_available=Credits(balance - group.balance_held_micro),
        held=Credits(held),
        available=Credits(allowance + balance - held),
        shared_used=Credits(group.shared_used_micro if group.epoch == books.control.epoch else 0),
    )


def _of_pool(control: Control) -> PoolFigures:
    return PoolFigures(
        balance=Credits(control.pool_micro),
        held=Credits(control.pool_held_micro),
        available=Credits(control.pool_micro - control.pool_held_micro),
    )


def _of_cycle(control: Control) -> CycleFigures:
    ceiling = control.per_cycle_ceiling_micro
    return CycleFigures(
        epoch=control.epoch,
        started_at=control.epoch_started_at,
        ends_at=control.epoch_ends_at,
        cadence=control.cadence,
        time_zone=control.time_zone,
        per_cycle=Credits(control.per_cycle_micro),
        ceiling=None if ceiling is None else Credits(ceiling),
        plan=Credits(control.plan_micro),
        used=Credits(control.epoch_used_micro),
    )
