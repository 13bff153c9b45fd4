"""`bursar db`: the schema of the database."""

from __future__ import annotations

import typer

from bursar.cli.desk import DataDir
from bursar.cli.speech import plainly, say
from bursar.compose import database_reached, prepared, told_plainly
from bursar.config import read_settings
from bursar.db.migrate import current, pending
from bursar.outside.logs import configure_logs

commands = typer.Typer(help="The database's schema.", no_args_is_help=True)


@commands.command("migrate")
def migrate_command(data_dir: DataDir = None) -> None:
    """Brings the schema to this version; harmless when it is there already."""
    with plainly():
        settings = read_settings(data_dir=data_dir)
        configure_logs(log_format=settings.log_format, level="warning")
        with prepared(settings) as ground:
            say(f"The schema is at step {current(ground.admin_url)}.")


@commands.command("status")
def status_command(data_dir: DataDir = None) -> None:
    """Says at which step the schema is and what is missing; exits with 1 if something is."""
    with plainly():
        settings = read_settings(data_dir=data_dir)
        configure_logs(log_format=settings.log_format, level="warning")
        with database_reached(settings) as (admin_url, is_joined):
            with told_plainly():
                step, missing = current(admin_url), pending(admin_url)
            say(f"The schema is at step {step or 'none'}.")
            if is_joined:
                say("The database belongs to a Bursar that is running.")
            for name in missing:
                say(f"missing: {name}")
        if missing:
            raise SystemExit(1)
