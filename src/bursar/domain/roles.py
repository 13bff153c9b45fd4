"""Who there is, and THE TABLE of who may do what: one row for each thing that can be asked for.

A row says how far each role reaches, and which scope a management key needs for it. A role's rights end at the border
of its own tenant; whether a row belongs to the tenant is not asked here but in the query that finds it, so another
tenant's things are *unknown*, never *forbidden*. Read next: `permissions`, which asks the table.

Rule: ROLE-1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is. The super admin belongs to the platform, the others to one tenant."""

    SYSTEM = "system"
    SUPER_ADMIN = "super_admin"
    TENANT_ADMIN = "tenant_admin"
    ADMIN = "admin"
    MEMBER = "member"


ROLE_LABELS: Mapping[Role, str] = {
    Role.SYSTEM: "Bursar",
    Role.SUPER_ADMIN: "Super admin",
    Role.TENANT_ADMIN: "Tenant admin",
    Role.ADMIN: "Admin",
    Role.MEMBER: "Member",
}
"""How a role is called on screens."""


class Reach(StrEnum):
    """How far a permission goes for a role."""

    NO = "no"
    OWN = "own"  # oneself, and what is one's own
    OTHERS = "others"  # everybody in the tenant but oneself and its tenant admins
    TENANT = "tenant"  # everything in the own tenant
    TENANT_ADMINS = "tenant admins"  # the tenant admins of any tenant
    ANY = "any"  # the platform, and every tenant


class Scope(StrEnum):
    """What a management key can be given; a key never passes its owner's role."""

    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    GROUPS_READ = "groups:read"
    GROUPS_WRITE = "groups:write"
    CREDITS_READ = "credits:read"
    CREDITS_WRITE = "credits:write"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    AUDIT_READ = "audit:read"
    USAGE_READ = "usage:read"
    METERING = "metering"


SCOPE_SENTENCES: Mapping[Scope, str] = {
    Scope.MEMBERS_READ: "See members and invitations.",
    Scope.MEMBERS_WRITE: "Create, invite, change, disable and delete members.",
    Scope.GROUPS_READ: "See groups.",
    Scope.GROUPS_WRITE: "Create and change groups, and set budgets.",
    Scope.CREDITS_READ: "See the pool, balances and transactions.",
    Scope.CREDITS_WRITE: "Allocate and reclaim credits.",
    Scope.SETTINGS_READ: "See the cycle and the settings.",
    Scope.SETTINGS_WRITE: "Change the cycle and the settings.",
    Scope.KEYS_READ: "See API keys, never their secrets.",
    Scope.KEYS_WRITE: "Disable, enable and delete API keys.",
    Scope.AUDIT_READ: "Read the audit log.",
    Scope.USAGE_READ: "See calls, what they used and what they cost.",
    Scope.METERING: "Hold, settle and void credits on behalf of members.",
}
"""What a scope lets a management key do, as its owner reads it when choosing."""


class Permission(StrEnum):
    """Something a person can be allowed to do."""

    # The platform
    SEE_TENANTS = "see_tenants"
    CREATE_TENANT = "create_tenant"
    CHANGE_TENANT = "change_tenant"
    GRANT = "grant"
    MANAGE_PURCHASES = "manage_purchases"
    MANAGE_PLATFORM_SETTINGS = "manage_platform_settings"
    MANAGE_CODES = "manage_codes"
    SEE_PRICES = "see_prices"
    MANAGE_PRICES = "manage_prices"
    MANAGE_PROVIDERS = "manage_providers"
    MANAGE_SUPER_ADMINS = "manage_super_admins"
    SEE_PLATFORM_AUDIT = "see_platform_audit"
    # A tenant's credits
    SEE_POOL = "see_pool"
    SEE_TRANSACTIONS = "see_transactions"
    REDEEM = "redeem"
    ALLOCATE = "allocate"
    RECLAIM = "reclaim"
    REVERSE = "reverse"
    SEE_CREDIT_REQUESTS = "see_credit_requests"
    DECIDE_CREDIT_REQUESTS = "decide_credit_requests"
    REQUEST_CREDITS = "request_credits"
    SEE_OWN_CREDITS = "see_own_credits"
    SEE_USAGE = "see_usage"
    SEE_TASKS = "see_tasks"
    CANCEL_TASKS = "cancel_tasks"
    SPEND = "spend"
    SPEND_FOR_OTHERS = "spend_for_others"
    # A tenant's people
    SEE_MEMBERS = "see_members"
    CREATE_MEMBER = "create_member"
    EDIT_MEMBER = "edit_member"
    SET_ROLE = "set_role"
    APPOINT_TENANT_ADMIN = "appoint_tenant_admin"
    SWITCH_MEMBER = "switch_member"
    DELETE_MEMBER = "delete_member"
    MOVE_MEMBER = "move_member"
    SEE_GROUPS = "see_groups"
    CREATE_GROUP = "create_group"
    SET_MONTHLY = "set_monthly"
    # A tenant's rules
    SEE_CYCLE = "see_cycle"
    CHANGE_CYCLE = "change_cycle"
    RESET_CYCLE = "reset_cycle"
    SEE_SETTINGS = "see_settings"
    CHANGE_SETTINGS = "change_settings"
    SEE_AUDIT = "see_audit"
    # Keys, and oneself
    SEE_KEYS = "see_keys"
    STOP_KEYS = "stop_keys"
    MANAGE_SERVICE_KEYS = "manage_service_keys"
    SEE_OWN_KEYS = "see_own_keys"
    STOP_OWN_KEYS = "stop_own_keys"
    OWN_KEYS = "own_keys"
    OWN_MANAGEMENT_KEYS = "own_management_keys"
    OWN_CONVERSATIONS = "own_conversations"
    OWN_ACCOUNT = "own_account"


@dataclass(frozen=True, slots=True)
class Right:
    """One row of the table: what it is, how far each role reaches, and the scope that a management key needs.

    Without a scope it cannot be given to a key at all: only a person at the console does it.
    """

    sentence: str
    super_admin: Reach
    tenant_admin: Reach
    admin: Reach
    member: Reach
    scope: Scope | None = None

    def reach(self, role: Role) -> Reach:
        """How far this role goes. Bursar itself may do anything: the clock and the operator's command line ask."""
        reaches = {
            Role.SYSTEM: Reach.ANY,
            Role.SUPER_ADMIN: self.super_admin,
            Role.TENANT_ADMIN: self.tenant_admin,
            Role.ADMIN: self.admin,
            Role.MEMBER: self.member,
        }
        return reaches[role]


_NO, _OWN, _OTHERS, _TENANT, _THEIR_ADMINS, _ANY = Reach
_P, _S = Permission, Scope

PERMISSIONS: Mapping[Permission, Right] = {
    # permission                     what                                        super admin    tenant   admin    member
    _P.SEE_TENANTS: Right("See all tenants.", _ANY, _NO, _NO, _NO),
    _P.CREATE_TENANT: Right("Create a tenant with its tenant admin.", _ANY, _NO, _NO, _NO),
    _P.CHANGE_TENANT: Right("Rename, suspend and cap a tenant.", _ANY, _NO, _NO, _NO),
    _P.GRANT: Right("Set a tenant's total, give and take back.", _ANY, _NO, _NO, _NO),
    _P.MANAGE_PURCHASES: Right("See, confirm and cancel orders of credits.", _ANY, _NO, _NO, _NO),
    _P.MANAGE_PLATFORM_SETTINGS: Right("Set what credits cost and how they are paid.", _ANY, _NO, _NO, _NO),
    _P.MANAGE_CODES: Right("Issue and revoke redemption codes.", _ANY, _NO, _NO, _NO),
    _P.SEE_PRICES: Right("See what models cost.", _ANY, _TENANT, _TENANT, _TENANT, _S.SETTINGS_READ),
    _P.MANAGE_PRICES: Right("Maintain the prices of models.", _ANY, _NO, _NO, _NO),
    _P.MANAGE_PROVIDERS: Right("Set up providers and routes of models.", _ANY, _NO, _NO, _NO),
    _P.MANAGE_SUPER_ADMINS: Right("Create and disable super admins.", _ANY, _NO, _NO, _NO),
    _P.SEE_PLATFORM_AUDIT: Right("Read the platform's audit log.", _ANY, _NO, _NO, _NO),
    _P.SEE_POOL: Right("See the pool and its figures.", _ANY, _TENANT, _TENANT, _NO, _S.CREDITS_READ),
    _P.SEE_TRANSACTIONS: Right("See balance transactions.", _ANY, _TENANT, _TENANT, _NO, _S.CREDITS_READ),
    _P.REDEEM: Right("Purchase credits and redeem codes.", _NO, _TENANT, _NO, _NO, _S.CREDITS_WRITE),
    _P.ALLOCATE: Right("Allocate credits, never to oneself.", _NO, _TENANT, _TENANT, _NO, _S.CREDITS_WRITE),
    _P.RECLAIM: Right("Reclaim credits.", _NO, _TENANT, _TENANT, _NO, _S.CREDITS_WRITE),
    _P.REVERSE: Right("Reverse an allocation or a reclaim.", _NO, _TENANT, _TENANT, _NO, _S.CREDITS_WRITE),
    _P.SEE_CREDIT_REQUESTS: Right("See all credit requests.", _ANY, _TENANT, _TENANT, _NO, _S.CREDITS_READ),
    _P.DECIDE_CREDIT_REQUESTS: Right("Decide credit requests.", _NO, _TENANT, _OTHERS, _NO, _S.CREDITS_WRITE),
    _P.REQUEST_CREDITS: Right("Ask for more credits.", _NO, _NO, _OWN, _OWN),
    _P.SEE_OWN_CREDITS: Right("See one's own credits.", _NO, _OWN, _OWN, _OWN, _S.CREDITS_READ),
    _P.SEE_USAGE: Right("See calls, and what they come to.", _ANY, _TENANT, _TENANT, _OWN, _S.USAGE_READ),
    _P.SEE_TASKS: Right("See tasks, and what became of them.", _ANY, _TENANT, _TENANT, _OWN, _S.USAGE_READ),
    _P.CANCEL_TASKS: Right("Stop tasks that run.", _NO, _TENANT, _TENANT, _OWN),
    _P.SPEND: Right("Spend credits of one's own.", _NO, _OWN, _OWN, _OWN, _S.METERING),
    _P.SPEND_FOR_OTHERS: Right("Meter for other members.", _NO, _TENANT, _TENANT, _NO, _S.METERING),
    _P.SEE_MEMBERS: Right("List and search members.", _ANY, _TENANT, _TENANT, _NO, _S.MEMBERS_READ),
    _P.CREATE_MEMBER: Right("Create or invite members.", _THEIR_ADMINS, _TENANT, _TENANT, _NO, _S.MEMBERS_WRITE),
    _P.EDIT_MEMBER: Right("Edit, reset a password.", _THEIR_ADMINS, _TENANT, _OTHERS, _NO, _S.MEMBERS_WRITE),
    _P.SET_ROLE: Right("Promote, and demote.", _THEIR_ADMINS, _TENANT, _OTHERS, _NO),
    _P.APPOINT_TENANT_ADMIN: Right("Make and unmake tenant admins.", _ANY, _NO, _NO, _NO),
    _P.SWITCH_MEMBER: Right("Disable and enable.", _THEIR_ADMINS, _TENANT, _OTHERS, _NO, _S.MEMBERS_WRITE),
    _P.DELETE_MEMBER: Right("Delete members.", _THEIR_ADMINS, _TENANT, _NO, _NO, _S.MEMBERS_WRITE),
    _P.MOVE_MEMBER: Right("Move members between groups.", _NO, _TENANT, _OTHERS, _NO, _S.MEMBERS_WRITE),
    _P.SEE_GROUPS: Right("See groups.", _ANY, _TENANT, _TENANT, _NO, _S.GROUPS_READ),
    _P.CREATE_GROUP: Right("Create, rename and delete groups.", _NO, _TENANT, _TENANT, _NO, _S.GROUPS_WRITE),
    _P.SET_MONTHLY: Right("Set budgets and allowances.", _NO, _TENANT, _TENANT, _NO, _S.GROUPS_WRITE),
    _P.SEE_CYCLE: Right("See the cycle.", _ANY, _TENANT, _TENANT, _NO, _S.SETTINGS_READ),
    _P.CHANGE_CYCLE: Right("Change credits per cycle and cadence.", _NO, _TENANT, _NO, _NO, _S.SETTINGS_WRITE),
    _P.RESET_CYCLE: Right("Reset the cycle now.", _NO, _TENANT, _NO, _NO, _S.SETTINGS_WRITE),
    _P.SEE_SETTINGS: Right("See the tenant's settings.", _ANY, _TENANT, _TENANT, _NO, _S.SETTINGS_READ),
    _P.CHANGE_SETTINGS: Right("Change the tenant's settings.", _NO, _TENANT, _NO, _NO, _S.SETTINGS_WRITE),
    _P.SEE_AUDIT: Right("Read the tenant's audit log.", _ANY, _TENANT, _TENANT, _NO, _S.AUDIT_READ),
    _P.SEE_KEYS: Right("See the keys of others, never a secret.", _NO, _TENANT, _TENANT, _NO, _S.KEYS_READ),
    _P.STOP_KEYS: Right("Disable, enable, delete others' keys.", _NO, _TENANT, _OTHERS, _NO, _S.KEYS_WRITE),
    _P.MANAGE_SERVICE_KEYS: Right("Make service accounts' keys.", _NO, _TENANT, _OTHERS, _NO),
    _P.SEE_OWN_KEYS: Right("See one's own keys.", _NO, _OWN, _OWN, _OWN, _S.KEYS_READ),
    _P.STOP_OWN_KEYS: Right("Disable, enable, delete one's own keys.", _NO, _OWN, _OWN, _OWN, _S.KEYS_WRITE),
    _P.OWN_KEYS: Right("Create, change and rotate one's own keys.", _NO, _OWN, _OWN, _OWN),
    _P.OWN_MANAGEMENT_KEYS: Right("Create keys for automation.", _NO, _OWN, _OWN, _NO),
    _P.OWN_CONVERSATIONS: Right("Ask models at the console, and read it again.", _NO, _OWN, _OWN, _OWN),
    _P.OWN_ACCOUNT: Right("Own profile, password, sessions.", _OWN, _OWN, _OWN, _OWN),
}
"""How far each role reaches, for every permission."""
