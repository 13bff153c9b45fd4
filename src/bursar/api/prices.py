"""The price list: what models cost, for everybody; setting prices and taking over the public list, for super admins."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import Field

from bursar.actions.prices import Difference, NewPrice, Refresh, refresh_prices, set_price, withdraw_price
from bursar.api.answers import Shape, problems
from bursar.api.identifiers import PriceId
from bursar.api.pages import PAGE_SIZE, Cursor, Limit, decode_cursor, encode_cursor, not_handed_out
from bursar.api.price_terms import Bands, BandShape, Tokens, bands_from, bands_shape
from bursar.api.signed_in import Visit, platform, platform_change
from bursar.api.texts import Name, Note, SearchText
from bursar.api.times import Moment
from bursar.domain.ids import public_id
from bursar.domain.permissions import may
from bursar.domain.price_changes import ChangeKind, PriceChange, RateChange, percent_text
from bursar.domain.prices import (
    HAND,
    MODEL_LENGTH_MAX,
    PROVIDER_LENGTH_MAX,
    Bucket,
    ModelTerms,
    Price,
    Service,
    rate_text,
)
from bursar.domain.roles import Permission
from bursar.reports.prices import see_price, see_prices
from bursar.store.prices import PriceFilter

routes = APIRouter(tags=["prices"])

Provider = Annotated[str, Field(min_length=1, max_length=PROVIDER_LENGTH_MAX)]
Model = Annotated[str, Field(min_length=1, max_length=MODEL_LENGTH_MAX)]


class PriceDraft(Shape):
    """A price to be set by hand. Without `effective_from` it counts at once; a time that is over is refused.

    What is not said of the model itself stays as it was known.
    """

    provider: Provider
    model: Model
    bands: Bands
    effective_from: Moment | None = None
    label: Name | None = None
    context_window: Tokens | None = None
    output_tokens_max: Tokens | None = None
    note: Note = None


class PriceShape(Shape):
    """One entry of the price list. `is_override` says that it was set by hand. A withdrawal has no bands."""

    id: str
    provider: str
    model: str
    label: str | None
    currency: str
    effective_from: datetime
    is_override: bool
    is_withdrawal: bool
    source: str
    bands: list[BandShape]
    context_window: int | None
    output_tokens_max: int | None
    note: str | None
    created_at: datetime


class PriceList(Shape):
    """A page of the prices in force at a moment, by provider and model."""

    prices: list[PriceShape]
    total: int
    at: datetime
    next_cursor: str | None


class WithdrawalDraft(Shape):
    """Why what was set by hand ends."""

    note: Note = None


class RefreshDraft(Shape):
    """A dry run only looks. To save, name the `difference` that a dry run answered with."""

    dry_run: Annotated[bool, Field(strict=True)]
    difference: Annotated[str, Field(max_length=64)] | None = None


class RateChangeShape(Shape):
    """One rate before and after, and by how many per cent it rises or falls."""

    service: Service
    above_input_tokens: int
    bucket: Bucket
    before: str | None
    after: str | None
    per_cent: str | None


class PriceChangeShape(Shape):
    """What becomes of one model's price, now or from a later moment on.

    `is_kept` says that a price set by hand goes on counting all the same. `other` names what else differs.
    """

    kind: ChangeKind
    provider: str
    model: str
    effective_from: datetime | None
    is_kept: bool
    rates: list[RateChangeShape]
    other: list[str]


class DifferenceShape(Shape):
    """What differs between the installed public list and this one; `changes` are the first of all that are counted."""

    difference: str
    source: str
    is_saved: bool
    added: int
    changed: int
    vanished: int
    kept: int
    unpriced: int
    changes: list[PriceChangeShape]


Looker = Annotated[Visit, platform(Permission.SEE_PRICES)]
Keeper = Annotated[Visit, platform_change(Permission.MANAGE_PRICES)]


@routes.get("/prices", responses=problems(401, 403, 422))
async def list_prices(
    visit: Looker,
    provider: Annotated[SearchText | None, Query(description="Only this provider.")] = None,
    model: Annotated[SearchText | None, Query(description="Part of a model's id or label.")] = None,
    at: Annotated[Moment | None, Query(description="The moment; now if left out.")] = None,
    only_overridden: Annotated[bool, Query(description="Only prices that were set by hand.")] = False,
    limit: Limit = PAGE_SIZE,
    cursor: Cursor = None,
) -> PriceList:
    """The prices in force, by provider and model."""
    moment = at or visit.desk.clock.now()
    wanted = PriceFilter([provider] if provider else None, model or None, only_overridden)
    after = None if cursor is None else _place(cursor)
    page = await see_prices(visit.desk.tenants, wanted, at=moment, after=after, limit=limit + 1)
    shown = page.prices[:limit]
    has_more = len(page.prices) > limit
    return PriceList(
        prices=[_seen(visit, price) for price in shown],
        total=page.total,
        at=moment,
        next_cursor=encode_cursor(shown[-1].provider, shown[-1].model) if has_more else None,
    )


def _place(cursor: str) -> tuple[str, str]:
    """Where the page before ended. Refuses `invalid_input` for what can be no provider and model."""
    provider, model = decode_cursor(cursor, str, str)
    if not (provider + model).isprintable():
        raise not_handed_out()
    return provider, model


@routes.get("/prices/{price_id}", responses=problems(401, 403, 404, 422))
async def get_price(price_id: PriceId, visit: Looker) -> PriceShape:
    """One entry of the list, whether it counts now or not: what a past call was priced with stays to be seen."""
    return _seen(visit, await see_price(visit.desk.tenants, price_id))


@routes.post("/prices", status_code=201, responses=problems(401, 403, 422))
async def create_price(body: PriceDraft, visit: Keeper) -> PriceShape:
    """Sets the price of a model by hand; it counts before what the public list says."""
    terms = ModelTerms(bands_from(body.bands), body.label, body.context_window, body.output_tokens_max)
    new = NewPrice(body.provider, body.model, terms, body.effective_from, body.note)
    return _shape(visit.told(await set_price(visit.desk, visit.asked, new)))


@routes.post("/price-list/refresh", responses=problems(401, 403, 409, 422))
async def refresh_price_list(body: RefreshDraft, visit: Keeper) -> DifferenceShape:
    """Compares the public list that is installed with this one, and saves the difference if it is named."""
    wanted = Refresh(is_trial=body.dry_run, difference=body.difference)
    return _difference_shape(visit.told(await refresh_prices(visit.desk, visit.asked, wanted)))


@routes.post("/prices/{price_id}/withdraw", responses=problems(401, 403, 404, 409, 422))
async def withdraw_price_set_by_hand(
    price_id: PriceId, body: Annotated[WithdrawalDraft, Body(default_factory=WithdrawalDraft)], visit: Keeper
) -> PriceShape:
    """Ends what was set by hand for this price's model; the public list's price counts again."""
    return _shape(visit.told(await withdraw_price(visit.desk, visit.asked, price_id, note=body.note)))


def _seen(visit: Visit, price: Price) -> PriceShape:
    """The price as whoever asks may see it: why it was set is between those who set prices.

    Rule: PRICE-12
    """
    shown = price if may(visit.asked.actor, Permission.MANAGE_PRICES) else replace(price, note=None)
    return _shape(shown)


def _shape(price: Price) -> PriceShape:
    return PriceShape(
        id=public_id("price", price.price_id),
        provider=price.provider,
        model=price.model,
        label=price.terms.label,
        currency="USD",
        effective_from=price.effective_from,
        is_override=price.origin == HAND,
        is_withdrawal=price.is_withdrawal,
        source=price.source,
        bands=bands_shape(price.terms),
        context_window=price.terms.context_window,
        output_tokens_max=price.terms.output_tokens_max,
        note=price.note,
        created_at=price.created_at,
    )


def _difference_shape(found: Difference) -> DifferenceShape:
    return DifferenceShape(
        difference=found.name,
        source=found.source,
        is_saved=found.is_saved,
        added=found.added,
        changed=found.changed,
        vanished=found.vanished,
        kept=found.kept,
        unpriced=found.unpriced,
        changes=[_change_shape(change) for change in found.changes],
    )


def _change_shape(change: PriceChange) -> PriceChangeShape:
    return PriceChangeShape(
        kind=change.kind,
        provider=change.provider,
        model=change.model,
        effective_from=change.effective_from,
        is_kept=change.is_kept,
        rates=[_rate_change_shape(rate) for rate in change.rates],
        other=list(change.other),
    )


def _rate_change_shape(change: RateChange) -> RateChangeShape:
    return RateChangeShape(
        service=change.service,
        above_input_tokens=change.above_input_tokens,
        bucket=change.bucket,
        before=None if change.before is None else rate_text(change.bucket, change.before),
        after=None if change.after is None else rate_text(change.bucket, change.after),
        per_cent=percent_text(change),
    )
