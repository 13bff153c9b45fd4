"""Who there is: the roles, in rank order."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody is. The super admin belongs to the platform, the others to one tenant."""

    SYSTEM = "system"
    SUPER_ADMIN = "super_admin"
    TENANT_ADMIN = "tenant_admin"
    ADMIN = "admin"
    MEMBER = "member"


ROLE_LABELS: dict[Role, str] = {
    Role.SYSTEM: "Bursar",
    Role.SUPER_ADMIN: "Super admin",
    Role.TENANT_ADMIN: "Tenant admin",
    Role.ADMIN: "Admin",
    Role.MEMBER: "Member",
}
"""How a role is called on screens."""
