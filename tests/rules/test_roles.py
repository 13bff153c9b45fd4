"""docs/rules/roles.md, example by example."""

from __future__ import annotations

import pytest

from bursar.domain.permissions import PERMISSIONS, SYSTEM, Actor, Permission, check_permission, may
from bursar.domain.refusals import Refusal
from bursar.domain.roles import ROLE_LABELS, Role
from tests.support.books import identity

READING = {
    Permission.SEE_POOL, Permission.SEE_TRANSACTIONS, Permission.SEE_MEMBERS, Permission.SEE_GROUPS,
    Permission.SEE_CYCLE,
}  # fmt: skip
PLATFORM = {Permission.SEE_TENANTS, Permission.CREATE_TENANT, Permission.GRANT}
SETTINGS = {Permission.CHANGE_CYCLE, Permission.RESET_CYCLE}


def actor(role: Role) -> Actor:
    return Actor(role, identity(), identity(), "Ada")


def held_by(role: Role) -> set[Permission]:
    return {permission for permission in Permission if may(actor(role), permission)}


@pytest.mark.rule("ROLE-1")
def test_what_a_role_may_do_is_one_table() -> None:
    everything = set(Permission)

    assert set(PERMISSIONS) == everything
    assert held_by(Role.SUPER_ADMIN) == PLATFORM | READING
    assert held_by(Role.TENANT_ADMIN) == everything - PLATFORM
    assert held_by(Role.ADMIN) == everything - PLATFORM - SETTINGS
    assert held_by(Role.MEMBER) == {Permission.SPEND}
    assert all(may(SYSTEM, permission) for permission in everything)


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
