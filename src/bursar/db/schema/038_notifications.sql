-- What has to be told to people, and what they were told.

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

-- A tenant that has no mark any more is looked at once again, to forget what was low.
create policy every_tenant on alerts for select to bursar_platform using (true);

grant select, insert, delete on alerts to bursar_app;
grant select (tenant_id) on alerts to bursar_platform;
