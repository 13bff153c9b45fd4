-- Redemption codes: what the platform hands out on paper, and a tenant turns into credits once.

create table redemption_codes (
    code_id       uuid        not null,
    batch_id      uuid        not null,
    code_hash     bytea       not null,
    last_four     text        not null,
    value_micro   bigint      not null,
    note          text,
    issued_at     timestamptz not null,
    issued_by     uuid        not null,
    expires_at    timestamptz,
    revoked_at    timestamptz,
    redeemed_at   timestamptz,
    redeemed_in   uuid,
    redeemed_by   uuid,
    transfer_id   uuid,
    primary key (code_id),
    constraint redemption_codes_keep_only_hashes check (octet_length(code_hash) = 32),
    constraint redemption_codes_show_four_letters check (length(last_four) = 4),
    constraint redemption_codes_are_worth_something check (value_micro > 0),
    constraint redemption_codes_expire_after_they_are_issued check (expires_at > issued_at),
    constraint redemption_codes_end_once check (redeemed_at is null or revoked_at is null),
    constraint redemption_codes_are_redeemed_whole check (
        num_nulls(redeemed_at, redeemed_in, redeemed_by, transfer_id) in (0, 4)
    )
);

comment on table redemption_codes is
    'Codes that the platform issued, and what became of each. It has no scope: a code belongs to no tenant until it is '
    'redeemed, and whoever holds it may be of any.';
comment on column redemption_codes.batch_id is 'The codes that were issued together have it in common.';
comment on column redemption_codes.redeemed_in is 'The tenant that redeemed it.';
comment on column redemption_codes.redeemed_by is 'The member of that tenant who did.';
comment on column redemption_codes.transfer_id is 'The transfer in that tenant''s journal that brought the credits.';
comment on constraint redemption_codes_keep_only_hashes on redemption_codes is
    'A keyed SHA-256 is 32 bytes. Neither this table nor a copy of it redeems anything.';
comment on constraint redemption_codes_show_four_letters on redemption_codes is
    'By its last letters people tell one code from another; more of it would help to guess the rest.';
comment on constraint redemption_codes_are_worth_something on redemption_codes is
    'A transfer of nothing cannot be posted.';
comment on constraint redemption_codes_expire_after_they_are_issued on redemption_codes is
    'A code that could never be redeemed is a mistake in the caller.';
comment on constraint redemption_codes_end_once on redemption_codes is
    'What was redeemed cannot be taken back, and what was taken back cannot be redeemed.';
comment on constraint redemption_codes_are_redeemed_whole on redemption_codes is
    'A code is spent in the transaction that posts its credits: who, where, when and which transfer, or none of it.';

-- How a code is found when somebody types it in. Unique, so that no two codes are one.
create unique index redemption_codes_by_hash on redemption_codes (code_hash);
-- A batch, for its list and for taking all of it back.
create index redemption_codes_of_batch on redemption_codes (batch_id, code_id);

grant select, insert on redemption_codes to bursar_platform;
grant update (revoked_at) on redemption_codes to bursar_platform;
-- Inside a tenant a code is found by its hash and marked as spent. Who redeemed the others is not to be seen there.
grant select (code_id, code_hash, last_four, value_micro, expires_at, revoked_at, redeemed_at)
    on redemption_codes to bursar_app;
grant update (redeemed_at, redeemed_in, redeemed_by, transfer_id) on redemption_codes to bursar_app;

-- Wrong codes are counted with failed sign-ins, and looked up in the transaction that redeems.
grant select on sign_in_attempts to bursar_app;
