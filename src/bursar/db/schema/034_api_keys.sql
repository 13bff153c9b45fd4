-- What programs sign in with. The secret itself is nowhere; its keyed hash is in secret_hashes.

create table api_keys (
    tenant_id           uuid        not null references tenants (tenant_id),
    key_id              uuid        not null,
    member_id           uuid        not null,
    kind                text        not null,
    name                text        not null,
    prefix              text        not null,
    status              text        not null,
    scopes              text[]      not null,
    allowed_models      text[],
    allowed_networks    cidr[],
    requests_per_minute bigint,
    tokens_per_minute   bigint,
    calls_at_once       bigint,
    per_cycle_micro     bigint,
    in_total_micro      bigint,
    created_at          timestamptz not null,
    created_by          uuid        not null,
    rotated_at          timestamptz,
    last_used_at        timestamptz,
    expires_at          timestamptz,
    deleted_at          timestamptz,
    primary key (tenant_id, key_id),
    constraint api_keys_belong_to_a_member foreign key (tenant_id, member_id) references members (tenant_id, member_id),
    constraint api_keys_have_a_name check (name <> ''),
    constraint api_keys_know_their_kind check (kind in ('model', 'management')),
    constraint api_keys_know_their_status check (status in ('active', 'disabled', 'deleted')),
    constraint api_keys_of_models_have_no_scope check (kind = 'management' or scopes = '{}'),
    constraint api_keys_of_management_do_not_spend check (
        kind = 'model'
        or (allowed_models is null and tokens_per_minute is null and calls_at_once is null
            and per_cycle_micro is null and in_total_micro is null)
    ),
    constraint api_keys_limit_from_minus_one check (
        coalesce(requests_per_minute, 0) >= -1 and coalesce(tokens_per_minute, 0) >= -1
        and coalesce(calls_at_once, 0) >= -1 and coalesce(per_cycle_micro, 0) >= -1
        and coalesce(in_total_micro, 0) >= -1
    ),
    constraint api_keys_are_deleted_at_a_time check ((status = 'deleted') = (deleted_at is not null))
);

comment on table api_keys is
    'A key acts in its owner''s name: a model key spends the owner''s credits, a management key does what both the '
    'owner''s role and its own scopes allow.';
comment on column api_keys.prefix is 'The beginning of the secret, by which a person tells keys apart.';
comment on column api_keys.allowed_models is 'Null is every model, an empty list is none.';
comment on column api_keys.allowed_networks is 'Null is every network, an empty list is none.';
comment on constraint api_keys_have_a_name on api_keys is 'People choose a key by its name.';
comment on constraint api_keys_know_their_kind on api_keys is 'One is for calls to models, the other for this API.';
comment on constraint api_keys_know_their_status on api_keys is
    'Keys are never removed from here, since usage goes on naming them; deleted is a status.';
comment on constraint api_keys_of_models_have_no_scope on api_keys is 'A key that leaks must not do both.';
comment on constraint api_keys_of_management_do_not_spend on api_keys is 'What limits calls to models limits nothing else.';
comment on constraint api_keys_limit_from_minus_one on api_keys is
    'Null inherits from the tenant, and -1 is unlimited: neither is 0, which lets nothing through.';
comment on constraint api_keys_are_deleted_at_a_time on api_keys is 'What a key did before can be told apart.';

-- The keys of a member, in the order they were made.
create index api_keys_of_member on api_keys (tenant_id, member_id, key_id) where status <> 'deleted';

alter table api_keys enable row level security, force row level security;
create policy tenant_scope on api_keys
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, update on api_keys to bursar_app;
