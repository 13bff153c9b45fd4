"""What a log line looks like to whoever reads it at a terminal."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
