"""Redemption codes: issued and revoked by the platform, redeemed by a tenant."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.actions.codes import CodesWanted, IssuedBatch, issue_codes
from bursar.domain.credits import parse_level
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from tests.support.calls.scenes import Call, Sample, Scene


async def issue(_: Scene) -> Call:
    return Call("POST", "/redemption-codes", {"count": 2, "value": "25", "note": "For the fair"})


async def revoke(scene: Scene) -> Call:
    code_id = public_id("code", (await issued(scene)).codes[0].code_id)
    return Call("POST", f"/redemption-codes/{code_id}/revoke")


async def revoke_batch(scene: Scene) -> Call:
    batch_id = public_id("code_batch", (await issued(scene)).batch.batch_id)
    return Call("POST", f"/redemption-code-batches/{batch_id}/revoke")


async def redeem(scene: Scene) -> Call:
    return Call("POST", "/redemptions", {"code": (await issued(scene)).codes[0].code})


async def issued(scene: Scene) -> IssuedBatch:
    """A batch of codes that are open."""
    wanted = CodesWanted(2, parse_level("25", field="value"))
    return (await issue_codes(scene.house.desk, scene.operator, wanted)).answer


SAMPLES: Mapping[str, Sample] = {
    "issue_redemption_codes": Sample(issue, by=Role.SUPER_ADMIN),
    "revoke_redemption_code": Sample(revoke, by=Role.SUPER_ADMIN, changes=frozenset({"state"})),
    "revoke_redemption_code_batch": Sample(revoke_batch, by=Role.SUPER_ADMIN, changes=frozenset({"state"})),
    "redeem_code": Sample(redeem, changes=frozenset({"pool"})),
}
