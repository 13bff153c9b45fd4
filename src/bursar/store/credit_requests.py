"""What members asked for, and what became of it. Rows stay, so that past decisions can be looked at.

A request that waits is shown in the group that its member is in now: that group would pay. One that is decided stays
in the group that paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.credit_requests import Parts, RequestStatus
from bursar.domain.credits import Credits
from bursar.domain.roles import ROLE_LABELS, Role
from bursar.domain.search import patterns


@dataclass(frozen=True)
class CreditRequest:
    """One request. `epoch` is the cycle in which it was decided, or asked for while it waits."""

    request_id: UUID
    member_id: UUID
    group_id: UUID
    amount: Credits
    reason: str
    status: RequestStatus
    submitted_at: datetime
    epoch: int
    parts: Parts | None = None
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    note: str | None = None

    @property
    def approved(self) -> Credits | None:
        """How much was approved, which need not be what was asked for; None while nothing is."""
        return None if self.parts is None else self.parts.sum


@dataclass(frozen=True)
class Requester:
    """Who asked, as they are now: a deleted member is called by a number."""

    name: str
    email: str | None
    role: str
    status: str


@dataclass(frozen=True)
class KnownRequest:
    """A request with what everybody in it is called. Somebody of the platform who decided has no name here."""

    request: CreditRequest
    requester: Requester
    group_name: str
    decider_name: str | None

    @property
    def decider(self) -> str | None:
        """What whoever decided is called: a member, Bursar itself, or somebody of the platform; None while it waits."""
        if self.request.decided_at is None:
            return None
        if self.request.decided_by is None:
            return ROLE_LABELS[Role.SYSTEM]
        return self.decider_name or ROLE_LABELS[Role.SUPER_ADMIN]


@dataclass(frozen=True)
class RequestFilter:
    """Which requests are meant: of one status, member or group, with these words in a name or the address, or all."""

    status: RequestStatus | None = None
    member_id: UUID | None = None
    group_id: UUID | None = None
    search: str | None = None


async def insert_credit_request(transaction: Transaction, tenant_id: UUID, request: CreditRequest) -> None:
    """Adds a request, waiting or approved at once."""
    parts = request.parts
    await transaction.execute(
        """
        insert into credit_requests
            (tenant_id, request_id, member_id, group_id, amount_micro, reason, status, submitted_at, epoch,
             approved_micro, of_allowance_micro, of_balance_micro, of_pool_micro, decided_by, decided_at, decision_note)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        """,
        tenant_id,
        request.request_id,
        request.member_id,
        request.group_id,
        request.amount.micro,
        request.reason,
        request.status,
        request.submitted_at,
        request.epoch,
        *_parts_columns(parts),
        request.decided_by,
        request.decided_at,
        request.note,
    )


async def update_credit_request_decided(transaction: Transaction, tenant_id: UUID, request: CreditRequest) -> bool:
    """Writes what was decided about a request that waits; False if it does not wait any more."""
    decided = await transaction.fetchval(
        """
        update credit_requests
        set status = $3,
            group_id = $4,
            epoch = $5,
            approved_micro = $6,
            of_allowance_micro = $7,
            of_balance_micro = $8,
            of_pool_micro = $9,
            decided_by = $10,
            decided_at = $11,
            decision_note = $12
        where tenant_id = $1
          and request_id = $2
          and status = 'pending'
        returning true
        """,
        tenant_id,
        request.request_id,
        request.status,
        request.group_id,
        request.epoch,
        *_parts_columns(request.parts),
        request.decided_by,
        request.decided_at,
        request.note,
    )
    return decided is not None


@dataclass(frozen=True)
class Denial:
    """Who denies, when and why."""

    by: UUID | None
    at: datetime
    epoch: int
    note: str


async def update_open_requests_denied(
    transaction: Transaction, tenant_id: UUID, member_id: UUID, denial: Denial
) -> int:
    """Denies all that waits of one member, in the group that the member is in; returns how many."""
    rows = await transaction.fetch(
        """
        update credit_requests
        set status = 'denied',
            group_id = (select group_id from members where tenant_id = $1 and member_id = $2),
            epoch = $3,
            decided_by = $4,
            decided_at = $5,
            decision_note = $6
        where tenant_id = $1
          and member_id = $2
          and status = 'pending'
        returning request_id
        """,
        tenant_id,
        member_id,
        denial.epoch,
        denial.by,
        denial.at,
        denial.note,
    )
    return len(rows)


async def count_open_requests(transaction: Transaction, tenant_id: UUID, member_id: UUID) -> int:
    """How many requests of this member wait."""
    count: int = await transaction.fetchval(
        """
        select count(*)
        from credit_requests
        where tenant_id = $1
          and member_id = $2
          and status = 'pending'
        """,
        tenant_id,
        member_id,
    )
    return count


_KNOWN = """
        select request.request_id, request.member_id, paying.group_id, request.amount_micro, request.reason,
               request.status, request.submitted_at, request.epoch, request.approved_micro,
               request.of_allowance_micro, request.of_balance_micro, request.of_pool_micro, request.decided_by,
               request.decided_at, request.decision_note,
               member.display_name, member.email, member.role, member.status as member_status,
               paying.name as group_name, decider.display_name as decider_name
        from credit_requests request
        join members member
          on member.tenant_id = $1
         and member.member_id = request.member_id
        join groups paying
          on paying.tenant_id = $1
         and paying.group_id = case request.status when 'pending' then member.group_id else request.group_id end
        left join members decider
          on decider.tenant_id = $1
         and decider.member_id = request.decided_by
        where request.tenant_id = $1
"""


async def find_credit_request(transaction: Transaction, tenant_id: UUID, request_id: UUID) -> KnownRequest | None:
    """The request of this tenant with this id."""
    row = await transaction.fetchrow(f"{_KNOWN} and request.request_id = $2", tenant_id, request_id)
    return None if row is None else _known(row)


async def lock_credit_request(transaction: Transaction, tenant_id: UUID, request_id: UUID) -> KnownRequest | None:
    """The request with this id, which nobody else decides before the transaction ends."""
    row = await transaction.fetchrow(
        f"{_KNOWN} and request.request_id = $2 for no key update of request", tenant_id, request_id
    )
    return None if row is None else _known(row)


# Both statements have all filters. What narrows most stands there alone besides, so that its index can be entered.
_FILTERED = """
          and {narrowest}
          and ($2::uuid is null or request.member_id = $2)
          and (
              $3::uuid is null
              or case request.status
                     when 'pending' then exists (
                         select
                         from members
                         where members.tenant_id = $1
                           and members.member_id = request.member_id
                           and members.group_id = $3
                     )
                     else request.group_id = $3
                 end
          )
          and (
              cardinality($4::text[]) = 0
              or request.member_id in (
                  select member_id
                  from members
                  where tenant_id = $1
                    and search_text like all($4::text[])
              )
          )
"""


_LISTED = f"""{_KNOWN}{_FILTERED}
          and ($5::text is null or request.status = $5)
          and ($6::uuid is null or request.request_id < $6)
        order by request.request_id desc
        limit $7
"""

_COUNTED = f"""
        select request.status, count(*) as count
        from credit_requests request
        where request.tenant_id = $1
        {_FILTERED}
        group by request.status
"""


async def list_credit_requests(
    transaction: Transaction, tenant_id: UUID, wanted: RequestFilter, *, before: UUID | None, limit: int
) -> list[KnownRequest]:
    """Requests from the last to the first, those before `before`.

    Rule: REQUEST-9
    """
    narrowest = "true"
    if wanted.member_id is not None:
        narrowest = "request.member_id = $2"
    elif wanted.status is not None:
        narrowest = "request.status = $5"
    rows = await transaction.fetch(
        _LISTED.format(narrowest=narrowest),
        tenant_id,
        *_filter_values(wanted),
        wanted.status,
        before,
        limit,
    )
    return [_known(row) for row in rows]


async def count_credit_requests(
    transaction: Transaction, tenant_id: UUID, wanted: RequestFilter
) -> dict[RequestStatus, int]:
    """How many requests of each status there are, whichever status the filter names."""
    narrowest = "true" if wanted.member_id is None else "request.member_id = $2"
    rows = await transaction.fetch(
        _COUNTED.format(narrowest=narrowest),
        tenant_id,
        *_filter_values(wanted),
    )
    found = {row["status"]: row["count"] for row in rows}
    return {status: found.get(status, 0) for status in RequestStatus}


def _filter_values(wanted: RequestFilter) -> tuple[UUID | None, UUID | None, list[str]]:
    return wanted.member_id, wanted.group_id, patterns(wanted.search)


def _parts_columns(parts: Parts | None) -> tuple[int | None, ...]:
    if parts is None:
        return None, None, None, None
    return parts.sum.micro, parts.of_allowance.micro, parts.of_balance.micro, parts.of_pool.micro


def _known(row: Any) -> KnownRequest:
    parts = None
    if row["approved_micro"] is not None:
        parts = Parts(*(Credits(row[f"of_{place}_micro"]) for place in ("allowance", "balance", "pool")))
    request = CreditRequest(
        request_id=row["request_id"],
        member_id=row["member_id"],
        group_id=row["group_id"],
        amount=Credits(row["amount_micro"]),
        reason=row["reason"],
        status=RequestStatus(row["status"]),
        submitted_at=row["submitted_at"],
        epoch=row["epoch"],
        parts=parts,
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        note=row["decision_note"],
    )
    requester = Requester(row["display_name"], row["email"], row["role"], row["member_status"])
    return KnownRequest(request, requester, row["group_name"], row["decider_name"])
