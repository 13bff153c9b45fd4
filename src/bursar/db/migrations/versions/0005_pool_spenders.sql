-- A tenant's summary adds up what its tenant admins have used. Without this it reads every member's row to find them.
create index ledger_wallets_of_pool_spenders on bursar.ledger_wallets (tenant_id) where spends_pool;
