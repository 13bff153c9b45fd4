"""A plugin of pytest for the runs over a planted fault: says which test failed first, and how.

What a test asserts and what the product raises while a test runs count as noticing. A test that could not be set up,
or code that cannot be imported, does not: that would pass for a kill whatever the fault.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

import bursar.ledger

REPORT_VARIABLE = "BURSAR_MUTANT_REPORT"

_CANNOT_BE_READ = (ImportError, SyntaxError, NameError)

_TOO_SLOW = "Timeout"
"""How pytest-timeout begins what it says. A machine under load is slow as well, so a time-out is no kill."""

# The first failing example is enough; making it small takes longer than finding it.
settings.register_profile("mutants", phases=(Phase.explicit, Phase.generate), report_multiple_bugs=False)
settings.load_profile("mutants")


def pytest_configure(config: pytest.Config) -> None:
    """Refuses to run unless the product comes from the checkout of these tests."""
    imported = Path(bursar.ledger.__file__).resolve()
    if not imported.is_relative_to(config.rootpath.resolve()):
        raise pytest.UsageError(f"{imported} is not in {config.rootpath}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Writes down a failure: the test, the phase, the exception's name and its first line."""
    report = yield
    if report.failed and call.excinfo is not None:
        first_line = (str(call.excinfo.value).splitlines() or [""])[0]
        is_of_the_fault = not issubclass(call.excinfo.type, _CANNOT_BE_READ) and not first_line.startswith(_TOO_SLOW)
        found = {
            "test": item.nodeid,
            "when": report.when,
            "is_kill": report.when == "call" and is_of_the_fault,
            "exception": f"{call.excinfo.type.__name__}: {first_line}",
        }
        Path(os.environ[REPORT_VARIABLE]).write_text(json.dumps(found), encoding="utf-8")
    return report
