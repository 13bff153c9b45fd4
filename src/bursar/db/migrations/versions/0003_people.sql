-- The people of a tenant, their groups, and what happened.

create table groups (
    tenant_id  uuid    not null references tenants (tenant_id),
    group_id   uuid    not null,
    name       text    not null,
    is_default boolean not null,
    primary key (tenant_id, group_id),
    constraint groups_have_a_name check (name <> '')
);

comment on table groups is 'A set of members with a budget. What it owns is in the ledger.';
comment on constraint groups_have_a_name on groups is 'People choose a group by its name.';

-- People take Sales and sales for the same group.
create unique index groups_have_distinct_names on groups (tenant_id, lower(name));
-- Members whose group is deleted go to the default group, so it must be clear which one that is.
create unique index groups_have_one_default on groups (tenant_id) where is_default;

alter table groups enable row level security, force row level security;
create policy tenant_scope on groups
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, update, delete on groups to bursar_app;


create table members (
    tenant_id     uuid        not null references tenants (tenant_id),
    member_id     uuid        not null,
    number        bigint      not null,
    username      text        not null,
    display_name  text        not null,
    email         text,
    password_hash text,
    role          text        not null,
    status        text        not null,
    group_id      uuid        not null,
    job_title     text,
    created_at    timestamptz not null,
    changed_at    timestamptz not null,
    primary key (tenant_id, member_id),
    constraint members_have_distinct_numbers unique (tenant_id, number),
    -- No action on delete: a group is emptied, member by member and with an event for each, before it goes.
    constraint members_are_in_a_group foreign key (tenant_id, group_id) references groups (tenant_id, group_id),
    constraint members_are_numbered_from_one check (number >= 1),
    constraint members_know_their_role check (role in ('tenant_admin', 'admin', 'member')),
    constraint members_know_their_status check (status in ('active', 'disabled', 'invited', 'deleted'))
);

comment on table members is
    'A person or a service account, in exactly one tenant and one group. Usernames are unique through sign_in_names '
    'and not here: a deleted member keeps its row, for the books, and gives up its name.';
comment on column members.password_hash is 'Null until an invitation is accepted, and for service accounts.';
comment on constraint members_are_numbered_from_one on members is 'Numbers are shown to people.';
comment on constraint members_know_their_role on members is
    'What each role may do is a table in domain/roles.py.';
comment on constraint members_know_their_status on members is
    'Members are never removed from here, since journal and events go on naming them; deleted is a status.';

-- A page of a group's members, and whether a group is empty.
create index members_of_group on members (tenant_id, group_id, number);

alter table members enable row level security, force row level security;
create policy tenant_scope on members
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, update on members to bursar_app;


create table events (
    tenant_id    uuid        not null references tenants (tenant_id),
    event_id     uuid        not null,
    happened_at  timestamptz not null,
    kind         text        not null,
    actor_id     uuid,
    actor_kind   text        not null,
    subject_kind text        not null,
    subject_id   uuid,
    request_id   text,
    note         text,
    detail       jsonb       not null,
    primary key (tenant_id, event_id),
    constraint events_know_their_kind_of_actor check (actor_kind in ('member', 'platform_admin', 'system')),
    constraint events_name_a_person_or_the_system check ((actor_id is null) = (actor_kind = 'system'))
);

comment on table events is
    'What was done, by whom, to what: the audit log, and what notifications are made from. Append-only. Ids are '
    'time-ordered, so the primary key is also the order in which pages are read.';
comment on constraint events_know_their_kind_of_actor on events is
    'A super admin acts on a tenant without being a member of it.';
comment on constraint events_name_a_person_or_the_system on events is
    'Nothing that a person did may be left without that person, and the system is nobody.';

-- The history of one member, group or other thing, newest first.
create index events_of_subject on events (tenant_id, subject_id, event_id);
-- What one person did.
create index events_of_actor on events (tenant_id, actor_id, event_id);

alter table events enable row level security, force row level security;
create policy tenant_scope on events
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

-- No update and no delete: the application can add to the audit log, and cannot change what it says.
grant select, insert on events to bursar_app;
