-- The people of a tenant, their groups, and what happened.

create table groups (
    tenant_id  uuid    not null references tenants (tenant_id),
    group_id   uuid    not null,
    name       text    not null,
    is_default boolean not null,
    auto_approve_micro bigint not null default 0,
    deleted_at timestamptz,
    primary key (tenant_id, group_id),
    constraint groups_have_a_name check (name <> ''),
    constraint groups_reserve_nothing_below_zero check (auto_approve_micro >= 0),
    constraint groups_keep_their_default check (not is_default or deleted_at is null)
);

comment on table groups is 'A set of members with a budget. What it owns is in the ledger.';
comment on column groups.auto_approve_micro is
    'How much of what its members ask for is approved without anybody looking, in each cycle. Zero: nothing.';
comment on column groups.deleted_at is
    'A group is never removed from here, since deleted members, journal and events go on naming it.';
comment on constraint groups_have_a_name on groups is 'People choose a group by its name.';
comment on constraint groups_reserve_nothing_below_zero on groups is 'A reserve is an amount.';
comment on constraint groups_keep_their_default on groups is 'Whoever is in no other group is in this one.';

-- People take Sales and sales for the same group. The name of a deleted one is free again.
create unique index groups_have_distinct_names on groups (tenant_id, lower(name)) where deleted_at is null;
-- Members whose group is deleted go to the default group, so it must be clear which one that is.
create unique index groups_have_one_default on groups (tenant_id) where is_default;

alter table groups enable row level security, force row level security;
create policy tenant_scope on groups
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, update on groups to bursar_app;


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
    kind          text        not null default 'person',
    search_text   text        collate "C" not null default '',
    deleted_at    timestamptz,
    primary key (tenant_id, member_id),
    constraint members_have_distinct_numbers unique (tenant_id, number),
    -- No action on delete: a group is emptied, member by member and with an event for each, before it goes.
    constraint members_are_in_a_group foreign key (tenant_id, group_id) references groups (tenant_id, group_id),
    constraint members_are_numbered_from_one check (number >= 1),
    constraint members_know_their_role check (role in ('tenant_admin', 'admin', 'member')),
    constraint members_know_their_status check (status in ('active', 'disabled', 'deleted')),
    constraint members_know_their_kind check (kind in ('person', 'service_account')),
    constraint members_are_deleted_at_a_time check ((status = 'deleted') = (deleted_at is not null)),
    constraint members_leave_nothing_personal check (
        status <> 'deleted'
        or (email is null and password_hash is null and job_title is null and search_text = '')
    )
);

comment on table members is
    'A person or a service account, in exactly one tenant and one group. Usernames are unique through sign_in_names '
    'and not here: a deleted member keeps its row, for the books, and gives up its name.';
comment on column members.password_hash is 'Null for service accounts and deleted members: neither can sign in.';
comment on column members.search_text is
    'What a search looks into: username, display name and address, folded. Kept beside the number in an index of its '
    'own, so that a search never reads the rows themselves. Compared byte by byte.';
comment on constraint members_are_numbered_from_one on members is 'Numbers are shown to people.';
comment on constraint members_know_their_role on members is
    'What each role may do is a table in domain/roles.py.';
comment on constraint members_know_their_status on members is
    'Members are never removed from here, since journal and events go on naming them; deleted is a status.';

comment on constraint members_know_their_kind on members is
    'A service account is an application: it has keys and credits, and nobody signs in as it.';
comment on constraint members_are_deleted_at_a_time on members is 'What a deleted member did before can be told apart.';
comment on constraint members_leave_nothing_personal on members is
    'Deleting is final for the person: what remains is a number that the books can name.';

-- Searching reads this and nothing else. Deleted members are found by nobody.
create index members_searched on members (tenant_id, number) include (search_text, group_id, status, role, member_id)
    where status <> 'deleted';
-- Whether there is anybody at all who can receive credits.
create index members_who_can_receive on members (tenant_id, member_id) where status = 'active' and role <> 'tenant_admin';
-- The last tenant admin stays; so there are few rows to look at.
create index members_running_the_tenant on members (tenant_id) where role = 'tenant_admin';
-- Its admins are looked up for every event that they are told of; without this by reading all its members.
create index members_running_with_admins on members (tenant_id, role, member_id)
    where role in ('tenant_admin', 'admin') and status = 'active';
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
    key_id       uuid,
    address      text,
    changes      jsonb       not null default '{}',
    primary key (tenant_id, event_id),
    constraint events_know_their_kind_of_actor check (actor_kind in ('member', 'platform_admin', 'system')),
    constraint events_name_a_person_or_the_system check ((actor_id is null) = (actor_kind = 'system'))
);

comment on table events is
    'What was done, by whom, to what: the audit log, and what notifications are made from. Append-only. Ids are '
    'time-ordered, so the primary key is also the order in which pages are read.';
comment on column events.key_id is 'The management key that a program used in its owner''s name.';
comment on column events.changes is 'Each changed field with its value before and after. Secrets never.';
comment on constraint events_know_their_kind_of_actor on events is
    'A super admin acts on a tenant without being a member of it.';
comment on constraint events_name_a_person_or_the_system on events is
    'Nothing that a person did may be left without that person, and the system is nobody.';

-- The history of one member, group or other thing, newest first.
create index events_of_subject on events (tenant_id, subject_id, event_id);
-- What happened of one kind.
create index events_of_kind on events (tenant_id, kind, event_id);
-- What one person did.
create index events_of_actor on events (tenant_id, actor_id, event_id);

alter table events enable row level security, force row level security;
create policy tenant_scope on events
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

-- No update and no delete: the application can add to the audit log, and cannot change what it says.
-- Rule: AUDIT-7
grant select, insert on events to bursar_app;
