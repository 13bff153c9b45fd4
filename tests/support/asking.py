"""Commands as tests of the rules write them: amounts as text, ids made on the way."""

from __future__ import annotations

from uuid import UUID

from bursar.domain.ids import public_id
from bursar.domain.refusals import Refusal
from bursar.ledger import Charge, ExpireHold, ExtendHold, OpenHold, Reverse, SettleHold, Transfer, Transferred, VoidHold
from tests.support.books import ACTOR, TestBooks, amount, identity


def transfer(
    kind: str,
    credits_text: str,
    *,
    member_id: UUID | None = None,
    group_id: UUID | None = None,
    actor_id: UUID = ACTOR,
    note: str | None = None,
) -> Transfer:
    return Transfer(
        actor_id=actor_id,
        transfer_id=identity(),
        kind=kind,
        amount=amount(credits_text),
        member_id=member_id,
        group_id=group_id,
        note=note,
    )


def reverse(reverses_id: UUID, note: str | None = None) -> Reverse:
    return Reverse(actor_id=ACTOR, transfer_id=identity(), reverses_id=reverses_id, note=note)


def posted(books: TestBooks, command: Transfer) -> UUID:
    answer = books.do(command)
    assert isinstance(answer, Transferred)
    return answer.transfer_id


def shortage(
    code: str, detail: str, scope: str, identity_: UUID, *, field: str = "amount", **facts: str | None
) -> Refusal:
    return Refusal(code, detail, field=field, scope=scope, id=public_id(scope, identity_), **facts)


def open_hold(member_id: UUID, asked: str, *, hold_id: UUID | None = None, seconds: int = 600) -> OpenHold:
    return OpenHold(
        actor_id=ACTOR, hold_id=hold_id or identity(), member_id=member_id, amount=amount(asked), seconds=seconds
    )


def charge(
    member_id: UUID, asked: str, *, hold_id: UUID | None = None, actor_id: UUID = ACTOR, is_free: bool = False
) -> Charge:
    return Charge(
        actor_id=actor_id, hold_id=hold_id or identity(), member_id=member_id, amount=amount(asked), is_free=is_free
    )


def settle(hold_id: UUID, cost: str) -> SettleHold:
    return SettleHold(actor_id=ACTOR, hold_id=hold_id, cost=amount(cost))


def void(hold_id: UUID) -> VoidHold:
    return VoidHold(actor_id=ACTOR, hold_id=hold_id)


def extend(hold_id: UUID, seconds: int) -> ExtendHold:
    return ExtendHold(actor_id=ACTOR, hold_id=hold_id, seconds=seconds)


def expire(hold_id: UUID) -> ExpireHold:
    return ExpireHold(actor_id=None, hold_id=hold_id)
