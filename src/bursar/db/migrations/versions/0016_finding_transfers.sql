-- Finding transfers in a journal that is nearly all usage: none of these has a call of a member in it, so calls do not
-- pay for them. What tenant admins use of the pool has two of its own.
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
