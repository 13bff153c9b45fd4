-- Usage: one row for each call, written in the transaction that settles it, and what the rows come to by day.

-- It refers to nobody by foreign key: checking one locks the row it leads to, for every call. The ledger's own rows, which
-- are written beside it, know the member.
create table calls (
    tenant_id           uuid        not null,
    call_id             uuid        not null,
    member_id           uuid        not null,
    group_id            uuid        not null,
    key_id              uuid,
    price_id            uuid,
    batch_number        bigint      not null,
    started_at          timestamptz not null,
    ended_at            timestamptz not null,
    input_tokens        bigint      not null,
    cached_read_tokens  bigint      not null,
    cached_write_tokens bigint      not null,
    output_tokens       bigint      not null,
    reasoning_tokens    bigint      not null,
    cost_pico           bigint      not null,
    credit_factor_micro bigint      not null,
    price_factor        bigint      not null,
    credits_micro       bigint      not null,
    held_micro          bigint,
    first_byte_ms       integer,
    total_ms            integer     not null,
    status              integer,
    day                 date        not null,
    is_streamed         boolean     not null,
    is_estimated        boolean     not null,
    is_simulated        boolean     not null,
    endpoint            text        not null,
    model               text        not null,
    provider            text,
    provider_model      text,
    service             text        not null,
    outcome             text        not null,
    fault               text,
    request_id          text,
    provider_request_id text,
    label               text,
    used                jsonb       not null,
    reported            text,
    metadata            jsonb,
    primary key (tenant_id, call_id),
    constraint calls_know_their_outcome check (outcome in ('delivered', 'cancelled', 'broken', 'failed')),
    constraint calls_that_failed_cost_nothing check (outcome <> 'failed' or credits_micro = 0),
    constraint calls_count_up check (
        input_tokens >= 0 and cached_read_tokens >= 0 and cached_write_tokens >= 0 and output_tokens >= 0
        and reasoning_tokens >= 0 and cost_pico >= 0 and credits_micro >= 0 and coalesce(held_micro, 0) >= 0
        and coalesce(first_byte_ms, 0) >= 0 and total_ms >= 0
    ),
    constraint calls_name_what_was_called check (endpoint <> '' and model <> ''),
    constraint calls_end_after_they_start check (ended_at >= started_at)
);

comment on table calls is
    'One row for each call that left this house or was metered. It is never changed: what was charged is in the ledger '
    'under the same id, and what it was charged for is here. Refused calls leave none.';
comment on column calls.call_id is 'Also the id of its hold, where it had one.';
comment on column calls.group_id is 'The group the member was in when the call began.';
comment on column calls.key_id is 'Null where a person called from the console, or somebody metered with no key.';
comment on column calls.price_id is 'The price in force when the call began; null where the model had none.';
comment on column calls.batch_number is
    'The batch of the ledger that wrote it. A tenant''s batches are strictly in order, so whoever has counted up to '
    'one of them knows what is still to be counted.';
comment on column calls.cost_pico is 'Dollars of the provider''s cost in millionths of millionths, rounded up.';
comment on column calls.credit_factor_micro is 'Credits for a dollar when the call began, in millionths.';
comment on column calls.price_factor is 'What the price was multiplied with, in ten-thousandths.';
comment on column calls.held_micro is 'Null where nothing was held.';
comment on column calls.day is 'The day it began on, where the tenant is.';
comment on column calls.used is 'Every count that is not 0, by its name: what the price was multiplied with.';
comment on column calls.reported is
    'What the provider said of it, in its own words: as text, since nothing that others write may keep a row from being '
    'written.';
comment on constraint calls_know_their_outcome on calls is
    'The answer was delivered; or the client left; or the provider broke off; or nothing came, and nothing is charged.';
comment on constraint calls_that_failed_cost_nothing on calls is 'Nothing was delivered, so nothing is charged.';
comment on constraint calls_count_up on calls is 'There is no use below 0.';
comment on constraint calls_name_what_was_called on calls is 'A row that says of what is no account.';
comment on constraint calls_end_after_they_start on calls is 'Time runs forward.';

-- What a tenant sees, what a member sees, what a key did, and what has not been counted yet. By when calls began: an id
-- that was made out of somebody's idempotency key says nothing of time.
create index calls_in_time on calls (tenant_id, started_at);
create index calls_of_member on calls (tenant_id, member_id, started_at);
create index calls_of_key on calls (tenant_id, key_id, started_at) where key_id is not null;
create index calls_in_order on calls (tenant_id, batch_number);

alter table calls enable row level security, force row level security;
create policy tenant_scope on calls
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert on calls to bursar_app;

create table call_days (
    tenant_id           uuid           not null references tenants (tenant_id),
    day                 date           not null,
    member_id           uuid           not null,
    group_id            uuid           not null,
    key_id              uuid           not null,
    provider            text           not null,
    model               text           not null,
    calls_count         bigint         not null,
    failed_count        bigint         not null,
    estimated_count     bigint         not null,
    unpriced_count      bigint         not null,
    input_tokens        bigint         not null,
    cached_read_tokens  bigint         not null,
    cached_write_tokens bigint         not null,
    output_tokens       bigint         not null,
    reasoning_tokens    bigint         not null,
    cost_pico           numeric(38, 0) not null,
    credits_micro       bigint         not null,
    primary key (tenant_id, day, member_id, group_id, key_id, provider, model),
    constraint call_days_count_something check (calls_count > 0 and failed_count between 0 and calls_count)
) with (fillfactor = 60);

comment on table call_days is
    'The calls of a day, added up by who made them and with what: so that a year is read from as many rows as there '
    'were days, and not calls. It holds the rows up to the batch in call_marks, each exactly once.';
comment on column call_days.key_id is 'All zeros for calls without a key: a key of this table cannot be null.';
comment on column call_days.provider is 'Empty for what no provider ran.';
comment on constraint call_days_count_something on call_days is 'A row begins with its first call.';

-- Somebody's own days, in a tenant where thousands have theirs.
create index call_days_of_member on call_days (tenant_id, member_id, day);

alter table call_days enable row level security, force row level security;
create policy tenant_scope on call_days
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

-- Deleted only to be added up anew.
grant select, insert, update, delete on call_days to bursar_app;

create table call_marks (
    tenant_id    uuid   not null references tenants (tenant_id),
    batch_number bigint not null,
    primary key (tenant_id)
);

comment on table call_marks is 'Up to which batch of the ledger a tenant''s calls are in call_days.';

alter table call_marks enable row level security, force row level security;
create policy tenant_scope on call_marks
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);
create policy every_tenant on call_marks for select to bursar_platform using (true);

grant select, insert, update on call_marks to bursar_app;
grant select on call_marks to bursar_platform;
