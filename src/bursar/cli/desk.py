"""How a command gets to work: settings, database, desk; and the options that all of them share.

A command joins the database of a server that runs in the same data folder; where none runs, it starts PostgreSQL for as
long as it needs it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from bursar.actions.desk import Desk
from bursar.cli.serving import run
from bursar.cli.speech import plainly
from bursar.compose import Ground, desk_open, prepared
from bursar.config import Settings, read_settings
from bursar.outside.logs import configure_logs

Result = TypeVar("Result")

DataDir = Annotated[Path | None, typer.Option(help="Folder of data and secret key (BURSAR_DATA_DIR).")]
Host = Annotated[str | None, typer.Option(help="Address to listen on (BURSAR_HOST; 127.0.0.1).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on (BURSAR_PORT; 8000).")]
Note = Annotated[str | None, typer.Option(help="Why; shown with the transaction.")]
Key = Annotated[str | None, typer.Option(help="Idempotency key: the same command with the same key is done once.")]


def at_desk(data_dir: Path | None, work: Callable[[Desk], Awaitable[Result]]) -> Result:
    """Does the work against the database and returns its result; what goes wrong is told in a sentence."""
    with plainly():
        settings = read_settings(data_dir=data_dir)
        configure_logs(log_format=settings.log_format, level="warning")
        with prepared(settings) as ground:
            return run(at_work(settings, ground, work))


async def at_work(settings: Settings, ground: Ground, work: Callable[[Desk], Awaitable[Result]]) -> Result:
    """The work, between opening and closing the connections."""
    async with desk_open(settings, ground) as desk:
        return await work(desk)
