-- A group may be removed while somebody is invited to it: whoever accepts then comes into the default group.
alter table invitations drop constraint invitations_are_to_a_group;

comment on column invitations.group_id is
    'No reference: a group may be removed while somebody is invited to it. They then come into the default group.';

alter table invitations add column mail_fault text;
alter table invitations add constraint invitations_are_mailed_or_not check (mailed_at is null or mail_fault is null);

comment on column invitations.mailed_at is
    'When the mail server took the present link. Null where it did not, or where the link was shown to the inviter.';
comment on column invitations.mail_fault is 'Why the present link could not be mailed: a code of domain/invitations.py.';
comment on constraint invitations_are_mailed_or_not on invitations is 'What the mail server took did not fail.';
