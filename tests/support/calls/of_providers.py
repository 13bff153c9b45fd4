"""Providers and routes of models: set up, changed, tried and taken away by the platform."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.actions.model_routes import set_route
from bursar.actions.providers import Secrets, add_provider
from bursar.domain.ids import public_id
from bursar.domain.providers import ProviderSettings, Shape
from bursar.domain.roles import Role
from bursar.domain.routing import Route, Target
from tests.support.calls.scenes import Call, Sample, Scene, unique

NOWHERE = "http://127.0.0.1:1/v1"
"""Where nobody answers."""


async def provider_id(scene: Scene) -> str:
    """The id of a new provider."""
    settings = ProviderSettings(f"p-{unique()}", Shape.OPENAI, NOWHERE, is_enabled=False)
    added = (await add_provider(scene.house.desk, scene.operator, settings, Secrets())).answer
    return public_id("provider", added.provider_id)


async def a_provider_name(scene: Scene) -> str:
    """The name of a new provider."""
    settings = ProviderSettings(f"p-{unique()}", Shape.OPENAI, NOWHERE, is_enabled=False)
    return (await add_provider(scene.house.desk, scene.operator, settings, Secrets())).answer.settings.name


async def add(_: Scene) -> Call:
    draft = {"name": f"p-{unique()}", "shape": "openai", "base_url": NOWHERE, "key": "sk-0123456789abcdef"}
    return Call("POST", "/providers", draft)


async def change(scene: Scene) -> Call:
    return Call("PATCH", f"/providers/{await provider_id(scene)}", {"models": ["llama"], "is_enabled": True})


async def take_away(scene: Scene) -> Call:
    return Call("DELETE", f"/providers/{await provider_id(scene)}")


async def try_out(scene: Scene) -> Call:
    return Call("POST", f"/providers/{await provider_id(scene)}/test")


async def route(scene: Scene) -> Call:
    targets = [{"provider": await a_provider_name(scene), "model": "llama"}]
    return Call("PUT", f"/model-routes/{unique()}/model", {"targets": targets})


async def take_route_away(scene: Scene) -> Call:
    name, provider = unique(), await a_provider_name(scene)
    await set_route(scene.house.desk, scene.operator, Route(name, (Target(provider, "llama"),)))
    return Call("DELETE", f"/model-routes/{name}")


ALL_FIELDS = frozenset(
    {
        "base_url", "key_header", "priced_as", "connect_seconds", "first_byte_seconds", "between_pieces_seconds",
        "whole_seconds", "position", "is_enabled",
    }
)  # fmt: skip

SAMPLES: Mapping[str, Sample] = {
    "create_provider": Sample(add, by=Role.SUPER_ADMIN, changes=ALL_FIELDS | {"key"}),
    "update_provider": Sample(change, by=Role.SUPER_ADMIN, changes=frozenset({"models", "is_enabled"})),
    "delete_provider": Sample(take_away, by=Role.SUPER_ADMIN, changes=ALL_FIELDS),
    "test_provider": Sample(try_out, by=Role.SUPER_ADMIN),
    "set_model_route": Sample(route, by=Role.SUPER_ADMIN, changes=frozenset({"targets"})),
    "delete_model_route": Sample(take_route_away, by=Role.SUPER_ADMIN, changes=frozenset({"targets"})),
}
