"""THE TABLE of one good call of every route that changes something, for tests that go over all of them.

Each row prepares what its call needs, anew each time, so that the call succeeds if whoever sends it may send it. A
route without a row fails `tests/api/test_every_change_is_audited.py`. What a row is made of: `scenes`.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.calls import (
    of_allocation_batches,
    of_allocations,
    of_codes,
    of_conversations,
    of_credit_requests,
    of_credits,
    of_groups,
    of_invitations,
    of_keys,
    of_members,
    of_notifications,
    of_people,
    of_places,
    of_prices,
    of_providers,
    of_purchases,
    of_sessions,
    of_tasks,
)
from tests.support.calls.scenes import Sample

SAMPLES: Mapping[str, Sample] = {
    **of_people.SAMPLES,
    **of_members.SAMPLES,
    **of_notifications.SAMPLES,
    **of_sessions.SAMPLES,
    **of_invitations.SAMPLES,
    **of_places.SAMPLES,
    **of_groups.SAMPLES,
    **of_credits.SAMPLES,
    **of_allocations.SAMPLES,
    **of_allocation_batches.SAMPLES,
    **of_codes.SAMPLES,
    **of_credit_requests.SAMPLES,
    **of_purchases.SAMPLES,
    **of_tasks.SAMPLES,
    **of_keys.SAMPLES,
    **of_conversations.SAMPLES,
    **of_prices.SAMPLES,
    **of_providers.SAMPLES,
}
"""Every route that changes something, by its name in the contract."""
