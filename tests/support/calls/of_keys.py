"""API keys of the scene's member, what a tenant's keys inherit, and what bounds its members."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.actions.api_keys import KeyDraft, create_api_key, disable_api_key
from bursar.domain.api_keys import KeyKind, KeySettings
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from bursar.store.api_keys import ApiKey
from tests.support.calls.scenes import Call, Sample, Scene, unique


async def create(_: Scene) -> Call:
    return Call("POST", "/api-keys", {"kind": "model", "name": f"Key {unique()}"})


async def change(scene: Scene) -> Call:
    return Call("PATCH", f"/api-keys/{await key_id(scene)}", {"name": f"Key {unique()}"})


async def rotate(scene: Scene) -> Call:
    return Call("POST", f"/api-keys/{await key_id(scene)}/rotate")


async def disable(scene: Scene) -> Call:
    return Call("POST", f"/api-keys/{await key_id(scene)}/disable")


async def enable(scene: Scene) -> Call:
    key = await key_of(scene)
    await disable_api_key(scene.house.desk, scene.by_target, scene.tenant_id, key.key_id)
    return Call("POST", f"/api-keys/{public_id('api_key', key.key_id)}/enable")


async def delete(scene: Scene) -> Call:
    return Call("DELETE", f"/api-keys/{await key_id(scene)}")


async def set_limits(_: Scene) -> Call:
    return Call("PUT", "/settings/key-limits", {"requests_per_minute": 60})


async def set_member_limits(_: Scene) -> Call:
    return Call("PUT", "/settings/member-limits", {"calls_at_once": 5})


async def key_of(scene: Scene) -> ApiKey:
    """A key of the scene's member."""
    draft = KeyDraft(KeyKind.MODEL, KeySettings(name=f"Key {unique()}"))
    return (await create_api_key(scene.house.desk, scene.by_target, scene.tenant_id, draft)).answer.key


async def key_id(scene: Scene) -> str:
    return public_id("api_key", (await key_of(scene)).key_id)


STATUS = frozenset({"status"})

SAMPLES: Mapping[str, Sample] = {
    "create_key": Sample(create, by=Role.MEMBER, on_oneself=True, changes=frozenset({"name"})),
    "change_key": Sample(change, by=Role.MEMBER, on_oneself=True, changes=frozenset({"name"})),
    "rotate_key": Sample(rotate, by=Role.MEMBER, on_oneself=True, changes=frozenset({"prefix"})),
    "disable_key": Sample(disable, by=Role.ADMIN, changes=STATUS),
    "enable_key": Sample(enable, by=Role.MEMBER, on_oneself=True, changes=STATUS),
    "delete_key": Sample(delete, by=Role.ADMIN, changes=STATUS),
    "put_key_limits": Sample(set_limits, changes=frozenset({"key_limits.requests_per_minute"})),
    "put_member_limits": Sample(set_member_limits, changes=frozenset({"member_limits.calls_at_once"})),
}
