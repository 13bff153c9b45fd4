-- What a hold of the metering API is for, from when it is opened until a row of `calls` says so.

-- It refers to nobody by foreign key, for the same reason as `calls`.
create table metered_holds (
    tenant_id           uuid   not null,
    hold_id             uuid   not null,
    group_id            uuid   not null,
    key_id              uuid,
    dollars_pico        bigint,
    credit_factor_micro bigint not null,
    batch_number        bigint not null,
    label               text,
    metadata            jsonb,
    primary key (tenant_id, hold_id),
    constraint metered_dollars_are_counted_up check (coalesce(dollars_pico, 0) >= 0 and credit_factor_micro >= 0),
    constraint metered_labels_fit_a_line check (char_length(label) <= 120)
);

comment on table metered_holds is
    'What the ledger does not know of a hold that an application opened. Written with the hold, and never changed.';
comment on column metered_holds.group_id is 'The group the member was in when the hold was opened.';
comment on column metered_holds.key_id is 'The management key that opened it; null for who was signed in.';
comment on column metered_holds.dollars_pico is 'Dollars in millionths of millionths, where it was given in dollars.';
comment on column metered_holds.credit_factor_micro is
    'Credits for a dollar when the hold was opened, in millionths: what its cost in dollars is multiplied with.';
comment on column metered_holds.batch_number is 'The batch of the ledger that opened the hold.';
comment on constraint metered_dollars_are_counted_up on metered_holds is 'Nobody is paid for using something.';
comment on constraint metered_labels_fit_a_line on metered_holds is 'A label is a line of a table.';

alter table metered_holds enable row level security, force row level security;
create policy tenant_scope on metered_holds
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert on metered_holds to bursar_app;
