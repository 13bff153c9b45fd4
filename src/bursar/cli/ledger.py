"""`bursar ledger`: moving credits from the command line, through the same actions as everyone."""

from __future__ import annotations

from typing import Annotated

import typer

from bursar.actions.allocations import Handing, Holder, allocate, reclaim
from bursar.actions.desk import Desk
from bursar.actions.holds import NewHold, open_hold, settle_hold, void_hold
from bursar.actions.platform import operator
from bursar.cli.desk import DataDir, Key, Note, at_desk
from bursar.cli.speech import say
from bursar.domain.credits import decimal_text, parse_metered, parse_typed
from bursar.domain.ids import parse_public_id, public_id
from bursar.ledger import HoldClosed
from bursar.reports.lookup import find_member_named

commands = typer.Typer(help="Move credits.", no_args_is_help=True)

HOLD_SECONDS = 1200

MemberName = Annotated[str, typer.Argument(help="Username or email address of the member.")]
Amount = Annotated[str, typer.Argument(help="Credits, such as 500 or 12.50.")]
HoldId = Annotated[str, typer.Argument(help="The hold's id, as `bursar ledger hold` printed it.")]
Cost = Annotated[str, typer.Argument(help="Credits that the call really cost.")]
Seconds = Annotated[int, typer.Option(help="Seconds until the hold expires.")]


@commands.command("allocate")
def allocate_command(
    member: MemberName, amount: Amount, note: Note = None, key: Key = None, data_dir: DataDir = None
) -> None:
    """Gives pool credits to a member."""

    async def work(desk: Desk) -> None:
        found = await find_member_named(desk.platform, member)
        handing = Handing(Holder("member", found.member_id), parse_typed(amount, field="amount"), note)
        answer = (await allocate(desk, (await operator(desk)).under(key), found.tenant_id, handing)).answer
        say(
            f"{public_id('transfer', answer.transfer_id)}  pool {decimal_text(answer.source_after_micro)}, "
            f"{member} {decimal_text(answer.target_after_micro)}"
        )

    at_desk(data_dir, work)


@commands.command("reclaim")
def reclaim_command(
    member: MemberName, amount: Amount, note: Note = None, key: Key = None, data_dir: DataDir = None
) -> None:
    """Takes unused credits of a member back to the pool."""

    async def work(desk: Desk) -> None:
        found = await find_member_named(desk.platform, member)
        handing = Handing(Holder("member", found.member_id), parse_typed(amount, field="amount"), note)
        answer = (await reclaim(desk, (await operator(desk)).under(key), found.tenant_id, handing)).answer
        say(
            f"{public_id('transfer', answer.transfer_id)}  {member} {decimal_text(answer.source_after_micro)}, "
            f"pool {decimal_text(answer.target_after_micro)}"
        )

    at_desk(data_dir, work)


@commands.command("hold")
def hold_command(
    member: MemberName, amount: Amount, seconds: Seconds = HOLD_SECONDS, key: Key = None, data_dir: DataDir = None
) -> None:
    """Sets credits of a member aside for a call; prints the hold's id."""

    async def work(desk: Desk) -> None:
        found = await find_member_named(desk.platform, member)
        wanted = NewHold(found.member_id, parse_metered(amount, field="amount"), seconds)
        answer = (await open_hold(desk, (await operator(desk)).under(key), found.tenant_id, wanted)).answer
        say(f"{public_id('hold', answer.hold_id)}  open, {decimal_text(answer.held.amount_micro)} held")

    at_desk(data_dir, work)


@commands.command("settle")
def settle_command(member: MemberName, hold: HoldId, cost: Cost, data_dir: DataDir = None) -> None:
    """Charges a hold's true cost."""

    async def work(desk: Desk) -> None:
        found = await find_member_named(desk.platform, member)
        hold_id = parse_public_id("hold", hold, field="hold")
        charged = parse_metered(cost, field="cost")
        settled = (await settle_hold(desk, await operator(desk), found.tenant_id, hold_id, charged)).answer
        _say_closed(settled.closed)

    at_desk(data_dir, work)


@commands.command("void")
def void_command(member: MemberName, hold: HoldId, data_dir: DataDir = None) -> None:
    """Gives all of a hold back."""

    async def work(desk: Desk) -> None:
        found = await find_member_named(desk.platform, member)
        hold_id = parse_public_id("hold", hold, field="hold")
        _say_closed((await void_hold(desk, await operator(desk), found.tenant_id, hold_id)).answer)

    at_desk(data_dir, work)


def _say_closed(answer: HoldClosed) -> None:
    overrun = f", {decimal_text(answer.overrun_micro)} above the hold" if answer.overrun_micro else ""
    say(f"{public_id('hold', answer.hold_id)}  {answer.state}, {decimal_text(answer.charged_micro)} charged{overrun}")
