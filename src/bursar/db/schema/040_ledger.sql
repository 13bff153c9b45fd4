-- The books. Only the posting code in bursar.ledger writes here.
--
-- A tenant has one control row. A posting locks it, and by that alone a tenant's books are strictly serial. Everything
-- else in this file belongs to one tenant and is read or written under that lock, which is why rows name each other
-- without foreign keys where a key would cost a look-up for every call.
--
-- Amounts are whole micro-credits in `_micro` columns. `_sequence` columns count the transfers an account has seen.

create table bursar.ledger_control (
  tenant_id            uuid        not null,
  batch_number         bigint      not null,
  chain_hash           bytea       not null,
  last_posted_at       timestamptz not null,

  epoch                integer     not null,
  epoch_started_at     timestamptz not null,
  epoch_ends_at        timestamptz not null,
  cadence              text        not null,
  time_zone            text        not null,
  per_cycle_micro      bigint      not null,
  per_cycle_ceiling_micro bigint,
  expired_holds        text        not null,

  issued_micro         bigint      not null,
  pool_micro           bigint      not null,
  pot_micro            bigint      not null,
  pot_previous_micro   bigint      not null,
  groups_micro         bigint      not null,
  members_micro        bigint      not null,
  consumed_micro       bigint      not null,
  expired_micro        bigint      not null,

  pool_held_micro      bigint      not null,
  pot_held_micro       bigint      not null,
  groups_held_micro    bigint      not null,
  members_held_micro   bigint      not null,

  plan_micro           bigint      not null,
  cycle_micro          bigint      not null,
  groups_monthly_micro bigint      not null,
  epoch_issued_micro   bigint      not null,
  epoch_used_micro     bigint      not null,
  epoch_pot_used_micro bigint      not null,

  pool_sequence         bigint     not null,
  plan_sequence         bigint     not null,
  cycle_sequence        bigint     not null,
  pot_previous_sequence bigint     not null,
  expired_sequence      bigint     not null,

  constraint ledger_control_pkey primary key (tenant_id),
  constraint books_sum_to_zero check (
    issued_micro::numeric + pool_micro + pot_micro + pot_previous_micro
    + groups_micro + members_micro + consumed_micro + expired_micro = 0
  ),
  constraint held_is_not_negative check (
    pool_held_micro >= 0 and pot_held_micro >= 0 and groups_held_micro >= 0 and members_held_micro >= 0
  ),
  constraint pot_covers_what_is_held check (pot_micro >= pot_held_micro and pot_previous_micro >= 0),
  constraint only_pool_and_members_owe check (
    issued_micro <= 0 and plan_micro >= 0 and groups_micro >= 0 and consumed_micro >= 0 and expired_micro >= 0
  ),
  constraint budget_within_cycle check (groups_monthly_micro between 0 and per_cycle_micro),
  constraint cycle_under_ceiling check (per_cycle_ceiling_micro is null or per_cycle_ceiling_micro >= 0),
  constraint epoch_runs_forward check (epoch >= 1 and epoch_ends_at > epoch_started_at),
  constraint expired_holds_policy check (expired_holds in ('void', 'settle'))
) with (fillfactor = 50);

comment on table bursar.ledger_control is
  'One row per tenant: the totals by class, what of each is held, the running cycle, and the end of the hash chain.';
comment on constraint books_sum_to_zero on bursar.ledger_control is
  'Double entry, kept by the database itself: every credit in one class is missing in another. Numeric, so that the sum cannot overflow.';
comment on constraint held_is_not_negative on bursar.ledger_control is
  'A hold is given back once. A total below zero would mean that one was given back twice.';
comment on constraint pot_covers_what_is_held on bursar.ledger_control is
  'An allowance never goes below zero, so what is held of the pot is always there.';
comment on constraint only_pool_and_members_owe on bursar.ledger_control is
  'Only a tenant admin''s own overrun and a member''s settlement above its hold may leave a debt.';
comment on constraint budget_within_cycle on bursar.ledger_control is
  'Groups are never promised more than the cycle has.';
comment on constraint cycle_under_ceiling on bursar.ledger_control is
  'Null means that the platform sets no ceiling. A ceiling of zero is one.';
comment on constraint epoch_runs_forward on bursar.ledger_control is 'Cycles are numbered from 1 and last some time.';
comment on constraint expired_holds_policy on bursar.ledger_control is
  'What the sweeper does with a hold that nobody settled: give all back, or charge all of it.';

create table bursar.ledger_issued (
  tenant_id     uuid   not null,
  account       text   not null,
  issued_micro  bigint not null,
  sequence      bigint not null,
  constraint ledger_issued_pkey primary key (tenant_id, account),
  constraint issued_is_a_source check (issued_micro <= 0)
) with (fillfactor = 50);

comment on table bursar.ledger_issued is 'Where credits came from: the subsidiary accounts of the class issued.';
comment on constraint issued_is_a_source on bursar.ledger_issued is
  'What came in is counted below zero, and no more of it can be taken back than came in.';

create table bursar.ledger_groups (
  tenant_id             uuid    not null,
  group_id              uuid    not null,
  members_count         bigint  not null,
  monthly_micro         bigint  not null,
  members_monthly_micro bigint  not null,
  allowance_micro       bigint  not null,
  allowance_held_micro  bigint  not null,
  balance_micro         bigint  not null,
  balance_held_micro    bigint  not null,
  shared_used_micro     bigint  not null,
  allowance_sequence    bigint  not null,
  balance_sequence      bigint  not null,
  epoch                 integer not null,
  is_default            boolean not null,
  is_closed             boolean not null,
  is_shared             boolean not null,
  constraint ledger_groups_pkey primary key (tenant_id, group_id),
  constraint group_budget_covers_members check (members_monthly_micro between 0 and monthly_micro),
  constraint group_funds_cover_holds check (
    allowance_held_micro between 0 and allowance_micro and balance_held_micro between 0 and balance_micro
  ),
  constraint group_members_counted check (members_count >= 0 and shared_used_micro >= 0)
) with (fillfactor = 50);

comment on table bursar.ledger_groups is
  'A group''s accounts. A row whose epoch is behind the control row''s is read as rolled over; it is rewritten when next touched.';
comment on constraint group_budget_covers_members on bursar.ledger_groups is
  'Members are never promised more per cycle than their group has.';
comment on constraint group_funds_cover_holds on bursar.ledger_groups is 'A group is never overdrawn, so its holds are always covered.';
comment on constraint group_members_counted on bursar.ledger_groups is 'Counts and sums of parts are never below zero.';

create table bursar.ledger_wallets (
  tenant_id            uuid    not null,
  member_id            uuid    not null,
  group_id             uuid    not null,
  monthly_micro        bigint  not null,
  allowance_micro      bigint  not null,
  allowance_held_micro bigint  not null,
  balance_micro        bigint  not null,
  balance_held_micro   bigint  not null,
  used_micro           bigint  not null,
  consumed_micro       bigint  not null,
  allowance_sequence   bigint  not null,
  balance_sequence     bigint  not null,
  consumed_sequence    bigint  not null,
  epoch                integer not null,
  status               text    not null,
  spends_pool          boolean not null,
  has_credits          boolean not null default false,
  has_balance          boolean not null generated always as (balance_micro > 0) stored,
  constraint ledger_wallets_pkey primary key (tenant_id, member_id),
  constraint ledger_wallets_group_fkey foreign key (tenant_id, group_id)
    references bursar.ledger_groups (tenant_id, group_id),
  constraint wallet_status check (status in ('active', 'disabled', 'deleted')),
  constraint allowance_covers_holds check (monthly_micro >= 0 and allowance_held_micro between 0 and allowance_micro),
  constraint balance_held_is_not_negative check (balance_held_micro >= 0),
  constraint use_is_counted_up check (used_micro >= 0 and consumed_micro >= 0)
) with (fillfactor = 50);

-- Partial on purpose: a posting finds wallets by their key without naming a status, so this index can never be chosen
-- for that, not even by a plan made while the table was nearly empty.
create index ledger_wallets_by_group on bursar.ledger_wallets (tenant_id, group_id) where status <> 'deleted';
-- What deleted members used in the running cycle is their group's to show, beside what the living ones did.
create index ledger_wallets_deleted_by_group on bursar.ledger_wallets (tenant_id, group_id) where status = 'deleted';
-- A tenant's summary adds up what its tenant admins have used. Without this it reads every member's row to find them.
create index ledger_wallets_of_pool_spenders on bursar.ledger_wallets (tenant_id) where spends_pool;

-- How many members were given credits. Whether one was changes seldom, so the index is seldom written.
create index ledger_wallets_with_credits on bursar.ledger_wallets (tenant_id, member_id)
  where has_credits and status <> 'deleted';

-- From whom something can be reclaimed. The condition names a column of its own, and not the balance: a column that an
-- index names cannot change without the index being written, and this one changes only when a balance begins or ends.
create index ledger_wallets_with_a_balance on bursar.ledger_wallets (tenant_id, member_id)
  where has_balance and status <> 'deleted';

comment on column bursar.ledger_wallets.has_balance is 'Whether there is anything in the balance. Kept by the database.';
comment on column bursar.ledger_wallets.has_credits is
  'Whether the member was given credits that were not all taken back. Spending the last one does not change it.';
comment on table bursar.ledger_wallets is
  'A member''s accounts. A row whose epoch is behind the control row''s is read as rolled over; it is rewritten when next touched.';
comment on constraint wallet_status on bursar.ledger_wallets is
  'Kept here as well as with the person, so that whether credits may be received or held is decided under the lock.';
comment on constraint allowance_covers_holds on bursar.ledger_wallets is
  'An allowance never goes below zero, so what is held of it is always there.';
comment on constraint balance_held_is_not_negative on bursar.ledger_wallets is
  'A balance may fall below what is held of it, by a settlement above its own hold; what is held itself may not be negative.';
comment on constraint use_is_counted_up on bursar.ledger_wallets is 'Use is only ever counted up within its period.';

-- A call writes this row twice, so its columns stand by width, widest first: no byte is lost between them.
create table bursar.ledger_holds (
  tenant_id             uuid        not null,
  hold_id               uuid        not null,
  member_id             uuid        not null,
  group_id              uuid,
  fingerprint           bigint      not null,
  amount_micro          bigint      not null,
  allowance_micro       bigint      not null,
  balance_micro         bigint      not null,
  group_allowance_micro bigint      not null,
  group_balance_micro   bigint      not null,
  pool_micro            bigint      not null,
  opened_at             timestamptz not null,
  expires_at            timestamptz not null,
  closed_at             timestamptz,
  settled_micro         bigint,
  overrun_micro         bigint,
  epoch                 integer     not null,
  closed_epoch          integer,
  state                 text        not null,
  opened_by             uuid,
  key_id                uuid,
  constraint ledger_holds_pkey primary key (tenant_id, hold_id),
  constraint hold_is_funded check (
    allowance_micro >= 0 and balance_micro >= 0 and group_allowance_micro >= 0 and group_balance_micro >= 0
    and pool_micro >= 0
    and amount_micro = allowance_micro + balance_micro + group_allowance_micro + group_balance_micro + pool_micro
  ),
  constraint group_legs_name_a_group check (group_id is not null or group_allowance_micro + group_balance_micro = 0),
  constraint hold_state check (state in ('open', 'settled', 'voided', 'expired', 'settled_late')),
  constraint hold_ends_once check (
    case state
      when 'open' then settled_micro is null and overrun_micro is null and closed_at is null
        and closed_epoch is null
      else settled_micro >= 0 and overrun_micro >= 0 and closed_at is not null and closed_epoch >= epoch
    end
  )
) with (fillfactor = 90);

-- The sweeper's question, and nobody else's. It leaves the index with its state, so the index stays as small as the
-- number of calls under way.
create index ledger_holds_open on bursar.ledger_holds (tenant_id, expires_at) where state = 'open';

comment on table bursar.ledger_holds is
  'Credits set aside for calls. The row is also the record by which a repeated hold, settlement or voiding is recognised.';
comment on column bursar.ledger_holds.opened_by is
  'Who may say what the call cost. Null is Bursar itself, which meters the calls that go through it.';
comment on column bursar.ledger_holds.key_id is
  'The API key that the call came with, whose own limits count it; null for none.';
comment on constraint hold_is_funded on bursar.ledger_holds is 'A hold is never smaller than what was asked for.';
comment on constraint group_legs_name_a_group on bursar.ledger_holds is
  'The group is the one the member was in when the hold was opened; the member may have moved since.';
comment on constraint hold_state on bursar.ledger_holds is 'Open, and then exactly one end; an expired hold may still be settled late.';
comment on constraint hold_ends_once on bursar.ledger_holds is 'An end is recorded whole: what was charged, what of it was above the hold, and when.';

create table bursar.ledger_commands (
  tenant_id    uuid        not null,
  key          text        not null,
  fingerprint  bytea       not null,
  outcome      bytea       not null,
  batch_number bigint      not null,
  posted_at    timestamptz not null,
  forget_at    timestamptz,
  constraint ledger_commands_pkey primary key (tenant_id, key),
  constraint command_key_length check (length(key) between 1 and 300)
);

create index ledger_commands_to_forget on bursar.ledger_commands (tenant_id, forget_at) where forget_at is not null;

comment on table bursar.ledger_commands is
  'What was answered to each idempotency key. Not partitioned: that a key is unique must not depend on when it was used. Refusals are forgotten after a day.';
comment on constraint command_key_length on bursar.ledger_commands is
  'A caller''s key has at most 200 characters; the rest is room for the prefix that keeps callers'' keys and derived keys apart.';

create table bursar.ledger_batches (
  tenant_id    uuid        not null,
  batch_number bigint      not null,
  posted_at    timestamptz not null,
  lines_count  integer     not null,
  control_hash bytea       not null,
  hash         bytea       not null,
  posting_id   uuid        not null,
  constraint ledger_batches_pkey primary key (tenant_id, batch_number)
);

comment on table bursar.ledger_batches is
  'The chain: each hash covers the previous one, the batch''s journal lines and the control row as the batch left it.';
comment on column bursar.ledger_batches.posting_id is
  'Made anew for every attempt to post, and the same for all batches of one transaction: a poster that lost its connection during a commit finds out by it whether the commit happened.';

alter table bursar.ledger_control       enable row level security;
alter table bursar.ledger_control       force row level security;
alter table bursar.ledger_issued        enable row level security;
alter table bursar.ledger_issued        force row level security;
alter table bursar.ledger_groups        enable row level security;
alter table bursar.ledger_groups        force row level security;
alter table bursar.ledger_wallets       enable row level security;
alter table bursar.ledger_wallets       force row level security;
alter table bursar.ledger_holds         enable row level security;
alter table bursar.ledger_holds         force row level security;
alter table bursar.ledger_commands      enable row level security;
alter table bursar.ledger_commands      force row level security;
alter table bursar.ledger_batches       enable row level security;
alter table bursar.ledger_batches       force row level security;

create policy tenant_scope on bursar.ledger_control to bursar_app
  using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
  with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

create policy tenant_scope on bursar.ledger_issued to bursar_app
  using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
  with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

create policy tenant_scope on bursar.ledger_groups to bursar_app
  using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
  with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

create policy tenant_scope on bursar.ledger_wallets to bursar_app
  using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
  with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

create policy tenant_scope on bursar.ledger_holds to bursar_app
  using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
  with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

create policy tenant_scope on bursar.ledger_commands to bursar_app
  using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
  with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

create policy tenant_scope on bursar.ledger_batches to bursar_app
  using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
  with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

-- What the application may do. Nothing that is written once can be changed or removed by it.
-- Rule: TRANSACTION-8
grant select, insert, update on bursar.ledger_control to bursar_app;
grant select, insert, update on bursar.ledger_issued to bursar_app;
grant select, insert, update on bursar.ledger_groups to bursar_app;
grant select, insert, update on bursar.ledger_wallets to bursar_app;
grant select, insert, update on bursar.ledger_holds to bursar_app;
grant select, insert, update, delete on bursar.ledger_commands to bursar_app;
grant select, insert on bursar.ledger_batches to bursar_app;

-- The platform's list of tenants shows their totals, and the worker asks which tenants have something due.
grant select on bursar.ledger_control to bursar_platform;
create policy every_tenant on bursar.ledger_control for select to bursar_platform using (true);
grant select (tenant_id, expires_at, state) on bursar.ledger_holds to bursar_platform;
create policy every_tenant on bursar.ledger_holds for select to bursar_platform using (true);
