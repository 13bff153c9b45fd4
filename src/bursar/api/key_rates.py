"""How often a management key asks: counted in this process, over the last minute.

Calls to models have limits of their own, see `gateway/limits`.
"""

from __future__ import annotations

from uuid import UUID

from bursar.domain.minutes import LastMinute, Recent
from bursar.domain.refusals import Refusal
from bursar.outside.clock import Clock

KEY_RATES = "bursar.key_rates"
"""Where a request finds them."""


class KeyRates:
    """The requests of the last minute, by key."""

    def __init__(self, clock: Clock, *, requests_per_minute: int) -> None:
        self._clock = clock
        self._most = requests_per_minute
        self._recent: Recent[LastMinute] = Recent(LastMinute, is_busy=lambda _: False)

    def count(self, key_id: UUID) -> None:
        """Counts a request, or refuses `rate_limit_exceeded` and counts nothing.

        Rule: LIMIT-13
        """
        now = int(self._clock.seconds() * 1000)
        self._recent.forget_idle(now)
        minute = self._recent.of(key_id)
        if minute.total(now) >= self._most:
            wait = -(-minute.wait_until(self._most - 1, now=now) // 1000)
            sentence = f"A key may make {self._most} requests a minute, and this one has made them."
            raise Refusal("rate_limit_exceeded", sentence, retry_after_seconds=str(max(1, wait)))
        self._recent.seen(key_id, now).add(1, now=now)
