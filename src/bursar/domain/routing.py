"""Which providers a model's name leads to, the first choice first.

A route says so for a name. Without one, `provider/model` means that provider, and any other name every provider that
knows the model, in their order. Whoever stands behind the first is asked where those before it could not be reached.

Read next: `providers`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bursar.domain.dialects import Dialect
from bursar.domain.price_list import PricedModel, PriceList
from bursar.domain.prices import MODEL_LENGTH_MAX
from bursar.domain.providers import ProviderSettings
from bursar.domain.refusals import Refusal

ROUTES_MAX = 2_000
"""All of them are in the memory of every process."""
TARGETS_MAX = 10
"""Each is waited for in turn before the next is asked."""
NOTE_LENGTH_MAX = 200

SIMULATED_PREFIX = "simulated"
"""A model that is none says so in its name."""

LABELS: Mapping[Dialect, str] = {Dialect.OPENAI: "OpenAI's", Dialect.ANTHROPIC: "Anthropic's"}
"""Whose clients speak a dialect, as people are told."""

ADD_A_PROVIDER = "bursar providers add"
"""The command that sets one up, as people are told it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A provider, and what it calls the model."""

    provider: str
    model: str


@dataclass(frozen=True)
class Route:
    """A name that clients may ask for, and where it leads. It is found in whatever capitals."""

    name: str
    targets: tuple[Target, ...]
    note: str | None = None


@dataclass(frozen=True)
class ConfiguredRoute:
    """A route and since when it is there."""

    route_id: UUID
    route: Route
    created_at: datetime
    changed_at: datetime


_MODEL = re.compile(rf"[!-~]{{1,{MODEL_LENGTH_MAX}}}", re.ASCII)


def check_route(route: Route) -> None:
    """Refuses `invalid_input` for a route that cannot be. Whether its providers are there is asked where they are kept.

    Rule: PROVIDER-9
    """
    if not is_route_name(route.name):
        raise _malformed("name", f"A model's name is 1 to {MODEL_LENGTH_MAX} visible characters without blanks.")
    if not 1 <= len(route.targets) <= TARGETS_MAX or len(set(route.targets)) < len(route.targets):
        raise _malformed("targets", f"A route leads to 1 to {TARGETS_MAX} models, each once.")
    if any(not _MODEL.fullmatch(target.model) for target in route.targets):
        raise _malformed("targets", f"A model's name is 1 to {MODEL_LENGTH_MAX} visible characters without blanks.")
    if route.note is not None and not (len(route.note) <= NOTE_LENGTH_MAX and route.note.isprintable()):
        raise _malformed("note", f"A note is one line of at most {NOTE_LENGTH_MAX} characters.")


def is_route_name(name: str) -> bool:
    """Whether a route can be called so: else there is none of this name."""
    return _MODEL.fullmatch(name) is not None


def _malformed(field: str, sentence: str) -> Refusal:
    return Refusal("invalid_input", sentence, field=field)


@dataclass(frozen=True)
class Choice:
    """One provider that can be asked, and what it calls the model."""

    provider: ProviderSettings
    model: str


Knows = Callable[[ProviderSettings, str], bool]
"""Whether a provider has a price for a model."""


@dataclass(frozen=True)
class Routing:
    """What there is to choose from: the routes by their names in lower case, and the enabled providers in order."""

    routes: Mapping[str, Route]
    providers: Sequence[ProviderSettings]

    def choices(self, name: str, dialect: Dialect, *, is_priced: Knows) -> tuple[Choice, ...]:
        """Who can be asked for a model of this name, by a client of this dialect; never nobody. Refuses
        `model_unknown`, and says whether other clients could ask.

        Rule: PROVIDER-8, PROVIDER-9
        """
        if not self.providers:
            raise _unknown(f"No provider of models is set up here yet. The operator adds one with `{ADD_A_PROVIDER}`.")
        found = self._all_choices(name, is_priced)
        spoken = tuple(choice for choice in found if choice.provider.speaks(dialect))
        if spoken:
            return spoken
        if found:
            clients = next(LABELS[other] for other in Dialect if found[0].provider.speaks(other))
            raise _unknown(f"The model {name[:MODEL_LENGTH_MAX]} is called with {clients} clients only.")
        raise _unknown(f"There is no model {name[:MODEL_LENGTH_MAX]} here.")

    def first_dialect(self, name: str, *, is_priced: Knows) -> Dialect:
        """In which words the first choice for a model is asked; one who speaks both is asked in OpenAI's, and so is
        nobody.
        """
        found = self._all_choices(name, is_priced)[:1]
        spoken = (dialect for choice in found for dialect in Dialect if choice.provider.speaks(dialect))
        return next(spoken, Dialect.OPENAI)

    def _all_choices(self, name: str, is_priced: Knows) -> tuple[Choice, ...]:
        route = self.routes.get(name.lower())
        if route is not None:
            enabled = {provider.name: provider for provider in self.providers}
            return tuple(
                Choice(enabled[target.provider], target.model) for target in route.targets if target.provider in enabled
            )
        prefix, _, model = name.partition("/")
        for provider in self.providers:
            if model and provider.name == prefix:
                return (Choice(provider, model),) if can_be_asked_for(provider, model) else ()
        return tuple(
            Choice(provider, name)
            for provider in self.providers
            if can_be_asked_for(provider, name) and (name in provider.models or is_priced(provider, name))
        )


def can_be_asked_for(provider: ProviderSettings, model: str) -> bool:
    """Whether it makes sense to ask: a provider without a model answers only for names that say so.

    Rule: PROVIDER-10
    """
    return not provider.is_simulated or model.lower().startswith(SIMULATED_PREFIX)


def price_at(prices: PriceList, provider: ProviderSettings, model: str) -> PricedModel | None:
    """What a model costs at a provider, if anybody has said so. A simulated model without a price of its own has that
    of the model called `simulated`.

    Rule: PROVIDER-8, PROVIDER-10
    """
    names = (model, SIMULATED_PREFIX) if provider.is_simulated else (model,)
    for name in names:
        try:
            return prices.find(provider.priced_as, name)
        except Refusal:
            continue
    return None


def _unknown(sentence: str) -> Refusal:
    return Refusal("model_unknown", sentence, field="model")
