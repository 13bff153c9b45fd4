"""Public lists of a few made-up models, and what prices leave in the audit log."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from bursar.actions.prices import fill_prices
from bursar.domain.model_names import NameTest
from bursar.domain.price_changes import ListedModel, ListedPrice, PublicList
from bursar.domain.prices import Band, Bucket, ModelTerms, Service, parse_rate
from bursar.outside import price_data
from tests.support.offices import TestOffice

SOURCE = "a list of the tests"


def terms(*, starts_with: str | None = None, **rates: str) -> ModelTerms:
    """One band of rates, typed as people type them."""
    parsed = {Bucket(name): parse_rate(Bucket(name), text, field=name) for name, text in rates.items()}
    names = () if starts_with is None else ((NameTest("starts_with", starts_with),),)
    return ModelTerms((Band(Service.STANDARD, 0, parsed),), names=names)


def listed(model: str, *, provider: str = "openai", starts_with: str | None = None, **rates: str) -> ListedModel:
    """A model whose price counts now."""
    return ListedModel(provider, model, (ListedPrice(None, terms(starts_with=starts_with, **rates)),))


def publish(patch: pytest.MonkeyPatch, *models: ListedModel, source: str = SOURCE) -> None:
    """From now on the installed public list is this one."""
    patch.setattr(price_data, "read_public_prices", lambda now: PublicList(source, models, 0))


async def fill_with(house: TestOffice, *models: ListedModel) -> int:
    """Fills the price list of a new office with these."""
    with pytest.MonkeyPatch.context() as patch:
        publish(patch, *models)
        return await fill_prices(house.desk)


async def price_events(house: TestOffice, kind: str, *, tenant_id: UUID | None = None) -> list[dict[str, Any]]:
    """The events of a kind, the oldest first: of the platform, or of a tenant."""
    connection = await asyncpg.connect(house.admin_url)
    try:
        table = "platform_events" if tenant_id is None else "events"
        rows = await connection.fetch(f"select * from bursar.{table} where kind = $1 order by event_id", kind)
        return [dict(row) for row in rows if tenant_id in (None, row.get("tenant_id"))]
    finally:
        await connection.close()
