-- Calls that came with an idempotency key of their caller's.

create table call_keys (
    tenant_id   uuid        not null,
    key_hash    bytea       not null,
    call_id     uuid        not null,
    asked_at    timestamptz not null,
    primary key (tenant_id, key_hash)
);

comment on table call_keys is
    'The id of the call that was made under an idempotency key: asked for again, it is recognised by its hold. The hash '
    'covers the API key, so nobody meets another caller''s. Forgotten after a day.';

create index call_keys_to_forget on call_keys (tenant_id, asked_at);

alter table call_keys enable row level security, force row level security;
create policy tenant_scope on call_keys
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, delete on call_keys to bursar_app;
