"""Redemption codes: issued, listed and revoked by the platform; redeemed by a tenant's admin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from bursar.actions.codes import CodesWanted, IssuedBatch, issue_codes, redeem, revoke_batch, revoke_code
from bursar.api.amounts import Amount, TypedAmount
from bursar.api.answers import Shape, problems
from bursar.api.csv_answers import CsvAnswer, Row, csv_answer, csv_file_name
from bursar.api.identifiers import CodeBatchId, CodeId
from bursar.api.movements import Movement, movement
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import TenantVisit, Visit, platform, platform_change, tenant_change
from bursar.api.texts import SEARCH_LENGTH_MAX, Note
from bursar.api.times import Moment
from bursar.domain.codes import CODES_AT_ONCE_MAX, TYPED_LENGTH_MAX, CodeState
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.reports.codes import CodeNames, see_codes
from bursar.store.codes import CodeFilter, IssuedCode

routes = APIRouter(tags=["redemption codes"])


class CodesDraft(Shape):
    """How many codes to issue, what each is worth, and until when it can be redeemed; without an end, always."""

    count: int = Field(ge=1, le=CODES_AT_ONCE_MAX, strict=True)
    value: TypedAmount
    expires_at: Moment | None = None
    note: Note = None


class PlainCode(Shape):
    """One code in plain text. It is told here and never again."""

    id: str
    code: str


class IssuedCodes(Shape):
    """The codes that were issued together, in plain text."""

    batch_id: str
    value: Amount
    note: str | None
    issued_at: datetime
    expires_at: datetime | None
    codes: list[PlainCode]


class Redeemer(Shape):
    """Who redeemed a code, in which tenant, and the transfer that brought the credits."""

    tenant_id: str
    tenant_name: str
    member_id: str
    member_name: str
    transfer_id: str


class CodeShape(Shape):
    """One code and what became of it. Of the code itself its last four letters are all there is."""

    id: str
    batch_id: str
    last_four: str
    state: CodeState
    value: Amount
    note: str | None
    issued_at: datetime
    issued_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    redeemed_at: datetime | None
    redeemed_by: Redeemer | None


class CodeTotalShape(Shape):
    """How many codes are in one state, and what they are worth together."""

    state: CodeState
    count: int
    value: Amount


class CodeList(Shape):
    """A page of codes, the last issued first; how many the filter lets through; and, whichever state it names, how
    many there are in each."""

    codes: list[CodeShape]
    total: int
    totals: list[CodeTotalShape]
    next_cursor: str | None


class RevokedCode(Shape):
    """A code that was taken back."""

    id: str
    batch_id: str
    last_four: str
    state: CodeState
    value: Amount
    revoked_at: datetime


class RevokedCodes(Shape):
    """How many codes of a batch were still open and were taken back, and what they were worth together."""

    batch_id: str
    count: int
    value: Amount


class CodeToRedeem(Shape):
    """The code as it stands on paper. Case, blanks and dashes do not matter."""

    code: str = Field(min_length=1, max_length=TYPED_LENGTH_MAX)


@routes.post(
    "/redemption-codes",
    status_code=201,
    response_model=IssuedCodes,
    responses={201: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **problems(401, 403, 422)},
)
async def issue_redemption_codes(
    request: Request, body: CodesDraft, visit: Annotated[Visit, platform_change(Permission.MANAGE_CODES)]
) -> IssuedCodes | CsvAnswer:
    """Makes new codes and tells them, once: as JSON, or as a CSV file to whoever accepts `text/csv`."""
    wanted = CodesWanted(body.count, body.value, body.expires_at, body.note)
    issued = visit.told(await issue_codes(visit.desk, visit.asked, wanted))
    return _file(issued, visit.response.headers) if _wants_file(request) else _issued_shape(issued)


def _wants_file(request: Request) -> bool:
    """Whether a CSV file is what the caller likes best."""
    first = request.headers.get("accept", "").partition(",")[0].partition(";")[0]
    return first.strip().lower() == CsvAnswer.media_type


def _file(issued: IssuedBatch, headers: Mapping[str, str]) -> CsvAnswer:
    """The list to be kept: a line for each code, with all that there is to say about it."""
    batch = issued.batch
    ends = None if batch.expires_at is None else batch.expires_at.isoformat()
    batch_id = public_id("code_batch", batch.batch_id)
    rows = [
        (code.code, str(batch.value), ends, batch.note, public_id("code", code.code_id), batch_id)
        for code in issued.codes
    ]

    async def pages() -> AsyncIterator[Iterable[Row]]:
        yield rows

    answer = csv_answer(FILE_COLUMNS, pages(), file_name=csv_file_name("codes", batch.note or "", at=batch.issued_at))
    answer.status_code = 201
    answer.headers.update(headers)
    return answer


FILE_COLUMNS = ("code", "value", "expires_at", "note", "id", "batch_id")


def _issued_shape(issued: IssuedBatch) -> IssuedCodes:
    batch = issued.batch
    return IssuedCodes(
        batch_id=public_id("code_batch", batch.batch_id),
        value=batch.value,
        note=batch.note,
        issued_at=batch.issued_at,
        expires_at=batch.expires_at,
        codes=[PlainCode(id=public_id("code", code.code_id), code=code.code) for code in issued.codes],
    )


@routes.get("/redemption-codes", responses=problems(401, 403, 422))
async def list_redemption_codes(
    visit: Annotated[Visit, platform(Permission.MANAGE_CODES)],
    state: Annotated[CodeState | None, Query(description="Only codes of this state.")] = None,
    batch_id: Annotated[CodeBatchId | None, Query(description="Only codes of this batch.")] = None,
    search: Annotated[
        str | None, Query(max_length=SEARCH_LENGTH_MAX, description="Part of a note, or the last four of a code.")
    ] = None,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> CodeList:
    """The codes that were issued, the last first, with what became of each."""
    if search is not None and not search.isprintable():
        raise Refusal("invalid_input", "A search must not contain control characters.", field="search")
    wanted = CodeFilter(
        state=state,
        batch_id=batch_id,
        search=search.strip() or None if search else None,
    )
    before: UUID | None = None
    if cursor is not None:
        before = parse_public_id("code", decode_cursor(cursor, str)[0], field="cursor")
    now = visit.desk.clock.now()
    page = await see_codes(visit.desk.platform, visit.desk.tenants, wanted, now=now, before=before, limit=limit + 1)
    shown = [_shape(code, page.names, now) for code in page.codes[:limit]]
    return CodeList(
        codes=shown,
        total=page.total,
        totals=[CodeTotalShape(state=part.state, count=part.count, value=part.value) for part in page.totals],
        next_cursor=encode_cursor(shown[-1].id) if len(page.codes) > limit else None,
    )


@routes.post("/redemption-codes/{code_id}/revoke", responses=problems(401, 403, 404, 409, 422))
async def revoke_redemption_code(
    code_id: CodeId, visit: Annotated[Visit, platform_change(Permission.MANAGE_CODES)]
) -> RevokedCode:
    """Takes an open code back, so that nobody can redeem it."""
    code = visit.told(await revoke_code(visit.desk, visit.asked, code_id))
    assert code.life.revoked_at is not None
    return RevokedCode(
        id=public_id("code", code.code_id),
        batch_id=public_id("code_batch", code.batch.batch_id),
        last_four=code.last_four,
        state=CodeState.REVOKED,
        value=code.batch.value,
        revoked_at=code.life.revoked_at,
    )


@routes.post("/redemption-code-batches/{batch_id}/revoke", responses=problems(401, 403, 404, 422))
async def revoke_redemption_code_batch(
    batch_id: CodeBatchId, visit: Annotated[Visit, platform_change(Permission.MANAGE_CODES)]
) -> RevokedCodes:
    """Takes back all codes of a batch that are still open."""
    revoked = visit.told(await revoke_batch(visit.desk, visit.asked, batch_id))
    return RevokedCodes(batch_id=public_id("code_batch", revoked.batch_id), count=revoked.count, value=revoked.value)


@routes.post("/redemptions", status_code=201, responses=problems(401, 403, 404, 409, 422, 429))
async def redeem_code(body: CodeToRedeem, visit: Annotated[TenantVisit, tenant_change(Permission.REDEEM)]) -> Movement:
    """Redeems a code: its value goes into the tenant's pool, once."""
    return movement(visit.told(await redeem(visit.desk, visit.asked, visit.tenant_id, body.code)))


def _shape(code: IssuedCode, names: CodeNames, now: datetime) -> CodeShape:
    batch, life, redeemed = code.batch, code.life, code.redeemed
    redeemer = None
    if redeemed is not None:
        redeemer = Redeemer(
            tenant_id=public_id("tenant", redeemed.tenant_id),
            tenant_name=names.tenants[redeemed.tenant_id],
            member_id=public_id("member", redeemed.member_id),
            member_name=names.members[redeemed.member_id],
            transfer_id=public_id("transfer", redeemed.transfer_id),
        )
    return CodeShape(
        id=public_id("code", code.code_id),
        batch_id=public_id("code_batch", batch.batch_id),
        last_four=code.last_four,
        state=life.state(now),
        value=batch.value,
        note=batch.note,
        issued_at=batch.issued_at,
        issued_by=names.issuers[batch.issued_by],
        expires_at=life.expires_at,
        revoked_at=life.revoked_at,
        redeemed_at=life.redeemed_at,
        redeemed_by=redeemer,
    )
