"""The command line: serve, demo, db, tenants, ledger, prices."""
