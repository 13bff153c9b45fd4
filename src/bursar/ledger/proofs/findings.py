"""What a check is given, what it answers, and how a report of them reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from bursar.db.transaction import Transaction
from bursar.domain.ids import public_id
from bursar.ledger.core.rows import Control


@dataclass(frozen=True, slots=True)
class Books:
    """The books under proof: one tenant's, as of one moment."""

    transaction: Transaction
    control: Control

    @property
    def tenant_id(self) -> UUID:
        """Whose books they are."""
        return self.control.tenant_id


@dataclass(frozen=True, slots=True)
class Found:
    """What a check counted, and the first fact that contradicts its invariant, in plain words; None if all is well."""

    counted: str
    broken: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: its id, what must hold as a sentence, and the function that recomputes it."""

    id: str
    sentence: str
    run: Callable[[Books], Awaitable[Found]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one check."""

    check: Check
    found: Found

    @property
    def is_broken(self) -> bool:
        """Whether the invariant does not hold."""
        return self.found.broken is not None

    def __str__(self) -> str:
        mark = "BROKEN" if self.is_broken else "ok"
        line = f"{self.check.id:<4} {mark:<7} {self.check.sentence} ({self.found.counted})"
        return f"{line}\n     {self.found.broken}" if self.is_broken else line


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked of one tenant's books, and whether all of it held; `str()` is the text for people."""

    tenant_id: UUID
    batch_number: int
    findings: tuple[Finding, ...]

    @property
    def is_green(self) -> bool:
        """Whether every invariant holds."""
        return self.first_broken is None

    @property
    def first_broken(self) -> Finding | None:
        """The first invariant, in the order of their numbers, that does not hold."""
        return next((finding for finding in self.findings if finding.is_broken), None)

    def __str__(self) -> str:
        broken = [finding.check.id for finding in self.findings if finding.is_broken]
        verdict = f"BROKEN: {', '.join(broken)}" if broken else f"all {len(self.findings)} invariants hold"
        return "\n".join(
            (
                f"{public_id('tenant', self.tenant_id)} as of batch {self.batch_number}",
                *(str(finding) for finding in self.findings),
                verdict,
            )
        )
