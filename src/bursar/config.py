"""Every setting of Bursar: its type, unit, default and a sentence.

A setting comes from a flag, else from the environment (`BURSAR_PORT`), else from the TOML file that `BURSAR_CONFIG`
names (`port = 8000`), else from its default. Settings are read once, here, and handed down as values: nothing below
this module looks at the environment. `compose.py` turns them into a running office.
"""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bursar.outside.mail import parse_sender, parse_smtp_url

CONFIG_VARIABLE = "BURSAR_CONFIG"
OTEL_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class CannotStart(Exception):
    """Bursar cannot do what the operator asked here: one plain sentence, and what to do about it."""

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


def default_data_dir() -> Path:
    """Where data lives unless told: /var/lib/bursar for root, the user's XDG data home for everyone else."""
    if os.geteuid() == 0:
        return Path("/var/lib/bursar")
    data_home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data_home) / "bursar"


class Settings(BaseSettings):
    """What an operator may choose. Immutable once read."""

    model_config = SettingsConfigDict(env_prefix="BURSAR_", env_ignore_empty=True, extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 or :: for every interface.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 takes any free one.")
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Addresses of the proxies in front, with commas between them, such as 127.0.0.1, 10.0.0.7; "
        "never a network that clients are in. What they forward of a client's address and of https is believed, and "
        "what nobody else does.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder of the embedded PostgreSQL, the secret key and its logs. Made on first start.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="Owner URL of a PostgreSQL 15 or newer to use instead of the embedded one; "
        "Bursar makes its own restricted roles from it.",
    )
    postgres_bin: Path | None = Field(
        None, description="Folder with initdb and postgres for the embedded server; found by itself when unset."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Key that protects sessions and the database roles' passwords, 32 characters or more; "
        "made once in <data dir>/secret.key when unset.",
    )
    session_idle_minutes: int = Field(
        12 * 60, ge=1, le=30 * 24 * 60, description="Minutes without any use after which a sign-in ends."
    )
    session_absolute_hours: int = Field(
        7 * 24, ge=1, le=90 * 24, description="Hours after which a sign-in ends, used or not."
    )
    super_admin_name: str | None = Field(None, description="Username of the super admin, made on first start.")
    super_admin_email: str | None = Field(None, description="Email address of the super admin, made on first start.")
    super_admin_password: SecretStr | None = Field(
        None, description="Password of the super admin, made on first start; 8 characters or more."
    )
    public_url: str | None = Field(
        None,
        description="Where people find Bursar, such as https://credits.example.com; what mails link to. "
        "Needed where mail is set up.",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="Mail server, as smtp://user:password@host:587 (with STARTTLS) or smtps://user:password@host:465. "
        "Without one, no mail is sent, and links of invitations are shown to whoever invites.",
    )
    smtp_timeout_seconds: float = Field(
        10.0, gt=0, le=60, description="Seconds after which a mail that the server has not taken counts as not sent."
    )
    mail_from: str | None = Field(
        None,
        description="Sender of mails, as bursar@example.com or Bursar <bursar@example.com>. "
        "Needed where mail is set up.",
    )
    provider_proxy: SecretStr | None = Field(
        None,
        description="Proxy on the way to providers of models, as http://user:password@host:3128; the environment's "
        "own proxy settings are not used.",
    )
    invitation_days: int = Field(7, ge=1, le=90, description="Days that the link of an invitation works.")
    body_max_bytes: int = Field(
        1_048_576,
        ge=1024,
        le=67_108_864,
        description="Largest body, in bytes, that the management API reads. Batches and imports of allocations may "
        "have 10 000 000 from whoever is signed in.",
    )
    key_requests_per_minute: int = Field(
        6_000,
        ge=1,
        le=1_000_000_000,
        description="Requests that one management key may make in a minute, for each process. Model keys have limits "
        "of their own.",
    )
    gateway_body_max_bytes: int = Field(
        33_554_432,
        ge=1024,
        le=536_870_912,
        description="Largest body, in bytes, that a call to a model may have; pictures and sound come in bodies.",
    )
    gateway_bodies_max_bytes: int = Field(
        268_435_456,
        ge=1_048_576,
        description="Bytes that the bodies of all calls under way in one process may have together; a call that finds "
        "no room is told to try again.",
    )
    gateway_calls_max: int = Field(
        2_000,
        ge=1,
        le=100_000,
        description="Calls to models that one process has under way at once; one more is told to try again.",
    )
    gateway_hold_seconds: int = Field(
        1_200,
        ge=60,
        le=604_800,
        description="Seconds for which the credits of a call to a model are held unless it goes on for longer; "
        "at least twice what the slowest provider may take.",
    )
    gateway_body_seconds: float = Field(
        60.0, gt=0, le=3600, description="Seconds in which the body of a call to a model has to arrive."
    )
    gateway_send_seconds: float = Field(
        30.0,
        gt=0,
        le=3600,
        description="Seconds after which a client that takes nothing of its answer counts as gone.",
    )
    pool_size_max: int = Field(
        10, ge=2, le=200, description="Database connections that one process keeps open for requests, at most."
    )
    ledger_posters: int = Field(
        2, ge=1, le=16, description="Posting rounds that one process has under way at once, each on its own connection."
    )
    ledger_tenants_per_round: int = Field(
        64,
        ge=1,
        le=1000,
        description="Tenants that share one transaction of a posting round; 1 on a distributed PostgreSQL.",
    )
    cycle_sweep_seconds: float = Field(
        15.0, gt=0, le=3600, description="Seconds between two looks for tenants whose cycle has ended."
    )
    hold_sweep_seconds: float = Field(
        5.0, gt=0, le=3600, description="Seconds between two looks for holds that are past their deadline."
    )
    outbox_sweep_seconds: float = Field(
        1.0, gt=0, le=3600, description="Seconds between two looks for events that people are to be told of."
    )
    alert_sweep_seconds: float = Field(
        15.0, gt=0, le=3600, description="Seconds between two looks for pools and balances below their marks."
    )
    batch_sweep_seconds: float = Field(
        5.0,
        gt=0,
        le=3600,
        description="Seconds between two looks for batches of allocations that another process left unfinished.",
    )
    task_sweep_seconds: float = Field(
        5.0,
        gt=0,
        le=3600,
        description="Seconds between two looks for jobs, such as videos, that their providers are to be asked after.",
    )
    usage_sweep_seconds: float = Field(
        15.0,
        gt=0,
        le=3600,
        description="Seconds between two looks for calls to add to their day's figures. What people see is exact all "
        "the same: what has not been added yet is counted when they look.",
    )
    shutdown_grace_seconds: int = Field(
        1, ge=0, le=300, description="Seconds that running requests get to finish when Bursar is told to stop."
    )
    otel_endpoint: str | None = Field(
        None,
        description="Address of an OpenTelemetry collector that takes OTLP over HTTP, such as "
        "http://127.0.0.1:4318; traces go there. Needs bursar[otel]. The standard variable "
        "OTEL_EXPORTER_OTLP_ENDPOINT does the same.",
    )
    otel_tells_providers: bool = Field(
        False,
        description="Whether providers are sent the traceparent header, so that their spans join our traces.",
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="Lines for people, or one JSON object a line."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged."
    )

    @property
    def collects_traces(self) -> bool:
        """Whether there is a collector, ours or the one that OpenTelemetry's own variables name."""
        return self.otel_endpoint is not None or any(os.environ.get(name) for name in OTEL_VARIABLES)

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        """A list in the file, text with commas in the environment. A bit beyond a network's mask is a mistake."""
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            raise ValueError("must be addresses or networks with commas between them")
        return tuple(ip_network(part.strip() if isinstance(part, str) else part) for part in parts if part != "")

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < 32:
            raise ValueError("must have 32 characters or more")
        return key

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, url: str | None) -> str | None:
        return None if url is None else parse_site(url)

    @field_validator("otel_endpoint")
    @classmethod
    def _names_a_collector(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            raise ValueError("must look like http://127.0.0.1:4318")
        return url

    @field_validator("smtp_url")
    @classmethod
    def _names_a_mail_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            parse_smtp_url(url.get_secret_value())
        return url

    @field_validator("provider_proxy")
    @classmethod
    def _is_a_proxy(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_proxy(url.get_secret_value())
        return url

    @field_validator("mail_from")
    @classmethod
    def _can_send(cls, sender: str | None) -> str | None:
        if sender is not None:
            parse_sender(sender)
        return sender

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags before the environment before the file."""
        return (
            init_settings,
            env_settings,
            TomlConfigSettingsSource(settings_cls, os.environ.get(CONFIG_VARIABLE) or None),
        )


def read_settings(**flags: Any) -> Settings:
    """The settings in force; a flag of None was not given. Raises `CannotStart` that names the setting at fault."""
    config_file = os.environ.get(CONFIG_VARIABLE)
    if config_file and not Path(config_file).is_file():
        raise CannotStart(f"{CONFIG_VARIABLE} names {config_file}, and there is no such file.")
    try:
        settings = Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        if first["type"] == "extra_forbidden":
            raise CannotStart(f"There is no setting {name!r}.", hint=f"look at {config_file}") from None
        reason = first["msg"].removeprefix("Value error, ")
        raise CannotStart(f"The setting {name} (BURSAR_{name.upper()}) is not usable: {reason}.") from None
    except ValueError as error:  # what tomllib raises for a file that is not TOML
        raise CannotStart(f"{config_file} is not a readable TOML file: {error}.") from None
    check_mail_is_whole(settings)
    return settings


def check_mail_is_whole(settings: Settings) -> None:
    """Raises `CannotStart` where there is a mail server, and no sender or no address for what mails link to.

    Rule: INVITATION-6
    """
    if settings.smtp_url is None:
        return
    for name, value, purpose in (
        ("mail_from", settings.mail_from, "in whose name mails are sent"),
        ("public_url", settings.public_url, "where their links lead"),
    ):
        if value is None:
            raise CannotStart(
                f"Mail is set up (BURSAR_SMTP_URL), but not {purpose}.",
                hint=f"set BURSAR_{name.upper()}, or unset BURSAR_SMTP_URL to have links shown instead of mailed",
            )


def parse_site(url: str) -> str:
    """The address of the front page, without a slash at its end. Raises `ValueError`."""
    reason = "must look like https://credits.example.com, without a path"
    try:
        parts = urlsplit(url.strip())
        has_port_or_none = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(reason) from None
    is_plain = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username) and url.isprintable()
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain or not has_port_or_none:
        raise ValueError(reason)
    return f"{parts.scheme}://{parts.netloc}"


def check_proxy(url: str) -> None:
    """Raises `ValueError` for what is no proxy's address; it never repeats it, since a password may stand in it."""
    reason = "must look like http://user:password@host:3128"
    try:
        parts = urlsplit(url)
        has_port_or_none = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(reason) from None
    is_plain = not (parts.path.strip("/") or parts.query or parts.fragment) and url.isascii() and url.isprintable()
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain or not has_port_or_none:
        raise ValueError(reason)
