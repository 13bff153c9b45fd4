"""Bursar: an organisation's AI-credit office on one exact double-entry ledger.

ARCHITECTURE.md draws the house; start with `domain/`. Programs that meter start with `Client`."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["AsyncClient", "Client", "__version__"]

if TYPE_CHECKING:
    from bursar.client import AsyncClient, Client
else:

    def __getattr__(name: str) -> object:
        """The client, imported when it is asked for: the server, which needs none, starts without it."""
        if name in ("AsyncClient", "Client"):
            from bursar import client

            return getattr(client, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
