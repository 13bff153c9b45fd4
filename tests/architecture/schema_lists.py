"""The closed lists that the schema is held against; whoever adds to one gives a reason."""

from typing import Final

# The closed list of tables without a tenant's scope, and why each is on it.
WITHOUT_TENANT: Final = {
    "platform_admins": "they stand above all tenants",
    "sign_in_names": "the tenant is what is looked up; names are unique across tenants",
    "sessions": "a cookie says nothing about its tenant until it is looked up",
    "session_tokens": "the same; they are the cookies of sessions",
    "sign_in_attempts": "names of people who do not exist are counted as well",
    "secret_hashes": "a secret says nothing about its tenant until it is looked up",
    "remembered_answers": "a caller may be above all tenants",
    "redemption_codes": "a code belongs to no tenant until it is redeemed",
    "platform_events": "what was done to the platform itself",
    "model_prices": "what a model costs is the same fact for every tenant",
    "providers": "who runs models is the platform's choice, for every tenant",
    "model_routes": "the same",
    "catalogue_version": "one installation has one catalogue",
    "platform_settings": "one installation sells its credits at one price",
}

# Tables that the application may add to and not change: what is recorded stays as it was recorded.
APPEND_ONLY: Final = frozenset(
    {
        "events",
        "platform_events",
        "model_prices",
        "calls",
        "metered_holds",
        "provider_files",
        "ledger_batches",
        "ledger_journal",
        "ledger_journal_other",
    }
)

# The closed list of policies beside the tenant's scope. They show rows to the platform's own work, and to nobody else.
OTHER_POLICIES: Final = {
    ("tenants", "platform_sees_every_tenant"): "the list of tenants, for the super admin and the clock's work",
    ("ledger_control", "every_tenant"): "the tenants' totals for the super admin, and the cycles that are due",
    ("ledger_holds", "every_tenant"): "the tenants that have holds past their deadline",
    ("purchases", "every_tenant"): "the orders that the super admin has to confirm",
    ("allocation_batches", "every_tenant"): "the tenants that have a batch under way",
    ("outbox", "every_tenant"): "the tenants that have something to be told",
    ("alerts", "every_tenant"): "the tenants that have something that is low",
    ("provider_jobs", "every_tenant"): "the tenants that have jobs to be asked after",
    ("call_marks", "every_tenant"): "the tenants that have calls to be added up",
}
