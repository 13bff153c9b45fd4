"""Money on the wire: what a credit costs, and what an order comes to, as decimal strings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema

from bursar.domain.currencies import PRICE_DECIMALS_MAX, PRICE_WHOLE_MAX

CreditPriceText = Annotated[
    str,
    Field(max_length=40),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": 40,
            "pattern": rf"^(0|[1-9][0-9]{{0,{len(str(PRICE_WHOLE_MAX)) - 1}}})(\.[0-9]{{1,{PRICE_DECIMALS_MAX}}})?$",
            "description": f"Of the currency for one credit, at most {PRICE_DECIMALS_MAX} decimals; 0 sells none.",
            "examples": ["0.01"],
        }
    ),
]
"""A price in a body."""

CurrencyText = Annotated[
    str,
    Field(max_length=3),
    WithJsonSchema(
        {"type": "string", "pattern": "^[A-Z]{3}$", "description": "A currency of ISO 4217.", "examples": ["USD"]}
    ),
]
"""A currency in a body."""
