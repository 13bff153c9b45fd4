-- People who are asked to join, and have not yet.

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
    mail_fault  text,
    primary key (tenant_id, invitation_id),
    constraint invitations_know_their_role check (role in ('tenant_admin', 'admin', 'member')),
    constraint invitations_end_after_they_begin check (expires_at > invited_at),
    constraint invitations_make_one_member check ((accepted_at is null) = (member_id is null)),
    constraint invitations_end_once check (accepted_at is null or revoked_at is null),
    constraint invitations_are_mailed_or_not check (mailed_at is null or mail_fault is null)
);

comment on table invitations is
    'An invited person is no member yet: they have no number, no accounts, and their address is not taken. The secret '
    'of the link is in secret_hashes.';
comment on column invitations.group_id is
    'No reference: a group may be removed while somebody is invited to it. They then come into the default group.';
comment on column invitations.invited_by is 'A member of the tenant or a super admin.';
comment on column invitations.mailed_at is
    'When the mail server took the present link. Null where it did not, or where the link was shown to the inviter.';
comment on column invitations.mail_fault is 'Why the present link could not be mailed: a code of domain/invitations.py.';
comment on constraint invitations_know_their_role on invitations is 'Nobody joins as anything else.';
comment on constraint invitations_end_after_they_begin on invitations is 'A link that never worked is a mistake.';
comment on constraint invitations_make_one_member on invitations is 'A link is used once, by one person.';
comment on constraint invitations_end_once on invitations is 'What was accepted cannot be taken back, nor the reverse.';
comment on constraint invitations_are_mailed_or_not on invitations is 'What the mail server took did not fail.';

-- The invitations that are still open, and whether an address has one.
create unique index invitations_open_one_for_an_address on invitations (tenant_id, lower(email))
    where accepted_at is null and revoked_at is null;

alter table invitations enable row level security, force row level security;
create policy tenant_scope on invitations
    using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
    with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

grant select, insert, update on invitations to bursar_app;
