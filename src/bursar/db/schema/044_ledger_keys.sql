-- What each API key has spent, so that a key's own limits bind as exactly as its owner's funds.

create table ledger_keys (
    tenant_id      uuid    not null,
    key_id         uuid    not null,
    held_micro     bigint  not null,
    used_micro     bigint  not null,
    consumed_micro bigint  not null,
    epoch          integer not null,
    primary key (tenant_id, key_id),
    constraint key_use_is_counted_up check (held_micro >= 0 and used_micro >= 0 and consumed_micro >= used_micro)
) with (fillfactor = 50);

comment on table ledger_keys is
    'What the calls of a key hold, have used in a cycle, and have used for life. A row of an earlier cycle is read as '
    'having used nothing in this one.';
comment on constraint key_use_is_counted_up on ledger_keys is 'What was used in a cycle was used for life.';

alter table ledger_keys enable row level security, force row level security;
create policy tenant_scope on ledger_keys
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, update on ledger_keys to bursar_app;
