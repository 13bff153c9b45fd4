"""`bursar routes`: which providers a model's name leads to."""

from __future__ import annotations

from typing import Annotated

import typer

from bursar.actions.desk import Desk
from bursar.actions.model_routes import remove_route, set_route
from bursar.actions.platform import operator
from bursar.cli.desk import DataDir, Note, at_desk
from bursar.cli.speech import say
from bursar.domain.routing import ROUTES_MAX, Route, Target
from bursar.reports.providers import see_routes

commands = typer.Typer(help="Which providers a model's name leads to.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The model's name, as clients say it.")]
Targets = Annotated[
    list[str],
    typer.Argument(help="Where it leads, the first choice first, each as provider/model, such as openai/gpt-4o."),
]


@commands.command("list")
def list_command(data_dir: DataDir = None) -> None:
    """Lists the routes by name."""

    async def work(desk: Desk) -> None:
        page = await see_routes(desk.platform, after=None, limit=ROUTES_MAX)
        for configured in page.routes:
            route = configured.route
            say(f"{route.name:<32}  {', '.join(f'{one.provider}/{one.model}' for one in route.targets)}")

    at_desk(data_dir, work)


@commands.command("set")
def set_command(name: Name, targets: Targets, note: Note = None, data_dir: DataDir = None) -> None:
    """Says where a name leads from now on."""
    parts = [target.partition("/") for target in targets]
    if not all(slash for _, slash, _ in parts):
        raise typer.BadParameter("A target looks like provider/model.")
    route = Route(name, tuple(Target(provider, model) for provider, _, model in parts), note)

    async def work(desk: Desk) -> None:
        await set_route(desk, await operator(desk), route)
        say(f"{name} leads to {', '.join(targets)}.")

    at_desk(data_dir, work)


@commands.command("remove")
def remove_command(name: Name, data_dir: DataDir = None) -> None:
    """Takes a route away; the name leads where it would without one."""

    async def work(desk: Desk) -> None:
        await remove_route(desk, await operator(desk), name)
        say(f"Removed the route {name}.")

    at_desk(data_dir, work)
