"""One tenant's books while a batch is decided: the loaded rows, and the one way credits move between them.

`Books.move` is the only code in Bursar that changes what an account holds, and `Books.hold` what of it is held. Both
keep the control row's totals in step with the rows beneath them. The one exception is the end of a cycle, after which
no row holds anything of the pot; see `cycles`.
Read next: `decide`.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from bursar.domain.accounts import CHART, Account, AccountClass
from bursar.domain.ids import public_id
from bursar.domain.refusals import Broken, Refusal
from bursar.ledger.core.rows import Control, Group, Hold, Issued, Line, Remembered, SpendingKey, Wallet

Holder = Control | Issued | Group | Wallet

_ISSUED = frozenset(str(rule.account) for rule in CHART if rule.account_class is AccountClass.ISSUED)

# Where each account is kept: the field of its row, the field that counts its transfers, and the control row's total
# it belongs to; None where the row is the control row and the field is that total.
_PLACE: dict[str, tuple[str, str, str | None]] = {
    Account.POOL: ("pool_micro", "pool_sequence", None),
    Account.PLAN: ("plan_micro", "plan_sequence", "pot_micro"),
    Account.CYCLE: ("cycle_micro", "cycle_sequence", "pot_micro"),
    Account.POT_PREVIOUS: ("pot_previous_micro", "pot_previous_sequence", None),
    Account.EXPIRED: ("expired_micro", "expired_sequence", None),
    Account.GROUP_ALLOWANCE: ("allowance_micro", "allowance_sequence", "pot_micro"),
    Account.GROUP_BALANCE: ("balance_micro", "balance_sequence", "groups_micro"),
    Account.MEMBER_ALLOWANCE: ("allowance_micro", "allowance_sequence", "pot_micro"),
    Account.MEMBER_BALANCE: ("balance_micro", "balance_sequence", "members_micro"),
    Account.CONSUMED: ("consumed_micro", "consumed_sequence", "consumed_micro"),
    **{Account(name): ("issued_micro", "sequence", "issued_micro") for name in _ISSUED},
}
_PLACE = {str(account): place for account, place in _PLACE.items()}

_MAY_OWE = frozenset({str(Account.POOL), str(Account.MEMBER_BALANCE), str(Account.CYCLE)}) | _ISSUED

_HELD: dict[str, tuple[str | None, str]] = {
    str(Account.POOL): (None, "pool_held_micro"),
    str(Account.MEMBER_ALLOWANCE): ("allowance_held_micro", "pot_held_micro"),
    str(Account.MEMBER_BALANCE): ("balance_held_micro", "members_held_micro"),
    str(Account.GROUP_ALLOWANCE): ("allowance_held_micro", "pot_held_micro"),
    str(Account.GROUP_BALANCE): ("balance_held_micro", "groups_held_micro"),
}

_NOBODY = UUID(int=0)


class Books:
    """The rows of one tenant that a batch names, and what the batch does to them."""

    __slots__ = (
        "actor_id",
        "batch_number",
        "commands",
        "control",
        "groups",
        "holds",
        "is_control_marked",
        "issued",
        "keys",
        "lines",
        "note",
        "now",
        "originals",
        "remembered",
        "reverses_id",
        "stored_groups",
        "stored_wallets",
        "touched_groups",
        "touched_holds",
        "touched_issued",
        "touched_keys",
        "touched_wallets",
        "transfer_id",
        "wallets",
    )

    def __init__(self, control: Control, now: datetime) -> None:
        """The books as loaded, at this time or that of the tenant's last batch, whichever is later.

        Rule: POSTING-5
        """
        self.control = control
        # Time never runs backwards within a tenant, whichever process posts and whatever its clock says.
        self.now = max(now, control.last_posted_at)
        self.batch_number = control.batch_number + 1
        self.issued: dict[str, Issued] = {}
        self.groups: dict[UUID, Group] = {}
        self.wallets: dict[UUID, Wallet] = {}
        self.holds: dict[UUID, Hold] = {}
        self.keys: dict[UUID, SpendingKey] = {}
        self.originals: dict[UUID, Line] = {}
        self.commands: dict[str, Remembered] = {}
        self.stored_groups: set[UUID] = set()
        self.stored_wallets: set[UUID] = set()
        self.lines: list[Line] = []
        self.remembered: dict[str, Remembered] = {}
        self.touched_issued: set[str] = set()
        self.touched_groups: set[UUID] = set()
        self.touched_keys: set[UUID] = set()
        self.touched_wallets: set[UUID] = set()
        self.touched_holds: dict[UUID, bool] = {}
        self.is_control_marked = False
        self.by(None)

    def by(
        self,
        actor_id: UUID | None,
        transfer_id: UUID = _NOBODY,
        note: str | None = None,
        reverses_id: UUID | None = None,
    ) -> None:
        """Say on whose behalf, under which id and with which note the next transfers are posted."""
        self.actor_id = actor_id
        self.transfer_id = transfer_id
        self.note = note
        self.reverses_id = reverses_id

    # -- Finding rows ---------------------------------------------------------------------------------------------

    def wallet(self, member_id: UUID) -> Wallet:
        """The member's wallet; refuses `member_unknown`."""
        wallet = self.wallets.get(member_id)
        if wallet is None:
            raise Refusal("member_unknown", "There is no such member.", field="member_id")
        return wallet

    def group(self, group_id: UUID) -> Group:
        """The group's accounts, if it is open; refuses `group_unknown`.

        Rule: GROUP-4
        """
        group = self.groups.get(group_id)
        if group is None or group.is_closed:
            raise Refusal("group_unknown", "There is no such group.", field="group_id")
        return group

    def group_of(self, wallet: Wallet) -> Group:
        """The group the member is in."""
        return self.groups[wallet.group_id]

    def issued_account(self, account: str) -> Issued:
        """The account credits of this kind come from, opened on first use."""
        issued = self.issued.get(account)
        if issued is None:
            issued = self.issued[account] = Issued(self.control.tenant_id, account, 0, 0)
        return issued

    # -- Reading rows that may not have rolled over yet --------------------------------------------------------------

    def allowance(self, row: Wallet | Group) -> int:
        """What the row's allowance is in the running cycle, holds included.

        A row that nobody touched since the cycle began is read as rolled over.

        Rule: CYCLE-5
        """
        if row.epoch == self.control.epoch:
            return row.allowance_micro
        return self.renewal(row)

    def allowance_free(self, row: Wallet | Group) -> int:
        """What of the row's allowance is not held.

        Rule: CYCLE-5
        """
        if row.epoch == self.control.epoch:
            return row.allowance_micro - row.allowance_held_micro
        return self.renewal(row)

    def allowance_held(self, row: Wallet | Group) -> int:
        """What of the row's allowance holds of the running cycle keep."""
        return row.allowance_held_micro if row.epoch == self.control.epoch else 0

    @staticmethod
    def renewal(row: Wallet | Group) -> int:
        """What the row's allowance starts a cycle with."""
        if isinstance(row, Wallet):
            return row.monthly_micro
        return row.monthly_micro - row.members_monthly_micro

    # -- Moving -------------------------------------------------------------------------------------------------------

    def move(self, kind: str, source: str, source_row: Holder, target: str, target_row: Holder, micro: int) -> Line:
        """Post one transfer: one source, one target, one positive amount, one journal line.

        Rule: TRANSFER-2, ACCOUNT-2
        """
        if micro <= 0:
            raise Broken("a transfer moves a positive amount", kind=kind, micro=micro)
        source_after, source_sequence = self._add(source, source_row, -micro)
        target_after, target_sequence = self._add(target, target_row, micro)
        if source_after < 0 and source not in _MAY_OWE:
            raise Broken("an account went below zero that must not", account=source, after=source_after, kind=kind)
        line = Line(
            self.control.tenant_id,
            self.now,
            self.batch_number,
            len(self.lines) + 1,
            self.transfer_id,
            kind,
            source,
            _owner_id(source_row),
            source_after,
            source_sequence,
            target,
            _owner_id(target_row),
            target_after,
            target_sequence,
            micro,
            self.control.epoch,
            self.actor_id,
            self.reverses_id,
            self.note,
        )
        self.lines.append(line)
        if kind != "usage":
            # So that a command later in the batch finds the transfer as it would in the journal.
            self.originals.setdefault(self.transfer_id, line)
        return line

    def _add(self, account: str, row: Holder, micro: int) -> tuple[int, int]:
        """Change what the account holds and, by the same amount, the total of its class.

        Rule: ACCOUNT-3
        """
        field, sequence_field, total_field = _PLACE[account]
        after: int = getattr(row, field) + micro
        setattr(row, field, after)
        sequence: int = getattr(row, sequence_field) + 1
        setattr(row, sequence_field, sequence)
        if total_field is not None:
            control = self.control
            setattr(control, total_field, getattr(control, total_field) + micro)
        self.mark(row)
        return after, sequence

    # -- Holding ------------------------------------------------------------------------------------------------------

    def hold(self, account: str, row: Control | Group | Wallet, micro: int) -> None:
        """Set a part of what the account holds aside; a negative amount gives it back."""
        field, total_field = _HELD[account]
        control = self.control
        setattr(control, total_field, getattr(control, total_field) + micro)
        if field is not None:
            setattr(row, field, getattr(row, field) + micro)
        self.mark(row)

    def mark(self, row: Holder) -> None:
        """Note that the row has changed and is to be written."""
        kind = type(row)
        if kind is Wallet:
            self.touched_wallets.add(row.member_id)  # type: ignore[union-attr]
        elif kind is Group:
            self.touched_groups.add(row.group_id)  # type: ignore[union-attr]
        elif kind is Issued:
            self.touched_issued.add(row.account)  # type: ignore[union-attr]
        else:
            self.is_control_marked = True

    # -- Remembering -------------------------------------------------------------------------------------------------

    def remember_derived(self, key: str) -> None:
        """Record that something has been done that may be done once, whatever keys callers use."""
        remembered = Remembered(key, b"", b"", self.batch_number, self.now, None)
        self.commands[key] = self.remembered[key] = remembered

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(
            self.lines
            or self.touched_holds
            or self.touched_wallets
            or self.touched_groups
            or self.remembered
            or self.is_control_marked
        )

    def check_sum(self) -> None:
        """Assert that the control row sums to zero.

        Rule: ACCOUNT-1
        """
        control = self.control
        total = (
            control.issued_micro
            + control.pool_micro
            + control.pot_micro
            + control.pot_previous_micro
            + control.groups_micro
            + control.members_micro
            + control.consumed_micro
            + control.expired_micro
        )
        if total != 0:
            raise Broken("the books do not sum to zero", tenant=public_id("tenant", control.tenant_id), total=total)


def _owner_id(row: Holder) -> UUID | None:
    if type(row) is Wallet:
        return row.member_id
    if type(row) is Group:
        return row.group_id
    return None
