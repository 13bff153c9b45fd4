"""The proofs: every invariant of the books recomputed from the journal, one tenant at a time, beside live traffic.

Read in this order: `verify`, `checks` (the table of invariants), then the file that a check of the table names.
"""
