"""`bursar purchases`: orders of credits, which tenants make and the operator confirms."""

from __future__ import annotations

from typing import Annotated

import typer

from bursar.actions.desk import Desk
from bursar.actions.platform import operator
from bursar.actions.purchases import cancel, confirm
from bursar.cli.desk import DataDir, Key, at_desk
from bursar.cli.speech import say
from bursar.domain.purchases import PurchaseStatus
from bursar.reports.lookup import find_tenant
from bursar.reports.purchases import purchase_numbered, see_platform_purchases

PURCHASES_AT_ONCE = 200
NUMBER_MAX = 2**63 - 1
"""The largest that the database counts to."""

commands = typer.Typer(help="Orders of credits, which tenants make and the operator confirms.", no_args_is_help=True)

TenantName = Annotated[str, typer.Argument(help="The tenant's name or id.")]
Number = Annotated[int, typer.Argument(min=1, max=NUMBER_MAX, help="The order's number in this tenant.")]
Note = Annotated[str | None, typer.Option(help="Why; shown with the order.")]


@commands.command("list")
def list_command(
    status: Annotated[PurchaseStatus | None, typer.Option(help="Only orders of this status.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Lists the orders of all tenants, the last first: tenant, number, status, credits, total, when, who, note."""

    async def work(desk: Desk) -> None:
        before = None
        while True:
            page = await see_platform_purchases(
                desk.platform, desk.tenants, status, before=before, limit=PURCHASES_AT_ONCE
            )
            for purchase in page.purchases:
                say(
                    f"{page.tenants[purchase.tenant_id]}  {purchase.number}  {purchase.status:<9}  {purchase.amount}  "
                    f"{purchase.total.with_currency}  {purchase.ordered_at:%Y-%m-%dT%H:%MZ}  "
                    f"{page.names.orderer(purchase)}  {purchase.note or '-'}"
                )
            if len(page.purchases) < PURCHASES_AT_ONCE:
                return
            before = page.purchases[-1].purchase_id

    at_desk(data_dir, work)


@commands.command("confirm")
def confirm_command(
    tenant: TenantName, number: Number, note: Note = None, key: Key = None, data_dir: DataDir = None
) -> None:
    """The order is paid: its credits come into the tenant's pool, once."""

    async def work(desk: Desk) -> None:
        found = await find_tenant(desk.platform, tenant)
        purchase = await purchase_numbered(desk.tenants, found.tenant_id, number)
        asked = (await operator(desk)).under(key, "purchases confirm", str(purchase.purchase_id), note or "")
        paid = (await confirm(desk, asked, found.tenant_id, purchase.purchase_id, note=note)).answer
        say(f"Order {paid.number} of {found.name} is paid: {paid.amount} credits are in its pool.")

    at_desk(data_dir, work)


@commands.command("cancel")
def cancel_command(
    tenant: TenantName, number: Number, note: Note = None, key: Key = None, data_dir: DataDir = None
) -> None:
    """The order will not be paid: it ends without credits."""

    async def work(desk: Desk) -> None:
        found = await find_tenant(desk.platform, tenant)
        purchase = await purchase_numbered(desk.tenants, found.tenant_id, number)
        asked = (await operator(desk)).under(key, "purchases cancel", str(purchase.purchase_id), note or "")
        ended = (await cancel(desk, asked, found.tenant_id, purchase.purchase_id, note=note)).answer
        say(f"Order {ended.number} of {found.name} is cancelled.")

    at_desk(data_dir, work)
