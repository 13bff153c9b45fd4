"""THE CATALOGUE of events: everything that can stand in an audit log, and how people call it.

To record something new, add one entry here: the audit log's filter and the documentation derive from it.

Rule: AUDIT-2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventKind:
    """One kind of event: its code, how it is called, and what happened when it stands there."""

    code: str
    label: str
    meaning: str


_E = EventKind

_KINDS: tuple[EventKind, ...] = (
    # The platform
    _E("super_admin_created", "Super admin created", "Somebody may run this installation."),
    _E("super_admin_disabled", "Super admin disabled", "A super admin cannot sign in any more."),
    _E("super_admin_enabled", "Super admin enabled", "A super admin can sign in again."),
    _E("codes_issued", "Codes issued", "Redemption codes were made."),
    _E("code_revoked", "Code revoked", "A redemption code was taken back, or all open ones of a batch."),
    _E("price_set", "Price set", "The price of a model was set by hand."),
    _E("price_withdrawn", "Price withdrawn", "A price set by hand ends, and the public list's counts again."),
    _E("prices_refreshed", "Prices refreshed", "Prices were taken over from the public list."),
    _E("provider_added", "Provider added", "Models can be called at another provider."),
    _E("provider_changed", "Provider changed", "Where a provider is, or how it is asked, was changed."),
    _E("provider_removed", "Provider removed", "A provider of models is gone."),
    _E("provider_tested", "Provider tested", "Somebody looked whether a provider answers."),
    _E("model_route_set", "Route set", "Where a model's name leads was set."),
    _E("model_route_removed", "Route removed", "A model's name leads where it would without a route."),
    _E("platform_settings_changed", "Platform settings changed", "What credits cost, or how they are paid, changed."),
    # Tenants
    _E("tenant_created", "Tenant created", "An organisation was made, with its tenant admin."),
    _E("tenant_renamed", "Tenant renamed", "An organisation has another name."),
    _E("tenant_suspended", "Tenant suspended", "Nobody of the organisation can do anything."),
    _E("tenant_resumed", "Tenant resumed", "A suspended organisation is at work again."),
    _E("total_set", "Total set", "The platform gave or took back credits to reach a total."),
    _E("cycle_ceiling_set", "Ceiling set", "The platform capped credits per cycle, or uncapped them."),
    _E("settings_changed", "Settings changed", "The organisation's settings were changed."),
    _E("price_factor_set", "Price factor set", "What prices are multiplied with was changed for a tenant or group."),
    _E("demo_seeded", "Demo filled", "The demo's people and credits are in place."),
    # Credits
    _E("grant", "Grant", "The platform gave credits to the pool."),
    _E("grant_withdrawal", "Grant taken back", "The platform took unassigned credits back."),
    _E("redemption", "Code redeemed", "A redemption code added its credits to the pool."),
    _E("allocation", "Allocation", "Pool credits were given to a member."),
    _E("group_allocation", "Group allocation", "Pool credits were given to a group."),
    _E("reclaim", "Reclaim", "Unused credits were taken back from a member."),
    _E("group_reclaim", "Group reclaim", "Unused credits were taken back from a group."),
    _E("reversal", "Reversal", "An allocation or a reclaim was taken back."),
    _E("remaining_set", "Remaining set", "What a member has left was set, by giving or taking the difference."),
    _E("signup_credits", "Signup credits", "Somebody who joined was given credits."),
    _E("signup_credits_missed", "Signup credits missed", "The pool was too small for the credits of who joined."),
    _E("purchase_ordered", "Credits ordered", "An order of credits was made, and waits to be paid."),
    _E("purchase_paid", "Credits bought", "An order of credits was paid, and its credits are in the pool."),
    _E("purchase_cancelled", "Order cancelled", "An order of credits was cancelled."),
    _E("batch_started", "Batch started", "Credits are being allocated to many members at once."),
    _E("batch_finished", "Batch finished", "An allocation to many members has an outcome for each."),
    _E("batch_retried", "Batch retried", "What had failed of a batch is tried again."),
    _E("credit_request_submitted", "Credits requested", "A member asked for more credits."),
    _E("credit_request_approved", "Request approved", "A member was given what an admin approved."),
    _E("credit_request_auto_approved", "Request auto-approved", "A request was within the group's reserve."),
    _E("credit_request_denied", "Request denied", "A request for credits was denied."),
    _E("task_cancelled", "Task stopped", "A job at a provider is to be stopped; what it produced is charged."),
    _E("pool_low", "Pool low", "The pool fell below the mark that the organisation set."),
    _E("balance_low", "Balance low", "What a member has left fell below the mark that the organisation set."),
    # Cycles and budgets
    _E("cycle_reset", "Cycle reset", "A fresh cycle was started by hand."),
    _E("cadence_set", "Cadence set", "How long cycles last, or where their days begin, was changed."),
    _E("credits_per_cycle_set", "Credits per cycle set", "What each cycle has to spend was changed."),
    _E("group_monthly_set", "Group budget set", "A group's budget per cycle was changed."),
    _E("member_monthly_set", "Allowance set", "A member's allowance per cycle was changed."),
    _E("group_extra_set", "Group extra set", "What a group has beyond its budget in this cycle was changed."),
    _E("member_extra_set", "Extra set", "What a member has beyond its allowance in this cycle was changed."),
    _E("auto_approve_set", "Reserve set", "How much is approved automatically in each cycle was changed."),
    _E("group_shared", "Budget shared", "Whether members spend what their group has left was changed."),
    # People
    _E("group_created", "Group created", "A group was made."),
    _E("group_renamed", "Group renamed", "A group has another name."),
    _E("group_deleted", "Group deleted", "An empty group is gone; what it had went back."),
    _E("member_created", "Member created", "Somebody was added with a password, or a service account was made."),
    _E("member_changed", "Member changed", "A member's names, address or title were changed by an admin."),
    _E("member_role_set", "Role set", "A member was promoted or demoted."),
    _E("member_disabled", "Member disabled", "A member can neither sign in nor spend."),
    _E("member_enabled", "Member enabled", "A disabled member is back."),
    _E("member_moved", "Member moved", "A member is in another group."),
    _E("member_deleted", "Member deleted", "A member is gone for good; what was unused went back."),
    _E("password_reset", "Password reset", "An admin gave a member a new password."),
    _E("password_changed", "Password changed", "Somebody changed their own password."),
    _E("profile_changed", "Profile changed", "Somebody changed their own names."),
    _E("signed_in", "Signed in", "Somebody signed in at the console."),
    _E("signed_out", "Signed out", "Somebody signed out."),
    _E("sessions_ended", "Sign-ins ended", "Sign-ins of somebody were ended, by themselves or by an admin."),
    _E("invitation_sent", "Invited", "Somebody was asked to join."),
    _E("invitation_resent", "Invited again", "An invitation has a new link, and its old one is dead."),
    _E("invitation_revoked", "Invitation taken back", "An invitation's link is dead."),
    _E("invitation_accepted", "Joined", "Somebody joined by an invitation."),
    # Keys
    _E("api_key_created", "Key created", "An API key was made."),
    _E("api_key_changed", "Key changed", "An API key's name, limits or bounds were changed."),
    _E("api_key_rotated", "Key rotated", "An API key has a new secret."),
    _E("api_key_disabled", "Key disabled", "An API key does not work for now."),
    _E("api_key_enabled", "Key enabled", "A disabled API key works again."),
    _E("api_key_deleted", "Key deleted", "An API key is gone for good."),
)

EVENTS: Mapping[str, EventKind] = {kind.code: kind for kind in _KINDS}
"""Every kind of event by its code."""
