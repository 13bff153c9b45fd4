"""docs/rules/roles.md, example by example."""

from __future__ import annotations

import pytest

from bursar.domain.permissions import SYSTEM, Actor, Target, check_may_reach, check_permission, may
from bursar.domain.refusals import Refusal
from bursar.domain.roles import PERMISSIONS, ROLE_LABELS, Permission, Role
from tests.support.books import identity


def actor(role: Role) -> Actor:
    return Actor(role, identity(), identity(), "Ada")


# Which roles may do what at all, written down a second time, and as a person would look for it.
ALL_IN_A_TENANT = {Role.TENANT_ADMIN, Role.ADMIN, Role.MEMBER}
MANAGERS = {Role.TENANT_ADMIN, Role.ADMIN}
EXPECTED: dict[Permission, set[Role]] = {
    Permission.SEE_TENANTS: {Role.SUPER_ADMIN},
    Permission.CREATE_TENANT: {Role.SUPER_ADMIN},
    Permission.CHANGE_TENANT: {Role.SUPER_ADMIN},
    Permission.GRANT: {Role.SUPER_ADMIN},
    Permission.MANAGE_PURCHASES: {Role.SUPER_ADMIN},
    Permission.MANAGE_PLATFORM_SETTINGS: {Role.SUPER_ADMIN},
    Permission.MANAGE_CODES: {Role.SUPER_ADMIN},
    Permission.MANAGE_PRICES: {Role.SUPER_ADMIN},
    Permission.MANAGE_PROVIDERS: {Role.SUPER_ADMIN},
    Permission.MANAGE_SUPER_ADMINS: {Role.SUPER_ADMIN},
    Permission.SEE_PLATFORM_AUDIT: {Role.SUPER_ADMIN},
    Permission.APPOINT_TENANT_ADMIN: {Role.SUPER_ADMIN},
    Permission.SEE_POOL: {Role.SUPER_ADMIN} | MANAGERS,
    Permission.SEE_TRANSACTIONS: {Role.SUPER_ADMIN} | MANAGERS,
    Permission.SEE_CREDIT_REQUESTS: {Role.SUPER_ADMIN} | MANAGERS,
    Permission.DECIDE_CREDIT_REQUESTS: MANAGERS,
    Permission.REQUEST_CREDITS: {Role.ADMIN, Role.MEMBER},
    Permission.SEE_OWN_CREDITS: MANAGERS | {Role.MEMBER},
    Permission.SEE_USAGE: {Role.SUPER_ADMIN} | ALL_IN_A_TENANT,
    Permission.SEE_TASKS: {Role.SUPER_ADMIN} | ALL_IN_A_TENANT,
    Permission.CANCEL_TASKS: ALL_IN_A_TENANT,
    Permission.REVERSE: MANAGERS,
    Permission.SEE_MEMBERS: {Role.SUPER_ADMIN} | MANAGERS,
    Permission.SEE_GROUPS: {Role.SUPER_ADMIN} | MANAGERS,
    Permission.SEE_CYCLE: {Role.SUPER_ADMIN} | MANAGERS,
    Permission.SEE_SETTINGS: {Role.SUPER_ADMIN} | MANAGERS,
    Permission.SEE_AUDIT: {Role.SUPER_ADMIN} | MANAGERS,
    Permission.CREATE_MEMBER: {Role.SUPER_ADMIN} | MANAGERS,
    Permission.EDIT_MEMBER: {Role.SUPER_ADMIN} | MANAGERS,
    Permission.SET_ROLE: {Role.SUPER_ADMIN} | MANAGERS,
    Permission.SWITCH_MEMBER: {Role.SUPER_ADMIN} | MANAGERS,
    Permission.DELETE_MEMBER: {Role.SUPER_ADMIN, Role.TENANT_ADMIN},
    Permission.REDEEM: {Role.TENANT_ADMIN},
    Permission.CHANGE_CYCLE: {Role.TENANT_ADMIN},
    Permission.RESET_CYCLE: {Role.TENANT_ADMIN},
    Permission.CHANGE_SETTINGS: {Role.TENANT_ADMIN},
    Permission.ALLOCATE: MANAGERS,
    Permission.RECLAIM: MANAGERS,
    Permission.SPEND_FOR_OTHERS: MANAGERS,
    Permission.MOVE_MEMBER: MANAGERS,
    Permission.CREATE_GROUP: MANAGERS,
    Permission.SET_MONTHLY: MANAGERS,
    Permission.SEE_KEYS: MANAGERS,
    Permission.STOP_KEYS: MANAGERS,
    Permission.MANAGE_SERVICE_KEYS: MANAGERS,
    Permission.SEE_OWN_KEYS: ALL_IN_A_TENANT,
    Permission.STOP_OWN_KEYS: ALL_IN_A_TENANT,
    Permission.OWN_MANAGEMENT_KEYS: MANAGERS,
    Permission.SPEND: ALL_IN_A_TENANT,
    Permission.OWN_KEYS: ALL_IN_A_TENANT,
    Permission.OWN_CONVERSATIONS: ALL_IN_A_TENANT,
    Permission.OWN_ACCOUNT: {Role.SUPER_ADMIN} | ALL_IN_A_TENANT,
    Permission.SEE_PRICES: {Role.SUPER_ADMIN} | ALL_IN_A_TENANT,
}


@pytest.mark.rule("ROLE-1")
def test_what_a_role_may_do_is_one_table() -> None:
    people = [role for role in Role if role is not Role.SYSTEM]

    assert set(PERMISSIONS) == set(EXPECTED) == set(Permission)
    for permission, roles in EXPECTED.items():
        assert {role for role in people if may(actor(role), permission)} == roles, permission
        assert may(SYSTEM, permission)


@pytest.mark.rule("ROLE-3")
@pytest.mark.parametrize(
    ("role", "permission", "target", "is_allowed"),
    [
        (Role.TENANT_ADMIN, Permission.EDIT_MEMBER, Role.TENANT_ADMIN, True),
        (Role.TENANT_ADMIN, Permission.DELETE_MEMBER, Role.ADMIN, True),
        (Role.ADMIN, Permission.EDIT_MEMBER, Role.MEMBER, True),
        (Role.ADMIN, Permission.SET_ROLE, Role.ADMIN, True),
        (Role.ADMIN, Permission.SWITCH_MEMBER, Role.TENANT_ADMIN, False),
        (Role.ADMIN, Permission.DELETE_MEMBER, Role.MEMBER, False),
        (Role.SUPER_ADMIN, Permission.EDIT_MEMBER, Role.TENANT_ADMIN, True),
        (Role.SUPER_ADMIN, Permission.EDIT_MEMBER, Role.MEMBER, False),
        (Role.MEMBER, Permission.EDIT_MEMBER, Role.MEMBER, False),
    ],
)
def test_how_far_a_role_reaches(role: Role, permission: Permission, target: Role, is_allowed: bool) -> None:
    somebody = Target(target, identity())

    if is_allowed:
        check_may_reach(actor(role), permission, somebody)
    else:
        with pytest.raises(Refusal) as caught:
            check_may_reach(actor(role), permission, somebody)
        assert caught.value.code == "not_permitted"


@pytest.mark.rule("ROLE-3")
@pytest.mark.parametrize("role", [Role.TENANT_ADMIN, Role.ADMIN])
def test_nobody_does_to_oneself_what_is_done_to_others(role: Role) -> None:
    somebody = actor(role)
    assert somebody.identity is not None

    with pytest.raises(Refusal) as caught:
        check_may_reach(somebody, Permission.SWITCH_MEMBER, Target(role, somebody.identity))

    assert caught.value.code == "not_to_oneself"


@pytest.mark.rule("ROLE-2")
@pytest.mark.parametrize(
    ("permission", "allowed", "refused"),
    [
        (Permission.ALLOCATE, Role.ADMIN, Role.MEMBER),
        (Permission.RECLAIM, Role.ADMIN, Role.SUPER_ADMIN),
        (Permission.RESET_CYCLE, Role.TENANT_ADMIN, Role.ADMIN),
        (Permission.GRANT, Role.SUPER_ADMIN, Role.TENANT_ADMIN),
        (Permission.SEE_MEMBERS, Role.ADMIN, Role.MEMBER),
        (Permission.SPEND, Role.MEMBER, Role.SUPER_ADMIN),
    ],
)
def test_whoever_lacks_the_permission_is_refused_and_told_which_one_it_is(
    permission: Permission, allowed: Role, refused: Role
) -> None:
    check_permission(actor(allowed), permission)

    with pytest.raises(Refusal) as caught:
        check_permission(actor(refused), permission)
    assert caught.value == Refusal(
        "not_permitted",
        f"{ROLE_LABELS[refused]} may not do that.",
        scope="role",
        id=str(refused),
        permission=str(permission),
    )
