"""Looking whether a provider answers: it is asked for its list of models, and what came back is told plainly.

Nothing that a provider wrote is repeated: some repeat the key that they refuse.

Rule: PROVIDER-13
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

import msgspec

from bursar.actions.connections import connect
from bursar.actions.desk import Asked, Desk, Subject, Told, record
from bursar.actions.once import Done, once_on_platform
from bursar.db.transaction import Transaction, platform_reading
from bursar.domain.permissions import check_permission
from bursar.domain.providers import ConfiguredProvider, Shape, Timeouts
from bursar.domain.refusals import Refusal
from bursar.domain.roles import Permission
from bursar.outside.clock import Stopwatch
from bursar.outside.providers import Provider, ProviderAnswer, ProviderBroke, ProviderCall, ProviderUnreachable
from bursar.store.providers import find_provider

TEST_SECONDS = 10
"""A person waits for it."""
LIST_BYTES_MAX = 4 * 1024 * 1024
"""OpenRouter's list, the longest known, has about half a megabyte."""
ANTHROPIC_VERSION = "2023-06-01"
"""What Anthropic-shaped providers want to be told of whoever asks without a client of theirs."""


class Outcome(StrEnum):
    """What came of asking."""

    WELL = "well"
    KEY_REFUSED = "key_refused"
    NO_LIST = "no_list"
    ERROR = "error"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class ProviderTest:
    """What came of asking, in a sentence, and in numbers where there are some."""

    outcome: Outcome
    sentence: str
    status: int | None
    models: int | None
    milliseconds: int


async def run_provider_test(desk: Desk, asked: Asked, provider_id: UUID) -> Done[ProviderTest]:
    """Asks a provider for its models, enabled or not, and leaves an event. Refuses `provider_unknown`.

    Rule: PROVIDER-13
    """
    check_permission(asked.actor, Permission.MANAGE_PROVIDERS)
    async with platform_reading(desk.platform) as transaction:
        provider = await find_provider(transaction, provider_id)
    if provider is None:
        raise Refusal("provider_unknown", "There is no such provider.", field="provider_id")
    found = await _tried(connect(desk, _impatient(provider)), provider)

    async def act(transaction: Transaction) -> ProviderTest:
        subject = Subject("provider", provider_id)
        detail = {"name": provider.settings.name, "outcome": str(found.outcome)}
        await record(transaction, desk, asked, None, Told("provider_tested", subject, detail=detail))
        return found

    return await once_on_platform(desk, asked, ProviderTest, act)


def _impatient(provider: ConfiguredProvider) -> ConfiguredProvider:
    connect_seconds = min(provider.settings.timeouts.connect_seconds, TEST_SECONDS)
    timeouts = Timeouts(connect_seconds, TEST_SECONDS, TEST_SECONDS, TEST_SECONDS)
    return replace(provider, settings=replace(provider.settings, timeouts=timeouts))


async def _tried(asked: Provider, provider: ConfiguredProvider) -> ProviderTest:
    watch, name = Stopwatch(), provider.settings.name
    headers = [("anthropic-version", ANTHROPIC_VERSION)] if provider.settings.shape is Shape.ANTHROPIC else []
    status = models = None
    try:
        async with asked.asked(ProviderCall("/models", b"", headers, method="GET")) as answer:
            status = answer.status
            if 200 <= status < 300:
                models = await _count(answer)
    except (ProviderUnreachable, ProviderBroke) as fault:
        outcome, sentence = Outcome.UNREACHABLE, str(fault)
    else:
        outcome, sentence = _verdict(name, status, models)
    return ProviderTest(outcome, sentence, status, models, round(watch.seconds() * 1000))


def _verdict(name: str, status: int, models: int | None) -> tuple[Outcome, str]:
    if models is not None:
        return Outcome.WELL, f"{name} answered, and lists {models} models."
    if status in (401, 403):
        return Outcome.KEY_REFUSED, f"{name} answered with {status}: it does not take this key."
    if status in (404, 405, 501) or 200 <= status < 300:
        return Outcome.NO_LIST, f"{name} answered with {status}, and has no list of models at this address."
    return Outcome.ERROR, f"{name} answered with {status}."


class _List(msgspec.Struct):
    data: list[msgspec.Raw]


async def _count(answer: ProviderAnswer) -> int | None:
    """How many models the answer lists; None where it is no list, or longer than any."""
    body = b""
    async for piece in answer.pieces():
        body += piece
        if len(body) > LIST_BYTES_MAX:
            return None
    try:
        return len(msgspec.json.decode(body, type=_List).data)
    except msgspec.DecodeError:
        return None
