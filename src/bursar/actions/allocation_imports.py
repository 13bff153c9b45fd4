"""Batches out of CSV files, with an amount in every line. One wrong line, and nothing of the file is done.

Rule: BATCH-11
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import UUID

from bursar.actions.allocation_batches import Ordered, Wanted, order, worked_off
from bursar.actions.desk import Asked, Desk
from bursar.actions.once import Done, once
from bursar.db.transaction import Transaction
from bursar.domain.allocation_imports import ImportedLine, ReadImport, check_lines, read_import
from bursar.domain.ids import PREFIXES, parse_public_id
from bursar.domain.permissions import check_permission
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.store.allocation_batch_rows import NewRows
from bursar.store.members import list_members_among
from bursar.store.sign_in_names import list_members_named


async def start_import(desk: Desk, asked: Asked, tenant_id: UUID, text: str) -> Done[Ordered]:
    """Makes a batch of the file's lines. Refuses `invalid_input`, with the number and the reason of each wrong line,
    and `insufficient_pool`.

    Rule: BATCH-11, BATCH-12
    """
    check_permission(asked.actor, Permission.ALLOCATE)
    # In a thread: a hundred thousand lines take most of a second, and calls go on meanwhile.
    read = await asyncio.to_thread(read_import, text)

    async def act(transaction: Transaction) -> Ordered:
        rows = await _rows(transaction, tenant_id, read)
        return await order(transaction, desk, asked, tenant_id, Wanted(rows, None, None, "csv"))

    return await worked_off(desk, tenant_id, await once(desk, asked, tenant_id, Ordered, act))


async def _rows(transaction: Transaction, tenant_id: UUID, read: ReadImport) -> NewRows:
    """A row for each line, if all of them are right."""
    ids = {line.member: member_id for line in read.lines if (member_id := _id_in(line)) is not None}
    known = await list_members_among(transaction, tenant_id, list(ids.values()))
    members = {name: member_id for name, member_id in ids.items() if member_id in known}
    names = [line.member for line in read.lines if line.member not in members]
    members |= await list_members_named(transaction, tenant_id, names)
    rows, faults = await asyncio.to_thread(_matched, read, members)
    check_lines(faults)
    return rows


def _matched(read: ReadImport, members: Mapping[str, UUID]) -> tuple[NewRows, dict[int, str]]:
    """The rows, and what is wrong with lines that name nobody, or somebody whom another line names as well.

    Rule: BATCH-12
    """
    faults = dict(read.faults)
    first_lines: dict[UUID, int] = {}
    member_ids: list[UUID] = []
    lines: list[ImportedLine] = []
    for line in read.lines:
        member_id = members.get(line.member)
        if member_id is None:
            faults[line.number] = f"There is no member {line.member[:100]!r}."
        elif (first := first_lines.setdefault(member_id, line.number)) != line.number:
            faults[line.number] = f"Line {first} names the same member."
        else:
            member_ids.append(member_id)
            lines.append(line)
    rows = NewRows(member_ids, [line.amount for line in lines], [line.note for line in lines])
    return rows, faults


def _id_in(line: ImportedLine) -> UUID | None:
    """The id, if the line may name one. Where a username looks like an id as well, the id goes first."""
    if not line.member.startswith(f"{PREFIXES['member']}_"):
        return None
    try:
        return parse_public_id("member", line.member, field="csv")
    except Refusal:
        return None
