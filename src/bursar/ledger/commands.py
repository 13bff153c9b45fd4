"""What the ledger can be asked to do: one frozen value per command.

A command names its tenant's rows by id, its amounts as `Credits`, and who asks. `key` is the idempotency key: a
repeat with the same key and the same body gets the first answer and moves nothing. A hold needs none, because its
own id is one. Read next: `answers`, then `core/decide`.

Rule: COMMAND-1
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from uuid import UUID

import msgspec

from bursar.domain.credits import Credits
from bursar.domain.refusals import Refusal

KEY_LENGTH_MAX = 200
NOTE_LENGTH_MAX = 200

HOLD_SECONDS_MIN = 1
HOLD_SECONDS_MAX = 7 * 24 * 3600
"""The longest deadline: asynchronous provider jobs may take days; what takes longer extends its hold."""


class Along(msgspec.Struct, frozen=True):
    """A row of another subject that is written in the very transaction that posts its command; where the command is
    refused, or is a repeat, it is not.

    The statement takes one array a column: the tenants, those of `values` in order, and the batches that wrote them.

    Rule: COMMAND-8
    """

    statement: str
    values: tuple[object, ...]


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What every command carries: who asks (None is Bursar itself) and, where a caller gave one, its key; and a row of
    the caller's that is to be written with it.
    """

    actor_id: UUID | None
    key: str | None = None
    along: Along | None = None


class Transfer(Command, frozen=True, kw_only=True, tag=True):
    """Move an amount by a kind of the catalogue that people post. `member_id` or `group_id` as its accounts need."""

    transfer_id: UUID
    kind: str
    amount: Credits
    member_id: UUID | None = None
    group_id: UUID | None = None
    note: str | None = None


class Reverse(Command, frozen=True, kw_only=True, tag=True):
    """Post the exact opposite of one allocation or reclaim, once, while the funds last."""

    transfer_id: UUID
    reverses_id: UUID
    note: str | None = None


class OpenGroup(Command, frozen=True, kw_only=True, tag=True):
    """Open the accounts of a group, all at zero."""

    group_id: UUID
    is_default: bool = False


class CloseGroup(Command, frozen=True, kw_only=True, tag=True):
    """Close a group without members: its balance goes to the pool, its budget to the plan."""

    transfer_id: UUID
    group_id: UUID


class ShareGroup(Command, frozen=True, kw_only=True, tag=True):
    """Switch the group's shared budget on or off."""

    group_id: UUID
    is_shared: bool


class OpenWallet(Command, frozen=True, kw_only=True, tag=True):
    """Open the accounts of a member, all at zero."""

    member_id: UUID
    group_id: UUID
    spends_pool: bool = False


class SetWalletStatus(Command, frozen=True, kw_only=True, tag=True):
    """Enable or disable a member: a disabled one neither receives credits nor opens holds."""

    member_id: UUID
    is_active: bool


class SetSpendsPool(Command, frozen=True, kw_only=True, tag=True):
    """Let a member spend from the pool (a tenant admin) or from its own accounts again."""

    transfer_id: UUID
    member_id: UUID
    spends_pool: bool


class MoveWallet(Command, frozen=True, kw_only=True, tag=True):
    """Move a member to another group; its monthly moves from the old group's budget into the new one's."""

    transfer_id: UUID
    member_id: UUID
    group_id: UUID


class CloseWallet(Command, frozen=True, kw_only=True, tag=True):
    """Delete a member's accounts: the balance returns to the pool, the allowance to the group."""

    transfer_id: UUID
    member_id: UUID


class SetGroupMonthly(Command, frozen=True, kw_only=True, tag=True):
    """Set a group's budget per cycle; the difference applies to the running cycle at once."""

    transfer_id: UUID
    group_id: UUID
    monthly: Credits
    note: str | None = None


class SetMemberMonthly(Command, frozen=True, kw_only=True, tag=True):
    """Set a member's allowance per cycle; the difference applies to the running cycle at once."""

    transfer_id: UUID
    member_id: UUID
    monthly: Credits
    note: str | None = None


class SetTotal(Command, frozen=True, kw_only=True, tag=True):
    """Set what the platform has granted in all; the difference comes into the pool or leaves it at once."""

    transfer_id: UUID
    total: Credits
    note: str | None = None


class SetPerCycle(Command, frozen=True, kw_only=True, tag=True):
    """Set the tenant's credits per cycle; the difference applies to the running cycle at once."""

    transfer_id: UUID
    per_cycle: Credits
    note: str | None = None


class SetCycleCeiling(Command, frozen=True, kw_only=True, tag=True):
    """Cap credits per cycle. None is no ceiling, zero is a ceiling of nothing."""

    ceiling: Credits | None


class SetExpiredHolds(Command, frozen=True, kw_only=True, tag=True):
    """Choose what happens to a hold that nobody settles: charge it (True) or void it (False)."""

    is_charged: bool


class ResetCycle(Command, frozen=True, kw_only=True, tag=True):
    """Start a fresh cycle now. `epoch` is the cycle to end, so that a reset done twice is done once."""

    transfer_id: UUID
    epoch: int
    note: str | None = None


class SetCadence(Command, frozen=True, kw_only=True, tag=True):
    """Change how long cycles last, or the time zone they follow; a fresh cycle starts now."""

    transfer_id: UUID
    epoch: int
    cadence: str
    time_zone: str
    note: str | None = None


class EndDueCycle(Command, frozen=True, kw_only=True, tag=True):
    """Do nothing but what every posting does first: end the cycle if its time has come."""


class WriteAlong(Command, frozen=True, kw_only=True, tag=True):
    """Move nothing, and write only what comes along, in the tenant's order of batches."""


class KeyLimit(msgspec.Struct, frozen=True):
    """The API key that a call comes with, and what it may spend in a cycle and in all; None is without limit."""

    key_id: UUID
    per_cycle: Credits | None = None
    in_total: Credits | None = None


class OpenHold(Command, frozen=True, kw_only=True, tag=True):
    """Set credits aside for a call under way. `seconds` is its deadline, counted from the posting.

    Who opens a hold is who may say what the call cost. What Bursar itself meters, it opens itself. A call that comes
    with an API key is bound by the key's limits as well, as they are at this moment. What is free keeps nothing, and is
    admitted whatever is left.
    """

    hold_id: UUID
    member_id: UUID
    amount: Credits
    seconds: int
    with_key: KeyLimit | None = None
    is_free: bool = False


class Charge(Command, frozen=True, kw_only=True, tag=True):
    """Open a hold and settle it at once, in one command: for what is over when it is told of. Its id is the hold's, and
    its key. `is_free` as for a hold.
    """

    hold_id: UUID
    member_id: UUID
    amount: Credits
    is_free: bool = False


class SettleHold(Command, frozen=True, kw_only=True, tag=True):
    """Charge the call's true cost, below, at or above its hold; what was held and not charged is free again."""

    hold_id: UUID
    cost: Credits


class VoidHold(Command, frozen=True, kw_only=True, tag=True):
    """Give all of a hold back: nothing was delivered."""

    hold_id: UUID


class ExtendHold(Command, frozen=True, kw_only=True, tag=True):
    """Move an open hold's deadline to `seconds` from now; never earlier than it was."""

    hold_id: UUID
    seconds: int


class ExpireHold(Command, frozen=True, kw_only=True, tag=True):
    """End a hold that is past its deadline, by the tenant's policy. The sweeper's command."""

    hold_id: UUID


_encode = msgspec.json.Encoder().encode

_NOT_IN_BODY = frozenset({"key", "transfer_id", "along", "with_key", "is_free"})
"""Neither what a caller writes besides, nor what a key may spend today, nor why nothing is kept, tells two apart."""


@cache
def _body_of(command_type: type[Command]) -> Callable[[Command], object]:
    return attrgetter(*(name for name in command_type.__struct_fields__ if name not in _NOT_IN_BODY))


def fingerprint(command: Command) -> bytes:
    """SHA-256 of what the command asks for: all of it but the key, the id made for the transfer, and what it carries.

    Two commands with one key are the same command exactly if their fingerprints are equal.

    Rule: COMMAND-2
    """
    command_type = type(command)
    return hashlib.sha256(_encode((command_type.__name__, _body_of(command_type)(command)))).digest()


def short_fingerprint(command: Command) -> int:
    """The first 64 bits of the fingerprint, signed: enough to notice that a hold's id was used for something else.

    Rule: COMMAND-2
    """
    return int.from_bytes(fingerprint(command)[:8], "big", signed=True)


def check_key(key: str | None) -> None:
    """Refuses `key_malformed` unless the key is absent or 1 to 200 printable ASCII characters.

    Rule: COMMAND-4
    """
    if key is not None and not (0 < len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable()):
        raise Refusal("key_malformed", "An idempotency key has 1 to 200 printable ASCII characters.", field="key")


def check_note(note: str | None) -> None:
    """Refuses `note_too_long` above 200 characters, and `note_malformed` for what no screen shows or database keeps.

    Rule: TRANSFER-7
    """
    if note is not None and not note.isprintable():
        raise Refusal("note_malformed", "A note has no line breaks or control characters.", field="note")
    if note is not None and len(note) > NOTE_LENGTH_MAX:
        raise Refusal("note_too_long", f"A note has at most {NOTE_LENGTH_MAX} characters.", field="note")


def stored_key(command: Command, key: str) -> str:
    """The key as it is stored: apart from other callers' keys, and from those that the ledger derives itself.

    Rule: COMMAND-7
    """
    return f"key:{'' if command.actor_id is None else command.actor_id.hex}:{key}"
