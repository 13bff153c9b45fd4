"""The price list of one moment, ready to be asked: what does the model of this name cost, at this provider.

For the gateway: built once from the prices in force (`reports/prices.see_price_list`) and kept for a while; what it
answers is the price whose id a usage row keeps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bursar.domain.costs import CompiledPrice, compile_price
from bursar.domain.model_names import is_meant
from bursar.domain.prices import Price
from bursar.domain.refusals import Refusal


@dataclass(frozen=True)
class PricedModel:
    """A price with its flat rows of rates."""

    price: Price
    compiled: CompiledPrice


@dataclass(frozen=True)
class PriceList:
    """The prices in force at a moment: by provider and the model's id in lower case, and by provider in order."""

    at: datetime
    by_id: Mapping[tuple[str, str], PricedModel]
    by_provider: Mapping[str, Sequence[PricedModel]]

    def find(self, providers: Sequence[str], name: str) -> PricedModel:
        """The price of the model that this name means, at the first of these providers that has one. An id means its
        own model; else it is the first model, in the order of their ids, that goes by the name. Refuses
        `price_unknown`.

        Rule: PRICE-6
        """
        for provider in providers:
            exact = self.by_id.get((provider, name.lower()))
            if exact is not None:
                return exact
            for model in self.by_provider.get(provider, ()):
                if is_meant(model.price.terms.names, name):
                    return model
        raise Refusal("price_unknown", "There is no price for this model.", field="model")


def price_list(prices: Sequence[Price], at: datetime) -> PriceList:
    """The list of these prices, each of which is in force at this moment."""
    by_id: dict[tuple[str, str], PricedModel] = {}
    by_provider: dict[str, list[PricedModel]] = defaultdict(list)
    for price in sorted(prices, key=lambda price: (price.provider, price.model)):
        model = PricedModel(price, compile_price(price))
        by_id.setdefault((price.provider, price.model.lower()), model)
        by_provider[price.provider].append(model)
    return PriceList(at, by_id, by_provider)
