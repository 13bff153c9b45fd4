"""Every way the product says no: one exception, one catalogue of codes.

A refusal is a decision, not a fault: it has a stable code, a sentence for the person, and the facts that
explain it. The edges turn a code into a status and an envelope; nothing below them knows a status.
Not here: `Broken`, which means that a state has been reached that the rules make impossible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefusalKind:
    """One code: what it means, and whether the same command can succeed later without being changed."""

    code: str
    title: str
    meaning: str
    retry_may_help: bool = False


class Refusal(Exception):
    """The product says no, and changes nothing.

    `detail` is one plain sentence. `field` names the input at fault, if one is. `facts` are short strings or None:
    amounts as decimal strings, ids with their prefix, times as RFC 3339.

    Rule: REFUSAL-1
    """

    def __init__(self, code: str, detail: str, *, field: str | None = None, **facts: str | None) -> None:
        super().__init__(detail)
        if code not in REFUSALS:
            raise Broken("a refusal must be in the catalogue", code=code)
        self.code = code
        self.detail = detail
        self.field = field
        self.facts: Mapping[str, str | None] = facts

    @property
    def kind(self) -> RefusalKind:
        """The catalogue's entry for this refusal's code."""
        return REFUSALS[self.code]

    def __repr__(self) -> str:
        return f"Refusal({self.code!r}, {self.detail!r}, field={self.field!r}, {dict(self.facts)!r})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Refusal)
            and (self.code, self.detail, self.field) == (other.code, other.detail, other.field)
            and dict(self.facts) == dict(other.facts)
        )

    __hash__ = Exception.__hash__


class Broken(Exception):
    """A state that the rules make impossible: a fault of ours, never caught below the outermost loop."""

    def __init__(self, what: str, **facts: object) -> None:
        super().__init__(f"{what}: {facts!r}")
        self.what = what
        self.facts = facts


def _catalogue(*kinds: RefusalKind) -> dict[str, RefusalKind]:
    return {kind.code: kind for kind in kinds}


_K = RefusalKind

REFUSALS: Mapping[str, RefusalKind] = _catalogue(
    # Amounts
    _K("amount_not_decimal", "Not an amount", "The amount is not a plain decimal string."),
    _K("amount_too_fine", "Too many decimals", "The amount has more decimals than this field takes."),
    _K("amount_too_small", "Amount too small", "The amount is negative, zero or below the smallest that can be moved."),
    _K("amount_too_large", "Amount too large", "The amount is above the largest that one command may move."),
    _K("total_too_large", "Total too large", "The account would pass the largest total that can be kept."),
    _K("note_malformed", "Malformed note", "A note is one line of text without control characters."),
    _K("note_too_long", "Note too long", "A note has at most 200 characters."),
    # Funds
    _K("insufficient_pool", "Insufficient tenant balance", "The pool has less than was asked.", True),
    _K("insufficient_balance", "Insufficient user balance", "The member or group has less than was asked.", True),
    _K("insufficient_quota", "Insufficient quota", "What is left to spend does not cover the call.", True),
    _K("insufficient_grant", "More than was granted", "Less was granted than is to be taken back."),
    _K("insufficient_plan", "Budget exceeded", "The cycle has less undistributed budget than was asked.", True),
    _K("insufficient_budget", "Group budget exceeded", "The group has less undistributed budget than asked.", True),
    _K("insufficient_allowance", "Allowance in use", "That part of the allowance is already used or held.", True),
    _K("budget_below_children", "Budget below its parts", "A budget cannot be lower than what was given out of it."),
    _K("budget_above_ceiling", "Above the ceiling", "Credits per cycle may not pass the ceiling set for the tenant."),
    # Who and what
    _K("tenant_unknown", "No such tenant", "There is no such tenant."),
    _K("member_unknown", "No such member", "There is no such member in this tenant."),
    _K("group_unknown", "No such group", "There is no such group in this tenant."),
    _K("hold_unknown", "No such hold", "There is no such hold in this tenant."),
    _K("transfer_unknown", "No such transfer", "There is no such transfer in this tenant."),
    _K("account_exists", "Already there", "The books of this tenant, group or member are open already."),
    _K("member_disabled", "Member disabled", "A disabled member can neither receive credits nor spend them."),
    _K("member_deleted", "Member deleted", "A deleted member can neither receive credits nor spend them."),
    _K("recipient_is_actor", "Not to oneself", "Nobody allocates credits to oneself."),
    _K("recipient_spends_pool", "Spends from the pool", "A tenant admin spends from the pool and holds no balance."),
    _K("group_not_empty", "Group not empty", "A group with members cannot be removed."),
    _K("group_is_default", "Default group", "The group Default is neither removed nor renamed."),
    _K("same_group", "Already in this group", "The member is in this group already."),
    # Holds
    _K("hold_settled", "Hold already settled", "The hold was settled with another cost, or cannot be voided now."),
    _K("hold_voided", "Hold already voided", "The hold was voided and cannot be settled or extended."),
    _K("hold_expired", "Hold expired", "The hold has expired; only its true cost can still be recorded."),
    _K("hold_not_due", "Hold not due", "The hold's deadline has not passed."),
    _K("deadline_out_of_bounds", "Deadline out of bounds", "The deadline is too short or too long."),
    # Cycles
    _K("cycle_changed", "Cycle already changed", "The cycle named is not the running one any more."),
    _K("cadence_unknown", "Unknown cadence", "The cadence is not one that is offered."),
    _K("time_zone_unknown", "Unknown time zone", "The time zone is not in the time zone database."),
    # Commands
    _K("key_reused", "Key used before", "The idempotency key was used before with a different command."),
    _K("key_malformed", "Malformed key", "An idempotency key has 1 to 200 printable ASCII characters."),
    _K("not_reversible", "Cannot be reversed", "Only an allocation or a reclaim can be reversed."),
    _K("already_reversed", "Already reversed", "A transfer can be reversed once."),
    _K(
        "kind_unknown", "Unknown kind of transfer", "The kind of transfer is not in the catalogue, or is not posted so."
    ),
    # People and places
    _K("not_signed_in", "Not signed in", "Sign in first."),
    _K("sign_in_failed", "Sign-in failed", "The name or the password is wrong."),
    _K("too_many_attempts", "Too many attempts", "Too many attempts failed; wait before the next one.", True),
    _K("too_busy", "Too busy", "More people are signing in at this moment than can be checked.", True),
    _K("password_wrong", "Wrong password", "The present password is not this one."),
    _K("not_permitted", "Not permitted", "This role may not do that."),
    _K("not_to_oneself", "Not to oneself", "Nobody changes one's own role, disables, deletes or edits oneself so."),
    _K("tenant_suspended", "Tenant suspended", "The organisation is suspended: nobody of it can do anything."),
    _K("last_tenant_admin", "Last tenant admin", "A tenant keeps at least one active tenant admin."),
    _K("super_admin_unknown", "No such super admin", "There is no such super admin."),
    _K("last_super_admin", "Last super admin", "An installation keeps at least one active super admin."),
    _K("total_in_use", "Total in use", "A tenant's total cannot be set below what is assigned and consumed.", True),
    _K("figure_changed", "Changed meanwhile", "The figure is not any more what it was when it was looked at.", True),
    _K("name_taken", "Name taken", "The name is in use already."),
    _K("search_too_broad", "Search too broad", "What is asked for was not found in the time that one search may take."),
    _K("invalid_input", "Invalid input", "A field of the input is missing or malformed."),
    _K("session_unknown", "No such sign-in", "There is no such sign-in of this person."),
    # Invitations
    _K("already_invited", "Already invited", "The address has an open invitation of this tenant."),
    _K("invitation_unknown", "No such invitation", "There is no such invitation."),
    _K("invitation_used", "Invitation used", "The invitation has been accepted already."),
    _K("invitation_expired", "Invitation expired", "The invitation was not accepted in time."),
    _K("invitation_revoked", "Invitation revoked", "The invitation was taken back."),
    # API keys
    _K("api_key_unknown", "No such key", "There is no such API key."),
    _K("api_key_invalid", "Key not valid", "The API key is missing, wrong, rotated or deleted."),
    _K("api_key_disabled", "Key disabled", "The API key, or the account behind it, is disabled."),
    _K("api_key_expired", "Key expired", "The API key's last day is over."),
    _K("api_key_kind_wrong", "Key of the other kind", "Models take a model key, the management API a management key."),
    _K("network_not_allowed", "Network not allowed", "The API key may not be used from this address."),
    _K("too_many_keys", "Too many keys", "One member has at most so many API keys."),
    # Calls to models
    _K("rate_limit_exceeded", "Too many calls", "A limit of the key, or of its owner, is reached.", True),
    _K("body_too_large", "Body too large", "The body has more bytes than are read."),
    _K("body_too_slow", "Body too slow", "The body did not arrive in the time that one may take.", True),
    _K("overloaded", "Too many calls at once", "This server has as many calls under way as it can take.", True),
    _K("provider_refused", "Provider refused us", "The provider did not take the office's own key or account."),
    _K("provider_lacks_model", "Provider lacks the model", "The provider does not run the model under that name."),
    _K("provider_limited", "Provider limits us", "The provider limits how often the office calls it.", True),
    _K("provider_busy", "Provider busy", "The provider takes no more calls for the moment.", True),
    _K("provider_failed", "Provider failed", "The provider broke, or answered what cannot be passed on.", True),
    # Redemption codes
    _K("code_unknown", "No such code", "There is no such redemption code."),
    _K("code_spent", "Code spent", "The redemption code has been redeemed already."),
    _K("code_expired", "Code expired", "The redemption code was not redeemed in time."),
    _K("code_revoked", "Code revoked", "The redemption code was taken back."),
    # Purchases, batches and credit requests
    _K("purchases_closed", "Nothing for sale", "The platform has set no price for credits."),
    _K("purchase_too_small", "Order too small", "The order is below the smallest that the platform takes."),
    _K("purchase_too_large", "Order too large", "The order is above the largest that the platform takes."),
    _K("purchase_unknown", "No such order", "There is no such order of credits."),
    _K("purchase_decided", "Order decided", "The order has been paid or cancelled already."),
    _K("too_many_purchases", "Too many open orders", "A tenant has at most so many orders that wait to be paid."),
    _K("batch_unknown", "No such batch", "There is no such batch of allocations."),
    _K("batch_running", "Batch under way", "The batch is still under way; wait for its outcome.", True),
    _K("nothing_failed", "Nothing to retry", "Nobody of this batch failed, so there is nothing to try again."),
    _K("credit_request_unknown", "No such request", "There is no such request for credits."),
    _K("credit_request_decided", "Request decided", "A request for credits is decided once."),
    _K("too_many_credit_requests", "Too many open requests", "A member has at most so many undecided requests."),
    _K("notification_unknown", "No such notification", "There is no such notification of this person."),
    # Conversations
    _K("conversation_unknown", "No such conversation", "There is no such conversation of this person."),
    _K("conversation_busy", "Conversation busy", "The last question of the conversation is being answered.", True),
    _K("conversation_full", "Conversation full", "A conversation has at most so many messages."),
    _K("too_many_conversations", "Too many conversations", "One has at most so many conversations."),
    _K("message_unknown", "No such message", "There is no such message in the conversation."),
    _K("answer_not_retried", "Not to be asked again", "Only a last answer that is not whole is asked for again."),
    # Tasks
    _K("task_unknown", "No such task", "There is no such task, or not for whoever asks."),
    _K("task_ended", "Task ended", "The task has ended already, so there is nothing to stop."),
    _K("task_not_cancellable", "Cannot be stopped", "A task of this kind cannot be stopped, or deleted while it runs."),
    _K("task_not_ready", "Not ready", "The task has nothing to show yet; look again a little later.", True),
    _K("file_unknown", "No such file", "There is no such file, or not for whoever asks."),
    # Prices
    _K("model_not_allowed", "Model not allowed", "The API key may not call this model."),
    _K("call_repeated", "Call made already", "The idempotency key was used for a call that was made already.", True),
    _K("provider_unreachable", "Provider unreachable", "Nobody who runs the model could be reached."),
    _K("price_unknown", "No such price", "There is no price for this model of this provider."),
    _K("price_not_overridden", "Not set by hand", "Only a price that was set by hand can be withdrawn."),
    # Usage
    _K("call_unknown", "No such call", "There is no such call in the usage of this tenant, or of this member."),
    _K("usage_inconsistent", "Inconsistent usage", "A part of what was used is more than the whole, or not a count."),
    # Providers and models
    _K("provider_unknown", "No such provider", "There is no such provider of models."),
    _K("provider_in_use", "Provider in use", "A route leads to the provider."),
    _K("provider_keyless", "No key for the provider", "The provider's key is missing, or cannot be opened.", True),
    _K("too_many_providers", "Too many providers", "An installation has at most so many providers."),
    _K("route_unknown", "No such route", "No route has this name."),
    _K("too_many_routes", "Too many routes", "An installation has at most so many routes."),
    _K("model_unknown", "No such model", "No provider that is set up runs this model for this kind of client."),
    _K("model_unpriced", "Model without a price", "Nobody has said what this model costs, so it is not called."),
)
