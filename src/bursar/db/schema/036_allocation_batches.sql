-- Allocations to many at once: one batch, one row and one outcome for each member.

create table allocation_batches (
    tenant_id    uuid        not null references tenants (tenant_id),
    batch_id     uuid        not null,
    kind         text        not null,
    state        text        not null,
    amount_micro bigint,
    note         text,
    rows_count   integer     not null,
    given_count  integer     not null,
    failed_count integer     not null,
    given_micro  bigint      not null,
    total_micro  bigint      not null,
    created_by   uuid        not null,
    created_at   timestamptz not null,
    finished_at  timestamptz,
    retried_at   timestamptz,
    retried_by   uuid,
    primary key (tenant_id, batch_id),
    constraint allocation_batches_know_their_kind check (kind in ('equal', 'import')),
    constraint allocation_batches_give_an_equal_amount check ((kind = 'equal') = (amount_micro is not null)),
    constraint allocation_batches_know_their_state check (state in ('running', 'finished')),
    constraint allocation_batches_count_their_rows check (
        rows_count >= 1 and given_count >= 0 and failed_count >= 0 and given_count + failed_count <= rows_count
        and (state = 'finished') = (given_count + failed_count = rows_count)
    ),
    constraint allocation_batches_give_amounts check (total_micro > 0 and given_micro between 0 and total_micro),
    constraint allocation_batches_finish_at_a_time check ((state = 'finished') = (finished_at is not null)),
    constraint allocation_batches_are_retried_by_somebody check ((retried_at is null) = (retried_by is null))
);

comment on table allocation_batches is
    'Allocations asked for together. Rows succeed or fail one by one; the counts say how far it is.';
comment on column allocation_batches.amount_micro is 'What each member gets; null where each row says so itself.';
comment on column allocation_batches.retried_at is 'When what had failed was last tried again.';
comment on column allocation_batches.retried_by is
    'Who last tried again what had failed: since then, rows are allocated on this person''s behalf.';
comment on constraint allocation_batches_know_their_kind on allocation_batches is
    'One amount for everybody, or an import with an amount in every row.';
comment on constraint allocation_batches_give_an_equal_amount on allocation_batches is
    'The dialog has one amount, an import one in every row.';
comment on constraint allocation_batches_know_their_state on allocation_batches is
    'A batch runs from the moment it is made; there is nothing before.';
comment on constraint allocation_batches_count_their_rows on allocation_batches is
    'A batch is finished when every row has an outcome.';
comment on constraint allocation_batches_give_amounts on allocation_batches is 'What was given is part of what was asked.';
comment on constraint allocation_batches_finish_at_a_time on allocation_batches is 'Finished is a moment.';
comment on constraint allocation_batches_are_retried_by_somebody on allocation_batches is
    'Nobody allocates to oneself, so a batch knows on whose behalf it runs.';

-- The worker's question: which tenants have a batch under way.
create index allocation_batches_running on allocation_batches (tenant_id, batch_id) where state = 'running';

alter table allocation_batches enable row level security, force row level security;
create policy tenant_scope on allocation_batches
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);
create policy every_tenant on allocation_batches for select to bursar_platform using (true);

grant select, insert on allocation_batches to bursar_app;
grant update (
    state, given_count, failed_count, given_micro, finished_at, retried_at, retried_by
) on allocation_batches to bursar_app;
grant select (tenant_id, batch_id, state) on allocation_batches to bursar_platform;


create table allocation_batch_rows (
    tenant_id    uuid    not null,
    batch_id     uuid    not null,
    position     integer not null,
    member_id    uuid    not null,
    amount_micro bigint  not null,
    note         text,
    state        text    not null,
    code         text,
    detail       text,
    transfer_id  uuid,
    primary key (tenant_id, batch_id, position),
    constraint allocation_batch_rows_name_a_member_once unique (tenant_id, member_id, batch_id),
    constraint allocation_batch_rows_of_a_batch foreign key (tenant_id, batch_id)
        references allocation_batches (tenant_id, batch_id),
    constraint allocation_batch_rows_are_numbered_from_one check (position >= 1),
    constraint allocation_batch_rows_give_something check (amount_micro > 0),
    constraint allocation_batch_rows_know_their_state check (state in ('waiting', 'given', 'failed')),
    constraint allocation_batch_rows_have_one_outcome check (
        (state = 'given') = (transfer_id is not null) and (state = 'failed') = (code is not null)
    )
) with (fillfactor = 80);

comment on table allocation_batch_rows is
    'What a batch asked for, member by member, and what became of it. The outcome is written with the transfer.';
comment on column allocation_batch_rows.code is 'Why it failed: a code of the catalogue of refusals.';
comment on constraint allocation_batch_rows_are_numbered_from_one on allocation_batch_rows is
    'As in the order they were named.';
comment on constraint allocation_batch_rows_give_something on allocation_batch_rows is
    'A transfer of nothing cannot be posted.';
comment on constraint allocation_batch_rows_know_their_state on allocation_batch_rows is
    'What has failed may be tried again; what was given is never given twice.';
comment on constraint allocation_batch_rows_have_one_outcome on allocation_batch_rows is
    'A transfer or a reason, never both, and neither before its turn.';

-- What is still to be done of a batch, and what failed of it.
create index allocation_batch_rows_not_given on allocation_batch_rows (tenant_id, batch_id, state, position)
    where state <> 'given';

alter table allocation_batch_rows enable row level security, force row level security;
create policy tenant_scope on allocation_batch_rows
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert on allocation_batch_rows to bursar_app;
grant update (state, code, detail, transfer_id) on allocation_batch_rows to bursar_app;
