"""The platform's list of redemption codes: what became of each, and who redeemed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import Transaction, platform_reading, reading_several
from bursar.reports.names import list_member_names
from bursar.store.codes import CodeFilter, CodeTotal, IssuedCode, list_codes, sum_codes


@dataclass(frozen=True)
class CodeNames:
    """What the people and tenants are called that stand in a list of codes."""

    issuers: Mapping[UUID, str]
    tenants: Mapping[UUID, str]
    members: Mapping[UUID, str]


@dataclass(frozen=True)
class CodePage:
    """Some codes, how many the filter lets through, and how many of these are in which state, whichever it names."""

    codes: list[IssuedCode]
    names: CodeNames
    total: int
    totals: list[CodeTotal]


async def see_codes(
    platform: Database, tenants: Database, wanted: CodeFilter, *, now: datetime, before: UUID | None, limit: int
) -> CodePage:
    """A page of codes, the last issued first.

    Rule: CODE-7
    """
    async with platform_reading(platform) as transaction:
        codes = await list_codes(transaction, wanted, now=now, before=before, limit=limit)
        totals = await sum_codes(transaction, wanted, now=now)
        redeemed = [code.redeemed for code in codes if code.redeemed is not None]
        issuers = await _issuer_names(transaction, {code.batch.issued_by for code in codes})
        tenant_names = await _tenant_names(transaction, {who.tenant_id for who in redeemed})
    members: Mapping[UUID, str] = {}
    if redeemed:
        async with reading_several(tenants, list(tenant_names)) as transaction:
            members = await list_member_names(transaction, {(who.tenant_id, who.member_id) for who in redeemed})
    total = sum(part.count for part in totals if wanted.state in (None, part.state))
    return CodePage(codes, CodeNames(issuers, tenant_names, members), total, totals)


async def _issuer_names(transaction: Transaction, ids: set[UUID]) -> dict[UUID, str]:
    rows = await transaction.fetch(
        """
        select admin_id, display_name
        from platform_admins
        where admin_id = any($1::uuid[])
        """,
        list(ids),
    )
    return {row["admin_id"]: row["display_name"] for row in rows}


async def _tenant_names(transaction: Transaction, ids: set[UUID]) -> dict[UUID, str]:
    rows = await transaction.fetch(
        """
        select tenant_id, name
        from tenants
        where tenant_id = any($1::uuid[])
        """,
        list(ids),
    )
    return {row["tenant_id"]: row["name"] for row in rows}
