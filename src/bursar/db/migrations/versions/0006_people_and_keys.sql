-- People, keys, isolation: what signing in, inviting, API keys, repeats and the audit log need.

-- Sign-ins get an id of their own and tokens that change. Whoever is signed in signs in once more.
drop table bursar.sessions;

set search_path = bursar;

alter table tenants
    add column key_requests_per_minute bigint,
    add column key_tokens_per_minute   bigint,
    add column key_calls_at_once       bigint,
    add column key_per_cycle_micro     bigint,
    add column key_in_total_micro      bigint,
    add constraint tenants_limit_keys_from_minus_one check (
        coalesce(key_requests_per_minute, 0) >= -1 and coalesce(key_tokens_per_minute, 0) >= -1
        and coalesce(key_calls_at_once, 0) >= -1 and coalesce(key_per_cycle_micro, 0) >= -1
        and coalesce(key_in_total_micro, 0) >= -1
    );

comment on column tenants.key_requests_per_minute is
    'What an API key of this tenant inherits unless it has a limit of its own; null is no limit. So for the next four.';
comment on constraint tenants_limit_keys_from_minus_one on tenants is
    'Null inherits, and -1 is unlimited: neither is 0, which lets nothing through.';

alter table members
    add column kind        text not null default 'person',
    add column search_text text collate "C" not null default '',
    add column deleted_at  timestamptz,
    drop constraint members_know_their_status;

-- The owner of a table sees no rows either while row-level security is forced and no scope is set. What a search looks
-- into is folded by the step itself, since no server folds letters as Python does; see 0006_people_and_keys.py.
alter table members no force row level security;
update members
set status = case when status = 'invited' then 'disabled' else status end,
    username = case when status = 'deleted' then 'deleted-' || number else username end,
    display_name = case when status = 'deleted' then 'Deleted member #' || number else display_name end,
    email = case when status = 'deleted' then null else email end,
    password_hash = case when status = 'deleted' then null else password_hash end,
    job_title = case when status = 'deleted' then null else job_title end,
    deleted_at = case when status = 'deleted' then changed_at end;
alter table members force row level security;

alter table members
    add constraint members_know_their_status check (status in ('active', 'disabled', 'deleted')),
    add constraint members_know_their_kind check (kind in ('person', 'service_account')),
    add constraint members_are_deleted_at_a_time check ((status = 'deleted') = (deleted_at is not null)),
    add constraint members_leave_nothing_personal check (
        status <> 'deleted'
        or (email is null and password_hash is null and job_title is null and search_text = '')
    );

comment on column members.password_hash is 'Null for service accounts and deleted members: neither can sign in.';
comment on column members.search_text is
    'What a search looks into: username, display name and address, folded. Kept beside the number in an index of its '
    'own, so that a search never reads the rows themselves. Compared byte by byte.';
comment on constraint members_know_their_status on members is
    'Members are never removed from here, since journal and events go on naming them; deleted is a status.';
comment on constraint members_know_their_kind on members is
    'A service account is an application: it has keys and credits, and nobody signs in as it.';
comment on constraint members_are_deleted_at_a_time on members is 'What a deleted member did before can be told apart.';
comment on constraint members_leave_nothing_personal on members is
    'Deleting is final for the person: what remains is a number that the books can name.';

-- Searching reads this and nothing else. Deleted members are found by nobody.
create index members_searched on members (tenant_id, number) include (search_text, group_id, status, role)
    where status <> 'deleted';
-- The last tenant admin stays; so there are few rows to look at.
create index members_running_the_tenant on members (tenant_id) where role = 'tenant_admin';

alter table events
    add column key_id  uuid,
    add column address text,
    add column changes jsonb not null default '{}';

comment on column events.key_id is 'The management key that a program used in its owner''s name.';
comment on column events.changes is 'Each changed field with its value before and after. Secrets never.';
-- What happened of one kind.
create index events_of_kind on events (tenant_id, kind, event_id);


create table sessions (
    session_id   uuid        not null,
    tenant_id    uuid,
    principal_id uuid        not null,
    method       text        not null,
    created_at   timestamptz not null,
    last_seen_at timestamptz not null,
    rotated_at   timestamptz not null,
    expires_at   timestamptz not null,
    address      text,
    user_agent   text,
    revoked_at   timestamptz,
    primary key (session_id),
    constraint sessions_know_their_method check (method in ('password', 'invitation')),
    constraint sessions_end_after_they_begin check (expires_at > created_at)
);

comment on table sessions is
    'Who is signed in at the console. It has no scope, because a cookie says nothing about its tenant until it has been '
    'looked up here. A super admin has no tenant.';
comment on constraint sessions_know_their_method on sessions is
    'How the person proved who they are. Another way of signing in is another word here.';
comment on constraint sessions_end_after_they_begin on sessions is
    'A session that could never be used is a mistake in the caller.';

-- The sign-ins of one person: to list them, and to end them all.
create index sessions_of_principal on sessions (principal_id);
-- Clearing away what has expired.
create index sessions_by_expiry on sessions (expires_at);

grant select, insert, delete on sessions to bursar_app, bursar_platform;
grant update (last_seen_at, rotated_at, revoked_at) on sessions to bursar_app, bursar_platform;


create table session_tokens (
    token_hash  bytea       not null,
    session_id  uuid        not null,
    issued_at   timestamptz not null,
    valid_until timestamptz,
    primary key (token_hash),
    constraint session_tokens_keep_only_hashes check (octet_length(token_hash) = 32)
);

comment on table session_tokens is
    'The tokens of a sign-in: the present one, for a short while the one before it, and the next until it is first '
    'used. Requests that were already under way when the token changed must not fail for it.';
comment on column session_tokens.valid_until is 'Null for a token that has no successor in use yet.';
comment on constraint session_tokens_keep_only_hashes on session_tokens is
    'A SHA-256 is 32 bytes. Whoever reads this table cannot sign in with what it holds.';

create index session_tokens_of_session on session_tokens (session_id);

grant select, insert, delete on session_tokens to bursar_app, bursar_platform;
grant update (valid_until) on session_tokens to bursar_app, bursar_platform;


create table sign_in_attempts (
    bucket          bytea       not null,
    failures        integer     not null,
    first_failed_at timestamptz not null,
    last_failed_at  timestamptz not null,
    primary key (bucket),
    constraint sign_in_attempts_keep_only_hashes check (octet_length(bucket) = 32),
    constraint sign_in_attempts_count_up check (failures >= 0)
);

comment on table sign_in_attempts is
    'How often signing in has failed lately, for an address, for a name, and for the two together. It has no scope: the '
    'names of people who do not exist are counted like all others.';
comment on constraint sign_in_attempts_keep_only_hashes on sign_in_attempts is
    'A keyed hash of what is counted: what people type by mistake into the name field may be a password.';
comment on constraint sign_in_attempts_count_up on sign_in_attempts is 'An attempt that succeeds is taken off again.';

-- Clearing away what is forgotten.
create index sign_in_attempts_by_time on sign_in_attempts (last_failed_at);

grant select, insert, update, delete on sign_in_attempts to bursar_platform;


create table secret_hashes (
    secret_hash bytea       not null,
    tenant_id   uuid        not null,
    kind        text        not null,
    owner_id    uuid        not null,
    valid_until timestamptz,
    primary key (secret_hash),
    constraint secret_hashes_keep_only_hashes check (octet_length(secret_hash) = 32),
    constraint secret_hashes_know_their_kind check (kind in ('api_key', 'invitation'))
);

comment on table secret_hashes is
    'Which tenant and which thing a secret opens. It has no scope, because a secret says nothing about its tenant until '
    'it has been looked up here.';
comment on column secret_hashes.owner_id is 'The API key or the invitation.';
comment on column secret_hashes.valid_until is 'Set when the secret was rotated and is to work for a while longer.';
comment on constraint secret_hashes_keep_only_hashes on secret_hashes is
    'A keyed SHA-256 is 32 bytes. Neither this table nor a copy of it opens anything.';
comment on constraint secret_hashes_know_their_kind on secret_hashes is
    'A secret of one kind never opens a thing of the other.';

-- The secrets of one thing, when it is rotated or deleted.
create index secret_hashes_of_owner on secret_hashes (owner_id);

grant select, insert, delete on secret_hashes to bursar_app, bursar_platform;
grant update (valid_until) on secret_hashes to bursar_app, bursar_platform;


create table remembered_answers (
    caller_id   uuid        not null,
    key_hash    bytea       not null,
    fingerprint bytea       not null,
    answer      bytea       not null default '',
    made_at     timestamptz not null,
    primary key (caller_id, key_hash),
    constraint remembered_answers_keep_only_hashes check (octet_length(key_hash) = 32),
    constraint remembered_answers_tell_requests_apart check (octet_length(fingerprint) = 32)
);

comment on table remembered_answers is
    'The first answer to each write that came with an idempotency key, made in the transaction of the write. It has no '
    'scope: a caller is in one tenant or above all, and what is asked of the platform concerns no tenant.';
comment on column remembered_answers.answer is
    'Sealed with a key that follows from the idempotency key, which is not kept: an answer may hold a new secret.';
comment on constraint remembered_answers_keep_only_hashes on remembered_answers is
    'The idempotency key opens the answer, so only its hash stands here.';
comment on constraint remembered_answers_tell_requests_apart on remembered_answers is
    'A key that comes again with another request is refused.';

-- Forgetting what is too old to be repeated.
create index remembered_answers_by_time on remembered_answers (made_at);

-- The key is claimed before the work begins, so that a twin of the request waits; the answer follows in the same
-- transaction.
grant select, insert, delete, update (answer) on remembered_answers to bursar_app, bursar_platform;


create table platform_events (
    event_id     uuid        not null,
    happened_at  timestamptz not null,
    kind         text        not null,
    actor_id     uuid,
    actor_kind   text        not null,
    subject_kind text        not null,
    subject_id   uuid,
    request_id   text,
    address      text,
    note         text,
    detail       jsonb       not null,
    changes      jsonb       not null,
    primary key (event_id),
    constraint platform_events_know_their_kind_of_actor check (actor_kind in ('platform_admin', 'system')),
    constraint platform_events_name_a_person_or_the_system check ((actor_id is null) = (actor_kind = 'system'))
);

comment on table platform_events is
    'What was done to the platform itself: its super admins, codes and prices. What a super admin does to a tenant '
    'stands in that tenant''s events. Append-only.';
comment on constraint platform_events_know_their_kind_of_actor on platform_events is
    'Nobody of a tenant changes anything of the platform.';
comment on constraint platform_events_name_a_person_or_the_system on platform_events is
    'Nothing that a person did may be left without that person, and the system is nobody.';

-- The history of one thing.
create index platform_events_of_subject on platform_events (subject_id, event_id);

grant select, insert on platform_events to bursar_platform;


create table invitations (
    tenant_id   uuid        not null references tenants (tenant_id),
    invitation_id uuid      not null,
    email       text        not null,
    role        text        not null,
    group_id    uuid        not null,
    invited_by  uuid,
    invited_at  timestamptz not null,
    expires_at  timestamptz not null,
    mailed_at   timestamptz,
    revoked_at  timestamptz,
    accepted_at timestamptz,
    member_id   uuid,
    primary key (tenant_id, invitation_id),
    constraint invitations_are_to_a_group foreign key (tenant_id, group_id) references groups (tenant_id, group_id),
    constraint invitations_know_their_role check (role in ('tenant_admin', 'admin', 'member')),
    constraint invitations_end_after_they_begin check (expires_at > invited_at),
    constraint invitations_make_one_member check ((accepted_at is null) = (member_id is null)),
    constraint invitations_end_once check (accepted_at is null or revoked_at is null)
);

comment on table invitations is
    'An invited person is no member yet: they have no number, no accounts, and their address is not taken. The secret '
    'of the link is in secret_hashes.';
comment on column invitations.invited_by is 'A member of the tenant or a super admin.';
comment on column invitations.mailed_at is 'Null where the link was shown to the inviter instead.';
comment on constraint invitations_know_their_role on invitations is 'Nobody joins as anything else.';
comment on constraint invitations_end_after_they_begin on invitations is 'A link that never worked is a mistake.';
comment on constraint invitations_make_one_member on invitations is 'A link is used once, by one person.';
comment on constraint invitations_end_once on invitations is 'What was accepted cannot be taken back, nor the reverse.';

-- The invitations that are still open, and whether an address has one.
create unique index invitations_open_one_for_an_address on invitations (tenant_id, lower(email))
    where accepted_at is null and revoked_at is null;

alter table invitations enable row level security, force row level security;
create policy tenant_scope on invitations
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, update on invitations to bursar_app;


create table api_keys (
    tenant_id           uuid        not null references tenants (tenant_id),
    key_id              uuid        not null,
    member_id           uuid        not null,
    kind                text        not null,
    name                text        not null,
    prefix              text        not null,
    status              text        not null,
    scopes              text[]      not null,
    allowed_models      text[],
    allowed_networks    cidr[],
    requests_per_minute bigint,
    tokens_per_minute   bigint,
    calls_at_once       bigint,
    per_cycle_micro     bigint,
    in_total_micro      bigint,
    created_at          timestamptz not null,
    created_by          uuid        not null,
    rotated_at          timestamptz,
    last_used_at        timestamptz,
    expires_at          timestamptz,
    deleted_at          timestamptz,
    primary key (tenant_id, key_id),
    constraint api_keys_belong_to_a_member foreign key (tenant_id, member_id) references members (tenant_id, member_id),
    constraint api_keys_have_a_name check (name <> ''),
    constraint api_keys_know_their_kind check (kind in ('model', 'management')),
    constraint api_keys_know_their_status check (status in ('active', 'disabled', 'deleted')),
    constraint api_keys_of_models_have_no_scope check (kind = 'management' or scopes = '{}'),
    constraint api_keys_of_management_do_not_spend check (
        kind = 'model'
        or (allowed_models is null and tokens_per_minute is null and calls_at_once is null
            and per_cycle_micro is null and in_total_micro is null)
    ),
    constraint api_keys_limit_from_minus_one check (
        coalesce(requests_per_minute, 0) >= -1 and coalesce(tokens_per_minute, 0) >= -1
        and coalesce(calls_at_once, 0) >= -1 and coalesce(per_cycle_micro, 0) >= -1
        and coalesce(in_total_micro, 0) >= -1
    ),
    constraint api_keys_are_deleted_at_a_time check ((status = 'deleted') = (deleted_at is not null))
);

comment on table api_keys is
    'A key acts in its owner''s name: a model key spends the owner''s credits, a management key does what both the '
    'owner''s role and its own scopes allow.';
comment on column api_keys.prefix is 'The beginning of the secret, by which a person tells keys apart.';
comment on column api_keys.allowed_models is 'Null is every model, an empty list is none.';
comment on column api_keys.allowed_networks is 'Null is every network, an empty list is none.';
comment on constraint api_keys_have_a_name on api_keys is 'People choose a key by its name.';
comment on constraint api_keys_know_their_kind on api_keys is 'One is for calls to models, the other for this API.';
comment on constraint api_keys_know_their_status on api_keys is
    'Keys are never removed from here, since usage goes on naming them; deleted is a status.';
comment on constraint api_keys_of_models_have_no_scope on api_keys is 'A key that leaks must not do both.';
comment on constraint api_keys_of_management_do_not_spend on api_keys is 'What limits calls to models limits nothing else.';
comment on constraint api_keys_limit_from_minus_one on api_keys is
    'Null inherits from the tenant, and -1 is unlimited: neither is 0, which lets nothing through.';
comment on constraint api_keys_are_deleted_at_a_time on api_keys is 'What a key did before can be told apart.';

-- The keys of a member, in the order they were made.
create index api_keys_of_member on api_keys (tenant_id, member_id, key_id) where status <> 'deleted';

alter table api_keys enable row level security, force row level security;
create policy tenant_scope on api_keys
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, update on api_keys to bursar_app;
