-- What belongs to no tenant. These tables have no tenant scope and no row-level security, each for the reason in its
-- comment, and the list is closed: a test of the house names them.

create table platform_admins (
    admin_id      uuid        not null,
    username      text        not null,
    email         text,
    display_name  text        not null,
    password_hash text        not null,
    created_at    timestamptz not null,
    disabled_at   timestamptz,
    primary key (admin_id)
);

comment on table platform_admins is
    'Super admins of this installation. They stand above all tenants, so they belong to none.';

-- The application's work inside tenants never needs them, so its role cannot read their password hashes.
grant select, insert, update on platform_admins to bursar_platform;


create table sign_in_names (
    name         text not null,
    tenant_id    uuid,
    principal_id uuid not null,
    kind         text not null,
    primary key (name),
    constraint sign_in_names_are_lower_case check (name = lower(name collate "C")),
    constraint sign_in_names_know_their_kind check (kind in ('username', 'email'))
);

comment on table sign_in_names is
    'Who signs in under a name, across the whole platform. It has no scope, because the tenant is what is being looked '
    'up; and the name alone is its key, because it must be unique across tenants. A super admin has no tenant.';
comment on constraint sign_in_names_are_lower_case on sign_in_names is
    'Ann and ann are one name. Compared under "C", so that the answer does not depend on the locale of a server.';
comment on constraint sign_in_names_know_their_kind on sign_in_names is
    'A username and an e-mail address of one person are two rows, and they are changed independently.';

-- The names of one person, when they are changed or given up. The person's id is unique on its own.
create index sign_in_names_of_principal on sign_in_names (principal_id);

-- A name is taken with an insert and given up with a delete; it never passes from one person to another in between.
grant select, insert, delete on sign_in_names to bursar_app, bursar_platform;


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

-- No update and no delete, as with the tenants' events.
-- Rule: AUDIT-7
grant select, insert on platform_events to bursar_platform;
