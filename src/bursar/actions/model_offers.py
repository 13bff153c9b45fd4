"""The models that a member can ask at the console, at what they cost this member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bursar.actions.catalogue import Catalogue, OfferedModel
from bursar.actions.conversations import owner_of
from bursar.actions.desk import Asked, Desk
from bursar.db.transaction import reading
from bursar.domain.costs import PARTS_PER_PICO, Cost, credits_for
from bursar.domain.credits import ZERO, Credits
from bursar.domain.dialects import Dialect
from bursar.domain.prices import Bucket, Service
from bursar.domain.search import folded, search_words
from bursar.store.callers import Terms, find_terms

MILLION = 1_000_000


@dataclass(frozen=True)
class Offer:
    """A model and what a million tokens of it cost, in credits; None where the price says nothing of that."""

    name: str
    label: str | None
    provider_name: str
    input_per_million: Credits | None
    output_per_million: Credits | None
    is_simulated: bool


async def list_offers(
    desk: Desk, asked: Asked, catalogue: Catalogue, *, search: str | None, after: str | None, limit: int
) -> Sequence[Offer]:
    """A page of models by name, those after this one, with all of these words in name or label.

    Rule: CONV-13
    """
    tenant_id, member_id = owner_of(asked)
    async with reading(desk.tenants, tenant_id) as transaction:
        terms = await find_terms(transaction, tenant_id, member_id)
    assert terms is not None, "who is signed in is a member"
    words = search_words(search or "")
    found: list[Offer] = []
    for model in offered(catalogue):
        if len(found) == limit:
            break
        is_meant = all(word in folded(f"{model.name} {model.label or ''}") for word in words)
        if is_meant and (after is None or model.name > after):
            found.append(_offer(model, terms))
    return found


def offered(catalogue: Catalogue) -> list[OfferedModel]:
    """Every model that can be asked in either dialect, by name; one that speaks both is asked in OpenAI's."""
    by_name = {model.name: model for dialect in reversed(Dialect) for model in catalogue.models(dialect)}
    return [by_name[name] for name in sorted(by_name)]


def _offer(model: OfferedModel, terms: Terms) -> Offer:
    return Offer(
        name=model.name,
        label=model.label,
        provider_name=model.provider_name,
        input_per_million=_per_million(model, Bucket.INPUT, terms),
        output_per_million=_per_million(model, Bucket.OUTPUT, terms),
        is_simulated=model.is_simulated,
    )


def _per_million(model: OfferedModel, bucket: Bucket, terms: Terms) -> Credits | None:
    """What a million tokens cost by the standard service, in a call with little input. Without a price it is free,
    where such a model can be called at all.

    Rule: CONV-13, PRICE-9
    """
    if model.priced is None:
        return ZERO
    band = model.priced.compiled.band(Service.STANDARD, 0)
    if bucket in band.unpriced:
        return None
    rate = band.rates[list(Bucket).index(bucket)]
    cost = Cost(rate * MILLION * PARTS_PER_PICO)
    return credits_for(cost, credit_factor=terms.credit_factor, price_factor=terms.price_factor)
