"""Attempts at a password: what they are counted by, how many may fail, and how long the next one waits.

Guessing is made slow without letting a stranger keep somebody out: what a stranger can use up is counted apart from the
device that its owner signs in with. Read next: `actions/attempts`, which counts.

Rule: SESSION-4, SESSION-5, SESSION-6
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FIRST_WAIT = timedelta(seconds=1)
"""The first wait, which the next ones double: a person who mistypes does not notice it, a program does."""

IPV6_NETWORK_BITS = 64
"""One customer of a provider has at least this whole network, so its single addresses tell nobody apart."""

_DOUBLINGS_MAX = 20
"""Where doubling stops being computed; every wait has reached its longest well before."""


class CountedBy(StrEnum):
    """What failed attempts are counted by."""

    ADDRESS = "address"
    NAME = "name"
    NAME_AT_ADDRESS = "name at address"
    DEVICE = "device"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Throttle:
    """How many attempts may fail in a window before the next one waits, and how long a wait can become.

    `is_cleared` says whether the right password forgets the whole count, or only takes its own attempt off.
    """

    sentence: str
    free: int
    window: timedelta
    wait_max: timedelta
    is_cleared: bool


_HOUR, _DAY, _QUARTER = timedelta(hours=1), timedelta(days=1), timedelta(minutes=15)

THROTTLES: Mapping[CountedBy, Throttle] = {
    CountedBy.NAME_AT_ADDRESS: Throttle(
        "One name from one address: a person who has forgotten it tries five times; a program gets 17 in an hour.",
        free=5, window=_HOUR, wait_max=_QUARTER, is_cleared=True,
    ),
    CountedBy.ADDRESS: Throttle(
        "One address, whatever the names: an office of hundreds mistypes fifty times in an hour, no more.",
        free=50, window=_HOUR, wait_max=timedelta(minutes=5), is_cleared=False,
    ),
    CountedBy.NAME: Throttle(
        "One name from wherever: with many addresses a stranger gets some two hundred guesses in a day.",
        free=100, window=_DAY, wait_max=_QUARTER, is_cleared=False,
    ),
    CountedBy.DEVICE: Throttle(
        "A device that the person signed in with before: whoever stole it guesses no faster than elsewhere.",
        free=5, window=_HOUR, wait_max=_QUARTER, is_cleared=True,
    ),
    CountedBy.ACCOUNT: Throttle(
        "The present password, asked of somebody who is signed in: a session that was stolen cannot guess it.",
        free=5, window=_HOUR, wait_max=_QUARTER, is_cleared=True,
    ),
}  # fmt: skip
"""The throttle of everything that is counted."""

FORGOTTEN_AFTER = max(throttle.window for throttle in THROTTLES.values())
"""A count whose last attempt is this old says nothing any more."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many attempts failed since the first of the window."""

    failures: int
    first_failed_at: datetime
    last_failed_at: datetime


def wait_left(throttle: Throttle, count: Count, now: datetime) -> timedelta:
    """How long the next attempt still has to wait; nothing where some are free or the window is over.

    Rule: SESSION-5
    """
    window_ends_at = count.first_failed_at + throttle.window
    if count.failures < throttle.free or now >= window_ends_at:
        return timedelta(0)
    doublings = min(count.failures - throttle.free, _DOUBLINGS_MAX)
    wait = min(FIRST_WAIT * (1 << doublings), throttle.wait_max)
    return max(min(count.last_failed_at + wait, window_ends_at) - now, timedelta(0))


def with_one_more(throttle: Throttle, count: Count, now: datetime) -> Count:
    """The count with an attempt of this moment; a window that is over begins anew."""
    if count.failures == 0 or now >= count.first_failed_at + throttle.window:
        return Count(1, now, now)
    return Count(count.failures + 1, count.first_failed_at, now)


def counts_of_sign_in(*, name: str, address: str | None, device: str | None) -> Mapping[CountedBy, str]:
    """What an attempt to sign in under a name is counted by. A device known to be the person's stands for itself.

    Rule: SESSION-4, SESSION-6
    """
    if device is not None:
        return {CountedBy.DEVICE: device}
    network = network_of(address)
    return {
        CountedBy.ADDRESS: network,
        CountedBy.NAME: name,
        CountedBy.NAME_AT_ADDRESS: f"{network}\0{name}",
    }


def network_of(address: str | None) -> str:
    """The address as it is counted: an IPv6 one by its network, since whoever has one has all of them."""
    if address is None:
        return "unknown"
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), IPV6_NETWORK_BITS), strict=False))
