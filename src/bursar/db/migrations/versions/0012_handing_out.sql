-- Handing out credits: what the platform sells, orders, batches, requests, and who is told.

alter table tenants add column credit_factor_micro bigint not null default 0;
alter table tenants add column signup_credits_micro bigint not null default 0;
alter table tenants add column low_pool_micro bigint;
alter table tenants add column low_balance_micro bigint;
alter table tenants add column next_purchase_number bigint not null default 1;
alter table tenants add constraint tenants_convert_and_welcome check (credit_factor_micro >= 0 and signup_credits_micro >= 0);
alter table tenants add constraint tenants_warn_above_zero check (low_pool_micro > 0 and low_balance_micro > 0);
alter table tenants add constraint tenants_number_purchases_from_one check (next_purchase_number >= 1);
comment on column tenants.credit_factor_micro is
    'Credits for one US dollar of a model call''s cost. Zero: calls are recorded and charge nothing.';
comment on column tenants.signup_credits_micro is 'What somebody who joins gets out of the pool. Zero: nothing.';
comment on column tenants.low_pool_micro is 'Admins are told when the pool falls below this. Null: never.';
comment on column tenants.low_balance_micro is 'A member is told when what is left falls below this. Null: never.';
comment on constraint tenants_convert_and_welcome on tenants is 'Neither takes credits away.';
comment on constraint tenants_warn_above_zero on tenants is 'Nothing is below zero but debts; not to be warned is null.';
comment on constraint tenants_number_purchases_from_one on tenants is 'Numbers are shown to people.';

alter table groups add column auto_approve_micro bigint not null default 0;
alter table groups add column deleted_at timestamptz;
alter table groups add constraint groups_reserve_nothing_below_zero check (auto_approve_micro >= 0);
alter table groups add constraint groups_keep_their_default check (not is_default or deleted_at is null);
comment on column groups.auto_approve_micro is
    'How much of what its members ask for is approved without anybody looking, in each cycle. Zero: nothing.';
comment on column groups.deleted_at is
    'A group is never removed from here, since deleted members, journal and events go on naming it.';
comment on constraint groups_reserve_nothing_below_zero on groups is 'A reserve is an amount.';
comment on constraint groups_keep_their_default on groups is 'Whoever is in no other group is in this one.';
drop index groups_have_distinct_names;
create unique index groups_have_distinct_names on groups (tenant_id, lower(name)) where deleted_at is null;
revoke delete on groups from bursar_app;

alter table bursar.ledger_wallets add column has_credits boolean not null default false;
comment on column bursar.ledger_wallets.has_credits is
  'Whether the member was given credits that were not all taken back. Spending the last one does not change it.';
-- Of those who are there already, whoever has or had anything was given it.
alter table bursar.ledger_wallets no force row level security;
update bursar.ledger_wallets
set has_credits = true
where not spends_pool
  and status <> 'deleted'
  and (monthly_micro > 0 or allowance_micro > 0 or balance_micro <> 0 or consumed_micro > 0);
alter table bursar.ledger_wallets force row level security;
create index ledger_wallets_with_credits on bursar.ledger_wallets (tenant_id, member_id)
  where has_credits and status <> 'deleted';

create table platform_settings (
    only_row             boolean not null default true,
    currency             text    not null default 'USD',
    credit_price         numeric(18, 9) not null default 0,
    purchase_min_micro   bigint  not null default 10000,
    purchase_max_micro   bigint,
    payment_instructions text,
    primary key (only_row),
    constraint platform_settings_are_one_row check (only_row),
    constraint platform_settings_know_a_currency check (currency ~ '^[A-Z]{3}$'),
    constraint platform_settings_price_credits check (credit_price >= 0),
    constraint platform_settings_bound_purchases check (
        purchase_min_micro >= 10000 and (purchase_max_micro is null or purchase_max_micro >= purchase_min_micro)
    ),
    constraint platform_settings_instruct_in_a_page check (length(payment_instructions) between 1 and 2000)
);

comment on table platform_settings is 'One row: what credits cost, and how they are paid for.';
comment on column platform_settings.credit_price is
    'Of the currency for one credit. Zero means that credits cannot be bought.';
comment on column platform_settings.payment_instructions is
    'What an order on invoice tells whoever has to pay it: account, reference, terms.';
comment on constraint platform_settings_are_one_row on platform_settings is 'There is one installation.';
comment on constraint platform_settings_know_a_currency on platform_settings is 'ISO 4217.';
comment on constraint platform_settings_price_credits on platform_settings is 'Nobody is paid for taking credits.';
comment on constraint platform_settings_bound_purchases on platform_settings is
    'No order is smaller than the smallest amount that can be moved. No largest order is null.';
comment on constraint platform_settings_instruct_in_a_page on platform_settings is 'Having none is null.';

insert into platform_settings (only_row) values (true);

grant select, update on platform_settings to bursar_platform;
-- An order is made inside a tenant, at the platform's price.
grant select on platform_settings to bursar_app;


create table purchases (
    tenant_id        uuid           not null references tenants (tenant_id),
    purchase_id      uuid           not null,
    number           bigint         not null,
    amount_micro     bigint         not null,
    currency         text           not null,
    credit_price     numeric(18, 9) not null,
    total            numeric(18, 3) not null,
    provider         text           not null,
    instructions     text,
    status           text           not null,
    note             text,
    ordered_by       uuid           not null,
    ordered_at       timestamptz    not null,
    decided_by       uuid,
    decided_at       timestamptz,
    decision_note    text,
    transfer_id      uuid,
    primary key (tenant_id, purchase_id),
    constraint purchases_have_distinct_numbers unique (tenant_id, number),
    constraint purchases_are_numbered_from_one check (number >= 1),
    constraint purchases_buy_something check (amount_micro > 0),
    constraint purchases_cost_something check (credit_price > 0 and total > 0),
    constraint purchases_know_their_status check (status in ('pending', 'paid', 'cancelled')),
    constraint purchases_end_once check (
        (status = 'pending') = (decided_at is null) and (status = 'paid') = (transfer_id is not null)
    )
);

comment on table purchases is
    'Orders of credits: what was ordered at which price, how it is paid, and what became of it. Price and instructions '
    'are kept as they were when the order was made.';
comment on column purchases.total is 'In the currency, rounded up to its smallest coin.';
comment on column purchases.provider is 'Which way of paying: a name of outside/payments.';
comment on column purchases.decided_by is 'Who confirmed or cancelled it; null is Bursar itself, told by a provider.';
comment on column purchases.transfer_id is 'The transfer in the tenant''s journal that brought the credits.';
comment on constraint purchases_are_numbered_from_one on purchases is 'Numbers are shown to people.';
comment on constraint purchases_buy_something on purchases is 'A transfer of nothing cannot be posted.';
comment on constraint purchases_cost_something on purchases is 'What is given for nothing is a grant.';
comment on constraint purchases_know_their_status on purchases is 'Credits come with paid, in the same transaction.';
comment on constraint purchases_end_once on purchases is
    'An order is paid or cancelled once, and only what was paid brought credits.';

-- What waits to be paid or confirmed.
create index purchases_pending on purchases (tenant_id, purchase_id) where status = 'pending';

alter table purchases enable row level security, force row level security;
create policy tenant_scope on purchases
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);
-- The super admin's list of orders to confirm.
create policy every_tenant on purchases for select to bursar_platform using (true);

grant select, insert on purchases to bursar_app;
grant update (status, decided_by, decided_at, decision_note, transfer_id) on purchases to bursar_app;
grant select on purchases to bursar_platform;


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
    primary key (tenant_id, batch_id),
    constraint allocation_batches_know_their_kind check (kind in ('equal', 'import')),
    constraint allocation_batches_give_an_equal_amount check ((kind = 'equal') = (amount_micro is not null)),
    constraint allocation_batches_know_their_state check (state in ('running', 'finished')),
    constraint allocation_batches_count_their_rows check (
        rows_count >= 1 and given_count >= 0 and failed_count >= 0 and given_count + failed_count <= rows_count
        and (state = 'finished') = (given_count + failed_count = rows_count)
    ),
    constraint allocation_batches_give_amounts check (total_micro > 0 and given_micro between 0 and total_micro),
    constraint allocation_batches_finish_at_a_time check ((state = 'finished') = (finished_at is not null))
);

comment on table allocation_batches is
    'Allocations asked for together. Rows succeed or fail one by one; the counts say how far it is.';
comment on column allocation_batches.amount_micro is 'What each member gets; null where each row says so itself.';
comment on column allocation_batches.retried_at is 'When what had failed was last tried again.';
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

-- The worker's question: which tenants have a batch under way.
create index allocation_batches_running on allocation_batches (tenant_id, batch_id) where state = 'running';

alter table allocation_batches enable row level security, force row level security;
create policy tenant_scope on allocation_batches
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);
create policy every_tenant on allocation_batches for select to bursar_platform using (true);

grant select, insert on allocation_batches to bursar_app;
grant update (state, given_count, failed_count, given_micro, finished_at, retried_at) on allocation_batches to bursar_app;
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
    constraint allocation_batch_rows_name_a_member_once unique (tenant_id, batch_id, member_id),
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


create table credit_requests (
    tenant_id          uuid        not null references tenants (tenant_id),
    request_id         uuid        not null,
    member_id          uuid        not null,
    group_id           uuid        not null,
    amount_micro       bigint      not null,
    reason             text        not null,
    status             text        not null,
    submitted_at       timestamptz not null,
    epoch              integer     not null,
    approved_micro     bigint,
    of_allowance_micro bigint,
    of_balance_micro   bigint,
    of_pool_micro      bigint,
    decided_by         uuid,
    decided_at         timestamptz,
    decision_note      text,
    primary key (tenant_id, request_id),
    constraint credit_requests_of_a_member foreign key (tenant_id, member_id) references members (tenant_id, member_id),
    constraint credit_requests_of_a_group foreign key (tenant_id, group_id) references groups (tenant_id, group_id),
    constraint credit_requests_ask_for_something check (amount_micro > 0),
    constraint credit_requests_give_a_reason check (length(reason) between 1 and 1000),
    constraint credit_requests_know_their_status check (
        status in ('pending', 'approved', 'denied', 'auto_approved')
    ),
    constraint credit_requests_are_decided_once check ((status = 'pending') = (decided_at is null)),
    constraint credit_requests_add_up check (
        case
            when status in ('approved', 'auto_approved') then
                approved_micro > 0 and of_allowance_micro >= 0 and of_balance_micro >= 0 and of_pool_micro >= 0
                and approved_micro = of_allowance_micro + of_balance_micro + of_pool_micro
            else num_nonnulls(approved_micro, of_allowance_micro, of_balance_micro, of_pool_micro) = 0
        end
    ),
    constraint credit_requests_are_decided_by_somebody check (
        case status
            when 'pending' then decided_by is null
            when 'auto_approved' then decided_by is null and of_pool_micro = 0
            else decided_by is not null and decided_by <> member_id
        end
    )
);

comment on table credit_requests is
    'Members asking for credits, and what became of it. Rows stay, so that past decisions can be audited.';
comment on column credit_requests.group_id is 'The member''s group when it was decided, or asked for while it is open.';
comment on column credit_requests.epoch is
    'The cycle in which it was decided, or asked for while it is open: what was approved automatically in a cycle uses '
    'up the group''s reserve of that cycle.';
comment on constraint credit_requests_ask_for_something on credit_requests is 'A request for nothing cannot be decided.';
comment on constraint credit_requests_give_a_reason on credit_requests is 'Whoever decides reads it.';
comment on constraint credit_requests_know_their_status on credit_requests is 'The four that people filter by.';
comment on constraint credit_requests_are_decided_once on credit_requests is 'A decision has its time and is final.';
comment on constraint credit_requests_add_up on credit_requests is
    'What was approved came out of the group''s allowance, the group''s balance and the pool, and from nowhere else.';
comment on constraint credit_requests_are_decided_by_somebody on credit_requests is
    'Nobody decides one''s own. What is approved automatically is decided by nobody and never touches the pool.';

-- What waits to be decided.
create index credit_requests_pending on credit_requests (tenant_id, request_id) where status = 'pending';
-- A member's own.
create index credit_requests_of_member on credit_requests (tenant_id, member_id, request_id);
-- What of a group's reserve is used up in a cycle.
create index credit_requests_of_reserve on credit_requests (tenant_id, group_id, epoch) include (approved_micro)
    where status = 'auto_approved';

alter table credit_requests enable row level security, force row level security;
create policy tenant_scope on credit_requests
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert on credit_requests to bursar_app;
grant update (
    status, group_id, epoch, approved_micro, of_allowance_micro, of_balance_micro, of_pool_micro, decided_by,
    decided_at, decision_note
) on credit_requests to bursar_app;


create table outbox (
    tenant_id uuid not null references tenants (tenant_id),
    event_id  uuid not null,
    kind      text not null,
    primary key (tenant_id, event_id)
);

comment on table outbox is
    'Events that nobody has been told of yet. A row is written with its event, and removed in the transaction that '
    'writes what every channel needs; so it is there or done, whatever breaks in between.';

alter table outbox enable row level security, force row level security;
create policy tenant_scope on outbox
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);
-- The worker asks which tenants have something to be told.
create policy every_tenant on outbox for select to bursar_platform using (true);

grant select, insert, delete on outbox to bursar_app;
grant select (tenant_id, event_id) on outbox to bursar_platform;


create table notifications (
    tenant_id       uuid        not null,
    notification_id uuid        not null,
    member_id       uuid        not null,
    kind            text        not null,
    event_id        uuid        not null,
    subject_kind    text        not null,
    subject_id      uuid,
    facts           jsonb       not null,
    created_at      timestamptz not null,
    read_at         timestamptz,
    primary key (tenant_id, notification_id),
    constraint notifications_of_a_member foreign key (tenant_id, member_id) references members (tenant_id, member_id),
    constraint notifications_tell_of_an_event_once unique (tenant_id, event_id, member_id)
);

comment on table notifications is 'What a member is told in the product. Made from the outbox.';
comment on column notifications.facts is 'Amounts, names and reasons as they were when it happened.';

-- A member's own, newest last; and how many of them are unread.
create index notifications_of_member on notifications (tenant_id, member_id, notification_id);
create index notifications_unread on notifications (tenant_id, member_id) where read_at is null;

alter table notifications enable row level security, force row level security;
create policy tenant_scope on notifications
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, delete on notifications to bursar_app;
grant update (read_at) on notifications to bursar_app;


create table alerts (
    tenant_id  uuid        not null references tenants (tenant_id),
    kind       text        not null,
    subject_id uuid        not null,
    since      timestamptz not null,
    primary key (tenant_id, kind, subject_id),
    constraint alerts_know_their_kind check (kind in ('pool_low', 'balance_low'))
);

comment on table alerts is
    'What is low at this moment and was told of: told once when it falls below its mark, and again only after it rose.';
comment on constraint alerts_know_their_kind on alerts is 'The pool of a tenant, or what a member has left.';

alter table alerts enable row level security, force row level security;
create policy tenant_scope on alerts
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, delete on alerts to bursar_app;
