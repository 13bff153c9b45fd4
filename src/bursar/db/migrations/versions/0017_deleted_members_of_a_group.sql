-- What deleted members used in the running cycle is their group's to show, beside what the living ones did.
create index ledger_wallets_deleted_by_group on bursar.ledger_wallets (tenant_id, group_id) where status = 'deleted';
