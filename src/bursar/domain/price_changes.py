"""What would change if the public list were taken over: entry by entry, before anything is saved.

The list that counts already is compared with the public one at every moment from now on at which either says something
new. Where they differ, an entry is planned that makes them agree; what was set by hand is left alone and goes on
winning.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bursar.domain.prices import HAND, NO_TERMS, PUBLIC_LIST, Bucket, ModelTerms, Price, Service, in_force


@dataclass(frozen=True)
class ListedPrice:
    """What the public list says of a model from a moment on; None is now."""

    effective_from: datetime | None
    terms: ModelTerms


@dataclass(frozen=True)
class ListedModel:
    """One model of the public list: what counts now, and what is announced for later."""

    provider: str
    model: str
    prices: tuple[ListedPrice, ...]


@dataclass(frozen=True)
class PublicList:
    """The public list as one version of it has it. `unpriced` are models that it names without any rate."""

    source: str
    models: tuple[ListedModel, ...]
    unpriced: int


class ChangeKind(StrEnum):
    """What becomes of a model's price."""

    ADDED = "added"
    CHANGED = "changed"
    VANISHED = "vanished"


@dataclass(frozen=True)
class RateChange:
    """One rate before and after; None where there was or is none."""

    service: Service
    above_input_tokens: int
    bucket: Bucket
    before: int | None
    after: int | None


@dataclass(frozen=True)
class PriceChange:
    """One difference. `is_kept` says that a price set by hand goes on counting whatever the public list says.

    `other` names what else differs: the names a model goes by, its label, its limits.
    """

    kind: ChangeKind
    provider: str
    model: str
    effective_from: datetime | None
    is_kept: bool
    rates: tuple[RateChange, ...]
    other: tuple[str, ...]


@dataclass(frozen=True)
class Planned:
    """A change, and the terms of the entry that makes it."""

    change: PriceChange
    terms: ModelTerms


def plan_changes(listed: PublicList, stored: Sequence[Price], *, now: datetime) -> tuple[Planned, ...]:
    """What it takes for the list to say from now on what the public list says, by provider, model and time.

    `stored` has for each model what counts now and everything that will count later, of either origin.

    Rule: PRICE-10
    """
    wanted = {(model.provider, model.model): model.prices for model in listed.models}
    entries: dict[tuple[str, str], list[Price]] = defaultdict(list)
    for price in stored:
        entries[price.provider, price.model].append(price)
    return tuple(
        planned
        for place in sorted(wanted.keys() | entries.keys())
        for planned in _plan_model(place, wanted.get(place, ()), entries[place], now)
    )


def _plan_model(
    place: tuple[str, str], wanted: Sequence[ListedPrice], entries: Sequence[Price], now: datetime
) -> Iterator[Planned]:
    """Walks through the moments at which the public list or ours says something new."""
    ours = [entry for entry in entries if entry.origin == PUBLIC_LIST]
    by_hand = [entry for entry in entries if entry.origin == HAND]
    moments = {now, *(entry.effective_from for entry in ours if entry.effective_from > now)}
    moments |= {price.effective_from for price in wanted if price.effective_from is not None}
    written = NO_TERMS
    for moment in sorted(moments):
        begins_here = moment == now or any(entry.effective_from == moment for entry in ours)
        counting = in_force(ours, moment) if begins_here else None
        have = (NO_TERMS if counting is None else counting.terms) if begins_here else written
        want = _listed_at(wanted, moment, now)
        if want != have:
            is_kept = in_force(by_hand, moment) is not None
            yield Planned(_change(place, have, want, None if moment == now else moment, is_kept=is_kept), want)
        written = want


def _listed_at(prices: Sequence[ListedPrice], moment: datetime, now: datetime) -> ModelTerms:
    begun = [price for price in prices if (price.effective_from or now) <= moment]
    return max(begun, key=lambda price: price.effective_from or now).terms if begun else NO_TERMS


def _change(
    place: tuple[str, str], have: ModelTerms, want: ModelTerms, effective_from: datetime | None, *, is_kept: bool
) -> PriceChange:
    if not have.bands:
        kind = ChangeKind.ADDED
    elif not want.bands:
        kind = ChangeKind.VANISHED
    else:
        kind = ChangeKind.CHANGED
    fields = ("label", "context_window", "output_tokens_max", "names")
    other = tuple(field for field in fields if getattr(have, field) != getattr(want, field))
    return PriceChange(
        kind,
        *place,
        effective_from,
        is_kept,
        rate_changes(have, want),
        other if kind is ChangeKind.CHANGED else (),
    )


def rate_changes(before: ModelTerms, after: ModelTerms) -> tuple[RateChange, ...]:
    """Every rate that differs, in the order of services, bands and buckets."""
    old, new = _flat(before), _flat(after)
    places = sorted(old.keys() | new.keys(), key=lambda place: (_SERVICES[place[0]], place[1], _BUCKETS[place[2]]))
    return tuple(
        RateChange(*place, old.get(place), new.get(place)) for place in places if old.get(place) != new.get(place)
    )


_SERVICES = {service: number for number, service in enumerate(Service)}
_BUCKETS = {bucket: number for number, bucket in enumerate(Bucket)}


def _flat(terms: ModelTerms) -> dict[tuple[Service, int, Bucket], int]:
    return {
        (band.service, band.above_input_tokens, bucket): rate
        for band in terms.bands
        for bucket, rate in band.rates.items()
    }


def percent_text(change: RateChange) -> str | None:
    """By how much a rate rises or falls, in per cent to a tenth, such as "+25.0"; None where there is nothing to
    compare.
    """
    if not change.before or change.after is None:
        return None
    tenths = round_half_up((change.after - change.before) * 1000, change.before)
    return f"{'-' if tenths < 0 else '+'}{abs(tenths) // 10}.{abs(tenths) % 10}"


def round_half_up(numerator: int, denominator: int) -> int:
    """The nearest whole number to the quotient of a whole and a positive number; halves go up."""
    return (2 * numerator + denominator) // (2 * denominator)


def digest_of(source: str, changes: Sequence[Planned]) -> str:
    """What this difference is called, so that what is saved is what was looked at.

    Every part of it that a person could see or that would be written is in the digest; the moment "now" is not.
    """
    digest = hashlib.sha256(source.encode())
    for planned in changes:
        digest.update(repr(planned).encode())
    return digest.hexdigest()
