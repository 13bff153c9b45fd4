"""Levels that somebody looks at and then sets."""

from __future__ import annotations

from bursar.domain.credits import Credits
from bursar.domain.refusals import Refusal


def check_seen(seen: Credits, *, present: Credits) -> None:
    """Refuses `figure_changed`, with the present level, unless it still is what the person saw.

    Rule: TENANT-4
    """
    if seen != present:
        raise Refusal(
            "figure_changed",
            f"It is {present} by now, not {seen}: look again before changing it.",
            field="seen",
            present=str(present),
            seen=str(seen),
        )
