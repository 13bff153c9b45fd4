"""Posting: load what a batch names under one lock, let the core decide, write the result, all in one transaction.

Read in this order: `rounds`, `loading`, `writing`, `tables`, `session`, `lanes`.
"""
