"""`bursar verify` and `bursar explain`: whether the books are right, and why a balance is what it is."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from bursar.actions.desk import Desk
from bursar.cli.desk import DataDir, at_desk
from bursar.cli.speech import complain, say
from bursar.db.transaction import reading
from bursar.domain.credits import Credits
from bursar.domain.ids import parse_public_id, public_id
from bursar.ledger import (
    Entry,
    GroupFigures,
    MemberFigures,
    OfGroup,
    OfMember,
    OfPool,
    OfTransfer,
    Place,
    PoolFigures,
    Statement,
    Subject,
    explain,
    verify,
)
from bursar.reports.lookup import find_group_named, find_member_named, find_tenant
from bursar.reports.tenants import see_tenants

TENANTS_AT_ONCE = 200
ENTRIES_AT_ONCE = 500


def verify_command(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant, by name or id.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Recomputes every invariant of the books on the live data; exits with 1 at the first that is broken."""

    async def work(desk: Desk) -> bool:
        if tenant is not None:
            return await _verify_one(desk, (await find_tenant(desk.platform, tenant)).tenant_id)
        after = None
        checked = 0
        is_green = True
        while True:
            page = (await see_tenants(desk.platform, after=after, limit=TENANTS_AT_ONCE)).tenants
            for found in page:
                is_green = await _verify_one(desk, found.tenant_id) and is_green
            checked += len(page)
            if len(page) < TENANTS_AT_ONCE:
                break
            after = page[-1].tenant_id
        say("1 tenant checked." if checked == 1 else f"{checked} tenants checked.")
        return is_green

    if not at_desk(data_dir, work):
        raise SystemExit(1)


async def _verify_one(desk: Desk, tenant_id: UUID) -> bool:
    report = await verify(desk.tenants, tenant_id)
    say(str(report))
    if not report.findings:
        complain("Nothing was checked.")
        return False
    if report.first_broken is not None:
        complain(f"The first broken fact: {report.first_broken.found.broken}")
    return report.is_green


def explain_command(
    subject: Annotated[
        str,
        typer.Argument(help="A member's username or email, `pool`, `group:<name>`, or the id of a transfer or hold."),
    ],
    tenant: Annotated[str | None, typer.Option(help="The tenant, by name or id; a member needs none.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Prints, transfer by transfer, why a balance is what it is."""

    async def work(desk: Desk) -> None:
        tenant_id, about = await _subject(desk, subject, tenant)
        after: Place | None = None
        while True:
            async with reading(desk.tenants, tenant_id) as transaction:
                page = await explain(
                    transaction, tenant_id, about, desk.clock.of_ledger, after=after, limit=ENTRIES_AT_ONCE
                )
            for entry in page.entries:
                say(_line(entry))
            if page.next_place is None:
                _say_end(page)
                return
            after = page.next_place

    at_desk(data_dir, work)


async def _subject(desk: Desk, text: str, tenant: str | None) -> tuple[UUID, Subject]:
    """Whose story is asked for, and in which tenant. Refuses what is unknown, and asks which tenant if unclear."""
    if text != "pool" and not text.startswith(("group:", "trf_", "hld_")):
        member = await find_member_named(desk.platform, text)
        return member.tenant_id, OfMember(member.member_id)
    tenant_id = await _only_tenant(desk) if tenant is None else (await find_tenant(desk.platform, tenant)).tenant_id
    if text == "pool":
        return tenant_id, OfPool()
    if text.startswith("group:"):
        return tenant_id, OfGroup(
            (await find_group_named(desk.tenants, tenant_id, text.removeprefix("group:"))).group_id
        )
    noun = "transfer" if text.startswith("trf_") else "hold"
    return tenant_id, OfTransfer(parse_public_id(noun, text, field="subject"))


async def _only_tenant(desk: Desk) -> UUID:
    """The tenant that is meant when none is named: the only one there is."""
    page = await see_tenants(desk.platform, after=None, limit=2)
    if len(page.tenants) != 1:
        complain("Which tenant?", hint="name it with --tenant; `bursar tenants list` shows them")
        raise SystemExit(1)
    return page.tenants[0].tenant_id


def _line(entry: Entry) -> str:
    transfer, side = entry.transfer, entry.side
    sign = "+" if side.amount >= Credits(0) else ""
    note = f"  {transfer.note}" if transfer.note else ""
    reference = public_id("hold" if transfer.hold_id else "transfer", transfer.transfer_id)
    return (
        f"{transfer.posted_at:%Y-%m-%d %H:%M:%S}  {transfer.label:<22} {side.account:<17} "
        f"{sign + str(side.amount):>18} {side.after!s:>18}  {reference}{note}"
    )


def _say_end(page: Statement) -> None:
    figures = page.figures
    if isinstance(figures, PoolFigures):
        say(f"The pool has {figures.balance}, of which {figures.held} is held.")
    elif isinstance(figures, GroupFigures):
        say(f"The group has {figures.allowance} allowance and {figures.balance} balance; {figures.held} is held.")
    elif isinstance(figures, MemberFigures):
        say(
            f"Allowance {figures.allowance}, balance {figures.balance}, held {figures.held}: "
            f"{figures.remaining} remain. Consumed {figures.consumed} in all."
        )
    for transfer_id in page.reversed_by:
        say(f"Reversed by {public_id('transfer', transfer_id)}.")
