"""Bursar: an organisation's AI-credit office on one exact double-entry ledger.

ARCHITECTURE.md draws the house; start with `domain/`."""

__version__ = "0.1.0"
