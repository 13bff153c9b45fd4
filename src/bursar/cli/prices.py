"""`bursar prices`: what models cost, setting it by hand, and taking over what the installed public list says."""

from __future__ import annotations

from typing import Annotated

import typer

from bursar.actions.desk import Desk
from bursar.actions.platform import operator
from bursar.actions.prices import Difference, NewPrice, Refresh, refresh_prices, set_price, withdraw_price
from bursar.cli.desk import DataDir, Note, at_desk
from bursar.cli.speech import say
from bursar.domain.ids import public_id
from bursar.domain.price_changes import PriceChange, RateChange, percent_text
from bursar.domain.prices import BUCKETS, HAND, Band, Bucket, ModelTerms, Price, Service, parse_rate, rate_text
from bursar.domain.refusals import Refusal
from bursar.reports.prices import see_prices
from bursar.store.prices import PriceFilter

commands = typer.Typer(help="What models cost.", no_args_is_help=True)

PRICES_AT_ONCE = 500

Provider = Annotated[str | None, typer.Option(help="Only this provider.")]


@commands.command("list")
def list_command(
    provider: Provider = None,
    overridden: Annotated[bool, typer.Option(help="Only prices that were set by hand.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Lists the prices in force: provider, model, input and output in US dollars for a million tokens."""

    async def work(desk: Desk) -> None:
        for price in await _prices(desk, PriceFilter([provider] if provider else None, only_overridden=overridden)):
            mark = "  set by hand" if price.origin == HAND else ""
            say(f"{price.provider:<14}  {price.model:<48}  {_usual(price)}{mark}")

    at_desk(data_dir, work)


@commands.command("show")
def show_command(
    model: Annotated[str, typer.Argument(help="A model's id, or a part of it.")],
    provider: Provider = None,
    data_dir: DataDir = None,
) -> None:
    """Shows all rates of the models with this in their id or label."""

    async def work(desk: Desk) -> None:
        found = await _prices(desk, PriceFilter([provider] if provider else None, model))
        if not found:
            raise Refusal("price_unknown", f"There is no price for {model!r}.", field="model")
        # The id in full means the model itself; a part of one means all that have it.
        for price in [one for one in found if one.model == model] or found:
            _show(price)

    at_desk(data_dir, work)


@commands.command("set")
def set_command(
    provider: Annotated[str, typer.Argument(help="Under which provider of the price list.")],
    model: Annotated[str, typer.Argument(help="The model's id.")],
    rate: Annotated[
        list[str],
        typer.Option(help="What, and US dollars for what it is published for, such as input=2.50; can be repeated."),
    ],
    note: Note = None,
    data_dir: DataDir = None,
) -> None:
    """Sets the price of a model by hand from now on, for every size of input; it counts before the public list."""
    rates: dict[Bucket, int] = {}
    for text in rate:
        name, equals, dollars = text.partition("=")
        if not equals or name not in list(Bucket):
            raise typer.BadParameter(f"A rate looks like input=2.50; there are {', '.join(Bucket)}.")
        rates[Bucket(name)] = parse_rate(Bucket(name), dollars, field=name)
    new = NewPrice(provider, model, ModelTerms((Band(Service.STANDARD, 0, rates),)), None, note)

    async def work(desk: Desk) -> None:
        _show((await set_price(desk, await operator(desk), new)).answer)

    at_desk(data_dir, work)


@commands.command("withdraw")
def withdraw_command(
    provider: Annotated[str, typer.Argument(help="The provider of the price list.")],
    model: Annotated[str, typer.Argument(help="The model's id.")],
    note: Note = None,
    data_dir: DataDir = None,
) -> None:
    """Ends what was set by hand for a model; the public list's price counts again, if there is one."""

    async def work(desk: Desk) -> None:
        found = await _prices(desk, PriceFilter([provider], model, only_overridden=True))
        named = [price for price in found if price.model.lower() == model.lower()]
        if not named:
            raise Refusal("price_unknown", f"No price of {provider} / {model} was set by hand.", field="model")
        await withdraw_price(desk, await operator(desk), named[0].price_id, note=note)
        say(f"Withdrew what was set by hand for {provider} / {named[0].model}.")

    at_desk(data_dir, work)


@commands.command("refresh")
def refresh_command(
    apply: Annotated[bool, typer.Option("--apply", help="Save the difference, too.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Shows what differs between the installed public list and the prices in force; with --apply it is saved."""

    async def work(desk: Desk) -> None:
        asked = await operator(desk)
        found = (await refresh_prices(desk, asked, Refresh(is_trial=True, difference=None))).answer
        _tell(found)
        if apply and found.total:
            await refresh_prices(desk, asked, Refresh(is_trial=False, difference=found.name))
            say("Saved.")
        elif found.total:
            say("Nothing was saved; --apply saves it.")

    at_desk(data_dir, work)


async def _prices(desk: Desk, wanted: PriceFilter) -> list[Price]:
    """All of them, page by page, at one moment."""
    at, found = desk.clock.now(), list[Price]()
    while True:
        after = (found[-1].provider, found[-1].model) if found else None
        page = await see_prices(desk.tenants, wanted, at=at, after=after, limit=PRICES_AT_ONCE)
        found += page.prices
        if len(page.prices) < PRICES_AT_ONCE:
            return found


def _usual(price: Price) -> str:
    rates = price.terms.bands[0].rates
    return " ".join(
        f"{rate_text(bucket, rates[bucket]) if bucket in rates else '-':>10}"
        for bucket in (Bucket.INPUT, Bucket.OUTPUT)
    )


def _show(price: Price) -> None:
    say(f"{price.provider} / {price.model}  ({public_id('price', price.price_id)})")
    say(f"  {price.source}, from {price.effective_from:%Y-%m-%d %H:%M} UTC")
    for band in price.terms.bands:
        say(f"  {_place(band.service, band.above_input_tokens) or 'standard'}")
        for bucket, rate in band.rates.items():
            say(f"    {bucket:<18} {rate_text(bucket, rate):>12} USD for {BUCKETS[bucket].measure.published_for}")


def _place(service: Service, above: int) -> str:
    """Nothing for what is usual."""
    words = [] if service is Service.STANDARD else [str(service)]
    return " ".join(words + ([f"above {above} input tokens"] if above else []))


def _tell(found: Difference) -> None:
    say(
        f"{found.source}: {found.added} added, {found.changed} changed, {found.vanished} vanished"
        f" ({found.kept} kept as set by hand, {found.unpriced} models without a price left out)."
    )
    for change in found.changes:
        _tell_change(change)
    if found.total > len(found.changes):
        say(f"... and {found.total - len(found.changes)} more")


def _tell_change(change: PriceChange) -> None:
    later = "" if change.effective_from is None else f" from {change.effective_from:%Y-%m-%d}"
    kept = "  (kept as set by hand)" if change.is_kept else ""
    rates = ", ".join(_rate_change(rate) for rate in change.rates)
    other = f"  [{', '.join(change.other)}]" if change.other else ""
    say(f"{change.kind:<8}  {change.provider} / {change.model}{later}  {rates}{other}{kept}")


def _rate_change(change: RateChange) -> str:
    before, after = ("-" if rate is None else rate_text(change.bucket, rate) for rate in (change.before, change.after))
    per_cent = percent_text(change)
    return " ".join(
        word
        for word in (
            _place(change.service, change.above_input_tokens),
            str(change.bucket),
            after if change.before is None else f"{before} -> {after}",
            "" if per_cent is None else f"({per_cent} %)",
        )
        if word
    )
