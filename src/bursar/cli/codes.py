"""`bursar codes`: redemption codes of this installation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from bursar.actions.codes import CodesWanted, issue_codes, revoke_batch, revoke_code
from bursar.actions.desk import Desk
from bursar.actions.platform import operator
from bursar.cli.desk import DataDir, Key, at_desk
from bursar.cli.speech import say
from bursar.domain.codes import CodeState
from bursar.domain.credits import parse_typed
from bursar.domain.ids import PREFIXES, parse_public_id, public_id
from bursar.domain.refusals import Refusal
from bursar.reports.codes import see_codes
from bursar.store.codes import CodeFilter

CODES_AT_ONCE = 200

commands = typer.Typer(help="Redemption codes, which tenants turn into credits.", no_args_is_help=True)


@commands.command("issue")
def issue_command(
    count: Annotated[int, typer.Option(help="How many, at most 1000 at once.")],
    value: Annotated[str, typer.Option(help="Credits that each is worth, such as 500 or 12.50.")],
    expires: Annotated[
        str | None, typer.Option(help="When they end, as 2030-12-31 or 2030-12-31T18:00+01:00; UTC if it says nothing.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="What they are for; shown in the list of codes.")] = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Makes new codes and prints them, one a line. They are kept as hashes only, so this is the only time."""

    async def work(desk: Desk) -> None:
        wanted = CodesWanted(count, parse_typed(value, field="value"), _time_of(expires), note)
        words = ("codes issue", str(count), value, expires or "", note or "")
        issued = (await issue_codes(desk, (await operator(desk)).under(key, *words), wanted)).answer
        say("\n".join(code.code for code in issued.codes))

    at_desk(data_dir, work)


@commands.command("list")
def list_command(
    state: Annotated[CodeState | None, typer.Option(help="Only codes of this state.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only codes of this batch, by its id.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Lists the codes, the last issued first: id, batch, last four letters, state, value, end, tenant, note."""

    async def work(desk: Desk) -> None:
        wanted = CodeFilter(state, None if batch is None else parse_public_id("code_batch", batch, field="batch"))
        before = None
        now = desk.clock.now()
        while True:
            page = await see_codes(desk.platform, desk.tenants, wanted, now=now, before=before, limit=CODES_AT_ONCE)
            for code in page.codes:
                ends = code.life.expires_at
                tenant = "-" if code.redeemed is None else page.names.tenants[code.redeemed.tenant_id]
                say(
                    f"{public_id('code', code.code_id)}  {public_id('code_batch', code.batch.batch_id)}  "
                    f"{code.last_four}  {code.life.state(now):<8}  {code.batch.value}  "
                    f"{'-' if ends is None else f'{ends:%Y-%m-%dT%H:%MZ}'}  {tenant}  {code.batch.note or '-'}"
                )
            if len(page.codes) < CODES_AT_ONCE:
                return
            before = page.codes[-1].code_id

    at_desk(data_dir, work)


@commands.command("revoke")
def revoke_command(
    identity: Annotated[str, typer.Argument(help="The id of a code, or of a batch for all its open ones.")],
    data_dir: DataDir = None,
) -> None:
    """Takes an open code back, or all open codes of a batch."""

    async def work(desk: Desk) -> None:
        asked = await operator(desk)
        if identity.startswith(f"{PREFIXES['code_batch']}_"):
            batch_id = parse_public_id("code_batch", identity, field="identity")
            revoked = (await revoke_batch(desk, asked, batch_id)).answer
            codes = "1 code" if revoked.count == 1 else f"{revoked.count} codes"
            say(f"{codes} revoked, worth {revoked.value}.")
            return
        code = (await revoke_code(desk, asked, parse_public_id("code", identity, field="identity"))).answer
        say(f"The code ending in {code.last_four} is revoked; it was worth {code.batch.value}.")

    at_desk(data_dir, work)


def _time_of(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal("invalid_input", "A time looks like 2030-12-31 or 2030-12-31T18:00Z.", field="expires") from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
