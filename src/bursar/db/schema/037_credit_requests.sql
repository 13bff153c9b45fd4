-- Members asking for more.

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

-- What became of them, the last first, and how many of each status there are: counted without reading a reason.
create index credit_requests_of_status on credit_requests (tenant_id, status, request_id);
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
