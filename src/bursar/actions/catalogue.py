"""What models there are, who runs them, and at what price."""

from __future__ import annotations

from dataclasses import dataclass

from bursar.domain.price_list import PricedModel
from bursar.outside.providers import Provider


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who runs the model that was asked for. `model` is the provider's own name of it; without a price it
    costs nothing, where the platform allows that.
    """

    provider: Provider
    provider_name: str
    model: str
    priced: PricedModel | None
    is_simulated: bool
