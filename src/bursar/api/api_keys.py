"""API keys: one's own, and those of others for who looks after them. A secret is in two answers only, once each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from bursar.actions.api_keys import (
    KeyDraft,
    KeyWithSecret,
    change_api_key,
    create_api_key,
    delete_api_key,
    disable_api_key,
    enable_api_key,
    rotate_api_key,
)
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import KeyId, MemberId
from bursar.api.limits import LimitsDraft, LimitsShape, limits_shape
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor
from bursar.api.signed_in import TenantVisit, tenant, tenant_change
from bursar.api.texts import Name
from bursar.api.times import Moment
from bursar.domain.api_keys import (
    MODEL_LENGTH_MAX,
    MODELS_MAX,
    NETWORK_LENGTH_MAX,
    NETWORKS_MAX,
    OVERLAP_SECONDS_MAX,
    KeyKind,
    KeyLimits,
    KeySettings,
)
from bursar.domain.ids import parse_public_id, public_id
from bursar.domain.permissions import check_permission, may
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission, Scope
from bursar.reports.api_keys import see_api_key, see_api_keys
from bursar.store.api_keys import ApiKey

routes = APIRouter(prefix="/api-keys", tags=["api keys"])

Models = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MODEL_LENGTH_MAX)]] | None,
    Field(max_length=MODELS_MAX, description="Null allows every model, an empty list none."),
]
Networks = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=NETWORK_LENGTH_MAX)]] | None,
    Field(max_length=NETWORKS_MAX, description="Such as 10.0.0.0/8. Null allows every network, an empty list none."),
]
Scopes = Annotated[
    list[Scope], Field(max_length=len(Scope), description="What a management key may do; a model key has none.")
]

Owner = Annotated[TenantVisit, tenant_change(Permission.OWN_KEYS)]
Stopper = Annotated[TenantVisit, tenant_change(Permission.STOP_OWN_KEYS)]
Looker = Annotated[TenantVisit, tenant(Permission.SEE_OWN_KEYS)]


class ApiKeyDraft(Shape):
    """A key to be. Without a member it is one's own; with one, it is a service account's."""

    kind: Literal["model", "management"]
    name: Name
    expires_at: Moment | None = None
    allowed_models: Models = None
    allowed_networks: Networks = None
    scopes: Scopes = Field(default_factory=list)
    limits: LimitsDraft = Field(default_factory=LimitsDraft)
    member_id: MemberId | None = None


class ApiKeyEdit(Shape):
    """What to change of a key; what is left out stays as it is, and of the limits only the named ones change."""

    name: Name = Field(default_factory=str)
    expires_at: Moment | None = None
    allowed_models: Models = None
    allowed_networks: Networks = None
    scopes: Scopes = Field(default_factory=list)
    limits: LimitsDraft = Field(default_factory=LimitsDraft)


class Rotation(Shape):
    """How long the old secret works on beside the new one."""

    overlap_seconds: Annotated[int, Field(ge=0, le=OVERLAP_SECONDS_MAX, strict=True)] = 0


class ApiKeyOwner(Shape):
    """The member in whose name a key acts. A disabled owner's keys do not work."""

    id: str
    username: str
    display_name: str
    status: Literal["active", "disabled"]


class ApiKeyShape(Shape):
    """One key, without its secret. `limits` is null for a management key, which calls no models."""

    id: str
    kind: Literal["model", "management"]
    name: str
    prefix: str
    status: Literal["active", "disabled"]
    owner: ApiKeyOwner
    scopes: list[Scope]
    allowed_models: list[str] | None
    allowed_networks: list[str] | None
    limits: LimitsShape | None
    created_at: datetime
    rotated_at: datetime | None
    last_used_at: datetime | None
    expires_at: datetime | None


class ApiKeyWithSecret(Shape):
    """A key and its secret. Nobody is told the secret again: keep it now."""

    key: ApiKeyShape
    secret: str


class ApiKeyList(Shape):
    """A page of keys, and how many there are in all."""

    api_keys: list[ApiKeyShape]
    total: int
    next_cursor: str | None


@routes.post("", status_code=201, responses=problems(401, 403, 404, 409, 422))
async def create_key(body: ApiKeyDraft, visit: Owner) -> ApiKeyWithSecret:
    """Makes a key; the answer holds its secret, which is not shown again."""
    settings = KeySettings(
        name=body.name,
        expires_at=body.expires_at,
        allowed_models=_listed(body.allowed_models),
        allowed_networks=_listed(body.allowed_networks),
        scopes=tuple(body.scopes),
        limits=KeyLimits(**body.limits.named()),
    )
    draft = KeyDraft(KeyKind(body.kind), settings, body.member_id)
    return _with_secret(visit.told(await create_api_key(visit.desk, visit.asked, visit.tenant_id, draft)))


@routes.get("", responses=problems(401, 403, 404, 422))
async def list_keys(
    visit: Looker,
    member_id: Annotated[MemberId | None, Query(description="This member's keys; without it, one's own.")] = None,
    everybodys: Annotated[bool, Query(alias="all", description="The keys of everybody in the tenant.")] = False,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> ApiKeyList:
    """Keys in the order they were made; deleted ones are left out."""
    whose = _whose(visit, member_id, everybodys=everybodys)
    after = None if cursor is None else parse_public_id("api_key", decode_cursor(cursor, str)[0], field="cursor")
    page = await see_api_keys(visit.desk.tenants, visit.tenant_id, whose, after=after, limit=limit + 1)
    shown = [_shape(key) for key in page.keys[:limit]]
    has_more = len(page.keys) > limit
    return ApiKeyList(
        api_keys=shown, total=page.total, next_cursor=encode_cursor(shown[-1].id) if has_more else None
    )  # fmt: skip


@routes.get("/{key_id}", responses=problems(401, 403, 404, 422))
async def get_key(key_id: KeyId, visit: Looker) -> ApiKeyShape:
    """One key; a member sees only the own ones."""
    only_of = None if may(visit.asked.actor, Permission.SEE_KEYS) else visit.person.identity
    return _shape(await see_api_key(visit.desk.tenants, visit.tenant_id, key_id, only_of=only_of))


@routes.patch("/{key_id}", responses=problems(401, 403, 404, 409, 422))
async def change_key(key_id: KeyId, body: ApiKeyEdit, visit: Owner) -> ApiKeyShape:
    """Changes what is named in the body."""
    named: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}

    def edit(settings: KeySettings) -> KeySettings:
        chosen: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in named.items()
        }
        if "limits" in chosen:
            chosen["limits"] = replace(settings.limits, **body.limits.named())
        return replace(settings, **chosen)

    return _shape(visit.told(await change_api_key(visit.desk, visit.asked, visit.tenant_id, key_id, edit)))


@routes.post("/{key_id}/rotate", responses=problems(401, 403, 404, 409, 422))
async def rotate_key(key_id: KeyId, visit: Owner, body: Rotation | None = None) -> ApiKeyWithSecret:
    """Gives the key a new secret, which is not shown again; the old one stops, now or after the overlap."""
    overlap_seconds = 0 if body is None else body.overlap_seconds
    rotated = await rotate_api_key(
        visit.desk, visit.asked, visit.tenant_id, key_id, overlap_seconds=overlap_seconds
    )  # fmt: skip
    return _with_secret(visit.told(rotated))


@routes.post("/{key_id}/disable", responses=problems(401, 403, 404, 409, 422))
async def disable_key(key_id: KeyId, visit: Stopper) -> ApiKeyShape:
    """Switches the key off, at once and everywhere. Doing it again changes nothing."""
    return _shape(visit.told(await disable_api_key(visit.desk, visit.asked, visit.tenant_id, key_id)))


@routes.post("/{key_id}/enable", responses=problems(401, 403, 404, 409, 422))
async def enable_key(key_id: KeyId, visit: Stopper) -> ApiKeyShape:
    """Switches the key on again. Doing it again changes nothing."""
    return _shape(visit.told(await enable_api_key(visit.desk, visit.asked, visit.tenant_id, key_id)))


@routes.delete("/{key_id}", status_code=204, responses=problems(401, 403, 404, 409, 422))
async def delete_key(key_id: KeyId, visit: Stopper) -> None:
    """Ends the key for good."""
    visit.told(await delete_api_key(visit.desk, visit.asked, visit.tenant_id, key_id))


def _whose(visit: TenantVisit, member_id: UUID | None, *, everybodys: bool) -> UUID | None:
    """Whose keys are asked for: None is everybody's. Those of others take a permission of its own."""
    if member_id is not None and everybodys:
        raise Refusal("invalid_input", "Ask for one member's keys or for all, not both.", field="all")
    whose = member_id or visit.person.identity
    if everybodys or whose != visit.person.identity:
        check_permission(visit.asked.actor, Permission.SEE_KEYS)
    return None if everybodys else whose


def _listed(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _with_secret(made: KeyWithSecret) -> ApiKeyWithSecret:
    return ApiKeyWithSecret(key=_shape(made.key), secret=made.secret)


def _shape(key: ApiKey) -> ApiKeyShape:
    settings, owner = key.settings, key.owner
    is_model = key.kind is KeyKind.MODEL
    return ApiKeyShape.model_validate(
        {
            "id": public_id("api_key", key.key_id),
            "kind": key.kind,
            "name": settings.name,
            "prefix": key.prefix,
            "status": key.status,
            "owner": {
                "id": public_id("member", owner.member_id),
                "username": owner.username,
                "display_name": owner.display_name,
                "status": owner.status,
            },
            "scopes": settings.scopes,
            "allowed_models": settings.allowed_models,
            "allowed_networks": settings.allowed_networks,
            "limits": limits_shape(settings.limits, key.tenant_limits) if is_model else None,
            "created_at": key.created_at,
            "rotated_at": key.rotated_at,
            "last_used_at": key.last_used_at,
            "expires_at": settings.expires_at,
        }
    )
