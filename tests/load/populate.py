"""Members by the million: written into the books by SQL, since a measurement needs them and not their history."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import psycopg

from bursar.outside.identity import new_uuid
from tests.load.ledger_load import Place

MONTHLY_MICRO = 1_000_000
"""Each of them has an allowance of one credit per cycle, so that a reset has something to renew."""


async def add_members(admin_url: str, place: Place, members: int) -> Sequence[UUID]:
    """Add so many wallets with an allowance, and make the tenant's totals agree with them."""
    member_ids = [new_uuid() for _ in range(members)]
    total = members * MONTHLY_MICRO
    with psycopg.connect(admin_url) as connection:
        connection.execute("select set_config('bursar.scope', %s, true)", (f"{{{place.tenant_id}}}",))
        connection.execute(
            "update bursar.ledger_groups set members_count = members_count + %s, monthly_micro = monthly_micro + %s,"
            " members_monthly_micro = members_monthly_micro + %s where tenant_id = %s",
            (members, total, total, place.tenant_id),
        )
        connection.execute(
            "update bursar.ledger_control set per_cycle_micro = per_cycle_micro + %(total)s,"
            " groups_monthly_micro = groups_monthly_micro + %(total)s, pot_micro = pot_micro + %(total)s,"
            " issued_micro = issued_micro - %(total)s, epoch_issued_micro = epoch_issued_micro + %(total)s"
            " where tenant_id = %(tenant_id)s",
            {"total": total, "tenant_id": place.tenant_id},
        )
        connection.execute(
            "insert into bursar.ledger_issued values (%(tenant_id)s, 'issued.cycle', -%(total)s, 0)",
            {"total": total, "tenant_id": place.tenant_id},
        )
        connection.execute(
            "insert into bursar.ledger_wallets"
            " select %(tenant_id)s, member_id, %(group_id)s, %(monthly)s, %(monthly)s, 0, 0, 0, 0, 0, 0, 0, 0,"
            " 1, 'active', false from unnest(%(member_ids)s::uuid[]) as member_id",
            {
                "tenant_id": place.tenant_id,
                "group_id": place.group_id,
                "monthly": MONTHLY_MICRO,
                "member_ids": member_ids,
            },
        )
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze bursar.ledger_wallets")
    return member_ids
