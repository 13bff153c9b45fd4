"""Who may ask for what: every route needs a sign-in and a permission, and ends at the tenant's border."""

from __future__ import annotations

from typing import Any

from fastapi.routing import APIRoute

from bursar.api.app import PREFIX, ROUTERS
from bursar.api.signed_in import permission_of
from bursar.domain.roles import PERMISSIONS, Permission, Reach, Role
from tests.support.offices import Place, TestOffice

OPEN_ROUTES = {
    "start_session",
    "get_session",
    "end_session",
    "look_up_invitation_by_token",
    "accept_invitation_by_token",
}
"""What somebody may ask for without a permission: signing in, seeing oneself, signing out, joining by invitation."""


def routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def method_of(route: APIRoute) -> str:
    (method,) = route.methods or {"none"}
    return method


def test_every_route_names_one_permission() -> None:
    without = {route.name for route in routes() if permission_of(route) is None}

    assert without == OPEN_ROUTES
    assert set(PERMISSIONS) == set(Permission)


def filled(path: str, place: Place) -> str:
    """The route's path with ids in it: this tenant's people, and a hold that does not exist."""
    return (
        path.replace("{tenant_id}", place.tenant_id)
        .replace("{member_id}", place.member_id)
        .replace("{hold_id}", f"hld_{0:032x}")
        .replace("{code_id}", f"cod_{0:032x}")
        .replace("/allocation-batches/{batch_id}", f"/allocation-batches/alb_{0:032x}")
        .replace("{batch_id}", f"cob_{0:032x}")
        .replace("{invitation_id}", f"inv_{0:032x}")
        .replace("{key_id}", f"key_{0:032x}")
        .replace("{super_admin_id}", f"adm_{0:032x}")
        .replace("{session_id}", f"ses_{0:032x}")
        .replace("{conversation_id}", f"cnv_{0:032x}")
        .replace("{message_id}", f"msg_{0:032x}")
    )


def a_body(route: APIRoute, role: Role | None = None) -> Any:
    """A body that passes the route's own checks, so that what is refused is refused for its own reason."""
    if role is Role.SUPER_ADMIN and route.name in BODIES_OF_SUPER_ADMINS:
        return BODIES_OF_SUPER_ADMINS[route.name]
    return BODIES.get(route.name)


BODIES: dict[str, Any] = {
    "create_tenant_with_admin": {
        "name": "Initech", "admin": {"username": "bill", "display_name": "Bill", "password": "long enough"},
    },
    "rename_tenant_to": {"name": "Initrode"},
    # Suspended, the tenant could not be asked for anything else.
    "suspend_tenant_now": {"note": 7},
    "resume_tenant_again": {},
    "set_total_of_tenant": {"total": "1", "seen": "0"},
    "set_cycle_ceiling_of_tenant": {"ceiling": None},
    "create_grant_withdrawal": {"amount": "1"},
    "create_super_admin_with_password": {"username": "peter", "display_name": "Peter", "password": "long enough"},
    "disable_super_admin_now": {},
    "enable_super_admin_again": {},
    "set_credits_per_cycle": {"credits_per_cycle": "1", "seen": "0"},
    "set_cadence_of_cycles": {"cadence": "1_week", "time_zone": "UTC", "epoch": 1},
    "change_settings_of_tenant": {"display": "credits"},
    "change_own_account": {"display_name": "Zoë"},
    "set_own_password": {"current_password": "wrong password", "new_password": "long enough"},
    "create_grant": {"amount": "1"},
    "issue_redemption_codes": {"count": 1, "value": "1"},
    "redeem_code": {"code": "BRS-00000-00000-00000-00000"},
    "create_member_with_password": {"username": "milton", "display_name": "Milton", "password": "long enough"},
    "change_member": {"job_title": "Stapler"},
    "set_member_role": {"role": "admin"},
    "move_member_to_group": {"group_id": f"grp_{1:032x}"},
    "create_group_of_tenant": {"name": "Basement"},
    "reset_cycle_now": {"epoch": 1},
    "create_allocation": {"member_id": f"mem_{1:032x}", "amount": "1"},
    "create_allocation_batch": {"member_ids": [f"mem_{1:032x}"], "amount": "1"},
    "create_allocation_import": {"csv": "member,amount\nnobody,1"},
    "retry_allocation_batch": {},
    "create_reclaim": {"member_id": f"mem_{1:032x}", "amount": "1"},
    "create_hold": {"amount": "0"},
    "create_charge": {"amount": "0"},
    "settle_open_hold": {"cost": "1"},
    "extend_open_hold": {"seconds": 60},
    "create_invitation": {"email": "milton@initech.example"},
    "create_key": {"kind": "model", "name": "Notebook"},
    "change_key": {"name": "Notebook"},
    "rotate_key": {"overlap_seconds": 0},
    "put_key_limits": {"calls_at_once": 5},
    "put_member_limits": {"calls_at_once": 5},
}  # fmt: skip

BODIES_OF_SUPER_ADMINS: dict[str, Any] = {
    "create_invitation": {"email": "lumbergh@initech.example", "role": "tenant_admin"},
}
"""Where a super admin may do a thing, but only to tenant admins."""


async def test_nothing_is_answered_without_a_sign_in(house: TestOffice) -> None:
    place = await house.tenant()
    visitor = house.visitor()

    for route in routes():
        if route.name in OPEN_ROUTES:
            continue
        method = method_of(route)
        response = await visitor.request(method, PREFIX + filled(route.path, place), json=a_body(route))
        assert (route.name, response.status_code, response.json()["code"]) == (route.name, 401, "not_signed_in")


async def test_every_role_gets_exactly_what_the_table_says(house: TestOffice) -> None:
    place = await house.tenant()
    # Somebody else than who asks, because some of what is asked for ends all asking.
    admin = await house.signed_in("acme-admin")
    new = {"username": "waddams", "display_name": "Waddams", "password": "long enough"}
    created = await admin.post("/api/v1/members", json=new)
    path_of = {route.name: filled(route.path, place) for route in routes()}
    path_of = {name: path.replace(place.member_id, created.json()["id"]) for name, path in path_of.items()}
    clients = {
        Role.SUPER_ADMIN: await house.super_admin(),
        Role.TENANT_ADMIN: await house.signed_in("acme-admin"),
        Role.MEMBER: await house.signed_in("acme-member"),
    }

    for route in routes():
        permission = permission_of(route)
        if permission is None:
            continue
        method = method_of(route)
        for role, client in clients.items():
            query = {"tenant_id": place.tenant_id} if role is Role.SUPER_ADMIN else {}
            response = await client.request(
                method, PREFIX + path_of[route.name], json=a_body(route, role), params=query
            )
            # A field is named where it is the other person whom the role does not reach.
            is_refused = (
                response.status_code == 403
                and response.json()["code"] == "not_permitted"
                and not response.json()["fields"]
            )
            assert (route.name, role, is_refused) == (
                route.name,
                role,
                PERMISSIONS[permission].reach(role) is Reach.NO,
            ), response.text
            assert response.status_code < 500


async def test_another_tenants_things_are_unknown_and_not_forbidden(house: TestOffice) -> None:
    acme, globex = await house.tenant("Acme"), await house.tenant("Globex")
    await house.granted(acme, "100")
    await house.granted(globex, "100")
    ours, theirs = await house.signed_in("acme-admin"), await house.signed_in("globex-admin")
    given = await theirs.post("/api/v1/allocations", json={"member_id": globex.member_id, "amount": "10"})
    hold = await theirs.post("/api/v1/holds", json={"member_id": globex.member_id, "amount": "5"})
    assert (given.status_code, hold.status_code) == (201, 201)
    hold_id = hold.json()["id"]

    tried = {
        "member_unknown": [
            await ours.get(f"/api/v1/members/{globex.member_id}"),
            await ours.post("/api/v1/allocations", json={"member_id": globex.member_id, "amount": "1"}),
            await ours.post("/api/v1/reclaims", json={"member_id": globex.member_id, "amount": "1"}),
            await ours.post("/api/v1/holds", json={"member_id": globex.member_id, "amount": "1"}),
            await ours.patch(f"/api/v1/members/{globex.member_id}", json={"job_title": "Ours"}),
            await ours.put(f"/api/v1/members/{globex.member_id}/role", json={"role": "admin"}),
            await ours.put(f"/api/v1/members/{globex.member_id}/group", json={"group_id": acme.group_id}),
            await ours.post(f"/api/v1/members/{globex.member_id}/disable"),
            await ours.post(f"/api/v1/members/{globex.member_id}/enable"),
            await ours.delete(f"/api/v1/members/{globex.member_id}"),
        ],
        "group_unknown": [
            await ours.post("/api/v1/allocations", json={"group_id": globex.group_id, "amount": "1"}),
            await ours.post(
                "/api/v1/members",
                json={"username": "x", "display_name": "X", "password": "long enough", "group_id": globex.group_id},
            ),
            await ours.put(f"/api/v1/members/{acme.member_id}/group", json={"group_id": globex.group_id}),
        ],
        "hold_unknown": [
            await ours.get(f"/api/v1/holds/{hold_id}"),
            await ours.post(f"/api/v1/holds/{hold_id}/settle", json={"cost": "1"}),
            await ours.post(f"/api/v1/holds/{hold_id}/void"),
            await ours.post(f"/api/v1/holds/{hold_id}/extend", json={"seconds": 60}),
        ],
        "session_unknown": [
            await ours.delete(f"/api/v1/own/sessions/{seen['id']}")
            for seen in (await theirs.get("/api/v1/own/sessions")).json()["sessions"]
        ],
        "tenant_unknown": [await ours.get("/api/v1/pool", params={"tenant_id": globex.tenant_id})],
    }

    for code, responses in tried.items():
        for response in responses:
            assert (response.status_code, response.json()["code"]) == (404, code), response.request.url
    seen = await ours.get("/api/v1/transactions", params={"member_id": globex.member_id})
    assert seen.json()["transactions"] == []
    for path in (f"members/{globex.member_id}/transactions", f"members/{globex.member_id}/transactions.csv"):
        response = await ours.get(f"/api/v1/{path}")
        assert (response.status_code, response.json()["code"]) == (404, "member_unknown"), path
    assert (await theirs.get(f"/api/v1/holds/{hold_id}")).json()["state"] == "open"


async def test_a_members_holds_are_unknown_to_other_members(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "100")
    admin = await house.signed_in("acme-admin")
    await admin.post("/api/v1/members", json={"username": "eve", "display_name": "Eve", "password": "long enough"})
    await admin.post("/api/v1/allocations", json={"member_id": place.member_id, "amount": "10"})
    owner, eve = await house.signed_in("acme-member"), await house.signed_in("eve", "long enough")
    hold_id = (await owner.post("/api/v1/holds", json={"amount": "5"})).json()["id"]

    for response in (
        await eve.get(f"/api/v1/holds/{hold_id}"),
        await eve.post(f"/api/v1/holds/{hold_id}/settle", json={"cost": "1"}),
        await eve.post(f"/api/v1/holds/{hold_id}/void"),
        await eve.post(f"/api/v1/holds/{hold_id}/extend", json={"seconds": 60}),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "hold_unknown")
    assert (await eve.post("/api/v1/holds", json={"member_id": place.member_id, "amount": "1"})).status_code == 403
    assert (await owner.get(f"/api/v1/holds/{hold_id}")).json()["state"] == "open"
    assert (await admin.get(f"/api/v1/holds/{hold_id}")).json()["state"] == "open"


async def test_a_super_admin_names_the_tenant(house: TestOffice) -> None:
    place = await house.tenant()
    await house.granted(place, "100")
    root = await house.super_admin()

    unnamed = await root.get("/api/v1/pool")
    named = await root.get("/api/v1/pool", params={"tenant_id": place.tenant_id})
    nowhere = await root.get("/api/v1/pool", params={"tenant_id": f"ten_{7:032x}"})

    assert (unnamed.status_code, unnamed.json()["fields"][0]["field"]) == (422, "tenant_id")
    assert named.json()["balance"] == "100.00"
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "tenant_unknown")
