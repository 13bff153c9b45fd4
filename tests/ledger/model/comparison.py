"""Is what the ledger says and keeps what the model says and keeps?"""

from __future__ import annotations

from collections import Counter
from typing import Any

from bursar.ledger import Outcome
from bursar.ledger.core.rows import Control, Group, Wallet
from tests.ledger.model.deeds import Reply
from tests.ledger.model.office import Account, Office
from tests.ledger.model.store import Store

Balances = dict[Account, int]


def check_same_outcome(outcome: Outcome, reply: Reply) -> None:
    """Both answered, with the same figures, or both refused, for the same reason with the same facts."""
    assert outcome.replayed == reply.is_repeat, (outcome, reply)
    if reply.figures is None:
        assert outcome.refusal is not None, f"the ledger answered {outcome.answer}, the model refused {reply.code}"
        said = {name: outcome.refusal.facts.get(name) for name in reply.facts}
        assert (outcome.refusal.code, said) == (reply.code, reply.facts)
    else:
        assert outcome.refusal is None, f"the ledger refused {outcome.refusal!r}, the model answered {reply.figures}"
        assert {name: getattr(outcome.answer, name) for name in reply.figures} == reply.figures


def is_untouched(row: Wallet | Group, control: Control) -> bool:
    """Whether the row still shows an ended cycle."""
    return row.epoch != control.epoch


def allowance_now(row: Wallet | Group, control: Control) -> int:
    """The row's allowance in the running cycle, by the rule that an untouched row is read as rolled over."""
    if not is_untouched(row, control):
        return row.allowance_micro
    return row.monthly_micro - (row.members_monthly_micro if isinstance(row, Group) else 0)


def allowance_held_now(row: Wallet | Group, control: Control) -> int:
    """What holds of the running cycle keep of the row's allowance."""
    return 0 if is_untouched(row, control) else row.allowance_held_micro


def ledger_balances(store: Store) -> tuple[Balances, Balances]:
    """Every account of the store and what is held of it, as a reader sees them; nothing where it is zero."""
    control = store.control
    balances: Balances = {
        ("pool", None): control.pool_micro,
        ("plan", None): control.plan_micro,
        ("expired", None): control.expired_micro,
        ("carried", None): control.pot_previous_micro,
    }
    held: Balances = {("pool", None): control.pool_held_micro}
    for issued in store.issued:
        balances["issued", issued.account] = issued.issued_micro
    for group in store.groups:
        balances["group_allowance", group.group_id] = allowance_now(group, control)
        balances["group_balance", group.group_id] = group.balance_micro
        held["group_allowance", group.group_id] = allowance_held_now(group, control)
        held["group_balance", group.group_id] = group.balance_held_micro
    for wallet in store.wallets:
        balances["member_allowance", wallet.member_id] = allowance_now(wallet, control)
        balances["member_balance", wallet.member_id] = wallet.balance_micro
        balances["consumed", wallet.member_id] = wallet.consumed_micro
        held["member_allowance", wallet.member_id] = allowance_held_now(wallet, control)
        held["member_balance", wallet.member_id] = wallet.balance_held_micro
    return _but_zeros(balances), _but_zeros(held)


def model_balances(office: Office) -> tuple[Balances, Balances]:
    """The same of the model, with what holds of ended cycles keep in one sum."""
    balances: Counter[Account] = Counter()
    for account, micro in office.accounts.items():
        balances["carried" if account[0] == "carried" else account[0], _owner(account)] += micro
    held: Counter[Account] = Counter()
    for hold in office.holds.values():
        if hold.state == "open":
            for leg in hold.legs:
                if leg.kept_in[0] != "carried":
                    held[leg.kept_in] += leg.micro
    return _but_zeros(balances), _but_zeros(held)


def check_same_figures(store: Store, office: Office) -> None:
    """Every account, what is held of it, what was used in this cycle, every level and every hold."""
    control = store.control
    (balances, held), (model_accounts, model_held) = ledger_balances(store), model_balances(office)
    assert balances == model_accounts
    assert held == model_held
    assert (control.epoch, control.epoch_started_at, control.epoch_ends_at) == (
        office.cycle,
        office.started_at,
        office.ends_at,
    )
    assert (control.per_cycle_micro, control.per_cycle_ceiling_micro) == (office.per_cycle, office.ceiling)
    assert (control.cadence, control.time_zone) == (office.cadence, office.time_zone)
    assert control.expired_holds == ("settle" if office.are_expired_charged else "void")
    assert control.epoch_issued_micro == office.issued_this_cycle
    assert control.epoch_used_micro == sum(office.used.values())
    assert control.epoch_pot_used_micro == office.used_of_pot
    assert control.groups_monthly_micro == office.handed_to_groups()
    _check_same_people(store, office, control)
    _check_same_holds(store, office)


def _check_same_people(store: Store, office: Office, control: Control) -> None:
    wallets, groups = store.wallets, store.groups
    assert (len(wallets), len(groups)) == (len(office.members), len(office.groups))
    for wallet in wallets:
        member = office.members[wallet.member_id]
        assert (wallet.group_id, wallet.status, wallet.spends_pool, wallet.monthly_micro) == (
            member.group,
            member.status,
            member.spends_pool,
            member.monthly,
        )
        used = 0 if is_untouched(wallet, control) else wallet.used_micro
        assert used == office.used[wallet.member_id]
    for group in groups:
        team = office.groups[group.group_id]
        assert (group.is_default, group.is_shared, group.is_closed, group.monthly_micro) == (
            team.is_default,
            team.is_shared,
            team.is_closed,
            team.monthly,
        )
        assert group.members_count == office.count_in(group.group_id)
        assert group.members_monthly_micro == office.handed_to_members(group.group_id)
        shared_use = 0 if is_untouched(group, control) else group.shared_used_micro
        assert shared_use == office.shared_use[group.group_id]


def _check_same_holds(store: Store, office: Office) -> None:
    holds = store.holds
    assert len(holds) == len(office.holds)
    for hold in holds:
        known = office.holds[hold.hold_id]
        kept = {leg.origin[0]: leg.micro for leg in known.legs}
        assert (
            hold.opened_by,
            hold.state,
            hold.settled_micro or 0,
            hold.overrun_micro or 0,
            hold.expires_at,
            hold.closed_at,
            hold.closed_epoch,
            hold.allowance_micro,
            hold.balance_micro,
            hold.group_allowance_micro,
            hold.group_balance_micro,
            hold.pool_micro,
        ) == (
            known.opener,
            known.state,
            known.charged,
            known.overrun,
            known.expires_at,
            known.closed_at,
            known.closed_cycle,
            kept.get("member_allowance", 0),
            kept.get("member_balance", 0),
            kept.get("group_allowance", 0),
            kept.get("group_balance", 0),
            kept.get("pool", 0),
        )


def _owner(account: Account) -> Any:
    return None if account[0] == "carried" else account[1]


def _but_zeros(balances: Balances) -> Balances:
    return {account: micro for account, micro in balances.items() if micro}
