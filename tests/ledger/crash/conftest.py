"""What the crash tests share: the seed of what they do at random."""

from __future__ import annotations

import os
import secrets

import pytest


@pytest.fixture(scope="session")
def seed() -> int:
    """The seed of this run; `BURSAR_CRASH_SEED` sets it, and it is printed with whatever fails."""
    chosen = int(os.environ.get("BURSAR_CRASH_SEED") or secrets.randbelow(2**32))
    print(f"BURSAR_CRASH_SEED={chosen}")
    return chosen
