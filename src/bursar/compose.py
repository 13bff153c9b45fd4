"""The only wiring: settings become a database, a desk, the three applications and the worker; and end in reverse order.

`prepared` is synchronous and stands on the ground: data folder, secret key, PostgreSQL, roles, migrations. `office`
opens what lives in an event loop on top of it. Serve, demo and every command go through both.
"""

from __future__ import annotations

import asyncio
import binascii
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bursar.actions.call_desk import CallDesk, call_desk
from bursar.actions.desk import Correspondence, Desk, Outbound, SessionLimits
from bursar.config import CannotStart, Settings, check_mail_is_whole
from bursar.db.embedded import EmbeddedFault, running
from bursar.db.engine import Database
from bursar.db.faults import DatabaseFault
from bursar.db.migrate import migrate
from bursar.db.outages import ServerUnusable, check_server
from bursar.db.partitions import ensure_journal_partitions
from bursar.db.roles import Endpoints, provision
from bursar.ledger import Lanes
from bursar.outside.clock import Clock, SystemClock
from bursar.outside.mail import Mailer, parse_sender, parse_smtp_url
from bursar.outside.metrics import Metrics
from bursar.outside.payments import Invoice
from bursar.outside.prometheus import Exposition
from bursar.outside.secrets import Passwords, derive_key, load_or_make_secret_key
from bursar.outside.tracing import NO_TRACING, Tracing, TracingUnavailable, tracing_to
from bursar.worker.alerts import LowWatch
from bursar.worker.allocation_batches import work_on_batches
from bursar.worker.answers import forget_old_answers
from bursar.worker.attempts import forget_old_attempts
from bursar.worker.cycles import end_due_cycles
from bursar.worker.holds import expire_holds
from bursar.worker.notifications import clear_notifications
from bursar.worker.outbox import tell_what_happened
from bursar.worker.provider_jobs import poll_jobs
from bursar.worker.refusals import forget_old_refusals
from bursar.worker.schedule import Duty
from bursar.worker.sessions import clear_sessions
from bursar.worker.supervisor import Supervisor
from bursar.worker.usage import add_up_usage

if TYPE_CHECKING:
    from bursar.api.front import Application
    from bursar.gateway.gate import Gate
    from bursar.gateway.limits import CallLimits
    from bursar.gateway.room import Room

log = structlog.get_logger(__name__)

CONSOLE_FOLDER = Path(__file__).parent / "_console"
PLATFORM_POOL_SIZE = 4
"""Signing in and looking up sessions; everything else goes through the tenants' pool."""


SESSION_SWEEP_SECONDS = 600.0
ATTEMPTS_SWEEP_SECONDS = 60.0
REFUSALS_SWEEP_SECONDS = 6 * 3600.0
ANSWERS_SWEEP_SECONDS = 3600.0
NOTIFICATIONS_SWEEP_SECONDS = 6 * 3600.0
JOURNAL_MONTHS_SECONDS = 24 * 3600.0
"""Months are made three ahead, so a day more or less does not matter; a server may run for years without a restart."""


@dataclass(frozen=True)
class Ground:
    """A database that is there, migrated, with roles to sign in as."""

    admin_url: str
    endpoints: Endpoints
    secret_key: bytes = field(repr=False)
    is_joined: bool


@contextmanager
def database_reached(settings: Settings) -> Iterator[tuple[str, bool]]:
    """The owner's URL of a running PostgreSQL, and whether another Bursar runs it. Raises `CannotStart`."""
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        try:
            check_server(url)
        except ServerUnusable as fault:
            raise CannotStart(fault.sentence, hint=fault.hint) from None
        yield url, False
        return
    make_data_dir(settings.data_dir)
    try:
        with running(settings.data_dir, binaries=settings.postgres_bin) as server:
            yield server.admin_url, not server.is_owner
    except EmbeddedFault as fault:
        raise CannotStart(fault.sentence, hint=fault.hint) from fault


@contextmanager
def prepared(settings: Settings) -> Iterator[Ground]:
    """Everything the office stands on. Raises `CannotStart` with a sentence for the operator."""
    with database_reached(settings) as (admin_url, is_joined):
        secret_key = secret_key_of(settings)
        with told_plainly():
            endpoints = provision(admin_url, derive_key(secret_key, purpose="database roles"))
            migrate(admin_url)
        months = ensure_journal_partitions(admin_url)
        # Making them is routine; that some could not be made is what an operator may want to know.
        tell = log.warning if months.put_off else log.debug
        tell("journal partitions", outcome=str(months))
        yield Ground(admin_url, endpoints, secret_key, is_joined)


@contextmanager
def told_plainly() -> Iterator[None]:
    """What the database layer says to an operator, as `CannotStart`."""
    try:
        yield
    except DatabaseFault as fault:
        raise CannotStart(fault.sentence, hint=fault.hint) from fault


def make_data_dir(folder: Path) -> None:
    """Makes the data folder unless it is there. Raises `CannotStart` where that cannot be."""
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CannotStart(
            f"The data folder {folder} cannot be written to: {error.strerror or error}.",
            hint="choose another with --data-dir or BURSAR_DATA_DIR",
        ) from error


def secret_key_of(settings: Settings) -> bytes:
    """The office's key: the one it was given, else the one in the data folder, made on first start."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    make_data_dir(settings.data_dir)
    try:
        return load_or_make_secret_key(settings.data_dir)
    except (OSError, binascii.Error, UnicodeDecodeError) as error:
        raise CannotStart(
            f"The secret key in {settings.data_dir} cannot be used: {error}.",
            hint="restore secret.key from a backup, or set BURSAR_SECRET_KEY",
        ) from error


@dataclass(frozen=True)
class Office:
    """A running Bursar without its socket."""

    desk: Desk
    application: Application
    worker: Supervisor
    calls: CallDesk


@asynccontextmanager
async def desk_open(
    settings: Settings, ground: Ground, *, clock: Clock | None = None, passwords: Passwords | None = None
) -> AsyncIterator[Desk]:
    """The connections, ready for actions; closed when the block ends."""
    clock = clock or SystemClock()
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        tenants = await Database.open(ground.endpoints.app_url, application_name="bursar", size=settings.pool_size_max)
        stack.push_async_callback(tenants.close)
        platform = await Database.open(
            ground.endpoints.platform_url, application_name="bursar platform", size=PLATFORM_POOL_SIZE
        )
        stack.push_async_callback(platform.close)
        lanes = Lanes(
            tenants,
            clock.of_ledger,
            posters=settings.ledger_posters,
            tenants_per_round=settings.ledger_tenants_per_round,
            watch=metrics.round_posted,
        )
        await lanes.open()
        stack.push_async_callback(lanes.close)
        tracing = tracing_of(settings)
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        yield Desk(
            tenants=tenants,
            platform=platform,
            lanes=lanes,
            clock=clock,
            passwords=passwords or Passwords(),
            secret_key=ground.secret_key,
            session_limits=SessionLimits(
                idle=timedelta(minutes=settings.session_idle_minutes),
                absolute=timedelta(hours=settings.session_absolute_hours),
            ),
            correspondence=Correspondence(
                site=settings.public_url,
                mailer=mailer_of(settings),
                invitation_life=timedelta(days=settings.invitation_days),
            ),
            payments=Invoice(),
            outbound=Outbound(variables=os.environ, proxy=proxy_of(settings)),
            metrics=metrics,
            tracing=tracing,
        )


def tracing_of(settings: Settings) -> Tracing:
    """The way to the collector of traces, where there is one. Raises `CannotStart` where its packages are missing."""
    if not settings.collects_traces:
        return NO_TRACING
    try:
        return tracing_to(settings.otel_endpoint, tells_providers=settings.otel_tells_providers)
    except TracingUnavailable as fault:
        raise CannotStart(
            f"Traces are to be collected, but {fault}.",
            hint="pip install 'bursar[otel]', or unset BURSAR_OTEL_ENDPOINT",
        ) from fault


def proxy_of(settings: Settings) -> str | None:
    """The proxy to providers of models, where one is set up."""
    return None if settings.provider_proxy is None else settings.provider_proxy.get_secret_value()


def mailer_of(settings: Settings) -> Mailer | None:
    """The way to the mail server, where one is set up. Raises `CannotStart` where only half of it is."""
    check_mail_is_whole(settings)
    if settings.smtp_url is None or settings.mail_from is None:
        return None
    return Mailer(
        parse_smtp_url(settings.smtp_url.get_secret_value()),
        parse_sender(settings.mail_from),
        timeout_seconds=settings.smtp_timeout_seconds,
    )


@asynccontextmanager
async def office(
    settings: Settings, ground: Ground, *, clock: Clock | None = None, passwords: Passwords | None = None
) -> AsyncIterator[Office]:
    """A whole Bursar at work; on leaving, the worker stops first and the connections close last."""
    # Here, because a command that only needs the desk would spend most of its time on importing the API.
    from bursar.actions.playground import playground_open
    from bursar.api.app import serve_api
    from bursar.api.console import Console
    from bursar.api.front import FrontDoor
    from bursar.api.looking import levels, readiness
    from bursar.api.probes import Probed
    from bursar.gateway.app import serve_gateway
    from bursar.gateway.limits import CallLimits
    from bursar.gateway.room import Room

    room = Room(calls_max=settings.gateway_calls_max, bytes_max=settings.gateway_bodies_max_bytes)
    async with (
        desk_open(settings, ground, clock=clock, passwords=passwords) as desk,
        call_desk(desk, hold_seconds=settings.gateway_hold_seconds) as calls,
        playground_open(calls, limits := CallLimits(desk.clock), room) as playground,
    ):
        worker = Supervisor(duties(settings, calls, ground), desk.metrics)
        checks = readiness(desk, admin_url=ground.admin_url, failing=worker.failing)
        probed = Probed(checks, Exposition(desk.metrics), levels(desk))
        front = FrontDoor(
            gateway=serve_gateway(gate_of(settings, calls, limits, room)),
            api=serve_api(
                desk,
                playground,
                probed=probed,
                body_max_bytes=settings.body_max_bytes,
                key_requests_per_minute=settings.key_requests_per_minute,
            ),
            console=Console(CONSOLE_FOLDER),
            metrics=desk.metrics,
            tracing=desk.tracing,
        )
        async with worker.running():
            yield Office(desk, front, worker, calls)


def gate_of(settings: Settings, calls: CallDesk, limits: CallLimits, room: Room) -> Gate:
    """What the gateway works with."""
    from bursar.gateway.gate import Gate
    from bursar.gateway.receiving import BodyBounds

    return Gate(
        calls=calls,
        limits=limits,
        room=room,
        bounds=BodyBounds(settings.gateway_body_max_bytes, settings.gateway_body_seconds),
        send_seconds_max=settings.gateway_send_seconds,
        site=settings.public_url,
    )


def duties(settings: Settings, calls: CallDesk, ground: Ground) -> Sequence[Duty]:
    """What the clock asks of this office."""
    desk = calls.desk

    async def make_months() -> int:
        months = await asyncio.to_thread(ensure_journal_partitions, ground.admin_url)
        return len(months.created)

    low_watch = LowWatch(desk)
    return (
        Duty(
            name="cycles",
            interval_seconds=settings.cycle_sweep_seconds,
            sentence="End the cycles of tenants that nobody is using.",
            work=lambda: end_due_cycles(desk),
        ),
        Duty(
            name="holds",
            interval_seconds=settings.hold_sweep_seconds,
            sentence="End holds that are past their deadline.",
            work=lambda: expire_holds(desk),
        ),
        Duty(
            name="allocation batches",
            interval_seconds=settings.batch_sweep_seconds,
            sentence="Work off batches of allocations.",
            work=lambda: work_on_batches(desk),
            wake=desk.batches_waiting,
        ),
        Duty(
            name="provider jobs",
            interval_seconds=settings.task_sweep_seconds,
            sentence="Ask after the jobs that providers work on.",
            work=lambda: poll_jobs(desk, calls.catalogues.provider),
        ),
        Duty(
            name="usage",
            interval_seconds=settings.usage_sweep_seconds,
            sentence="Add calls to the figures of their day.",
            work=lambda: add_up_usage(desk),
        ),
        *_forgetting(desk),
        Duty(
            name="outbox",
            interval_seconds=settings.outbox_sweep_seconds,
            sentence="Tell people what happened.",
            work=lambda: tell_what_happened(desk),
        ),
        Duty(
            name="alerts",
            interval_seconds=settings.alert_sweep_seconds,
            sentence="Notice pools and balances that are low.",
            work=low_watch.look,
        ),
        Duty(
            name="notifications",
            interval_seconds=NOTIFICATIONS_SWEEP_SECONDS,
            sentence="Clear away notifications that are too old.",
            work=lambda: clear_notifications(desk),
        ),
        Duty(
            name="journal months",
            interval_seconds=JOURNAL_MONTHS_SECONDS,
            sentence="Make the journal's months before they begin.",
            work=make_months,
        ),
    )


def _forgetting(desk: Desk) -> Sequence[Duty]:
    """What is over and only takes room."""
    return (
        Duty(
            name="sessions",
            interval_seconds=SESSION_SWEEP_SECONDS,
            sentence="Clear away sign-ins that ended long ago.",
            work=lambda: clear_sessions(desk),
        ),
        Duty(
            name="sign-in attempts",
            interval_seconds=ATTEMPTS_SWEEP_SECONDS,
            sentence="Forget attempts to sign in that count no more.",
            work=lambda: forget_old_attempts(desk),
        ),
        Duty(
            name="refusals",
            interval_seconds=REFUSALS_SWEEP_SECONDS,
            sentence="Forget refusals that are remembered no longer.",
            work=lambda: forget_old_refusals(desk),
        ),
        Duty(
            name="answers",
            interval_seconds=ANSWERS_SWEEP_SECONDS,
            sentence="Forget answers that are too old to be asked for again.",
            work=lambda: forget_old_answers(desk),
        ),
    )
