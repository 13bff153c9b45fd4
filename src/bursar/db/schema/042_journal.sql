-- What moved: one line for each transfer, in the order of posting. Only the posting code in bursar.ledger writes here.

-- As with holds, the columns stand by width.
create table bursar.ledger_journal (
  tenant_id          uuid        not null,
  transfer_id        uuid        not null,
  source_id          uuid,
  target_id          uuid,
  actor_id           uuid,
  reverses_id        uuid,
  posted_at          timestamptz not null,
  batch_number       bigint      not null,
  amount_micro       bigint      not null,
  source_after_micro bigint      not null,
  source_sequence    bigint      not null,
  target_after_micro bigint      not null,
  target_sequence    bigint      not null,
  line               integer     not null,
  epoch              integer     not null,
  kind               text        not null,
  source             text        not null,
  target             text        not null,
  note               text,
  constraint ledger_journal_pkey primary key (tenant_id, batch_number, line, posted_at),
  constraint amount_is_positive check (amount_micro > 0),
  constraint note_length check (note is null or length(note) <= 200)
) partition by range (posted_at);

-- Where rows go whose month has no partition of its own, so that a posting never fails for want of one.
create table bursar.ledger_journal_other partition of bursar.ledger_journal default;

create index ledger_journal_by_target on bursar.ledger_journal (tenant_id, target_id, batch_number, line)
  where target_id is not null;

-- A transfer between two accounts of the same owner is found through its target.
create index ledger_journal_by_source on bursar.ledger_journal (tenant_id, source_id, batch_number, line)
  where source_id is not null and source_id is distinct from target_id;

create index ledger_journal_of_pool on bursar.ledger_journal (tenant_id, batch_number, line)
  where source = 'pool' or target = 'pool';

create index ledger_journal_by_transfer on bursar.ledger_journal (tenant_id, transfer_id) where kind <> 'usage';

-- Finding transfers in a journal that is nearly all usage. No call of a member pays for these, a tenant admin's for two.
create index ledger_journal_of_pool_by_kind on bursar.ledger_journal (tenant_id, kind, batch_number, line)
  where (source = 'pool' or target = 'pool') and kind <> 'usage';
create index ledger_journal_of_pool_by_actor on bursar.ledger_journal (tenant_id, actor_id, batch_number, line)
  where (source = 'pool' or target = 'pool') and kind <> 'usage';
create index ledger_journal_given on bursar.ledger_journal (tenant_id, target_id, batch_number, line)
  where target_id is not null and kind <> 'usage';
create index ledger_journal_pool_use_by_member on bursar.ledger_journal (tenant_id, target_id, batch_number, line)
  where source = 'pool' and kind = 'usage';
create index ledger_journal_pool_use_by_actor on bursar.ledger_journal (tenant_id, actor_id, batch_number, line)
  where source = 'pool' and kind = 'usage' and actor_id is not null;

comment on table bursar.ledger_journal is
  'Every transfer, one line each, with both accounts, the amount, and what each account held after it. Nobody changes or removes a line.';
comment on constraint amount_is_positive on bursar.ledger_journal is
  'A transfer has one source, one target and one positive amount, so the books balance by construction.';
comment on constraint note_length on bursar.ledger_journal is 'As long as the forms allow.';

alter table bursar.ledger_journal enable row level security;
alter table bursar.ledger_journal force row level security;
alter table bursar.ledger_journal_other enable row level security;
alter table bursar.ledger_journal_other force row level security;

create policy tenant_scope on bursar.ledger_journal to bursar_app
  using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
  with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

create policy tenant_scope on bursar.ledger_journal_other to bursar_app
  using (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null)
  with check (array_position((select nullif(current_setting('bursar.scope', true), '')::uuid[]), tenant_id) is not null);

-- It can be added to, and nothing in it can be changed or removed.
-- Rule: TRANSACTION-8
grant select, insert on bursar.ledger_journal to bursar_app;
