"""`bursar tenants`: the organisations of this installation."""

from __future__ import annotations

import getpass
import os
import sys
from typing import Annotated

import typer

from bursar.actions.desk import Desk
from bursar.actions.grants import grant
from bursar.actions.platform import operator
from bursar.actions.tenants import CyclePlan, NewTenant, create_tenant, resume_tenant, suspend_tenant
from bursar.actions.totals import NewTotal, set_total
from bursar.cli.desk import DataDir, Key, Note, at_desk
from bursar.cli.speech import plainly, say
from bursar.config import CannotStart
from bursar.domain.credits import ZERO, decimal_text, parse_level, parse_typed
from bursar.domain.ids import public_id
from bursar.domain.people import NewPerson
from bursar.domain.settings import PROPOSED_CREDIT_FACTOR
from bursar.reports.lookup import find_tenant
from bursar.reports.pool import see_tenant_figures
from bursar.reports.tenants import see_tenants

PASSWORD_VARIABLE = "BURSAR_TENANT_ADMIN_PASSWORD"  # noqa: S105  a variable's name, not a secret
TENANTS_AT_ONCE = 200

TenantName = Annotated[str, typer.Argument(help="The tenant's name or id.")]

commands = typer.Typer(help="The organisations of this installation.", no_args_is_help=True)


@commands.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="What the organisation is called.")],
    admin: Annotated[str, typer.Option(help="Username of its tenant admin.")],
    admin_name: Annotated[
        str | None, typer.Option(help="The tenant admin's display name; the username if unset.")
    ] = None,
    admin_email: Annotated[str | None, typer.Option(help="The tenant admin's email address.")] = None,
    cadence: Annotated[str, typer.Option(help="How long its cycles last.")] = "calendar_month",
    time_zone: Annotated[str, typer.Option(help="Where its days begin.")] = "UTC",
    credits_per_cycle: Annotated[str, typer.Option(help="What each cycle has to spend.")] = "0.00",
    credit_factor: Annotated[
        str, typer.Option(help="Credits per US dollar of what a call costs; 0 charges nothing for calls.")
    ] = PROPOSED_CREDIT_FACTOR,
    data_dir: DataDir = None,
) -> None:
    """Creates a tenant and its tenant admin; the password is asked for, or taken from BURSAR_TENANT_ADMIN_PASSWORD."""
    with plainly():
        person = NewPerson(admin, admin_name or admin, admin_email, _password())
        per_cycle = parse_level(credits_per_cycle, field="credits_per_cycle")
        factor = parse_level(credit_factor, field="credit_factor")
    new = NewTenant(name, person, CyclePlan(cadence, time_zone, per_cycle), factor)

    async def work(desk: Desk) -> None:
        tenant = (await create_tenant(desk, await operator(desk), new)).answer.tenant
        say(f"{public_id('tenant', tenant.tenant_id)}  {tenant.name}")
        is_tracked = factor > ZERO
        say(f"Calls charge {factor} credits per US dollar." if is_tracked else "Calls are recorded and charge nothing.")

    at_desk(data_dir, work)


@commands.command("list")
def list_command(data_dir: DataDir = None) -> None:
    """Lists the tenants in the order they were made."""

    async def work(desk: Desk) -> None:
        after = None
        while True:
            page = (await see_tenants(desk.platform, after=after, limit=TENANTS_AT_ONCE)).tenants
            for tenant in page:
                say(f"{public_id('tenant', tenant.tenant_id)}  {tenant.status:<9}  {tenant.name}")
            if len(page) < TENANTS_AT_ONCE:
                return
            after = page[-1].tenant_id

    at_desk(data_dir, work)


@commands.command("suspend")
def suspend_command(tenant: TenantName, note: Note = None, data_dir: DataDir = None) -> None:
    """Stops everybody of a tenant at once: sign-ins, sessions and keys. What it has stays."""

    async def work(desk: Desk) -> None:
        found = await find_tenant(desk.platform, tenant)
        await suspend_tenant(desk, await operator(desk), found.tenant_id, note=note)
        say(f"{found.name} is suspended.")

    at_desk(data_dir, work)


@commands.command("resume")
def resume_command(tenant: TenantName, note: Note = None, data_dir: DataDir = None) -> None:
    """Lets everybody of a suspended tenant go on."""

    async def work(desk: Desk) -> None:
        found = await find_tenant(desk.platform, tenant)
        await resume_tenant(desk, await operator(desk), found.tenant_id, note=note)
        say(f"{found.name} is active.")

    at_desk(data_dir, work)


@commands.command("set-total")
def set_total_command(
    tenant: TenantName,
    total: Annotated[str, typer.Argument(help="Credits granted in all, such as 500 or 12.50.")],
    note: Note = None,
    data_dir: DataDir = None,
) -> None:
    """Sets what a tenant has been granted in all; the difference comes into its pool, or leaves it."""

    async def work(desk: Desk) -> None:
        found = await find_tenant(desk.platform, tenant)
        level = parse_level(total, field="total")
        seen = (await see_tenant_figures(desk.tenants, found.tenant_id, desk.clock.of_ledger)).granted
        done = await set_total(desk, await operator(desk), found.tenant_id, NewTotal(level, seen, note))
        say(f"{found.name} has a total of {done.answer.after}, before {done.answer.before}.")

    at_desk(data_dir, work)


@commands.command("grant")
def grant_command(
    tenant: TenantName,
    amount: Annotated[str, typer.Argument(help="Credits, such as 500 or 12.50.")],
    note: Note = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Gives credits to a tenant's pool."""

    async def work(desk: Desk) -> None:
        found = await find_tenant(desk.platform, tenant)
        given = parse_typed(amount, field="amount")
        granted = await grant(desk, (await operator(desk)).under(key), found.tenant_id, given, note=note)
        say(f"{found.name} has {decimal_text(granted.answer.target_after_micro)} in its pool.")

    at_desk(data_dir, work)


def _password() -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        raise CannotStart("There is no terminal to ask for the password.", hint=f"set {PASSWORD_VARIABLE}")
    return getpass.getpass("Password of the tenant admin (8 characters or more): ")
