"""The table of invariants."""

from __future__ import annotations

from typing import Final

from bursar.ledger.proofs.findings import Check

CHECKS: Final[tuple[Check, ...]] = ()
