"""The numbered invariants, recomputed from what is stored: the rows, the journal and the chain."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bursar.ledger.core.rows import Control, Group, Hold, Line, Wallet
from tests.ledger.model.comparison import allowance_held_now, allowance_now
from tests.ledger.model.store import TENANT, Store

_1970 = datetime(1970, 1, 1, tzinfo=UTC)


def check_rows(store: Store) -> None:
    """I1, I2, I3, I6, I7 and every CHECK of the schema, from the rows as they stand."""
    control, groups, wallets, holds = store.control, store.groups, store.wallets, store.holds
    _check_totals(control, groups, wallets, -sum(row.issued_micro for row in store.issued))
    _check_held(control, groups, wallets, holds)
    _check_schema(control, groups, wallets)
    for hold in holds:
        _check_hold(hold)
    overrun_of = Counter({wallet.member_id: 0 for wallet in wallets})
    for hold in holds:
        overrun_of[hold.member_id] += hold.overrun_micro or 0
    for wallet in wallets:
        assert wallet.balance_micro >= 0 or overrun_of[wallet.member_id] > 0, f"I6: {wallet}"
    if control.pool_micro < 0:
        assert sum(overrun_of.values()) > 0, "I6: the pool owes, and nobody overran a hold"


def _check_totals(control: Control, groups: list[Group], wallets: list[Wallet], came_in: int) -> None:
    classes = (
        control.issued_micro + control.pool_micro + control.pot_micro + control.pot_previous_micro
        + control.groups_micro + control.members_micro + control.consumed_micro + control.expired_micro
    )  # fmt: skip
    assert classes == 0, f"I1: {control}"
    parts: list[Group | Wallet] = [*groups, *wallets]
    assert control.issued_micro == -came_in, "I2: issued"
    assert control.groups_micro == sum(group.balance_micro for group in groups), "I2: groups"
    assert control.members_micro == sum(wallet.balance_micro for wallet in wallets), "I2: members"
    assert control.consumed_micro == sum(wallet.consumed_micro for wallet in wallets), "I2: consumed"
    raw = control.plan_micro + control.cycle_micro + sum(row.allowance_micro for row in parts)
    assert control.pot_micro == raw, "I2: pot, as stored"
    shown = control.plan_micro + sum(allowance_now(row, control) for row in parts)
    assert control.pot_micro == shown, "I2: pot, as read"
    assert control.pot_micro == control.epoch_issued_micro - control.epoch_pot_used_micro, "I3: pot"
    used = sum(wallet.used_micro for wallet in wallets if wallet.epoch == control.epoch)
    assert control.epoch_used_micro == used, "I3: used"


def _check_held(control: Control, groups: list[Group], wallets: list[Wallet], holds: list[Hold]) -> None:
    of_accounts = Counter[tuple[str, UUID | None]]()
    carried = 0
    for hold in holds:
        if hold.state != "open":
            continue
        pot_legs = hold.allowance_micro + hold.group_allowance_micro
        if hold.epoch == control.epoch:
            of_accounts["pot", None] += pot_legs
            of_accounts["allowance", hold.member_id] += hold.allowance_micro
            of_accounts["allowance", hold.group_id] += hold.group_allowance_micro
        else:
            carried += pot_legs
        of_accounts["balance", hold.member_id] += hold.balance_micro
        of_accounts["balance", hold.group_id] += hold.group_balance_micro
        of_accounts["members", None] += hold.balance_micro
        of_accounts["groups", None] += hold.group_balance_micro
        of_accounts["pool", None] += hold.pool_micro
    assert control.pot_previous_micro == carried, "I2: what holds of ended cycles keep"
    assert control.pot_held_micro == of_accounts["pot", None], "I2: held of the pot"
    assert control.members_held_micro == of_accounts["members", None], "I2: held of members"
    assert control.groups_held_micro == of_accounts["groups", None], "I2: held of groups"
    assert control.pool_held_micro == of_accounts["pool", None], "I2: held of the pool"
    for wallet in wallets:
        assert allowance_held_now(wallet, control) == of_accounts["allowance", wallet.member_id], "I2: held"
        assert wallet.balance_held_micro == of_accounts["balance", wallet.member_id], "I2: held"
    for group in groups:
        assert allowance_held_now(group, control) == of_accounts["allowance", group.group_id], "I2: held"
        assert group.balance_held_micro == of_accounts["balance", group.group_id], "I2: held"


def _check_schema(control: Control, groups: list[Group], wallets: list[Wallet]) -> None:
    """The database would refuse these rows; so must the tests."""
    assert min(control.pool_held_micro, control.pot_held_micro, control.groups_held_micro) >= 0
    assert control.members_held_micro >= 0
    assert control.pot_micro >= control.pot_held_micro
    assert control.pot_previous_micro >= 0
    assert control.issued_micro <= 0
    assert min(control.plan_micro, control.groups_micro, control.consumed_micro, control.expired_micro) >= 0
    assert 0 <= control.groups_monthly_micro <= control.per_cycle_micro, "groups are promised more than a cycle has"
    assert control.epoch_ends_at > control.epoch_started_at
    for group in groups:
        assert 0 <= group.members_monthly_micro <= group.monthly_micro
        assert 0 <= group.allowance_held_micro <= group.allowance_micro
        assert 0 <= group.balance_held_micro <= group.balance_micro
        assert group.members_count >= 0
        assert group.shared_used_micro >= 0
    for wallet in wallets:
        assert wallet.monthly_micro >= 0
        assert 0 <= wallet.allowance_held_micro <= wallet.allowance_micro
        assert min(wallet.balance_held_micro, wallet.used_micro, wallet.consumed_micro) >= 0


def _check_hold(hold: Hold) -> None:
    legs = hold.allowance_micro + hold.balance_micro + hold.group_allowance_micro + hold.group_balance_micro
    assert hold.amount_micro == legs + hold.pool_micro, f"I5: a hold is not covered: {hold}"
    assert hold.group_id is not None or hold.group_allowance_micro + hold.group_balance_micro == 0
    if hold.state == "open":
        ends = (hold.settled_micro, hold.overrun_micro, hold.closed_at, hold.closed_epoch)
        assert ends == (None, None, None, None), f"I7: {hold}"
    else:
        assert hold.state in ("settled", "voided", "expired", "settled_late"), f"I7: {hold}"
        assert hold.settled_micro is not None
        assert hold.overrun_micro is not None
        assert hold.closed_at is not None
        assert hold.closed_epoch is not None
        assert hold.closed_epoch >= hold.epoch


class Audit:
    """Reads the journal as it grows: chains of before and after, the fold of all accounts, the chain of hashes."""

    def __init__(self) -> None:
        self.folded: Counter[tuple[str, UUID | None]] = Counter()
        self.sequences: Counter[tuple[str, UUID | None]] = Counter()
        self._lines_read = 0
        self._batches_read = 0
        self._hash = hashlib.sha256(b"bursar ledger " + TENANT.bytes).digest()
        self._last_time = _1970

    def read_on(self, store: Store) -> None:
        """Check what was added since the last time, then that the rows are the fold of the journal (I4, I12)."""
        control = store.control
        added = store.batches_after(self._batches_read)
        assert len(added) <= 1, "read on after each batch"
        for batch in added:
            self._batches_read += 1
            number, posted_at = batch["batch_number"], batch["posted_at"]
            assert number == self._batches_read, "I12: batch numbers have no gaps"
            assert posted_at >= self._last_time, "time runs forward"
            self._last_time = posted_at
            lines = store.lines_after(self._lines_read)
            assert batch["lines_count"] == len(lines)
            for count, line in enumerate(lines, 1):
                assert (line.tenant_id, line.batch_number, line.line) == (TENANT, number, count)
                assert line.posted_at == posted_at
                self._read_line(store, line)
            self._lines_read += len(lines)
            assert hash_control(control) == batch["control_hash"], "I12: the control row's hash"
            digest = hashlib.sha256(self._hash + _written([number, _micro(posted_at)]) + batch["control_hash"])
            for line in lines:
                digest.update(_written(list(line[2:])))
            self._hash = digest.digest()
            assert self._hash == batch["hash"], "I12: the chain of hashes"
        assert (control.batch_number, control.chain_hash) == (self._batches_read, self._hash)
        assert not store.lines_after(self._lines_read)
        self._check_fold(store, control)

    def _read_line(self, store: Store, line: Line) -> None:
        assert line.amount_micro > 0
        if line.source == "pot_previous":
            hold = store.hold(line.transfer_id)
            assert hold.epoch < line.epoch, "I14: spent from an ended cycle, not through its own hold"
        source, target = (line.source, line.source_id), (line.target, line.target_id)
        self._step(source, -line.amount_micro, line.source_after_micro, line.source_sequence)
        self._step(target, line.amount_micro, line.target_after_micro, line.target_sequence)

    def _step(self, account: tuple[str, UUID | None], change: int, after: int, sequence: int) -> None:
        self.folded[account] += change
        self.sequences[account] += 1
        assert self.folded[account] == after, f"I12: {account} has a gap between before and after"
        assert self.sequences[account] == sequence, f"I12: {account} has a gap in its sequence"

    def _check_fold(self, store: Store, control: Control) -> None:
        stored: dict[tuple[str, UUID | None], int] = {
            ("pool", None): control.pool_micro,
            ("plan", None): control.plan_micro,
            ("cycle", None): control.cycle_micro,
            ("pot_previous", None): control.pot_previous_micro,
            ("expired", None): control.expired_micro,
        }
        for issued in store.issued:
            stored[issued.account, None] = issued.issued_micro
        for group in store.groups:
            stored["group_allowance", group.group_id] = group.allowance_micro
            stored["group_balance", group.group_id] = group.balance_micro
        for wallet in store.wallets:
            stored["member_allowance", wallet.member_id] = wallet.allowance_micro
            stored["member_balance", wallet.member_id] = wallet.balance_micro
            stored["consumed", wallet.member_id] = wallet.consumed_micro
        assert all(self.folded[account] == micro for account, micro in stored.items()), "I4: the fold of the journal"
        assert self.folded.keys() <= stored.keys(), "I4: the journal knows an account that is not stored"


def hash_control(control: Control) -> bytes:
    """The control row's hash, made by hand: a JSON list of its values but the chain's, times in microseconds."""
    values = [getattr(control, name) for name in Control.__slots__ if name != "chain_hash"]
    return hashlib.sha256(
        _written([_micro(value) if isinstance(value, datetime) else value for value in values])
    ).digest()


def _written(values: list[Any]) -> bytes:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False, default=str).encode()


def _micro(time: datetime) -> int:
    return (time - _1970) // timedelta(microseconds=1)
