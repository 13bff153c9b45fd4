"""What a log line looks like to whoever reads it at a terminal."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import structlog

from bursar.outside.logs import on_one_line

LOGS_A_PATH = """
import structlog
from bursar.outside.logs import configure_logs
configure_logs(log_format="{log_format}", level="info")
structlog.get_logger("bursar.access").info("request", path="/a{planted}forged", status=200)
"""


@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize("planted", [r"\n", r"\x1b[2J", r"\x9b2J", r"\u2028"])
def test_a_path_can_neither_break_a_line_nor_command_a_terminal(log_format: str, planted: str) -> None:
    program = LOGS_A_PATH.format(log_format=log_format, planted=planted)

    logged = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stderr.decode()

    assert logged.removesuffix("\n").isprintable()
    assert "forged" in logged
    assert "200" in logged


@pytest.mark.parametrize(
    "facts",
    [
        {"event": "call", "status": 200, "ms": 1.5, "model": "gpt-4o-mini", "key": None, "credits": "0.105"},
        {"event": "request", "path": "/a b", "odd": "it's", "empty": "", "equal": "a=b", "name": "Zoë", "z": True},
        {"event": "a longer sentence than the column is wide", "facts": {"a": [1, 2]}},
        {"event": "nothing besides"},
        {"event": "broken", "exception": "Traceback\n  it broke", "call": "call_1"},
    ],
)
@pytest.mark.parametrize("level", ["info", "warning", "error", "debug"])
def test_a_line_looks_as_structlog_writes_it(level: str, facts: dict[str, Any]) -> None:
    line = {"timestamp": "2026-11-21T07:46:25.000000Z", "level": level, **facts}

    ours = on_one_line(None, level, dict(line))

    assert ours == structlog.dev.ConsoleRenderer(colors=False)(None, level, dict(line))
