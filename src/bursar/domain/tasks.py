"""Tasks: whatever outlives the request that asked for it, and may be watched. Jobs of providers, and batches of
allocations of our own.

Read next: `provider_jobs`, `allocation_batches`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bursar.domain.provider_jobs import KINDS, JobKind


class TaskKind(StrEnum):
    """What can be watched."""

    VIDEO = "video"
    BATCH = "batch"
    MESSAGE_BATCH = "message_batch"
    ALLOCATION_BATCH = "allocation_batch"
    ALLOCATION_IMPORT = "allocation_import"


TASK_LABELS: Mapping[TaskKind, str] = {
    TaskKind.VIDEO: "Video",
    TaskKind.BATCH: "Batch of calls",
    TaskKind.MESSAGE_BATCH: "Batch of messages",
    TaskKind.ALLOCATION_BATCH: "Batch allocation",
    TaskKind.ALLOCATION_IMPORT: "Imported allocation",
}
"""How a kind is called on screens."""

OUR_OWN: Mapping[TaskKind, str] = {
    TaskKind.ALLOCATION_BATCH: "equal",
    TaskKind.ALLOCATION_IMPORT: "import",
}
"""The kinds of batches of allocations, by the word that a batch has for them."""


def can_be_cancelled(kind: TaskKind) -> bool:
    """Whether a task of this kind can be stopped while it runs. What a batch of allocations has given stays given, and
    it is over in seconds.

    Rule: TASK-7
    """
    return kind not in OUR_OWN and KINDS[JobKind(kind)].can_be_cancelled
