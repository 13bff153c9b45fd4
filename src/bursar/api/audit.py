"""The audit log: of a tenant for its admins, of the platform for its super admin; as pages and as a file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Annotated, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from bursar.api.answers import Shape, problems
from bursar.api.csv_answers import CsvAnswer, Row, csv_answer, csv_file_name
from bursar.api.identifiers import AnyId, PersonId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import TenantVisit, Visit, platform, tenant
from bursar.api.texts import SEARCH_LENGTH_MAX
from bursar.api.times import Moment, utc_text
from bursar.domain.events import EVENTS
from bursar.domain.ids import first_uuid_of, parse_public_id, public_id
from bursar.domain.refusals import Refusal
from bursar.domain.roles import ROLE_LABELS, Permission, Role
from bursar.reports.audit import AuditPage, PlatformLog, TenantLog
from bursar.reports.names import Named
from bursar.store.events import Event, EventFilter

routes = APIRouter(tags=["audit"])

FILE_PAGE_SIZE = 1000
"""Events read at once for a file; each page is a transaction of its own, so a slow reader keeps none open."""

KINDS_MAX = 100
"""More than there are, so that everything can be asked for by name."""


class AuditActor(Shape):
    """Who did it; without an id it was Bursar itself. `label` is how people call them, with the role."""

    id: str | None
    kind: Literal["member", "platform_admin", "system"]
    name: str
    label: str


class AuditKey(Shape):
    """The management key by which a program did it in its owner's name."""

    id: str
    name: str | None


class AuditAction(Shape):
    """What was done: the event's kind."""

    code: str
    label: str


class AuditObject(Shape):
    """What it was done to; the name is null where it has none."""

    kind: str
    id: str | None
    name: str | None


class AuditChange(Shape):
    """One field before and after; null where it had or has no value."""

    field: str
    before: str | None
    after: str | None


class AuditEvent(Shape):
    """One thing that was done."""

    id: str
    time: datetime
    actor: AuditActor
    via: AuditKey | None
    action: AuditAction
    object: AuditObject
    note: str | None
    detail: dict[str, str | None]
    changes: list[AuditChange]
    address: str | None
    request_id: str | None


class AuditEventList(Shape):
    """A page of events, newest first."""

    events: list[AuditEvent]
    next_cursor: str | None


class AuditKind(AuditAction):
    """A kind of event that the log can be narrowed to."""

    meaning: str


class AuditKindList(Shape):
    """Every kind of event there is."""

    kinds: list[AuditKind]


def wanted_events(
    kind: Annotated[
        list[str],
        Query(default_factory=list, max_length=KINDS_MAX, description="Only these kinds; repeat it for several."),
    ],
    actor_id: Annotated[PersonId | None, Query(description="Only what this member or super admin did.")] = None,
    subject_kind: Annotated[
        str | None, Query(pattern=r"^[a-z_]{1,40}$", description="Only about things so called.")
    ] = None,
    subject_id: Annotated[AnyId | None, Query(description="Only about this one.")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="From this time on.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Before this time.")] = None,
    note: Annotated[str | None, Query(max_length=SEARCH_LENGTH_MAX, description="Part of the note.")] = None,
    request_id: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9._-]{1,128}$", description="Only what this request did.")
    ] = None,
) -> EventFilter:
    """What the caller wants to see. Refuses `invalid_input`."""
    unknown = [code for code in kind if code not in EVENTS]
    if unknown:
        raise Refusal(
            "invalid_input", "There is no such kind of event; GET /api/v1/audit/kinds has them.", field="kind"
        )
    if note is not None and "\0" in note:
        raise Refusal("invalid_input", "A search must not contain control characters.", field="note")
    return EventFilter(
        kinds=tuple(sorted(set(kind))),
        actor_id=actor_id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        since=None if since is None else first_uuid_of(since),
        until=None if until is None else first_uuid_of(until),
        note=note.strip() or None if note else None,
        request_id=request_id,
    )


Wanted = Annotated[EventFilter, Depends(wanted_events)]
Auditor = Annotated[TenantVisit, tenant(Permission.SEE_AUDIT)]
PlatformAuditor = Annotated[Visit, platform(Permission.SEE_PLATFORM_AUDIT)]


@routes.get("/audit", responses=problems(401, 403, 404, 422))
async def list_audit_events(
    visit: Auditor, wanted: Wanted, limit: Limit = PAGE_SIZE, cursor: Cursor = None
) -> AuditEventList:
    """What was done in the tenant, by whomever, newest first."""
    return await _page(_log_of(visit), wanted, limit, cursor)


@routes.get("/audit/kinds", responses=problems(401, 403))
async def list_audit_kinds(visit: Annotated[Visit, platform(Permission.SEE_AUDIT)]) -> AuditKindList:
    """The kinds of events, for the log's filter."""
    return AuditKindList(
        kinds=[AuditKind(code=kind.code, label=kind.label, meaning=kind.meaning) for kind in EVENTS.values()]
    )


@routes.get("/audit.csv", response_class=CsvAnswer, responses=problems(401, 403, 404, 422))
async def export_audit_events(visit: Auditor, wanted: Wanted) -> CsvAnswer:
    """The same as a CSV file."""
    return await _file(visit, _log_of(visit), wanted)


@routes.get("/platform/audit", responses=problems(401, 403, 422))
async def list_platform_audit_events(
    visit: PlatformAuditor, wanted: Wanted, limit: Limit = PAGE_SIZE, cursor: Cursor = None
) -> AuditEventList:
    """What was done to the platform itself, newest first. What was done to a tenant stands in the tenant's log."""
    return await _page(PlatformLog(visit.desk.platform), wanted, limit, cursor)


@routes.get("/platform/audit.csv", response_class=CsvAnswer, responses=problems(401, 403, 422))
async def export_platform_audit_events(visit: PlatformAuditor, wanted: Wanted) -> CsvAnswer:
    """The same as a CSV file."""
    return await _file(visit, PlatformLog(visit.desk.platform), wanted)


class _Log(Protocol):
    async def page(self, wanted: EventFilter, *, before: UUID | None, limit: int) -> AuditPage: ...


def _log_of(visit: TenantVisit) -> TenantLog:
    return TenantLog(visit.desk.tenants, visit.desk.platform, visit.tenant_id)


async def _page(log: _Log, wanted: EventFilter, limit: int, cursor: str | None) -> AuditEventList:
    before = None if cursor is None else parse_public_id("event", decode_cursor(cursor, str)[0], field="cursor")
    page = await log.page(wanted, before=before, limit=limit + 1)
    shown = [_shape(event, page.names) for event in page.events[:limit]]
    return AuditEventList(events=shown, next_cursor=encode_cursor(shown[-1].id) if len(page.events) > limit else None)


async def _file(visit: Visit, log: _Log, wanted: EventFilter) -> CsvAnswer:
    """The first page is read before the answer begins, so that what is refused is refused with a problem."""
    first = await log.page(wanted, before=None, limit=FILE_PAGE_SIZE)

    async def pages() -> AsyncIterator[list[Row]]:
        page = first
        while page.events:
            yield [_row(_shape(event, page.names)) for event in page.events]
            if len(page.events) < FILE_PAGE_SIZE:
                return
            page = await log.page(wanted, before=page.events[-1].event_id, limit=FILE_PAGE_SIZE)

    return csv_answer(COLUMNS, pages(), file_name=csv_file_name("audit", first.owner_name, at=visit.desk.clock.now()))


COLUMNS = (
    "id", "time", "actor", "actor_id", "key", "key_id", "action", "action_code", "object_kind", "object", "object_id",
    "note", "detail", "changes", "address", "request_id",
)  # fmt: skip
"""Detail and changes are JSON, so that no two events look alike."""


def _row(event: AuditEvent) -> Row:
    changes = {change.field: {"before": change.before, "after": change.after} for change in event.changes}
    via = event.via
    return (
        event.id,
        utc_text(event.time),
        event.actor.label,
        event.actor.id,
        via.name if via else None,
        via.id if via else None,
        event.action.label,
        event.action.code,
        event.object.kind,
        event.object.name,
        event.object.id,
        event.note,
        json.dumps(event.detail, ensure_ascii=False) if event.detail else None,
        json.dumps(changes, ensure_ascii=False) if changes else None,
        event.address,
        event.request_id,
    )


def _shape(event: Event, names: Mapping[UUID, Named]) -> AuditEvent:
    key, subject = event.key_id, event.subject_id
    return AuditEvent(
        id=public_id("event", event.event_id),
        time=event.happened_at,
        actor=_actor(event, names),
        via=None if key is None else AuditKey(id=public_id("api_key", key), name=_name(key, names)),
        action=AuditAction(code=event.kind, label=EVENTS[event.kind].label),
        object=AuditObject(
            kind=event.subject_kind,
            id=None if subject is None else public_id(event.subject_kind, subject),
            name=None if subject is None else _name(subject, names),
        ),
        note=event.note,
        detail=dict(event.detail),
        changes=[
            AuditChange(field=name, before=before, after=after) for name, (before, after) in event.changes.items()
        ],
        address=event.address,
        request_id=event.request_id,
    )


def _actor(event: Event, names: Mapping[UUID, Named]) -> AuditActor:
    """Rule: AUDIT-5"""
    if event.actor_id is None:
        bursar = ROLE_LABELS[Role.SYSTEM]
        return AuditActor(id=None, kind="system", name=bursar, label=bursar)
    is_member = event.actor_kind == "member"
    fallback = Named(ROLE_LABELS[Role.MEMBER if is_member else Role.SUPER_ADMIN])
    named = names.get(event.actor_id, fallback)
    return AuditActor(
        id=public_id("member" if is_member else "platform_admin", event.actor_id),
        kind="member" if is_member else "platform_admin",
        name=named.name,
        label=named.name if named.role is None else f"{named.name} ({ROLE_LABELS[named.role]})",
    )


def _name(identity: UUID, names: Mapping[UUID, Named]) -> str | None:
    return names[identity].name if identity in names else None
