"""`bursar providers`: who runs models, and whether they answer."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from bursar.actions.connections import problem_of
from bursar.actions.desk import Desk
from bursar.actions.platform import operator
from bursar.actions.provider_tests import Outcome, run_provider_test
from bursar.actions.providers import Secrets, add_provider, change_provider, key_text, remove_provider
from bursar.cli.desk import DataDir, Note, at_desk
from bursar.cli.speech import say
from bursar.domain.providers import KEY_HEADERS, KNOWN_ADDRESSES, ConfiguredProvider, Header, ProviderSettings, Shape
from bursar.domain.refusals import Refusal
from bursar.reports.providers import see_providers

commands = typer.Typer(help="Who runs models, and how they are asked.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The provider's name, such as openai.")]
Address = Annotated[str | None, typer.Option("--base-url", help="Where it is, such as https://api.openai.com/v1.")]
KeyVariable = Annotated[
    str | None, typer.Option(help="Variable of the server's environment with the key, such as OPENAI_API_KEY.")
]
SealKey = Annotated[
    bool, typer.Option("--seal-key", help="Ask for the key, or read it from standard input, and keep it sealed.")
]
KeyHeader = Annotated[
    str | None, typer.Option(help="Header that the key goes in: authorization (as Bearer), x-api-key, api-key ...")
]
PlainHeaders = Annotated[
    list[str] | None, typer.Option("--header", help='A header for every call, as "name: value"; can be repeated.')
]
Models = Annotated[
    list[str] | None, typer.Option("--model", help="A model that it runs beside the priced ones; can be repeated.")
]
PricedAs = Annotated[
    list[str] | None, typer.Option(help="Whose prices in the price list its models have; can be repeated.")
]
Position = Annotated[int | None, typer.Option(help="Those with the lowest are asked first.")]
Enabled = Annotated[bool | None, typer.Option("--enable/--disable", help="Whether it is asked at all.")]


@commands.command("list")
def list_command(data_dir: DataDir = None) -> None:
    """Lists the providers in the order in which they are asked, and what stands in their way."""

    async def work(desk: Desk) -> None:
        found = await see_providers(desk.platform)
        for provider in found:
            settings = provider.settings
            state = "" if settings.is_enabled else "  disabled"
            problem = problem_of(desk, provider)
            say(f"{settings.position:>5}  {settings.name:<20}  {settings.shape:<9}  {settings.base_url or '-'}{state}")
            say(f"       key: {key_text(settings) or 'none'}" + ("" if problem is None else f"  ({problem})"))
        if not found:
            say("There is none yet. One is added so:  bursar providers add openai --key-variable OPENAI_API_KEY")

    at_desk(data_dir, work)


@commands.command("add")
def add_command(
    name: Name,
    shape: Annotated[Shape | None, typer.Option(help="How it is asked; known of some names.")] = None,
    base_url: Address = None,
    key_variable: KeyVariable = None,
    seal_key: SealKey = False,
    key_header: KeyHeader = None,
    header: PlainHeaders = None,
    model: Models = None,
    priced_as: PricedAs = None,
    position: Position = None,
    note: Note = None,
    data_dir: DataDir = None,
) -> None:
    """Adds a provider. Of openai, anthropic, openrouter, ollama and simulated it is known how and where they are."""
    known_shape, known_address = KNOWN_ADDRESSES.get(name, (Shape.OPENAI, None))
    chosen = shape or known_shape
    settings = ProviderSettings(
        name=name,
        shape=chosen,
        base_url=base_url or (known_address if chosen is known_shape else None),
        key_variable=key_variable,
        key_header=key_header or KEY_HEADERS[chosen],
        headers=_headers(header or ()),
        priced_as=tuple(priced_as or ()),
        models=tuple(model or ()),
        position=position or 0,
        note=note,
    )
    secrets = Secrets(_typed_key() if seal_key else None)

    async def work(desk: Desk) -> None:
        added = (await add_provider(desk, await operator(desk), settings, secrets)).answer
        say(f"Added {name}.")
        problem = problem_of(desk, added)
        if problem is not None:
            say(f"As seen from here: {problem}")

    at_desk(data_dir, work)


@commands.command("change")
def change_command(
    name: Name,
    base_url: Address = None,
    key_variable: KeyVariable = None,
    seal_key: SealKey = False,
    key_header: KeyHeader = None,
    header: PlainHeaders = None,
    model: Models = None,
    priced_as: PricedAs = None,
    position: Position = None,
    enabled: Enabled = None,
    note: Note = None,
    data_dir: DataDir = None,
) -> None:
    """Changes what is named of a provider; lists are replaced as a whole."""
    named: dict[str, Any] = {
        "base_url": base_url,
        "key_variable": key_variable,
        "key_header": key_header,
        "headers": None if header is None else _headers(header),
        "models": None if model is None else tuple(model),
        "priced_as": None if priced_as is None else tuple(priced_as),
        "position": position,
        "is_enabled": enabled,
        "note": note,
    }
    changes = {field: value for field, value in named.items() if value is not None}
    secrets = Secrets(_typed_key() if seal_key else None)

    async def work(desk: Desk) -> None:
        provider = await _named(desk, name)
        await change_provider(desk, await operator(desk), provider.provider_id, changes, secrets)
        say(f"Changed {name}.")

    at_desk(data_dir, work)


@commands.command("remove")
def remove_command(name: Name, data_dir: DataDir = None) -> None:
    """Takes a provider away, with its sealed key; its prices stay."""

    async def work(desk: Desk) -> None:
        provider = await _named(desk, name)
        await remove_provider(desk, await operator(desk), provider.provider_id)
        say(f"Removed {name}.")

    at_desk(data_dir, work)


@commands.command("test")
def try_command(name: Name, data_dir: DataDir = None) -> None:
    """Asks a provider for its list of models, and says what came back."""

    async def work(desk: Desk) -> Outcome:
        provider = await _named(desk, name)
        found = (await run_provider_test(desk, await operator(desk), provider.provider_id)).answer
        say(f"{found.sentence}  ({found.milliseconds} ms)")
        return found.outcome

    if at_desk(data_dir, work) not in (Outcome.WELL, Outcome.NO_LIST):
        raise SystemExit(1)


async def _named(desk: Desk, name: str) -> ConfiguredProvider:
    for provider in await see_providers(desk.platform):
        if provider.settings.name == name:
            return provider
    raise Refusal("provider_unknown", f"There is no provider {name}.", field="name")


def _headers(typed: list[str] | tuple[str, ...]) -> tuple[Header, ...]:
    headers = []
    for text in typed:
        name, colon, value = text.partition(":")
        if not colon:
            raise typer.BadParameter('A header looks like "name: value".')
        headers.append(Header(name.strip(), value.strip()))
    return tuple(headers)


def _typed_key() -> str:
    """The key, never as an argument: those are seen by everybody on the machine."""
    if sys.stdin.isatty():
        return str(typer.prompt("Key", hide_input=True))
    return sys.stdin.readline().strip()
