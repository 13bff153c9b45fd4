"""Who may do what: one row for each thing that can be asked for, and the one check.

A role's rights end at the border of its own tenant; whether a row belongs to the tenant is not asked here but in the
query that finds it, so another tenant's things are *unknown*, never *forbidden*. Read next: `roles`.

Rule: ROLE-1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from bursar.domain.refusals import Refusal
from bursar.domain.roles import ROLE_LABELS, Role


class Permission(StrEnum):
    """Something a person can be allowed to do."""

    SEE_TENANTS = "see_tenants"
    CREATE_TENANT = "create_tenant"
    GRANT = "grant"
    SEE_POOL = "see_pool"
    SEE_TRANSACTIONS = "see_transactions"
    SEE_MEMBERS = "see_members"
    CREATE_MEMBER = "create_member"
    SEE_GROUPS = "see_groups"
    CREATE_GROUP = "create_group"
    SET_MONTHLY = "set_monthly"
    ALLOCATE = "allocate"
    RECLAIM = "reclaim"
    SEE_CYCLE = "see_cycle"
    CHANGE_CYCLE = "change_cycle"
    RESET_CYCLE = "reset_cycle"
    SPEND = "spend"
    SPEND_FOR_OTHERS = "spend_for_others"


_OPERATOR = frozenset({Role.SYSTEM, Role.SUPER_ADMIN})
_TENANT_ADMIN = frozenset({Role.SYSTEM, Role.TENANT_ADMIN})
_ADMINS = _TENANT_ADMIN | {Role.ADMIN}
_READERS = _ADMINS | {Role.SUPER_ADMIN}
_EVERYONE_IN_A_TENANT = _ADMINS | {Role.MEMBER}

PERMISSIONS: Mapping[Permission, frozenset[Role]] = {
    Permission.SEE_TENANTS: _OPERATOR,
    Permission.CREATE_TENANT: _OPERATOR,
    Permission.GRANT: _OPERATOR,
    Permission.SEE_POOL: _READERS,
    Permission.SEE_TRANSACTIONS: _READERS,
    Permission.SEE_MEMBERS: _READERS,
    Permission.CREATE_MEMBER: _ADMINS,
    Permission.SEE_GROUPS: _READERS,
    Permission.CREATE_GROUP: _ADMINS,
    Permission.SET_MONTHLY: _ADMINS,
    Permission.ALLOCATE: _ADMINS,
    Permission.RECLAIM: _ADMINS,
    Permission.SEE_CYCLE: _READERS,
    Permission.CHANGE_CYCLE: _TENANT_ADMIN,
    Permission.RESET_CYCLE: _TENANT_ADMIN,
    Permission.SPEND: _EVERYONE_IN_A_TENANT,
    Permission.SPEND_FOR_OTHERS: _ADMINS,
}
"""The roles that hold each permission."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person of the platform or of one tenant, or Bursar itself."""

    role: Role
    identity: UUID | None
    tenant_id: UUID | None
    name: str


SYSTEM = Actor(Role.SYSTEM, None, None, ROLE_LABELS[Role.SYSTEM])
"""Bursar itself, when the clock or the operator's command line asks."""


def may(actor: Actor, permission: Permission) -> bool:
    """Whether the actor's role holds the permission."""
    return actor.role in PERMISSIONS[permission]


def check_permission(actor: Actor, permission: Permission) -> None:
    """Refuses `not_permitted` unless the actor's role holds the permission.

    Rule: ROLE-2
    """
    if not may(actor, permission):
        raise Refusal(
            "not_permitted",
            f"{ROLE_LABELS[actor.role]} may not do that.",
            scope="role",
            id=str(actor.role),
            permission=str(permission),
        )
