"""Jobs of the provider without a model: videos that nobody filmed, and batches whose calls it answers like any other.

A job is queued when it is asked for, under way when it is first asked after, and done the second time; so whoever
watches one sees all of it. A model with `fails` in its name fails. What is stopped has done half of its calls by then.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bursar.domain.refusals import Refusal
from bursar.outside.identity import new_uuid
from bursar.outside.providers.forms import is_form, read_form
from bursar.outside.providers.port import ProviderCall

KEPT_MAX = 1_000
"""Jobs and files that are remembered; the oldest are forgotten, and were looked at long ago."""
CREATED = 1_700_000_000
CREATED_AT = "2023-11-14T22:13:20Z"
EXPIRES_AT = "2023-11-15T22:13:20Z"
POLLS_UNTIL_DONE = 2

Answered = tuple[int, bytes, str]
"""Status, body and type of an answer."""
Answer = Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None]
"""How a call of a batch is answered: by its path and its body; None where nothing is simulated there."""

Kept = TypeVar("Kept")


@dataclass
class _Job:
    asked: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]] = ()
    polls: int = 0
    is_stopped: bool = False

    @property
    def fails(self) -> bool:
        return "fails" in str(self.asked.get("model"))

    @property
    def is_done(self) -> bool:
        return self.polls >= POLLS_UNTIL_DONE or (self.is_stopped and self.polls > 0)

    @property
    def answered(self) -> Sequence[Mapping[str, Any]]:
        """The calls that were made by the time it was over."""
        return self.lines[: len(self.lines) // 2] if self.is_stopped else self.lines


@dataclass
class SimulatedJobs:
    """The jobs and files of one provider, in memory and nowhere else."""

    answer: Answer
    _jobs: OrderedDict[str, _Job] = field(default_factory=OrderedDict)
    _files: OrderedDict[str, tuple[str, bytes]] = field(default_factory=OrderedDict)

    def answered(self, call: ProviderCall) -> Answered | None:
        """The answer to a call about jobs or files; None for any other call."""
        path, _, _ = call.path.partition("?")
        noun, *rest = path.strip("/").split("/")
        if noun == "messages" and rest[:1] == ["batches"]:
            noun, rest = "messages/batches", rest[1:]
        handler = {
            "videos": self._videos,
            "files": self._of_files,
            "batches": self._batches,
            "messages/batches": self._message_batches,
        }.get(noun)
        if handler is None:
            return None
        try:
            return handler(call, rest)
        except (KeyError, ValueError, TypeError, AttributeError, Refusal) as fault:
            return _refused(400, f"This cannot be read: {fault}")

    def _videos(self, call: ProviderCall, rest: list[str]) -> Answered:
        if not rest:
            return self._new_video(_fields(call)) if call.method == "POST" else _refused(405, "POST videos.")
        job = self._jobs.get(rest[0])
        if job is None:
            return _refused(404, f"There is no video {rest[0]}.")
        if rest[1:] == ["remix"]:
            return self._new_video({**job.asked, **_fields(call), "remixed_from_video_id": rest[0]})
        if rest[1:] == ["content"]:
            if not job.is_done or job.fails:
                return _refused(404, "This video is not ready.")
            return 200, f"A simulated video of: {job.asked.get('prompt', '')}".encode(), "video/mp4"
        if call.method == "DELETE":
            del self._jobs[rest[0]]
            return _ok({"id": rest[0], "object": "video.deleted", "deleted": True})
        job.polls += 1
        return _ok(_video(rest[0], job))

    def _new_video(self, asked: Mapping[str, Any]) -> Answered:
        identity = self._keep(self._jobs, "video", _Job(asked))
        return _ok(_video(identity, self._jobs[identity]))

    def _of_files(self, call: ProviderCall, rest: list[str]) -> Answered:
        if not rest:
            form = read_form(call.content_type, call.body)
            file, purpose = form.find("file"), form.find("purpose")
            if file is None or purpose is None:
                return _refused(400, "A file and its purpose are needed.")
            named = file.filename or "file.jsonl"
            identity = self._keep(self._files, "file", (named, file.content))
            return _ok(_file(identity, named, file.content, purpose.text))
        if rest[0] not in self._files:
            return _refused(404, f"There is no file {rest[0]}.")
        named, content = self._files[rest[0]]
        if rest[1:] == ["content"]:
            return 200, content, "application/octet-stream"
        return _ok(_file(rest[0], named, content, "batch" if named.endswith(".jsonl") else "batch_output"))

    def _batches(self, call: ProviderCall, rest: list[str]) -> Answered:
        if not rest:
            asked = json.loads(call.body)
            if asked["input_file_id"] not in self._files:
                return _refused(400, "There is no such input file.")
            lines = [json.loads(line) for line in self._files[asked["input_file_id"]][1].splitlines() if line.strip()]
            model = lines[0]["body"]["model"] if lines else None
            identity = self._keep(self._jobs, "batch", _Job({**asked, "model": model}, lines))
            return _ok(self._batch(identity, self._jobs[identity]))
        job = self._jobs.get(rest[0])
        if job is None:
            return _refused(404, f"There is no batch {rest[0]}.")
        if rest[1:] == ["cancel"]:
            job.is_stopped = job.is_stopped or not job.is_done
        else:
            job.polls += 1
        return _ok(self._batch(rest[0], job))

    def _batch(self, identity: str, job: _Job) -> Mapping[str, Any]:
        status = "validating" if job.polls == 0 else "in_progress"
        if job.is_stopped:
            status = "cancelled" if job.is_done else "cancelling"
        elif job.is_done:
            status = "failed" if job.fails else "completed"
        output = None
        results = [] if job.fails or not job.is_done else [self._batch_line(line) for line in job.answered]
        if results:
            output = f"file_simout{identity[-32:]}"
            self._files[output] = ("results", b"\n".join(map(_json, results)) + b"\n")
        return {
            "id": identity,
            "object": "batch",
            "endpoint": job.asked["endpoint"],
            "input_file_id": job.asked["input_file_id"],
            "completion_window": job.asked.get("completion_window", "24h"),
            "status": status,
            "created_at": CREATED,
            "output_file_id": output,
            "error_file_id": None,
            "errors": {"data": [{"message": "This batch was made to fail."}]} if status == "failed" else None,
            "request_counts": {"total": len(job.lines), "completed": len(results), "failed": 0},
            "metadata": job.asked.get("metadata"),
        }

    def _batch_line(self, line: Mapping[str, Any]) -> Mapping[str, Any]:
        body = self.answer(line["url"].removeprefix("/v1"), line["body"])
        response = {"status_code": 404 if body is None else 200, "request_id": "req_simulated", "body": body}
        return {"id": "batch_req_simulated", "custom_id": line["custom_id"], "response": response, "error": None}

    def _message_batches(self, call: ProviderCall, rest: list[str]) -> Answered:
        if not rest:
            requests = json.loads(call.body)["requests"]
            identity = self._keep(self._jobs, "msgbatch", _Job({"model": requests[0]["params"]["model"]}, requests))
            return _ok(_message_batch(identity, self._jobs[identity]))
        job = self._jobs.get(rest[0])
        if job is None:
            return _refused(404, f"There is no batch {rest[0]}.")
        if rest[1:] == ["results"]:
            if not job.is_done:
                return _refused(404, "This batch has not ended.")
            lines = b"".join(_json(self._message_line(job, line)) + b"\n" for line in job.lines)
            return 200, lines, "application/x-jsonl"
        if rest[1:] == ["cancel"]:
            job.is_stopped = job.is_stopped or not job.is_done
        else:
            job.polls += 1
        return _ok(_message_batch(rest[0], job))

    def _message_line(self, job: _Job, line: Mapping[str, Any]) -> Mapping[str, Any]:
        result: Mapping[str, Any] = {"type": "succeeded", "message": self.answer("/messages", line["params"])}
        if job.fails:
            error = {"type": "invalid_request_error", "message": "This batch was made to fail."}
            result = {"type": "errored", "error": {"type": "error", "error": error}}
        elif line not in job.answered:
            result = {"type": "canceled"}
        return {"custom_id": line["custom_id"], "result": result}

    def _keep(self, where: OrderedDict[str, Kept], prefix: str, kept: Kept) -> str:
        identity = f"{prefix}_sim{new_uuid().hex}"
        where[identity] = kept
        while len(where) > KEPT_MAX:
            where.popitem(last=False)
        return identity


def _video(identity: str, job: _Job) -> Mapping[str, Any]:
    status, progress = ("queued", 0) if job.polls == 0 else ("in_progress", 50)
    if job.is_done:
        status, progress = ("failed", 50) if job.fails else ("completed", 100)
    return {
        "id": identity,
        "object": "video",
        "model": job.asked.get("model"),
        "prompt": job.asked.get("prompt"),
        "status": status,
        "progress": progress,
        "created_at": CREATED,
        "seconds": str(job.asked.get("seconds") or "4"),
        "size": job.asked.get("size") or "720x1280",
        "error": {"code": "made_to_fail", "message": "This video was made to fail."} if status == "failed" else None,
        "remixed_from_video_id": job.asked.get("remixed_from_video_id"),
    }


def _message_batch(identity: str, job: _Job) -> Mapping[str, Any]:
    counts = {"processing": len(job.lines), "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    if job.is_done:
        done = len(job.answered)
        counts.update(processing=0, canceled=len(job.lines) - done, **{"errored" if job.fails else "succeeded": done})
    stopping = "canceling" if job.is_stopped else "in_progress"
    return {
        "id": identity,
        "type": "message_batch",
        "processing_status": "ended" if job.is_done else stopping,
        "request_counts": counts,
        "created_at": CREATED_AT,
        "expires_at": EXPIRES_AT,
        "ended_at": CREATED_AT if job.is_done else None,
        "archived_at": None,
        "cancel_initiated_at": CREATED_AT if job.is_stopped else None,
        "results_url": f"https://simulated.invalid/v1/messages/batches/{identity}/results" if job.is_done else None,
    }


def _file(identity: str, named: str, content: bytes, purpose: str) -> Mapping[str, Any]:
    return {
        "id": identity,
        "object": "file",
        "bytes": len(content),
        "created_at": CREATED,
        "filename": named,
        "purpose": purpose,
        "status": "processed",
    }


def _fields(call: ProviderCall) -> Mapping[str, Any]:
    """What was asked, as a form or as JSON; files are only looked at for being there."""
    if is_form(call.content_type):
        form = read_form(call.content_type, call.body)
        return {part.name: part.text for part in form.parts if part.filename is None}
    fields: Mapping[str, Any] = json.loads(call.body)
    return fields


def _ok(body: Mapping[str, Any]) -> Answered:
    return 200, _json(body), "application/json"


def _refused(status: int, message: str) -> Answered:
    return status, _json({"error": {"message": message, "type": "invalid_request_error"}}), "application/json"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
