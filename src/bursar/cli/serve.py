"""`bursar serve` and `bursar demo`: the server, until Ctrl-C."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from pathlib import Path

from bursar import __version__
from bursar.actions.platform import create_super_admin, has_super_admin
from bursar.actions.prices import fill_prices
from bursar.cli.demo_people import PASSWORD, SUPER_ADMIN, TENANT, TENANT_ADMIN
from bursar.cli.demo_seed import seed_demo
from bursar.cli.desk import DataDir, Host, Port, at_work
from bursar.cli.serving import address_of, listening, run, serve
from bursar.cli.speech import plainly, say
from bursar.cli.super_admin import first_super_admin
from bursar.compose import Ground, Office, prepared
from bursar.config import CannotStart, Settings, default_data_dir, read_settings
from bursar.domain.routing import ADD_A_PROVIDER
from bursar.outside.logs import configure_logs
from bursar.reports.providers import see_providers


def serve_command(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serves console, API and gateway until Ctrl-C. The first start asks for the super admin."""
    with plainly():
        settings = read_settings(host=host, port=port, data_dir=data_dir)

        def greet(address: str) -> None:
            say(f"Bursar {__version__} is at {address}  (Ctrl-C stops it)")

        _serve(settings, prepare=_with_super_admin, greet=greet)


def demo_command(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serves a made-up organisation to look around in; its data is kept, apart from your own."""
    with plainly():
        settings = read_settings(host=host, port=port, data_dir=data_dir)
        _check_loopback(settings.host)
        if settings.data_dir == default_data_dir():
            settings = read_settings(host=host, port=port, data_dir=default_data_dir().with_name("bursar-demo"))

        def greet(address: str) -> None:
            say(_demo_greeting(address, settings.data_dir))

        _serve(settings, prepare=_with_demo, greet=greet)


Prepare = Callable[[Settings, Ground], Callable[[Office], Awaitable[None]]]


def _serve(settings: Settings, *, prepare: Prepare, greet: Callable[[str], None]) -> None:
    configure_logs(log_format=settings.log_format, level=settings.log_level)
    with listening(settings) as listener, prepared(settings) as ground:
        before_serving = prepare(settings, ground)

        def announce() -> None:
            greet(address_of(listener))
            if ground.is_joined:
                say("It uses the database of another Bursar that runs in the same data folder, and needs it to run.")

        run(serve(settings, ground, listener, prepare=before_serving, announce=announce))


def _with_super_admin(settings: Settings, ground: Ground) -> Callable[[Office], Awaitable[None]]:
    """Asks for the super admin before anything is served, where there is none yet."""
    first = None if run(at_work(settings, ground, has_super_admin)) else first_super_admin(settings)

    async def prepare(office: Office) -> None:
        if first is not None:
            await create_super_admin(office.desk, first)
        await fill_prices(office.desk)
        if not await see_providers(office.desk.platform):
            say(
                "No provider of models is set up yet, so no model can be called. One is added so:"
                f"  {ADD_A_PROVIDER} openai --key-variable OPENAI_API_KEY"
            )

    return prepare


def _with_demo(settings: Settings, ground: Ground) -> Callable[[Office], Awaitable[None]]:
    async def prepare(office: Office) -> None:
        await seed_demo(office.desk)
        await fill_prices(office.desk)

    return prepare


def _check_loopback(host: str) -> None:
    """The demo's password is public, so nobody else may reach it. Raises `CannotStart`."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise CannotStart(
            "The demo is served on this machine only, because everybody knows its password.",
            hint="leave out --host and BURSAR_HOST, or start your own Bursar with `bursar serve`",
        )


def _demo_greeting(address: str, data_dir: Path) -> str:
    username = TENANT_ADMIN[0]
    sign_in = f'{{"name": "{username}", "password": "{PASSWORD}"}}'
    return f"""
Bursar {__version__}, DEMO: {TENANT} and everybody in it are made up. Keep nothing real here.

  open      {address}
  sign in   {username} / {PASSWORD}          tenant admin of {TENANT}
            {SUPER_ADMIN} / {PASSWORD}   super admin
  data      {data_dir}

  try       curl -s -c demo.cookies -H 'content-type: application/json' -d '{sign_in}' {address}/api/v1/session
            curl -s -b demo.cookies {address}/api/v1/pool

Ctrl-C stops it; the data stays for the next start."""
