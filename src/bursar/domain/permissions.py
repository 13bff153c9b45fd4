"""Asking the table of `roles`: may this actor do that, and to whom.

Rule: ROLE-2
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bursar.domain.refusals import Refusal
from bursar.domain.roles import PERMISSIONS, ROLE_LABELS, Permission, Reach, Role, Scope


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person of the platform or of one tenant, or Bursar itself.

    `scopes` is None for somebody who signed in. For a management key it is what the key was given, and the actor is
    the key's owner: a key can do what both its owner's role and its own scopes allow.
    """

    role: Role
    identity: UUID | None
    tenant_id: UUID | None
    name: str
    scopes: frozenset[Scope] | None = None


SYSTEM = Actor(Role.SYSTEM, None, None, ROLE_LABELS[Role.SYSTEM])
"""Bursar itself, when the clock or the operator's command line asks."""


@dataclass(frozen=True, slots=True)
class Target:
    """The person that something is done to."""

    role: Role
    identity: UUID


def may(actor: Actor, permission: Permission) -> bool:
    """Whether the actor may do this to anybody or anything at all."""
    right = PERMISSIONS[permission]
    if actor.scopes is not None and right.scope not in actor.scopes:
        return False
    return right.reach(actor.role) is not Reach.NO


def reaches_others(actor: Actor, permission: Permission) -> bool:
    """Whether the actor may do this beyond what is its own.

    Rule: ROLE-1
    """
    return may(actor, permission) and PERMISSIONS[permission].reach(actor.role) is not Reach.OWN


def check_permission(actor: Actor, permission: Permission) -> None:
    """Refuses `not_permitted` unless the actor's role, and where a key asks also its scopes, hold the permission.

    Rule: ROLE-2, KEY-9
    """
    if may(actor, permission):
        return
    right = PERMISSIONS[permission]
    if right.reach(actor.role) is not Reach.NO:
        needed = "a person who is signed in" if right.scope is None else f"a key with the scope {right.scope}"
        raise Refusal(
            "not_permitted", f"That takes {needed}.", scope="key", id=str(actor.role), permission=str(permission)
        )
    raise Refusal(
        "not_permitted",
        f"{ROLE_LABELS[actor.role]} may not do that.",
        scope="role",
        id=str(actor.role),
        permission=str(permission),
    )


def check_own(actor: Actor, permission: Permission, named: UUID | None, *, field: str = "member_id") -> None:
    """Refuses `not_permitted` to look at this person's, for somebody who sees only what is their own.

    Rule: ROLE-2
    """
    if named not in (None, actor.identity):
        raise Refusal(
            "not_permitted",
            f"{ROLE_LABELS[actor.role]} sees only what is their own.",
            field=field,
            scope="role",
            id=str(actor.role),
            permission=str(permission),
        )


def check_in_person(actor: Actor, what: str) -> None:
    """Refuses `not_permitted` to a key: what would let its holder sign in as somebody with more than its scopes.

    Rule: KEY-9
    """
    if actor.scopes is not None:
        raise Refusal("not_permitted", f"{what} takes a person who is signed in.", scope="key", id=str(actor.role))


def check_may_reach(actor: Actor, permission: Permission, target: Target, *, field: str = "member_id") -> None:
    """Refuses unless the actor may do this to that person: first `not_permitted` at all, then `not_to_oneself`, then
    `not_permitted` to somebody of that role. `field` is the input that chose the person.

    Rule: ROLE-3
    """
    check_permission(actor, permission)
    if target.identity == actor.identity:
        raise Refusal("not_to_oneself", "Nobody does that to oneself.", field=field)
    reach = PERMISSIONS[permission].reach(actor.role)
    is_tenant_admin = target.role is Role.TENANT_ADMIN
    if (reach is Reach.OTHERS and is_tenant_admin) or (reach is Reach.TENANT_ADMINS and not is_tenant_admin):
        raise Refusal(
            "not_permitted",
            f"{ROLE_LABELS[actor.role]} may not do that to a {ROLE_LABELS[target.role].lower()}.",
            field=field,
            scope="role",
            id=str(actor.role),
            permission=str(permission),
        )
