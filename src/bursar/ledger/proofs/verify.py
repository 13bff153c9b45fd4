"""`verify`: the one entrance to the proofs."""

from __future__ import annotations

from uuid import UUID

from bursar.db.engine import Database
from bursar.db.transaction import reading
from bursar.domain.refusals import Refusal
from bursar.ledger.core.rows import Control
from bursar.ledger.posting import tables
from bursar.ledger.proofs.checks import CHECKS
from bursar.ledger.proofs.findings import Books, Finding, Report

# Ten million lines take minutes, and nobody waits for them. They are read as of one moment and lock nobody out.
_STATEMENT_TIMEOUT = "1h"
# Between two pages of the journal the chain is computed here, which takes well below a second.
_IDLE_TIMEOUT = "5min"
# Sorting the journal by account goes to disk sooner or later; this keeps what fits in memory there.
_WORK_MEMORY = "64MB"

_GET_CONTROL = f"""
select {tables.CONTROL.listed("control")}
from bursar.ledger_control as control
where control.tenant_id = $1
"""


async def verify(database: Database, tenant_id: UUID) -> Report:
    """Recompute every invariant of one tenant's books from the journal, as of one moment, and say what was found.

    `database` is signed in as the application, whose fences are part of the proof. Runs beside traffic and changes
    nothing. Refuses `tenant_unknown`.

    Rule: PROOF-1
    """
    async with reading(database, tenant_id) as transaction:
        await transaction.execute(
            f"set local statement_timeout = '{_STATEMENT_TIMEOUT}';"
            f"set local idle_in_transaction_session_timeout = '{_IDLE_TIMEOUT}';"
            f"set local work_mem = '{_WORK_MEMORY}'"
        )
        record = await transaction.fetchrow(_GET_CONTROL, tenant_id)
        if record is None:
            raise Refusal("tenant_unknown", "There is no such tenant.")
        books = Books(transaction, Control(*record))
        findings = tuple([Finding(check, await check.run(books)) for check in CHECKS])
        return Report(tenant_id, books.control.batch_number, findings)
