"""Providers of models, for super admins: who they are, how they are asked, and whether they answer.

A key comes in and never goes out again.

Rule: PROVIDER-3
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from bursar.actions.connections import problem_of
from bursar.actions.desk import Desk
from bursar.actions.provider_tests import Outcome, run_provider_test
from bursar.actions.providers import Secrets, add_provider, change_provider, remove_provider
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import ProviderId
from bursar.api.signed_in import Visit, platform, platform_change
from bursar.api.texts import Note
from bursar.domain import providers as domain
from bursar.domain.ids import public_id
from bursar.domain.prices import MODEL_LENGTH_MAX, PROVIDER_LENGTH_MAX
from bursar.domain.providers import ConfiguredProvider, Header, ProviderSettings, Timeouts
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.reports.providers import see_provider, see_providers

routes = APIRouter(tags=["providers"])

ProviderName = Annotated[str, Field(min_length=1, max_length=40)]
Model = Annotated[str, Field(min_length=1, max_length=MODEL_LENGTH_MAX)]
Key = Annotated[str, Field(min_length=1, max_length=domain.KEY_LENGTH_MAX, json_schema_extra={"writeOnly": True})]
Url = Annotated[str, Field(min_length=1, max_length=domain.URL_LENGTH_MAX)]
Variable = Annotated[str, Field(min_length=1, max_length=100)]
HeaderName = Annotated[str, Field(min_length=1, max_length=100)]


_CONNECT, _FIRST_BYTE, _BETWEEN, _WHOLE = domain.TIMEOUT_BOUNDS.values()


class TimeoutsDraft(Shape):
    """How long a provider is waited for, in seconds: until there is a connection, until an answer begins, between two
    pieces of it, and for all of it. Those that are left out stay.
    """

    connect_seconds: Annotated[int, Field(ge=_CONNECT.smallest, le=_CONNECT.largest)] = _CONNECT.usual
    first_byte_seconds: Annotated[int, Field(ge=_FIRST_BYTE.smallest, le=_FIRST_BYTE.largest)] = _FIRST_BYTE.usual
    between_pieces_seconds: Annotated[int, Field(ge=_BETWEEN.smallest, le=_BETWEEN.largest)] = _BETWEEN.usual
    whole_seconds: Annotated[int, Field(ge=_WHOLE.smallest, le=_WHOLE.largest)] = _WHOLE.usual


class HeaderDraft(Shape):
    """A header that goes with every call. A secret one is sealed, and stays as it is where its value is left out."""

    name: HeaderName
    value: Annotated[str, Field(min_length=1, max_length=domain.KEY_LENGTH_MAX)] | None = None
    is_secret: bool = False


Headers = Annotated[list[HeaderDraft], Field(max_length=domain.HEADERS_MAX)]
Models = Annotated[list[Model], Field(max_length=domain.MODELS_MAX)]
PricedAs = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=PROVIDER_LENGTH_MAX)]], Field(max_length=domain.PRICED_AS_MAX)
]
Position = Annotated[int, Field(ge=1, le=domain.POSITION_MAX)]


class ProviderChange(Shape):
    """What is to be changed; what is left out stays. A key takes the place of a variable, and the other way round; null
    takes either away. A provider that is elsewhere now needs its sealed secrets anew.
    """

    base_url: Url | None = None
    key: Key | None = None
    key_variable: Variable | None = None
    key_header: HeaderName = domain.BEARER_HEADER
    headers: Headers = Field(default_factory=list)
    priced_as: PricedAs = Field(default_factory=list)
    models: Models = Field(default_factory=list)
    timeouts: TimeoutsDraft = TimeoutsDraft()
    position: Position = domain.POSITION_MAX
    is_enabled: bool = True
    note: Note = None


class ProviderDraft(Shape):
    """A provider to be added. Its key comes from `key_variable` of the server's environment, else it is `key`, which is
    sealed and never shown again. Without `key_header` it goes where a provider of this shape looks for it; without
    `priced_as` its models stand in the price list under its own name; without a position it comes last.
    """

    name: ProviderName
    shape: domain.Shape
    base_url: Url | None = None
    key: Key | None = None
    key_variable: Variable | None = None
    key_header: HeaderName | None = None
    headers: Headers = Field(default_factory=list)
    priced_as: PricedAs = Field(default_factory=list)
    models: Models = Field(default_factory=list)
    timeouts: TimeoutsDraft = TimeoutsDraft()
    position: Position | None = None
    is_enabled: bool = True
    note: Note = None


class KeyShape(Shape):
    """Where a provider's key comes from; of a sealed one at most how it ends."""

    source: Literal["none", "variable", "sealed"]
    variable: str | None
    ending: str | None
    header: str


class HeaderShape(Shape):
    """A header that goes with every call; the value of a secret one is null."""

    name: str
    value: str | None
    is_secret: bool


class TimeoutsShape(Shape):
    """How long a provider is waited for, in seconds."""

    connect_seconds: int
    first_byte_seconds: int
    between_pieces_seconds: int
    whole_seconds: int


class ProviderShape(Shape):
    """A provider of models. `problem` says why it cannot be asked at present, such as for want of its key."""

    id: str
    name: str
    shape: domain.Shape
    is_simulated: bool
    base_url: str | None
    key: KeyShape
    headers: list[HeaderShape]
    priced_as: list[str]
    models: list[str]
    timeouts: TimeoutsShape
    position: int
    is_enabled: bool
    problem: str | None
    note: str | None
    created_at: datetime
    changed_at: datetime


class ProviderList(Shape):
    """All providers, in the order in which they are asked."""

    providers: list[ProviderShape]
    total: int


class ProviderTestShape(Shape):
    """What came of asking a provider for its list of models."""

    outcome: Outcome
    sentence: str
    status: int | None
    models: int | None
    milliseconds: int


Looker = Annotated[Visit, platform(Permission.MANAGE_PROVIDERS)]
Keeper = Annotated[Visit, platform_change(Permission.MANAGE_PROVIDERS)]


@routes.get("/providers", responses=problems(401, 403))
async def list_providers(visit: Looker) -> ProviderList:
    """Every provider that is set up."""
    found = await see_providers(visit.desk.platform)
    return ProviderList(providers=[_shape(visit.desk, provider) for provider in found], total=len(found))


@routes.get("/providers/{provider_id}", responses=problems(401, 403, 404, 422))
async def get_provider(provider_id: ProviderId, visit: Looker) -> ProviderShape:
    """One provider."""
    return _shape(visit.desk, await see_provider(visit.desk.platform, provider_id))


@routes.post("/providers", status_code=201, responses=problems(401, 403, 409, 422))
async def create_provider(body: ProviderDraft, visit: Keeper) -> ProviderShape:
    """Adds a provider of models."""
    headers, secrets = _headers(body.headers)
    settings = ProviderSettings(
        name=body.name,
        shape=body.shape,
        base_url=body.base_url,
        key_variable=body.key_variable,
        key_header=body.key_header or domain.KEY_HEADERS[body.shape],
        headers=headers,
        priced_as=tuple(body.priced_as),
        models=tuple(body.models),
        timeouts=Timeouts(**body.timeouts.model_dump()),
        position=body.position or 0,
        is_enabled=body.is_enabled,
        note=body.note,
    )
    done = await add_provider(visit.desk, visit.asked, settings, Secrets(body.key, secrets))
    return _shape(visit.desk, visit.told(done))


@routes.patch("/providers/{provider_id}", responses=problems(401, 403, 404, 422))
async def update_provider(provider_id: ProviderId, body: ProviderChange, visit: Keeper) -> ProviderShape:
    """Changes what is named of a provider."""
    named = body.model_fields_set
    changes: dict[str, Any] = {
        name: getattr(body, name) for name in named - {"key", "headers", "timeouts", "priced_as", "models"}
    }
    changes |= {name: tuple(getattr(body, name)) for name in named & {"priced_as", "models"}}
    if "key" in named and body.key is None:
        changes["key"] = None
    secrets = None
    if "headers" in named:
        changes["headers"], secrets = _headers(body.headers)
    if "timeouts" in named:
        changes["timeouts"] = body.timeouts.model_dump(exclude_unset=True)
    done = await change_provider(visit.desk, visit.asked, provider_id, changes, Secrets(body.key, secrets))
    return _shape(visit.desk, visit.told(done))


@routes.delete("/providers/{provider_id}", responses=problems(401, 403, 404, 409, 422))
async def delete_provider(provider_id: ProviderId, visit: Keeper) -> ProviderShape:
    """Takes a provider away; its sealed key goes with it."""
    return _shape(visit.desk, visit.told(await remove_provider(visit.desk, visit.asked, provider_id)))


@routes.post("/providers/{provider_id}/test", responses=problems(401, 403, 404, 422))
async def test_provider(provider_id: ProviderId, visit: Keeper) -> ProviderTestShape:
    """Asks a provider for its list of models, and says what came back."""
    return ProviderTestShape(**asdict(visit.told(await run_provider_test(visit.desk, visit.asked, provider_id))))


def _headers(drafts: Sequence[HeaderDraft]) -> tuple[tuple[Header, ...], dict[str, str]]:
    """The headers, and apart from them the values that are to be sealed. Refuses `invalid_input` for a plain one
    without a value.
    """
    headers, secrets = [], {}
    for draft in drafts:
        if draft.is_secret:
            headers.append(Header(draft.name, None))
            if draft.value is not None:
                secrets[draft.name] = draft.value
        elif draft.value is None:
            raise Refusal("invalid_input", f"Give the header {draft.name} a value.", field="headers")
        else:
            headers.append(Header(draft.name, draft.value))
    return tuple(headers), secrets


def _shape(desk: Desk, provider: ConfiguredProvider) -> ProviderShape:
    settings = provider.settings
    ending = None if settings.key is None else settings.key.ending
    source: Literal["none", "variable", "sealed"] = "none" if settings.key is None else "sealed"
    if settings.key_variable is not None:
        source = "variable"
    return ProviderShape(
        id=public_id("provider", provider.provider_id),
        name=settings.name,
        shape=settings.shape,
        is_simulated=settings.is_simulated,
        base_url=settings.base_url,
        key=KeyShape(source=source, variable=settings.key_variable, ending=ending, header=settings.key_header),
        headers=[
            HeaderShape(name=header.name, value=header.value, is_secret=header.is_secret) for header in settings.headers
        ],
        priced_as=list(settings.priced_as),
        models=list(settings.models),
        timeouts=TimeoutsShape(**asdict(settings.timeouts)),
        position=settings.position,
        is_enabled=settings.is_enabled,
        problem=problem_of(desk, provider),
        note=settings.note,
        created_at=provider.created_at,
        changed_at=provider.changed_at,
    )
