"""The `bursar` command: each group of commands is in the file of its name; errors are a plain sentence and a hint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bursar import __version__
from bursar.actions.platform import create_super_admin, has_super_admin
from bursar.cli.contract import contract_text
from bursar.cli.serving import address_of, listening, run, serve
from bursar.cli.speech import plainly, say
from bursar.cli.super_admin import first_super_admin
from bursar.compose import Ground, Office, desk_open, prepared
from bursar.config import Settings, read_settings
from bursar.outside.logs import configure_logs

cli = typer.Typer(
    name="bursar", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Bursar: an organisation's AI-credit office.",
)  # fmt: skip

Host = Annotated[str | None, typer.Option(help="Address to listen on (BURSAR_HOST; 127.0.0.1).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on (BURSAR_PORT; 8000).")]
DataDir = Annotated[Path | None, typer.Option(help="Folder of data and secret key (BURSAR_DATA_DIR).")]


@cli.command("serve")
def serve_command(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serves console, API and gateway until Ctrl-C."""
    with plainly():
        settings = read_settings(host=host, port=port, data_dir=data_dir)
        configure_logs(log_format=settings.log_format, level=settings.log_level)
        with listening(settings) as listener, prepared(settings) as ground:
            is_new = not run(_has_super_admin(settings, ground))
            first = first_super_admin(settings) if is_new else None

            async def prepare(office: Office) -> None:
                if first is not None:
                    await create_super_admin(office.desk, first)

            def announce() -> None:
                say(f"Bursar {__version__} is at {address_of(listener)}  (Ctrl-C stops it)")
                if ground.is_joined:
                    say("It has joined the database of another Bursar that is running in the same data folder.")

            run(serve(settings, ground, listener, prepare=prepare, announce=announce))


async def _has_super_admin(settings: Settings, ground: Ground) -> bool:
    async with desk_open(settings, ground) as desk:
        return await has_super_admin(desk)


@cli.command("openapi")
def openapi_command() -> None:
    """Prints the API's contract; openapi.json in the repository is this."""
    say(contract_text().rstrip("\n"))


@cli.command("version")
def version_command() -> None:
    """Prints the version."""
    say(__version__)


def main() -> None:
    """The command line's entry."""
    cli()
