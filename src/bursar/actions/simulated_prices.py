"""The prices of models that are none: set when a simulated provider is added, unless somebody has set others."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.actions.desk import Asked, Desk
from bursar.db.transaction import Transaction
from bursar.domain.prices import HAND, Band, Bucket, ModelTerms, Price, Service, in_force, parse_rate
from bursar.domain.routing import SIMULATED_PREFIX
from bursar.outside.identity import new_uuid
from bursar.store.prices import insert_prices, list_prices_of_provider, lock_price_list

SOURCE = "set with the simulated provider"

CONTEXT_WINDOW = 128_000
OUTPUT_TOKENS_MAX = 4_096

RATES: Mapping[str, tuple[str, str]] = {
    f"{SIMULATED_PREFIX}-small": ("0.50", "2"),
    f"{SIMULATED_PREFIX}-large": ("5", "25"),
    SIMULATED_PREFIX: ("1", "4"),
}
"""Input and output, in dollars for a million tokens: of the size that real models have, so that what is seen in a demo
looks like what will be seen later. The last counts for every other simulated name.

Rule: PROVIDER-10
"""
VIDEO_SECOND = "0.10"
"""What a second of video costs, of any of them."""
BATCH_IS_CHEAPER_BY = 2
"""In a batch, everything costs half, as it does at most providers."""


async def set_simulated_prices(transaction: Transaction, desk: Desk, asked: Asked, priced_as: str) -> None:
    """Sets those that are missing, in the transaction that adds the provider."""
    await lock_price_list(transaction)
    now = desk.clock.now()
    present = await list_prices_of_provider(transaction, priced_as)
    missing = [
        Price(
            new_uuid(), priced_as, model, HAND, SOURCE, now, _terms(model), now, asked.actor.identity, note=None
        )
        for model in RATES
        if in_force([price for price in present if price.model == model], now) is None
    ]  # fmt: skip
    await insert_prices(transaction, missing)


def _terms(model: str) -> ModelTerms:
    rates = {
        bucket: parse_rate(bucket, text, field=bucket)
        for bucket, text in zip((Bucket.INPUT, Bucket.OUTPUT), RATES[model], strict=True)
    }
    rates[Bucket.VIDEO_OUTPUT_TIME] = parse_rate(Bucket.VIDEO_OUTPUT_TIME, VIDEO_SECOND, field="video_output_time")
    in_batches = {bucket: rate // BATCH_IS_CHEAPER_BY for bucket, rate in rates.items()}
    label = model.replace("-", " ").capitalize()
    return ModelTerms(
        (Band(Service.STANDARD, 0, rates), Band(Service.BATCH, 0, in_batches)),
        label=label,
        context_window=CONTEXT_WINDOW,
        output_tokens_max=OUTPUT_TOKENS_MAX,
    )
