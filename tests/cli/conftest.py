"""A data folder of a test's own, and the command line with it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Shell


@pytest.fixture
def shell() -> Iterator[Shell]:
    """`bursar` with an empty data folder. The folder has a space in its name and is open to PostgreSQL's user."""
    parent = Path(tempfile.mkdtemp(prefix="bursar-cli-", dir="/tmp"))
    parent.chmod(0o755)
    try:
        yield Shell(parent / "my data")
    finally:
        shutil.rmtree(parent, ignore_errors=True)
