"""The `bursar` command: each group of commands is in the file of its name; errors are a plain sentence and a hint."""

from __future__ import annotations

import typer

from bursar import __version__
from bursar.cli import codes, database, ledger, platform, prices, providers, purchases, routes, tenants, usage
from bursar.cli.contract import contract_text
from bursar.cli.proofs import explain_command, verify_command
from bursar.cli.serve import demo_command, serve_command
from bursar.cli.speech import say

cli = typer.Typer(
    name="bursar",
    help="Bursar: an organisation's AI-credit office.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cli.command("serve")(serve_command)
cli.command("demo")(demo_command)
cli.add_typer(database.commands, name="db")
cli.add_typer(tenants.commands, name="tenants")
cli.add_typer(platform.commands, name="platform")
cli.add_typer(purchases.commands, name="purchases")
cli.add_typer(codes.commands, name="codes")
cli.add_typer(ledger.commands, name="ledger")
cli.add_typer(prices.commands, name="prices")
cli.add_typer(providers.commands, name="providers")
cli.add_typer(routes.commands, name="routes")
cli.add_typer(usage.commands, name="usage")
cli.command("verify")(verify_command)
cli.command("explain")(explain_command)


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
