"""`bursar usage`: what calls come to, added up anew."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from bursar.actions.desk import Desk
from bursar.actions.usage import add_up_some, forget_days
from bursar.cli.desk import DataDir, at_desk
from bursar.cli.speech import say
from bursar.reports.lookup import find_tenant
from bursar.reports.tenants import see_tenants

commands = typer.Typer(help="What calls come to.", no_args_is_help=True)

TENANTS_AT_ONCE = 200


@commands.command("rebuild")
def rebuild_command(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant, by name or id.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Adds up the figures of all days anew, from the calls themselves. Nothing has to be stopped for it."""

    async def work(desk: Desk) -> None:
        if tenant is not None:
            found = await find_tenant(desk.platform, tenant)
            await _rebuild(desk, found.tenant_id, found.name)
            return
        after: UUID | None = None
        while True:
            page = (await see_tenants(desk.platform, after=after, limit=TENANTS_AT_ONCE)).tenants
            for one in page:
                await _rebuild(desk, one.tenant_id, one.name)
            if len(page) < TENANTS_AT_ONCE:
                return
            after = page[-1].tenant_id

    at_desk(data_dir, work)


async def _rebuild(desk: Desk, tenant_id: UUID, name: str) -> None:
    await forget_days(desk, tenant_id)
    batches = 0
    while added := await add_up_some(desk, tenant_id):
        batches += added
    say(f"{name}: the calls of {batches} batches added up.")
