"""THE TABLE of what can be asked about jobs and files: method, path below /v1, and what serves it.

Rule: TASK-1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bursar.domain.dialects import Dialect
from bursar.gateway import batch_files, batches, videos
from bursar.gateway.job_visits import Handler

ID = "*"
"""Where an id stands in a path."""


@dataclass(frozen=True, slots=True)
class JobRoute:
    """One route: what serves it, in whose words, and the ids that stood in the path."""

    handler: Handler
    dialect: Dialect
    ids: tuple[str, ...] = ()


ROUTES: Sequence[tuple[str, str, Handler]] = (
    ("POST", "/videos", videos.create_video),
    ("GET", "/videos", videos.list_videos),
    ("GET", "/videos/*", videos.get_video),
    ("DELETE", "/videos/*", videos.delete_video),
    ("GET", "/videos/*/content", videos.get_video_content),
    ("POST", "/videos/*/remix", videos.remix_video),
    ("POST", "/files", batch_files.create_file),
    ("GET", "/files/*", batch_files.get_file),
    ("GET", "/files/*/content", batch_files.get_file_content),
    ("POST", "/batches", batches.create_batch),
    ("GET", "/batches", batches.list_batches),
    ("GET", "/batches/*", batches.get_batch),
    ("POST", "/batches/*/cancel", batches.cancel_batch),
    ("POST", "/messages/batches", batches.create_message_batch),
    ("GET", "/messages/batches", batches.list_message_batches),
    ("GET", "/messages/batches/*", batches.get_message_batch),
    ("GET", "/messages/batches/*/results", batches.get_message_batch_results),
    ("POST", "/messages/batches/*/cancel", batches.cancel_message_batch),
)

_BY_LENGTH: dict[tuple[str, int], list[tuple[list[str], Handler]]] = {}
for _method, _path, _handler in ROUTES:
    _segments = _path.strip("/").split("/")
    _BY_LENGTH.setdefault((_method, len(_segments)), []).append((_segments, _handler))


def find_job_route(method: str, path: str) -> JobRoute | None:
    """The route of this method and path below /v1, if it is about jobs."""
    segments = path.strip("/").split("/")
    for pattern, handler in _BY_LENGTH.get((method, len(segments)), ()):
        if all(wanted in (ID, segment) for wanted, segment in zip(pattern, segments, strict=True)):
            ids = tuple(segment for wanted, segment in zip(pattern, segments, strict=True) if wanted == ID)
            dialect = Dialect.ANTHROPIC if pattern[0] == "messages" else Dialect.OPENAI
            return JobRoute(handler, dialect, ids)
    return None
