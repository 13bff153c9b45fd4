"""How many calls may be made: what a key's and a member's limits come to for one call.

A key's limits are set at the key or inherited from its tenant; a member's are set by the tenant, alike for all of its
members, and count over all of the member's keys. How many calls were made is counted where calls are admitted.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from bursar.domain.api_keys import INHERIT, UNLIMITED, CountLimit, KeyLimits, LimitWord, check_limit, effective


@dataclass(frozen=True)
class MemberLimits:
    """What bounds the calls of each member of a tenant, over all keys. Nobody is above it: *inherit* is no limit."""

    requests_per_minute: CountLimit = INHERIT
    tokens_per_minute: CountLimit = INHERIT
    calls_at_once: CountLimit = INHERIT


MEMBER_LIMIT_NAMES: tuple[str, ...] = tuple(field.name for field in fields(MemberLimits))


@dataclass(frozen=True, slots=True)
class Bounds:
    """What bounds the calls of one key or one member; None bounds nothing, and 0 lets nothing through."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    calls_at_once: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing is bounded, so that nothing needs to be counted."""
        return self.requests_per_minute is None and self.tokens_per_minute is None and self.calls_at_once is None


OPEN = Bounds()


@dataclass(frozen=True, slots=True)
class CallBounds:
    """What bounds one call: its key's limits, and its member's."""

    of_key: Bounds = OPEN
    of_member: Bounds = OPEN


def call_bounds(key: KeyLimits, of_tenant: KeyLimits, of_members: MemberLimits) -> CallBounds:
    """What counts for a call with a key: the key's own limits, else its tenant's; and those of the member besides.

    Rule: LIMIT-1
    """
    return CallBounds(
        of_key=Bounds(
            requests_per_minute=_counted(key.requests_per_minute, of_tenant.requests_per_minute),
            tokens_per_minute=_counted(key.tokens_per_minute, of_tenant.tokens_per_minute),
            calls_at_once=_counted(key.calls_at_once, of_tenant.calls_at_once),
        ),
        of_member=_member_bounds(of_members),
    )


def keyless_bounds(of_members: MemberLimits) -> CallBounds:
    """What counts for a call that comes with no key: those of the member alone.

    Rule: LIMIT-1
    """
    return CallBounds(of_member=_member_bounds(of_members))


def _member_bounds(of_members: MemberLimits) -> Bounds:
    return Bounds(
        requests_per_minute=_counted(INHERIT, of_members.requests_per_minute),
        tokens_per_minute=_counted(INHERIT, of_members.tokens_per_minute),
        calls_at_once=_counted(INHERIT, of_members.calls_at_once),
    )


def check_member_limits(limits: MemberLimits) -> None:
    """Refuses `invalid_input` for a number that no limit can be.

    Rule: LIMIT-1
    """
    for name in MEMBER_LIMIT_NAMES:
        check_limit(getattr(limits, name), field=name)


def member_limits_as_text(limits: MemberLimits) -> dict[str, str]:
    """Each limit as an event tells it: a word or a number."""
    return {name: str(getattr(limits, name)) for name in MEMBER_LIMIT_NAMES}


def _counted(own: CountLimit, of_tenant: CountLimit) -> int | None:
    limit = effective(own, of_tenant).limit
    assert isinstance(limit, int) or limit is UNLIMITED, "what counts is never inherited"
    return None if isinstance(limit, LimitWord) else limit
