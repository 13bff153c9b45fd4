"""How often the catalogue of models changed: one row."""

from __future__ import annotations

from bursar.db.transaction import Transaction


async def get_catalogue_version(transaction: Transaction) -> int:
    """The number that every change of providers, routes, prices and the platform's settings raises."""
    return int(await transaction.fetchval("select version from catalogue_version"))


async def lock_catalogue(transaction: Transaction) -> None:
    """Waits until nobody else is changing providers or routes, and keeps others waiting until the transaction ends."""
    await transaction.execute("select from catalogue_version for no key update")


async def raise_catalogue_version(transaction: Transaction) -> None:
    """Tells every process that what it knows is old, once the transaction ends. Always the last row that is locked.

    Rule: PROVIDER-12
    """
    await transaction.execute("update catalogue_version set version = version + 1")
