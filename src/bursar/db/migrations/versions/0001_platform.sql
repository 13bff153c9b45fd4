grant usage on schema bursar to bursar_app, bursar_platform;

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
    token_hash   bytea       not null,
    tenant_id    uuid,
    principal_id uuid        not null,
    created_at   timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at   timestamptz not null,
    address      text,
    user_agent   text,
    revoked_at   timestamptz,
    primary key (token_hash),
    constraint sessions_keep_only_hashes check (octet_length(token_hash) = 32),
    constraint sessions_end_after_they_begin check (expires_at > created_at)
);

comment on table sessions is
    'Who is signed in at the console. It has no scope, because a cookie says nothing about its tenant until it has been '
    'looked up here. A super admin has no tenant.';
comment on constraint sessions_keep_only_hashes on sessions is
    'A SHA-256 is 32 bytes. Whoever reads this table cannot sign in with what it holds.';
comment on constraint sessions_end_after_they_begin on sessions is
    'A session that could never be used is a mistake in the caller.';

-- Signing a person out everywhere.
create index sessions_of_principal on sessions (principal_id);
-- Clearing away what has expired.
create index sessions_by_expiry on sessions (expires_at);

grant select, insert, update, delete on sessions to bursar_app, bursar_platform;
