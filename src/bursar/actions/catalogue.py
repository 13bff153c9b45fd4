"""What models there are, who runs them, and at what price: as of one version, in memory, for every call.

A call's key is read together with the number of the catalogue's version. While the number is the one that is known,
nothing is read; when it is another, or a price's moment has come, the catalogue is read anew, once however many calls
ask for it at that moment.

Rule: PROVIDER-8, PROVIDER-12
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from bursar.actions.catalogue_reading import CatalogueRows, read_catalogue
from bursar.actions.connections import connect
from bursar.actions.desk import Desk
from bursar.db.outages import OUTAGES
from bursar.db.transaction import platform_reading
from bursar.domain.dialects import Dialect
from bursar.domain.platform_settings import UnpricedModels
from bursar.domain.price_list import PricedModel, PriceList, price_list
from bursar.domain.providers import ConfiguredProvider, ProviderSettings
from bursar.domain.refusals import Refusal
from bursar.domain.routing import Routing, can_be_asked_for, price_at
from bursar.outside.providers import Provider
from bursar.outside.providers.watched import WatchedProvider
from bursar.store.catalogue_version import get_catalogue_version

log = structlog.get_logger("bursar.gateway")

NAMES_KEPT = 4_096
"""How many names of models an answer is remembered for. Names are the clients' to choose, so their number is bounded;
beyond it all are forgotten and asked anew, which takes a millisecond each."""

READINGS_MAX = 2
"""One that may have begun too early, and one that began after the change was known."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who can be asked for a model: the provider, its own name of the model, and the price, if any."""

    provider: Provider
    provider_name: str
    model: str
    priced: PricedModel | None
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A model that clients of a dialect can call: by which name, at whom first, and since when it has this price."""

    name: str
    provider_name: str
    label: str | None
    since: datetime
    priced: PricedModel | None
    is_simulated: bool


class Catalogue:
    """The providers, routes and prices of one version."""

    def __init__(self, rows: CatalogueRows, prices: PriceList, connected: Mapping[UUID, Provider]) -> None:
        enabled = [provider for provider in rows.providers if provider.settings.is_enabled]
        self.version = rows.version
        self._at = rows.at
        self._until = rows.until
        self._prices = prices
        self._may_be_unpriced = rows.unpriced_models is UnpricedModels.FREE
        self._routing = Routing(
            {configured.route.name.lower(): configured.route for configured in rows.routes},
            [provider.settings for provider in enabled],
        )
        self._connected = {provider.settings.name: connected[provider.provider_id] for provider in rows.providers}
        self._found: dict[tuple[str, Dialect], tuple[Candidate, ...] | _Refused] = {}
        self._offered: dict[Dialect, tuple[OfferedModel, ...]] = {}

    def is_current(self, version: int, now: datetime) -> bool:
        """Whether this is what counts for a call that read this version at this moment. A call that was on its way
        while another brought a newer one takes that.
        """
        return version <= self.version and self._at <= now and (self._until is None or now < self._until)

    def provider(self, name: str) -> Provider | None:
        """Whoever is set up under this name, whether new calls go there or not: for what was asked for before."""
        return self._connected.get(name)

    def candidates(self, model: str, dialect: Dialect) -> Sequence[Candidate]:
        """Who can be asked for the model, the first choice first; never nobody. Whoever has no price for it is left out
        where somebody has, and where a price is needed. Refuses `model_unknown`, `model_unpriced`.

        Rule: PROVIDER-8, PROVIDER-11
        """
        found = self._found.get((model, dialect))
        if found is None:
            if len(self._found) >= NAMES_KEPT:
                self._found.clear()
            found = self._found[model, dialect] = self._look_for(model, dialect)
        if isinstance(found, _Refused):
            raise found.refusal()
        return found

    def spoken(self, model: str) -> tuple[Dialect, Sequence[Candidate]]:
        """Who can be asked for the model by somebody who speaks every dialect: in the words of the first choice, or in
        the others where nobody can be asked in those. Refuses `model_unknown`, `model_unpriced`.
        """
        first = self._routing.first_dialect(model, is_priced=self._is_priced)
        try:
            return first, self.candidates(model, first)
        except Refusal:
            for other in Dialect:
                if other is not first and not isinstance(self._look_for(model, other), _Refused):
                    return other, self.candidates(model, other)
            raise

    def models(self, dialect: Dialect) -> Sequence[OfferedModel]:
        """Every model that clients of this dialect can call without knowing more, by name."""
        if dialect not in self._offered:
            self._offered[dialect] = tuple(self._offer(dialect))
        return self._offered[dialect]

    def model(self, name: str, dialect: Dialect) -> OfferedModel:
        """The model of this name. Refuses `model_unknown`, `model_unpriced`."""
        return self._offered_as(name, self.candidates(name, dialect)[0])

    def _look_for(self, model: str, dialect: Dialect) -> tuple[Candidate, ...] | _Refused:
        try:
            choices = self._routing.choices(model, dialect, is_priced=self._is_priced)
        except Refusal as refusal:
            return _Refused(refusal.code, refusal.detail)
        candidates = tuple(
            Candidate(
                provider=self._connected[choice.provider.name],
                provider_name=choice.provider.name,
                model=choice.model,
                priced=price_at(self._prices, choice.provider, choice.model),
                is_simulated=choice.provider.is_simulated,
            )
            for choice in choices
        )
        if self._may_be_unpriced:
            return candidates
        priced = tuple(candidate for candidate in candidates if candidate.priced is not None)
        return priced or _Refused("model_unpriced", f"Nobody has set a price for {model}, so it is not called.")

    def _is_priced(self, provider: ProviderSettings, model: str) -> bool:
        return price_at(self._prices, provider, model) is not None

    def _offer(self, dialect: Dialect) -> list[OfferedModel]:
        names = {route.name for route in self._routing.routes.values()}
        for provider in self._routing.providers:
            priced = (one.price.model for name in provider.priced_as for one in self._prices.by_provider.get(name, ()))
            names.update(model for model in (*provider.models, *priced) if can_be_asked_for(provider, model))
        offered = []
        for name in sorted(names):
            found = self._look_for(name, dialect)
            if not isinstance(found, _Refused):
                offered.append(self._offered_as(name, found[0]))
        return offered

    def _offered_as(self, name: str, first: Candidate) -> OfferedModel:
        price = None if first.priced is None else first.priced.price
        return OfferedModel(
            name=name,
            provider_name=first.provider_name,
            label=None if price is None else price.terms.label,
            since=self._at if price is None else price.effective_from,
            priced=first.priced,
            is_simulated=first.is_simulated,
        )


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why a name leads nowhere. Not the refusal itself: each call is refused with one of its own."""

    code: str
    sentence: str

    def refusal(self) -> Refusal:
        return Refusal(self.code, self.sentence, field="model")


class Catalogues:
    """The catalogue that counts, and the providers of it, whose connections outlive its changes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kept: Catalogue | None = None
        self._reading: asyncio.Task[Catalogue] | None = None
        self._connected: dict[UUID, WatchedProvider] = {}

    async def current(self, version: int) -> Catalogue:
        """The catalogue for a call that read this version with its key. Raises what a database raises that is away, if
        nothing was ever read; else what is known goes on counting meanwhile.
        """
        for _ in range(READINGS_MAX):
            kept = self._kept
            if kept is not None and kept.is_current(version, self._desk.clock.now()):
                return kept
            try:
                # Shielded, since whoever gives up waiting is not the only one who waits.
                found = await asyncio.shield(self._reading_under_way())
            except OUTAGES as fault:
                if kept is None:
                    raise
                log.warning("catalogue not read", fault=repr(fault), version=kept.version)
                return kept
            # A reading that had begun already may not have seen the change yet that this call knows of.
            if version <= found.version:
                break
        return found

    async def provider(self, name: str) -> Provider | None:
        """Whoever is set up under this name now, whether new calls go there or not."""
        async with platform_reading(self._desk.platform) as transaction:
            version = await get_catalogue_version(transaction)
        return (await self.current(version)).provider(name)

    def _reading_under_way(self) -> asyncio.Task[Catalogue]:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(self._done_reading)
        return self._reading

    def _done_reading(self, reading: asyncio.Task[Catalogue]) -> None:
        self._reading = None
        if not reading.cancelled():
            reading.exception()  # whoever waits is told; nobody is left to be told if all gave up

    async def _read(self) -> Catalogue:
        rows = await read_catalogue(self._desk.platform, at=self._desk.clock.now())
        # A long list takes a tenth of a second, in which other calls go on.
        prices = await asyncio.to_thread(price_list, rows.prices, rows.at)
        self._connected = {
            provider.provider_id: self._watched(provider, self._connected.get(provider.provider_id))
            for provider in rows.providers
        }
        self._kept = Catalogue(rows, prices, self._connected)
        return self._kept

    def _watched(self, provider: ConfiguredProvider, known: WatchedProvider | None) -> WatchedProvider:
        """The provider, ready to be asked and watched; the known one unless something of it changed."""
        behind = connect(self._desk, provider, known=None if known is None else known.behind)
        if known is not None and known.behind is behind:
            return known
        return WatchedProvider(behind, self._desk.metrics, self._desk.tracing)
