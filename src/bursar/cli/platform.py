"""`bursar platform`: what the operator chooses for the whole installation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bursar.actions.desk import Desk
from bursar.actions.platform import operator
from bursar.actions.platform_settings import Selling, change_platform_settings
from bursar.cli.desk import DataDir, at_desk
from bursar.cli.speech import say
from bursar.domain.credits import Credits, parse_typed
from bursar.domain.platform_settings import PlatformSettings, UnpricedModels
from bursar.domain.refusals import Refusal
from bursar.reports.purchases import see_platform_settings

NONE = "none"

commands = typer.Typer(help="What is chosen for the whole installation.", no_args_is_help=True)


@commands.command("settings")
def settings_command(
    currency: Annotated[str | None, typer.Option(help="What credits are paid in, such as EUR.")] = None,
    credit_price: Annotated[str | None, typer.Option(help="Of the currency for one credit; 0 sells none.")] = None,
    purchase_min: Annotated[str | None, typer.Option(help="Credits of the smallest order.")] = None,
    purchase_max: Annotated[str | None, typer.Option(help='Credits of the largest order, or "none".')] = None,
    payment_instructions: Annotated[
        Path | None, typer.Option(help="A text file: what an order says about paying it. An empty one is nothing.")
    ] = None,
    unpriced_models: Annotated[
        UnpricedModels | None, typer.Option(help="What becomes of calls of models without a price.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Shows what credits cost, how orders are paid, and what becomes of models without a price; with options it changes
    what they name first.
    """

    async def work(desk: Desk) -> None:
        other: dict[str, Credits | UnpricedModels | str | None] = {}
        if purchase_min is not None:
            other["purchase_min"] = parse_typed(purchase_min, field="purchase_min")
        if purchase_max is not None:
            other["purchase_max"] = None if purchase_max == NONE else parse_typed(purchase_max, field="purchase_max")
        if payment_instructions is not None:
            other["payment_instructions"] = _text_of(payment_instructions)
        if unpriced_models is not None:
            other["unpriced_models"] = unpriced_models
        if currency is None and credit_price is None and not other:
            _show(await see_platform_settings(desk.platform))
            return
        wanted = Selling(currency, credit_price, other)
        _show((await change_platform_settings(desk, await operator(desk), wanted)).answer)

    at_desk(data_dir, work)


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal("invalid_input", f"{path} cannot be read: {error}.", field="payment_instructions") from None


def _show(settings: PlatformSettings) -> None:
    say(f"currency              {settings.credit_price.currency}")
    say(f"credit price          {settings.credit_price}{'' if settings.sells_credits else '  (none are sold)'}")
    say(f"smallest order        {settings.purchase_min}")
    say(f"largest order         {'-' if settings.purchase_max is None else settings.purchase_max}")
    say(f"models without price  {settings.unpriced_models}")
    say(f"payment instructions  {'-' if settings.payment_instructions is None else ''}")
    for line in (settings.payment_instructions or "").splitlines():
        say(f"    {line}")
