"""Bursar for programs: credits held, settled and charged from your own code, on behalf of the people who use it.

    client = bursar.Client("http://localhost:8000", api_key="mk-bursar-...")
    with client.hold(member="mem_...", amount="2.50", label="report") as hold:
        hold.settle("1.75")

It imports nothing of the server. How to use it: `docs/guides/metering.md`.
"""

from bursar.client.amounts import Amount
from bursar.client.answers import Balance, Charge, ClosedHold, HoldPage, HoldState, OpenedHold
from bursar.client.asynchronous import AsyncClient, AsyncHold
from bursar.client.attempts import Retries
from bursar.client.errors import (
    BursarError,
    Conflict,
    FieldProblem,
    InsufficientQuota,
    InvalidRequest,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutcomeUnknown,
    Problem,
    Refused,
    Unavailable,
)
from bursar.client.synchronous import Client, Hold

__all__ = [
    "Amount",
    "AsyncClient",
    "AsyncHold",
    "Balance",
    "BursarError",
    "Charge",
    "Client",
    "ClosedHold",
    "Conflict",
    "FieldProblem",
    "Hold",
    "HoldPage",
    "HoldState",
    "InsufficientQuota",
    "InvalidRequest",
    "NotFound",
    "NotPermitted",
    "NotSignedIn",
    "OpenedHold",
    "OutcomeUnknown",
    "Problem",
    "Refused",
    "Retries",
    "Unavailable",
]
