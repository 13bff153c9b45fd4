-- Tenants, and the policy that every table of theirs repeats word for word.
--
-- The policy: a row is there for a transaction whose scope names its tenant, and an unset or empty scope names nobody.
-- It is the second fence; the first is that every statement says which tenant it means.
--   * The scope is read in a scalar sub-select, which is evaluated once for a statement and not for every row.
--   * array_position and not `= any`: the latter could become a condition on an index, and a posting round over many
--     tenants would then probe the index once for every tenant in the scope. This one can only ever be a filter, so a
--     statement stays one probe for each row that it names.
--   * Forced, because the role that migrates owns the tables and would otherwise be let through.

create table tenants (
    tenant_id          uuid        not null,
    name               text        not null,
    status             text        not null,
    display            text        not null default 'credits',
    created_at         timestamptz not null,
    next_member_number bigint      not null default 1,
    key_requests_per_minute bigint,
    key_tokens_per_minute   bigint,
    key_calls_at_once       bigint,
    key_per_cycle_micro     bigint,
    key_in_total_micro      bigint,
    contact            text,
    credit_factor_micro  bigint not null default 0,
    signup_credits_micro bigint not null default 0,
    low_pool_micro       bigint,
    low_balance_micro    bigint,
    next_purchase_number bigint not null default 1,
    member_requests_per_minute bigint,
    member_tokens_per_minute   bigint,
    member_calls_at_once       bigint,
    admission          text        not null default 'overdraft',
    primary key (tenant_id),
    constraint tenants_have_a_name check (name <> ''),
    constraint tenants_know_their_status check (status in ('active', 'suspended')),
    constraint tenants_show_credits_or_dollars check (display in ('credits', 'dollars')),
    constraint tenants_offer_a_contact check (contact is null or length(contact) between 1 and 200),
    constraint tenants_number_members_from_one check (next_member_number >= 1),
    constraint tenants_limit_keys_from_minus_one check (
        coalesce(key_requests_per_minute, 0) >= -1 and coalesce(key_tokens_per_minute, 0) >= -1
        and coalesce(key_calls_at_once, 0) >= -1 and coalesce(key_per_cycle_micro, 0) >= -1
        and coalesce(key_in_total_micro, 0) >= -1
    ),
    constraint tenants_limit_members_from_minus_one check (
        coalesce(member_requests_per_minute, 0) >= -1 and coalesce(member_tokens_per_minute, 0) >= -1
        and coalesce(member_calls_at_once, 0) >= -1
    ),
    constraint tenants_convert_and_welcome check (credit_factor_micro >= 0 and signup_credits_micro >= 0),
    constraint tenants_warn_above_zero check (low_pool_micro > 0 and low_balance_micro > 0),
    constraint tenants_number_purchases_from_one check (next_purchase_number >= 1),
    constraint tenants_admit_in_one_of_two_ways check (admission in ('overdraft', 'strict'))
);

comment on table tenants is 'One row for each organisation.';
comment on column tenants.next_member_number is
    'Members are numbered by their tenant and not by a sequence, which on several nodes would neither be dense nor cheap.';
comment on column tenants.key_requests_per_minute is
    'What an API key of this tenant inherits unless it has a limit of its own; null is no limit. So for the next four.';
comment on constraint tenants_admit_in_one_of_two_ways on tenants is
    'Overdraft holds what a call is expected to cost, strict the most that it can cost.';
comment on column tenants.member_requests_per_minute is
    'What bounds each member of this tenant over all keys; null is no limit. So for the next two.';
comment on constraint tenants_have_a_name on tenants is 'People choose a tenant by its name.';
comment on constraint tenants_know_their_status on tenants is 'A suspended tenant keeps its rows and may do nothing.';
comment on constraint tenants_show_credits_or_dollars on tenants is
    'Only how amounts are shown; the books are kept in credits.';
comment on column tenants.contact is 'Whom the people of the tenant ask for help: a sentence or an address of the web.';
comment on constraint tenants_offer_a_contact on tenants is 'Having none is null, and what there is fits on a line.';
comment on constraint tenants_number_members_from_one on tenants is 'Numbers are shown to people.';
comment on constraint tenants_limit_keys_from_minus_one on tenants is
    'Null inherits, and -1 is unlimited: neither is 0, which lets nothing through.';
comment on constraint tenants_limit_members_from_minus_one on tenants is 'As with keys.';
comment on column tenants.credit_factor_micro is
    'Credits for one US dollar of a model call''s cost. Zero: calls are recorded and charge nothing.';
comment on column tenants.signup_credits_micro is 'What somebody who joins gets out of the pool. Zero: nothing.';
comment on column tenants.low_pool_micro is 'Admins are told when the pool falls below this. Null: never.';
comment on column tenants.low_balance_micro is 'A member is told when what is left falls below this. Null: never.';
comment on constraint tenants_convert_and_welcome on tenants is 'Neither takes credits away.';
comment on constraint tenants_warn_above_zero on tenants is 'Nothing is below zero but debts; not to be warned is null.';
comment on constraint tenants_number_purchases_from_one on tenants is 'Numbers are shown to people.';

alter table tenants enable row level security, force row level security;
create policy tenant_scope on tenants
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);
-- The super admin's list of tenants, and the clock's work, which has to find the tenants whose turn it is.
create policy platform_sees_every_tenant on tenants for select to bursar_platform using (true);

grant select, insert, update on tenants to bursar_app;
grant select on tenants to bursar_platform;
