"""Where one is signed in, and ending that: one's own sign-ins, and for admins those of a member."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request

from bursar.actions.sessions import SessionsEnded, end_member_sessions, end_other_sessions, end_own_session
from bursar.api.answers import Shape, problems
from bursar.api.cookies import SESSION_COOKIE, drop_cookie
from bursar.api.identifiers import MemberId, SessionId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor, not_handed_out
from bursar.api.signed_in import TenantVisit, Visit, platform, platform_change, sign_in_of, tenant_change
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.reports.sessions import LiveAt, see_sessions
from bursar.store.sessions import SessionRow

routes = APIRouter(tags=["sessions"])


class SessionShape(Shape):
    """One sign-in that can still be used: since when, how, from where, and whether it is the one that is asking."""

    id: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    method: str
    address: str | None
    user_agent: str | None
    is_current: bool


class SessionList(Shape):
    """A page of sign-ins, the latest first."""

    sessions: list[SessionShape]
    next_cursor: str | None


class EndedSessions(Shape):
    """How many sign-ins were ended."""

    ended: int


@routes.get("/own/sessions", responses=problems(401, 403, 422))
async def list_own_sessions(
    request: Request,
    visit: Annotated[Visit, platform(Permission.OWN_ACCOUNT)],
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> SessionList:
    """Where one is signed in, here and elsewhere."""
    desk = visit.desk
    before = None if cursor is None else _session_of(cursor)
    at = LiveAt(desk.clock.now(), desk.session_limits.idle)
    rows = await see_sessions(desk.platform, visit.person.identity, at, before=before, limit=limit + 1)
    current, shown = sign_in_of(request).session.session_id, rows[:limit]
    return SessionList(
        sessions=[_shape(row, current) for row in shown],
        next_cursor=encode_cursor(public_id("session", shown[-1].session_id)) if len(rows) > limit else None,
    )


@routes.delete("/own/sessions", responses=problems(401, 403, 422))
async def end_other_own_sessions(
    request: Request, visit: Annotated[Visit, platform_change(Permission.OWN_ACCOUNT)]
) -> EndedSessions:
    """Signs out everywhere but here."""
    kept = sign_in_of(request).session.session_id
    return _ended(visit.told(await end_other_sessions(visit.desk, visit.asked, kept=kept)))


@routes.delete("/own/sessions/{session_id}", responses=problems(401, 403, 404, 422))
async def end_one_own_session(
    session_id: SessionId, request: Request, visit: Annotated[Visit, platform_change(Permission.OWN_ACCOUNT)]
) -> EndedSessions:
    """Ends one sign-in of one's own, this one too."""
    ended = visit.told(await end_own_session(visit.desk, visit.asked, session_id))
    if session_id == sign_in_of(request).session.session_id:
        drop_cookie(request, SESSION_COOKIE)
    return _ended(ended)


@routes.delete("/members/{member_id}/sessions", responses=problems(401, 403, 404, 422))
async def end_sessions_of_member(
    member_id: MemberId, visit: Annotated[TenantVisit, tenant_change(Permission.EDIT_MEMBER)]
) -> EndedSessions:
    """Signs a member out everywhere; they may sign in again."""
    return _ended(visit.told(await end_member_sessions(visit.desk, visit.asked, visit.tenant_id, member_id)))


def _ended(ended: SessionsEnded) -> EndedSessions:
    return EndedSessions(ended=ended.ended)


def _session_of(cursor: str) -> UUID:
    try:
        return parse_public_id("session", decode_cursor(cursor, str)[0], field="cursor")
    except Refusal:
        raise not_handed_out() from None


def _shape(row: SessionRow, current: UUID) -> SessionShape:
    return SessionShape(
        id=public_id("session", row.session_id),
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        method=row.method,
        address=row.address,
        user_agent=row.user_agent,
        is_current=row.session_id == current,
    )
