"""The price list: setting a price by hand, taking it back, and taking over what the public list says.

Everybody may see what models cost; only super admins change it. Whoever writes the list waits for whoever is writing
it, so that what is compared is what is changed.

Rule: PRICE-12
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog

from bursar.actions.desk import Asked, Change, Desk, Subject, Told, record
from bursar.actions.once import Done, once_on_platform
from bursar.db.transaction import Transaction, platform_reading
from bursar.domain.permissions import SYSTEM, check_permission
from bursar.domain.price_changes import (
    ChangeKind,
    Planned,
    PriceChange,
    PublicList,
    digest_of,
    plan_changes,
    rate_changes,
)
from bursar.domain.prices import (
    HAND,
    NO_TERMS,
    PUBLIC_LIST,
    SET_BY_HAND,
    ModelTerms,
    Price,
    check_effective_from,
    check_entry,
    in_force,
    rate_text,
)
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.outside import price_data
from bursar.outside.identity import new_uuid
from bursar.store.catalogue_version import raise_catalogue_version
from bursar.store.prices import (
    find_price,
    find_spelling,
    has_public_prices,
    insert_prices,
    list_prices_from,
    list_prices_of_model,
    lock_price_list,
)

log = structlog.get_logger(__name__)

CHANGES_SHOWN_MAX = 500
"""A first comparison names every model there is; an answer shows as many as a person can look through, and counts."""


@dataclass(frozen=True)
class NewPrice:
    """A price to be set by hand; None begins at once."""

    provider: str
    model: str
    terms: ModelTerms
    effective_from: datetime | None
    note: str | None


@dataclass(frozen=True)
class Refresh:
    """What is asked of a refresh: only to look, or to save the difference that was looked at."""

    is_trial: bool
    difference: str | None


@dataclass(frozen=True)
class Difference:
    """What differs between the public list and ours; `name` tells one difference from another.

    `kept` are those of the others whose price stays what was set by hand. `changes` are the first of all.
    """

    name: str
    source: str
    is_saved: bool
    added: int
    changed: int
    vanished: int
    kept: int
    unpriced: int
    changes: tuple[PriceChange, ...]

    @property
    def total(self) -> int:
        """How many entries differ in all."""
        return self.added + self.changed + self.vanished


async def set_price(desk: Desk, asked: Asked, new: NewPrice) -> Done[Price]:
    """Sets the price of a model by hand, from now or later on; it counts before what the public list says. Setting what
    counts by hand already changes nothing. Refuses `invalid_input`.

    Rule: PRICE-4, PRICE-5
    """
    check_permission(asked.actor, Permission.MANAGE_PRICES)
    check_entry(new.provider, new.model, new.terms)

    async def act(transaction: Transaction) -> Price:
        await lock_price_list(transaction)
        now = desk.clock.now()
        effective_from = new.effective_from or now
        check_effective_from(effective_from, now=now)
        # A model is found in whatever capitals, so it stands in the list under one spelling.
        model = await find_spelling(transaction, new.provider, new.model) or new.model
        before = in_force(await list_prices_of_model(transaction, new.provider, model), effective_from)
        terms = _completed(new.terms, before)
        if before is not None and before.origin == HAND and before.terms == terms:
            return before
        price = Price(
            new_uuid(), new.provider, model, HAND, SET_BY_HAND,
            effective_from, terms, now, asked.actor.identity, new.note,
        )  # fmt: skip
        await insert_prices(transaction, [price])
        await raise_catalogue_version(transaction)
        await record(transaction, desk, asked, None, _told("price_set", price, before, terms))
        return price

    return await once_on_platform(desk, asked, Price, act)


def _completed(terms: ModelTerms, before: Price | None) -> ModelTerms:
    """What was not said about the model itself is what was known of it."""
    if before is None:
        return terms
    known = before.terms
    return replace(
        terms,
        label=terms.label or known.label,
        context_window=terms.context_window or known.context_window,
        output_tokens_max=terms.output_tokens_max or known.output_tokens_max,
    )


async def withdraw_price(desk: Desk, asked: Asked, price_id: UUID, *, note: str | None) -> Done[Price]:
    """Ends what was set by hand for the model of this price, now and for later, so that the public list's price counts
    again. Withdrawn already, it stays so. Refuses `price_unknown`, `price_not_overridden`.

    Rule: PRICE-5
    """
    check_permission(asked.actor, Permission.MANAGE_PRICES)

    async def act(transaction: Transaction) -> Price:
        await lock_price_list(transaction)
        now = desk.clock.now()
        named = await find_price(transaction, price_id)
        if named is None:
            raise Refusal("price_unknown", "There is no such price.", field="price_id")
        if named.origin != HAND:
            raise Refusal("price_not_overridden", "This price is the public list's.", field="price_id")
        entries = await list_prices_of_model(transaction, named.provider, named.model)
        by_hand = [entry for entry in entries if entry.origin == HAND]
        # What begins later would begin after a withdrawal of now, so each of those moments gets one of its own.
        later = sorted({entry.effective_from for entry in by_hand if entry.effective_from > now})
        ends = [moment for moment in (now, *later) if in_force(by_hand, moment) is not None]
        if not ends:
            return max(by_hand, key=lambda entry: (entry.effective_from, entry.created_at, entry.price_id))
        withdrawals = [
            Price(
                new_uuid(), named.provider, named.model, HAND, SET_BY_HAND,
                moment, NO_TERMS, now, asked.actor.identity, note,
            )
            for moment in ends
        ]  # fmt: skip
        await insert_prices(transaction, withdrawals)
        await raise_catalogue_version(transaction)
        counting = in_force([entry for entry in entries if entry.origin == PUBLIC_LIST], ends[0])
        after = NO_TERMS if counting is None else counting.terms
        told = _told("price_withdrawn", withdrawals[0], in_force(by_hand, ends[0]), after)
        await record(transaction, desk, asked, None, told)
        return withdrawals[0]

    return await once_on_platform(desk, asked, Price, act)


async def refresh_prices(desk: Desk, asked: Asked, wanted: Refresh) -> Done[Difference]:
    """Compares the public list with ours; saves the difference if it is asked to and the difference is still the one
    that was looked at, else refuses `figure_changed`.

    Rule: PRICE-10
    """
    check_permission(asked.actor, Permission.MANAGE_PRICES)
    if not wanted.is_trial and wanted.difference is None:
        raise Refusal("invalid_input", "Name the difference that is to be saved.", field="difference")
    listed = await asyncio.to_thread(price_data.read_public_prices, desk.clock.now())

    async def act(transaction: Transaction) -> Difference:
        await lock_price_list(transaction)
        now = desk.clock.now()
        plan = plan_changes(listed, await list_prices_from(transaction, now), now=now)
        name = digest_of(listed.source, plan)
        if not wanted.is_trial:
            if name != wanted.difference:
                raise Refusal(
                    "figure_changed", "The difference is another one by now: look at it again.", field="difference"
                )
            await _save(transaction, desk, asked, listed, plan, now)
        return _difference(listed, plan, name=name, is_saved=not wanted.is_trial)

    return await once_on_platform(desk, asked, Difference, act)


async def fill_prices(desk: Desk) -> int:
    """Takes the public list over into an installation that has none of it yet; returns how many entries were made.

    Needs no network. With it there it is one quick question, so every start asks it.

    Rule: PRICE-11
    """
    async with platform_reading(desk.platform) as transaction:
        if await has_public_prices(transaction):
            return 0
    listed = await asyncio.to_thread(price_data.read_public_prices, desk.clock.now())

    async def act(transaction: Transaction) -> int:
        await lock_price_list(transaction)
        # Another process may have been quicker.
        if await has_public_prices(transaction):
            return 0
        now = desk.clock.now()
        plan = plan_changes(listed, await list_prices_from(transaction, now), now=now)
        await _save(transaction, desk, Asked(SYSTEM), listed, plan, now)
        return len(plan)

    made = (await once_on_platform(desk, Asked(SYSTEM), int, act)).answer
    log.info("price list filled", entries=made, source=listed.source)
    return made


async def _save(
    transaction: Transaction, desk: Desk, asked: Asked, listed: PublicList, plan: Sequence[Planned], now: datetime
) -> None:
    """Writes an entry for each change, and one event for all of them; neither, if there is none."""
    if not plan:
        return
    prices = [
        Price(
            price_id=new_uuid(),
            provider=planned.change.provider,
            model=planned.change.model,
            origin=PUBLIC_LIST,
            source=listed.source,
            effective_from=planned.change.effective_from or now,
            terms=planned.terms,
            created_at=now,
            created_by=asked.actor.identity,
        )
        for planned in plan
    ]
    await insert_prices(transaction, prices)
    await raise_catalogue_version(transaction)
    found = _difference(listed, plan, name="", is_saved=True)
    counts = {"added": found.added, "changed": found.changed, "vanished": found.vanished, "kept": found.kept}
    detail = {"source": listed.source, **{name: str(count) for name, count in counts.items()}}
    subject = Subject("price_refresh", new_uuid())
    await record(transaction, desk, asked, None, Told("prices_refreshed", subject, detail=detail))


def _difference(listed: PublicList, plan: Sequence[Planned], *, name: str, is_saved: bool) -> Difference:
    changes = [planned.change for planned in plan]

    def count(kind: ChangeKind) -> int:
        return sum(change.kind is kind for change in changes)

    return Difference(
        name=name,
        source=listed.source,
        is_saved=is_saved,
        added=count(ChangeKind.ADDED),
        changed=count(ChangeKind.CHANGED),
        vanished=count(ChangeKind.VANISHED),
        kept=sum(change.is_kept for change in changes),
        unpriced=listed.unpriced,
        changes=tuple(changes[:CHANGES_SHOWN_MAX]),
    )


def _told(kind: str, price: Price, before: Price | None, after: ModelTerms) -> Told:
    """Each rate that is another one from now on, named by its service and band where it is not the usual one."""
    changes = {}
    for change in rate_changes(NO_TERMS if before is None else before.terms, after):
        band = f" above {change.above_input_tokens}" if change.above_input_tokens else ""
        changes[f"{change.service}{band} {change.bucket}"] = Change(
            None if change.before is None else rate_text(change.bucket, change.before),
            None if change.after is None else rate_text(change.bucket, change.after),
        )
    detail = {"provider": price.provider, "model": price.model, "effective_from": price.effective_from.isoformat()}
    return Told(kind, Subject("price", price.price_id), price.note, detail, changes)
