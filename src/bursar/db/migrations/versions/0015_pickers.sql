-- Whom credits can be given to, and from whom they can be taken back.

alter table bursar.ledger_wallets
  add column has_balance boolean not null generated always as (balance_micro > 0) stored;
comment on column bursar.ledger_wallets.has_balance is 'Whether there is anything in the balance. Kept by the database.';
create index ledger_wallets_with_a_balance on bursar.ledger_wallets (tenant_id, member_id)
  where has_balance and status <> 'deleted';

drop index members_searched;
create index members_searched on members (tenant_id, number) include (search_text, group_id, status, role, member_id)
    where status <> 'deleted';
create index members_who_can_receive on members (tenant_id, member_id) where status = 'active' and role <> 'tenant_admin';
