"""Seeded faults: each mutation breaks one line of the ledger on purpose, and some test has to notice.

`python -m tests.mutants` (or `make mutants`) plants them one by one and prints which test caught which.
Read in this order: `mutation`, `catalogue` (all of them), `trial` (how one is tried), `__main__`.
"""
