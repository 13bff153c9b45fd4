"""Where log lines go: standard error, as lines for people or as JSON. Secrets never get here; nothing logs a body or a
header.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

import msgspec
import structlog

_in_full = structlog.dev.ConsoleRenderer(colors=False)
_TRACES = frozenset({"exception", "exc_info", "stack"})
_NEEDS_QUOTES = frozenset(" \t=\r\n\"'")
_LEVEL_WIDTH, _EVENT_WIDTH = 9, 30
_bare = re.compile(r"[!#-&(-<>-~]*").fullmatch
"""What needs no quotes: printable, without blanks, quotes and the sign between a name and its value."""

_encoder = msgspec.json.Encoder(enc_hook=repr, order="sorted")
"""What JSON has no form for is written as Python shows it; a log line never fails."""


def configure_logs(*, log_format: str, level: str) -> None:
    """Sends every log line of the process, libraries included, through one outlet.

    Our own lines do not go through the standard library's loggers, which take four times as long: every call has one.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    rendered: list[Any] = (
        [structlog.processors.JSONRenderer(_json)]
        if log_format == "json"
        else [visibly, structlog.dev.ConsoleRenderer(colors=True) if sys.stderr.isatty() else on_one_line]
    )
    structlog.configure(
        processors=[*shared, *rendered],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "asyncio"):
        logger = logging.getLogger(chatty)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, root.level))


def _json(facts: Mapping[str, Any], **_: Any) -> str:
    """One line of ASCII: what is beyond it may break a line or command a terminal, and is spelt out."""
    with suppress(UnicodeEncodeError):  # half of a surrogate pair
        line = _encoder.encode(facts)
        if line.isascii():
            return line.decode()
    return json.dumps(facts, default=repr, sort_keys=True)


def on_one_line(logger: Any, method: str, facts: MutableMapping[str, Any]) -> str:
    """What structlog writes for people where there are no colours, at a third of what it takes for that; lines with a
    trace are left to it.
    """
    if not _TRACES.isdisjoint(facts) or "logger" in facts:
        return str(_in_full(logger, method, facts))
    head = f"[{facts.pop('level'):<{_LEVEL_WIDTH}}] {facts.pop('event'):<{_EVENT_WIDTH}}"
    if "timestamp" in facts:
        head = f"{facts.pop('timestamp')} {head}"
    told = [
        f"{name}={value if isinstance(value, str) and _bare(value) else _quoted(value)}"
        for name, value in sorted(facts.items())
    ]
    return " ".join([head, *told]).rstrip(" ")


def _quoted(value: object) -> str:
    """A value that is no plain word: what no quotes are needed for beyond ASCII stays as it is, too."""
    if isinstance(value, str) and not set(value) & _NEEDS_QUOTES:
        return value
    return repr(value)


def visibly(_logger: Any, _method: str, facts: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Writes out what no screen shows, such as a line break or a terminal's commands in the path of a request.

    Sentences and traces are ours, and keep their lines.
    """
    for name, value in facts.items():
        if isinstance(value, str) and not value.isprintable() and name not in ("event", "exception"):
            facts[name] = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in value)
    return facts
