"""An office with models to call: the simulated provider, its price, a member with credits, and a key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from anthropic import Anthropic, AsyncAnthropic
from openai import AsyncOpenAI, OpenAI

from bursar.actions.connections import sealed_key
from bursar.actions.prices import NewPrice, set_price
from bursar.db.transaction import platform_writing, reading
from bursar.domain.prices import Band, Bucket, ModelTerms, Service, parse_rate
from bursar.domain.providers import ConfiguredProvider, ProviderSettings, Shape
from bursar.ledger import verify
from bursar.outside.identity import new_uuid
from bursar.store.catalogue_version import raise_catalogue_version
from bursar.store.providers import insert_provider
from tests.support.callers import Caller
from tests.support.keys import made_key
from tests.support.offices import Place, TestOffice


async def provider(house: TestOffice, settings: ProviderSettings, *, key: str | None = None) -> None:
    """Sets up somebody who runs models, with a sealed key if one is given."""
    now, provider_id = house.desk.clock.now(), new_uuid()
    if key is not None:
        settings = replace(settings, key=sealed_key(house.desk, provider_id, key))
    async with platform_writing(house.desk.platform) as transaction:
        await insert_provider(transaction, ConfiguredProvider(provider_id, settings, now, now))
        await raise_catalogue_version(transaction)


async def priced(house: TestOffice, provider_name: str, model: str, **rates: str) -> None:
    """A price set by hand, from a moment ago on."""
    parsed = {Bucket(name): parse_rate(Bucket(name), text, field=name) for name, text in rates.items()}
    terms = ModelTerms((Band(Service.STANDARD, 0, parsed),), context_window=100_000, output_tokens_max=4_096)
    asked = await house.operator()
    await set_price(house.desk, asked, NewPrice(provider_name, model, terms, effective_from=None, note=None))


async def simulated(house: TestOffice, **rates: str) -> None:
    """The simulated provider, at a dollar for a thousand tokens each way unless told otherwise."""
    await provider(
        house, ProviderSettings(name="simulated", shape=Shape.SIMULATED, base_url=None, priced_as=("simulated",))
    )
    await priced(house, "simulated", "simulated", **(rates or {"input": "1000", "output": "1000"}))


@dataclass(frozen=True)
class Studio:
    """A house with a tenant in it, whose member calls models with a key."""

    house: TestOffice
    place: Place
    admin: Caller
    member: Caller
    key: str
    key_id: str

    def _options(self, url: str, options: dict[str, Any]) -> dict[str, Any]:
        return {"base_url": url, "api_key": self.key, "max_retries": 0, **options}

    @asynccontextmanager
    async def openai(self, **options: Any) -> AsyncIterator[AsyncOpenAI]:
        """OpenAI's own client."""
        async with AsyncOpenAI(**self._options(f"{self.house.url}/v1", options)) as client:
            yield client

    @asynccontextmanager
    async def anthropic(self, **options: Any) -> AsyncIterator[AsyncAnthropic]:
        """Anthropic's own client."""
        async with AsyncAnthropic(**self._options(self.house.url, options)) as client:
            yield client

    def waiting_openai(self, **options: Any) -> OpenAI:
        """The one that waits; to be called in a thread, since the office runs in this one."""
        return OpenAI(**self._options(f"{self.house.url}/v1", options))

    def waiting_anthropic(self, **options: Any) -> Anthropic:
        """The one that waits."""
        return Anthropic(**self._options(self.house.url, options))

    async def has_settled(self, count: int = 1) -> None:
        """Waits until so many calls are written down; at most as long as the test may take."""
        while len(await self.rows()) < count:  # noqa: ASYNC110 - the row is in the database, which tells nobody
            await asyncio.sleep(0.01)

    async def check(self) -> None:
        """The books are right, and no call is under way."""
        assert all(state != "open" for state, _ in await self.holds())
        report = await verify(self.house.desk.tenants, self.place.tenant.tenant_id)
        assert not [str(finding) for finding in report.findings if finding.is_broken]

    async def rows(self) -> list[dict[str, Any]]:
        """What was written down of calls, the oldest first."""
        tenant_id: UUID = self.place.tenant.tenant_id
        async with reading(self.house.desk.tenants, tenant_id) as transaction:
            rows = await transaction.fetch("select * from calls where tenant_id = $1 order by call_id", tenant_id)
        return [dict(row) for row in rows]

    async def holds(self) -> list[tuple[str, int | None]]:
        """State and charge of every hold, the oldest first."""
        tenant_id: UUID = self.place.tenant.tenant_id
        async with reading(self.house.desk.tenants, tenant_id) as transaction:
            rows = await transaction.fetch(
                "select state, settled_micro from ledger_holds where tenant_id = $1 order by hold_id", tenant_id
            )
        return [(row["state"], row["settled_micro"]) for row in rows]

    async def left(self) -> str:
        """What the member can still spend."""
        own: dict[str, Any] = await self.member.get("/own-credits")
        spendable: str = own["spendable"]
        return spendable


async def studio(house: TestOffice, *, given: str | None = "1000", **rates: str) -> Studio:
    """Everything it takes to call, with so many credits given to the member."""
    place = await house.tenant()
    await house.granted(place, "100000")
    await simulated(house, **rates)
    admin = Caller(await house.signed_in(place.admin.username))
    client = await house.signed_in(place.member.username)
    if given is not None:
        await admin.post("/allocations", {"member_id": place.member_id, "amount": given})
    made = await made_key(client)
    return Studio(house, place, admin, Caller(client), made["secret"], made["key"]["id"])
