"""Redemption codes: what was issued and what became of it. A code itself is nowhere; its keyed hash is.

Inside a tenant only the columns are to be had that redeeming takes; the rest is the platform's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.codes import CodeLife, CodeState
from bursar.domain.credits import Credits


@dataclass(frozen=True)
class NewCode:
    """One code to be kept: its hash, and what people are shown of it."""

    code_id: UUID
    code_hash: bytes
    last_four: str


@dataclass(frozen=True)
class Batch:
    """What the codes that are issued together have in common."""

    batch_id: UUID
    value: Credits
    note: str | None
    issued_at: datetime
    issued_by: UUID
    expires_at: datetime | None


@dataclass(frozen=True)
class Redeemed:
    """Who redeemed a code, in which tenant, and the transfer that brought the credits."""

    tenant_id: UUID
    member_id: UUID
    transfer_id: UUID


@dataclass(frozen=True)
class IssuedCode:
    """One code as the platform sees it."""

    code_id: UUID
    last_four: str
    batch: Batch
    life: CodeLife
    redeemed: Redeemed | None


@dataclass(frozen=True)
class FoundCode:
    """One code as a tenant sees it that redeems it."""

    code_id: UUID
    last_four: str
    value: Credits
    life: CodeLife


@dataclass(frozen=True)
class CodeFilter:
    """Which codes a page shows: of one state, of one batch, with this in the note or as last letters; or all."""

    state: CodeState | None = None
    batch_id: UUID | None = None
    search: str | None = None


@dataclass(frozen=True)
class CodeTotal:
    """How many codes are in one state, and what they are worth together."""

    state: CodeState
    count: int
    value: Credits


async def insert_codes(transaction: Transaction, batch: Batch, codes: Sequence[NewCode]) -> None:
    """Keeps a batch of new codes."""
    await transaction.execute(
        """
        insert into redemption_codes
            (code_id, code_hash, last_four, batch_id, value_micro, note, issued_at, issued_by, expires_at)
        select code_id, code_hash, last_four, $4, $5, $6, $7, $8, $9
        from unnest($1::uuid[], $2::bytea[], $3::text[]) as code (code_id, code_hash, last_four)
        """,
        [code.code_id for code in codes],
        [code.code_hash for code in codes],
        [code.last_four for code in codes],
        batch.batch_id,
        batch.value.micro,
        batch.note,
        batch.issued_at,
        batch.issued_by,
        batch.expires_at,
    )


async def lock_code_by_hash(transaction: Transaction, code_hash: bytes) -> FoundCode | None:
    """The code with this hash, which nobody else redeems or revokes before the transaction ends."""
    row = await transaction.fetchrow(
        """
        select code_id, last_four, value_micro, expires_at, revoked_at, redeemed_at
        from redemption_codes
        where code_hash = $1
        for no key update
        """,
        code_hash,
    )
    return None if row is None else FoundCode(row["code_id"], row["last_four"], Credits(row["value_micro"]), _life(row))


async def update_code_redeemed(transaction: Transaction, code_id: UUID, redeemed: Redeemed, *, now: datetime) -> bool:
    """Marks an open code as spent; False if it was redeemed or revoked already."""
    row = await transaction.fetchrow(
        """
        update redemption_codes
        set redeemed_at = $2, redeemed_in = $3, redeemed_by = $4, transfer_id = $5
        where code_id = $1
          and redeemed_at is null
          and revoked_at is null
        returning code_id
        """,
        code_id,
        now,
        redeemed.tenant_id,
        redeemed.member_id,
        redeemed.transfer_id,
    )
    return row is not None


async def lock_code(transaction: Transaction, code_id: UUID) -> IssuedCode | None:
    """The code with this id, which nobody redeems before the transaction ends."""
    row = await transaction.fetchrow(
        """
        select code_id, last_four, batch_id, value_micro, note, issued_at, issued_by, expires_at, revoked_at,
               redeemed_at, redeemed_in, redeemed_by, transfer_id
        from redemption_codes
        where code_id = $1
        for no key update
        """,
        code_id,
    )
    return None if row is None else _issued(row)


async def update_code_revoked(transaction: Transaction, code_id: UUID, *, now: datetime) -> None:
    """Takes one code back."""
    await transaction.execute(
        """
        update redemption_codes
        set revoked_at = $2
        where code_id = $1
        """,
        code_id,
        now,
    )


async def update_batch_revoked(transaction: Transaction, batch_id: UUID, *, now: datetime) -> int:
    """Takes all open codes of a batch back; returns how many."""
    rows = await transaction.fetch(
        """
        update redemption_codes
        set revoked_at = $2
        where code_id in (
            select code_id
            from redemption_codes
            where batch_id = $1
              and redeemed_at is null
              and revoked_at is null
              and (expires_at is null or expires_at > $2)
            -- In one order, so that two who do this at once wait for each other and not both for both.
            order by code_id
            for no key update
        )
        returning code_id
        """,
        batch_id,
        now,
    )
    return len(rows)


async def find_batch(transaction: Transaction, batch_id: UUID) -> Batch | None:
    """What the codes of this batch have in common."""
    row = await transaction.fetchrow(
        """
        select batch_id, value_micro, note, issued_at, issued_by, expires_at
        from redemption_codes
        where batch_id = $1
        limit 1
        """,
        batch_id,
    )
    return None if row is None else _batch(row)


async def list_codes(
    transaction: Transaction, wanted: CodeFilter, *, now: datetime, before: UUID | None, limit: int
) -> list[IssuedCode]:
    """Codes from the last issued to the first, those before `before`."""
    rows = await transaction.fetch(
        """
        select code_id, last_four, batch_id, value_micro, note, issued_at, issued_by, expires_at, revoked_at,
               redeemed_at, redeemed_in, redeemed_by, transfer_id
        from redemption_codes
        where ($2::uuid is null or batch_id = $2)
          and ($3::text is null or strpos(lower(note), lower($3)) > 0 or last_four = upper($3))
          and (
              $4::text is null
              or $4 = case
                  when redeemed_at is not null then 'redeemed'
                  when revoked_at is not null then 'revoked'
                  when expires_at <= $1 then 'expired'
                  else 'open'
              end
          )
          and ($5::uuid is null or code_id < $5)
        order by code_id desc
        limit $6
        """,
        now,
        wanted.batch_id,
        wanted.search,
        wanted.state,
        before,
        limit,
    )
    return [_issued(row) for row in rows]


async def sum_codes(transaction: Transaction, wanted: CodeFilter, *, now: datetime) -> list[CodeTotal]:
    """How many codes there are in each state and what they are worth, whatever state the filter names."""
    rows = await transaction.fetch(
        """
        -- The same as `CodeLife.state`.
        select case
                   when redeemed_at is not null then 'redeemed'
                   when revoked_at is not null then 'revoked'
                   when expires_at <= $1 then 'expired'
                   else 'open'
               end as state,
               count(*) as count,
               sum(value_micro) as value_micro
        from redemption_codes
        where ($2::uuid is null or batch_id = $2)
          and ($3::text is null or strpos(lower(note), lower($3)) > 0 or last_four = upper($3))
        group by 1
        """,
        now,
        wanted.batch_id,
        wanted.search,
    )
    found = {row["state"]: (int(row["count"]), Credits(int(row["value_micro"]))) for row in rows}
    return [CodeTotal(state, *found.get(state, (0, Credits(0)))) for state in CodeState]


def _issued(row: Any) -> IssuedCode:
    redeemed = None
    if row["redeemed_at"] is not None:
        redeemed = Redeemed(row["redeemed_in"], row["redeemed_by"], row["transfer_id"])
    return IssuedCode(row["code_id"], row["last_four"], _batch(row), _life(row), redeemed)


def _batch(row: Any) -> Batch:
    return Batch(
        row["batch_id"],
        Credits(row["value_micro"]),
        row["note"],
        row["issued_at"],
        row["issued_by"],
        row["expires_at"],
    )


def _life(row: Any) -> CodeLife:
    return CodeLife(row["expires_at"], row["revoked_at"], row["redeemed_at"])
