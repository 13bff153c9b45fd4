"""Who gets what from every route: written by hand from the requirements, a second time and not out of the product.

A row has one word for each role, and a word has one letter for each person whom the call may concern:

    self      the caller's own account, or things
    group     somebody in the caller's group
    tenant    somebody in another group of the tenant
    superior  a tenant admin of the tenant
    stranger  somebody of another tenant

    y  done       n  not permitted       o  not to oneself       u  unknown       .  there is no such case
    r  nobody allocates to oneself       p  who spends from the pool is given nothing

A list that is asked for a stranger's things shows none: nothing of another tenant fits its filter. Rows that concern
nobody in particular have two letters: the own tenant, and another one named in the query. Nobody, who has not signed
in, is `not_signed_in` everywhere but where a row says that it is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bursar.domain.roles import Role

ABOUT_MEMBERS = ("self", "group", "tenant", "superior", "stranger")
ABOUT_TENANT = ("tenant", "stranger")
ABOUT_ONESELF = ("self",)

ROLES = (Role.SUPER_ADMIN, Role.TENANT_ADMIN, Role.ADMIN, Role.MEMBER)


@dataclass(frozen=True)
class Row:
    """One route: whom its calls may concern, and what each role gets, in the order of `ROLES`."""

    relations: tuple[str, ...]
    words: tuple[str, str, str, str]

    def expected(self, role: Role, relation: str) -> str:
        """The letter for this role and this person."""
        return self.words[ROLES.index(role)][self.relations.index(relation)]


def about_members(*words: str) -> Row:
    return _row(ABOUT_MEMBERS, words)


def about_tenant(*words: str) -> Row:
    return _row(ABOUT_TENANT, words)


def of_the_platform() -> Row:
    """A super admin's, and nobody else's."""
    return _row(ABOUT_TENANT, ("y.", "n.", "n.", "n."))


def ones_own(*words: str) -> Row:
    return _row(ABOUT_ONESELF, words)


def _row(relations: tuple[str, ...], words: tuple[str, ...]) -> Row:
    assert len(words) == len(ROLES)
    assert all(len(word) == len(relations) for word in words), words
    return Row(relations, words)  # type: ignore[arg-type]


ADMINS_ONLY = about_tenant("n.", "yu", "yu", "n.")
READ_BY_ADMINS = about_tenant("yy", "yu", "yu", "n.")
TENANT_ADMINS_ONLY = about_tenant("n.", "yu", "n.", "n.")
MANAGED = about_members(".nny.", "oyyyu", "oyynu", "nnnnn")
"""Editing, disabling: a super admin reaches tenant admins, an admin everybody but them, nobody oneself."""

EXPECTED: Mapping[str, Row] = {
    # The platform
    "list_all_tenants": of_the_platform(),
    "get_tenant_by_id": of_the_platform(),
    "create_tenant_with_admin": of_the_platform(),
    "rename_tenant_to": of_the_platform(),
    "suspend_tenant_now": of_the_platform(),
    "resume_tenant_again": of_the_platform(),
    "create_grant": of_the_platform(),
    "create_grant_withdrawal": of_the_platform(),
    "set_total_of_tenant": of_the_platform(),
    "set_cycle_ceiling_of_tenant": of_the_platform(),
    "list_super_admins": of_the_platform(),
    "create_super_admin_with_password": of_the_platform(),
    "disable_super_admin_now": of_the_platform(),
    "enable_super_admin_again": of_the_platform(),
    "list_platform_audit_events": of_the_platform(),
    "export_platform_audit_events": of_the_platform(),
    "create_price": of_the_platform(),
    "list_providers": of_the_platform(),
    "get_provider": of_the_platform(),
    "create_provider": of_the_platform(),
    "update_provider": of_the_platform(),
    "delete_provider": of_the_platform(),
    "test_provider": of_the_platform(),
    "list_model_routes": of_the_platform(),
    "set_model_route": of_the_platform(),
    "delete_model_route": of_the_platform(),
    "refresh_price_list": of_the_platform(),
    "withdraw_price_set_by_hand": of_the_platform(),
    "set_price_factor_of_tenant": of_the_platform(),
    "set_price_factor_of_group": of_the_platform(),
    "list_redemption_codes": of_the_platform(),
    "issue_redemption_codes": of_the_platform(),
    "revoke_redemption_code": of_the_platform(),
    "revoke_redemption_code_batch": of_the_platform(),
    "get_platform_settings_now": of_the_platform(),
    "change_settings_of_platform": of_the_platform(),
    "list_platform_purchases": of_the_platform(),
    "confirm_purchase": about_tenant("yy", "n.", "n.", "n."),
    "cancel_purchase": about_tenant("yy", "n.", "n.", "n."),
    # A tenant's credits
    "get_purchase_terms": READ_BY_ADMINS,
    "list_purchases_of_tenant": READ_BY_ADMINS,
    "get_purchase": READ_BY_ADMINS,
    "create_purchase": TENANT_ADMINS_ONLY,
    "withdraw_purchase": TENANT_ADMINS_ONLY,
    "get_pool": READ_BY_ADMINS,
    "get_cards": READ_BY_ADMINS,
    "get_overview": READ_BY_ADMINS,
    "list_credits_of_members": READ_BY_ADMINS,
    "get_own_credits": ones_own("n", "y", "y", "y"),
    "list_transactions": about_members(".yyy.", "yyyy.", "yyyy.", "nnnnn"),
    "list_transaction_kinds": about_tenant("y.", "y.", "y.", "n."),
    "export_transactions": about_members(".yyy.", "yyyy.", "yyyy.", "nnnnn"),
    "list_member_transactions": about_members(".yyy.", "yyyyu", "yyyyu", "nnnnn"),
    "export_member_transactions": about_members(".yyy.", "yyyyu", "yyyyu", "nnnnn"),
    "list_own_transactions": ones_own("n", "y", "y", "y"),
    "list_own_transaction_kinds": ones_own("n", "y", "y", "y"),
    "export_own_transactions": ones_own("n", "y", "y", "y"),
    "settle_open_hold": about_members(".nnn.", "yyyyu", "yyyyu", "yuuuu"),
    "void_open_hold": about_members(".nnn.", "yyyyu", "yyyyu", "yuuuu"),
    "extend_open_hold": about_members(".nnn.", "yyyyu", "yyyyu", "yuuuu"),
    "redeem_code": TENANT_ADMINS_ONLY,
    "create_allocation": about_members(".nnn.", "ryypu", "ryypu", "nnnnn"),
    "create_allocation_batch": ADMINS_ONLY,
    "create_allocation_import": ADMINS_ONLY,
    "retry_allocation_batch": ADMINS_ONLY,
    "list_allocation_batches": READ_BY_ADMINS,
    "get_allocation_batch": READ_BY_ADMINS,
    "list_allocation_batch_rows": READ_BY_ADMINS,
    "create_reclaim": about_members(".nnn.", ".yy.u", "yyy.u", "nnnnn"),
    "set_remaining_of_member": about_members(".nnn.", "ryypu", "ryypu", "nnnnn"),
    # An allocation to somebody is taken back; to a tenant admin none can be made.
    "reverse_transaction": about_members(".nn..", ".yy.u", "yyy.u", "nnn.n"),
    "create_hold": about_members(".nnn.", "yyyyu", "yyyyu", "ynnnn"),
    "create_charge": about_members(".nnn.", "yyyyu", "yyyyu", "ynnnn"),
    "get_hold": about_members(".nnn.", "yyyyu", "yyyyu", "yuuuu"),
    "list_open_holds": about_members(".nnn.", "yyyyu", "yyyyu", "ynnnn"),
    "get_spendable": about_members(".nnn.", "yyyyu", "yyyyu", "ynnnn"),
    # Usage: one's own for a member, who cannot name anybody else
    "list_calls": about_members(".yyy.", "yyyy.", "yyyy.", "ynnnn"),
    "export_calls": about_members(".yyy.", "yyyy.", "yyyy.", "ynnnn"),
    "get_call": about_members(".yyy.", "yyyyu", "yyyyu", "yuuuu"),
    "get_usage": about_members(".yyy.", "yyyy.", "yyyy.", "ynnnn"),
    "export_usage": about_members(".yyy.", "yyyy.", "yyyy.", "ynnnn"),
    "get_own_usage": ones_own("n", "y", "y", "y"),
    "list_tasks": about_members(".yyy.", "yyyy.", "yyyy.", "ynnnn"),
    "export_tasks": about_members(".yyy.", "yyyy.", "yyyy.", "ynnnn"),
    "get_task": about_members(".yyy.", "yyyyu", "yyyyu", "yuuuu"),
    "stop_task": about_members(".nnn.", "yyyyu", "yyyyu", "yuuuu"),
    "list_credit_requests_of_tenant": about_members(".yyy.", "yyyy.", "yyyy.", "nnnnn"),
    "get_credit_request": about_members(".yyy.", "yyyyu", "yyyyu", "nnnnn"),
    "create_credit_request": ones_own("n", "n", "y", "y"),
    # Whoever has come to run the tenant is given nothing, and can still be denied.
    "approve_credit_request": about_members(".nnn.", "oyypu", "oyynu", "nnnnn"),
    "deny_credit_request": about_members(".nnn.", "oyyyu", "oyynu", "nnnnn"),
    "list_own_credit_requests": ones_own("n", "y", "y", "y"),
    # A tenant's people
    "list_members_of_tenant": READ_BY_ADMINS,
    "get_member": about_members(".yyy.", "yyyyu", "yyyyu", "nnnnn"),
    "create_member_with_password": ADMINS_ONLY,
    "change_member": MANAGED,
    "set_member_role": about_members(".nn..", "nyynu", "oyynu", "nnnnn"),
    "disable_member": MANAGED,
    # Whoever is disabled asks for nothing, so nobody can even try to enable oneself.
    "enable_member": about_members(".nny.", ".yyyu", ".yynu", ".nnnn"),
    "delete_member_for_good": about_members(".nny.", "oyyyu", "nnnnn", "nnnnn"),
    "move_member_to_group": about_members(".nnn.", "yyyyu", "oyynu", "nnnnn"),
    "end_sessions_of_member": MANAGED,
    "list_groups_of_tenant": READ_BY_ADMINS,
    "create_group_of_tenant": ADMINS_ONLY,
    "get_group": READ_BY_ADMINS,
    "rename_group_to": ADMINS_ONLY,
    "delete_empty_group": ADMINS_ONLY,
    "share_group_budget": ADMINS_ONLY,
    "set_monthly_of_group": ADMINS_ONLY,
    "set_extra_of_group": ADMINS_ONLY,
    "set_auto_approve_of_group": ADMINS_ONLY,
    "set_monthly_of_member": about_members(".nnn.", "ryypu", "ryypu", "nnnnn"),
    "set_extra_of_member": about_members(".nnn.", "pyypu", "ryypu", "nnnnn"),
    "list_invitations_of_tenant": READ_BY_ADMINS,
    "create_invitation": ADMINS_ONLY,
    "send_invitation_again": about_tenant("n.", "yu", "yu", "n."),
    "take_back_invitation": about_tenant("n.", "yu", "yu", "n."),
    # A tenant's rules
    "get_cycle": READ_BY_ADMINS,
    "reset_cycle_now": TENANT_ADMINS_ONLY,
    "set_cadence_of_cycles": TENANT_ADMINS_ONLY,
    "set_credits_per_cycle": TENANT_ADMINS_ONLY,
    "get_settings": READ_BY_ADMINS,
    "change_settings_of_tenant": TENANT_ADMINS_ONLY,
    "get_key_limits": READ_BY_ADMINS,
    "put_key_limits": TENANT_ADMINS_ONLY,
    "get_member_limits": READ_BY_ADMINS,
    "put_member_limits": TENANT_ADMINS_ONLY,
    "list_audit_events": READ_BY_ADMINS,
    "export_audit_events": READ_BY_ADMINS,
    "list_audit_kinds": about_tenant("y.", "y.", "y.", "n."),
    "list_prices": about_tenant("y.", "y.", "y.", "y."),
    "get_price": about_tenant("y.", "y.", "y.", "y."),
    "list_price_factors": READ_BY_ADMINS,
    # Keys: an admin sees and stops those of others, and makes or changes none of them
    "list_keys": about_members(".nnn.", "yyyy.", "yyyy.", "ynnnn"),
    "get_key": about_members(".nnn.", "yyyyu", "yyyyu", "yuuuu"),
    "create_key": ones_own("n", "y", "y", "y"),
    "change_key": about_members(".nnn.", "ynnnu", "ynnnu", "yuuuu"),
    "rotate_key": about_members(".nnn.", "ynnnu", "ynnnu", "yuuuu"),
    "disable_key": about_members(".nnn.", "yyyyu", "yyynu", "yuuuu"),
    "enable_key": about_members(".nnn.", "yyyyu", "yyynu", "yuuuu"),
    "delete_key": about_members(".nnn.", "yyyyu", "yyynu", "yuuuu"),
    # Conversations are their member's alone, whatever anybody's role
    "list_own_conversations": ones_own("n", "y", "y", "y"),
    "get_playground": ones_own("n", "y", "y", "y"),
    "list_models": ones_own("n", "y", "y", "y"),
    "begin_conversation": ones_own("n", "y", "y", "y"),
    "get_conversation": about_members(".nnn.", "yuuuu", "yuuuu", "yuuuu"),
    "rename_conversation": about_members(".nnn.", "yuuuu", "yuuuu", "yuuuu"),
    "delete_own_conversation": about_members(".nnn.", "yuuuu", "yuuuu", "yuuuu"),
    "send_message": about_members(".nnn.", "yuuuu", "yuuuu", "yuuuu"),
    "retry_answer": about_members(".nnn.", "yuuuu", "yuuuu", "yuuuu"),
    # Oneself, last: these change who is asking
    "get_own_account": ones_own("y", "y", "y", "y"),
    "change_own_account": ones_own("y", "y", "y", "y"),
    "list_own_notifications": ones_own("y", "y", "y", "y"),
    "read_own_notification": ones_own(".", "y", "y", "y"),
    "read_own_notifications": ones_own("y", "y", "y", "y"),
    "list_own_sessions": ones_own("y", "y", "y", "y"),
    "end_one_own_session": ones_own(".", "y", "y", "y"),
    "end_other_own_sessions": ones_own("y", "y", "y", "y"),
    "set_own_password": ones_own("y", "y", "y", "y"),
}
"""Every route that takes a sign-in, but for the session itself."""

OPEN: Mapping[str, str] = {
    "start_session": "Signing in is how one becomes somebody.",
    "get_session": "It tells who is signed in, or that nobody is.",
    "end_session": "Signing out does no harm when nobody is signed in.",
    "look_up_invitation_by_token": "Whoever holds the link has no account yet.",
    "accept_invitation_by_token": "Whoever holds the link has no account yet.",
}
"""Every route that can be asked without a sign-in, and why."""
