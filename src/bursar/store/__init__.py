"""Every row that is not the ledger's: one file a noun, plain functions, `tenant_id` first."""
