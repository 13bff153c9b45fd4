"""Calls as they are kept: one row each, which comes along with the settlement that charges it."""

from __future__ import annotations

import msgspec

from bursar.domain.calls import Call, counts_of
from bursar.domain.costs import Factor

FACTOR_TO_MICRO = 100
"""A factor counts ten-thousandths, and a column of credits for a dollar millionths."""

_COLUMNS = (
    ("call_id", "uuid"),
    ("member_id", "uuid"),
    ("group_id", "uuid"),
    ("key_id", "uuid"),
    ("price_id", "uuid"),
    ("started_at", "timestamptz"),
    ("ended_at", "timestamptz"),
    ("input_tokens", "bigint"),
    ("cached_read_tokens", "bigint"),
    ("cached_write_tokens", "bigint"),
    ("output_tokens", "bigint"),
    ("reasoning_tokens", "bigint"),
    ("cost_pico", "bigint"),
    ("credit_factor_micro", "bigint"),
    ("price_factor", "bigint"),
    ("credits_micro", "bigint"),
    ("held_micro", "bigint"),
    ("first_byte_ms", "integer"),
    ("total_ms", "integer"),
    ("status", "integer"),
    ("day", "date"),
    ("is_streamed", "boolean"),
    ("is_estimated", "boolean"),
    ("is_simulated", "boolean"),
    ("endpoint", "text"),
    ("model", "text"),
    ("provider", "text"),
    ("provider_model", "text"),
    ("service", "text"),
    ("outcome", "text"),
    ("fault", "text"),
    ("request_id", "text"),
    ("provider_request_id", "text"),
    ("label", "text"),
    ("used", "jsonb"),
    ("reported", "text"),
    ("metadata", "jsonb"),
)
_NAMES = ("tenant_id", *(name for name, _ in _COLUMNS), "batch_number")
_TYPES = ("uuid", *(type_ for _, type_ in _COLUMNS), "bigint")

INSERT_CALLS = (
    f"insert into bursar.calls ({', '.join(_NAMES)})\n"
    f"select * from unnest({', '.join(f'${number}::{type_}[]' for number, type_ in enumerate(_TYPES, 1))})\n"
    "on conflict (tenant_id, call_id) do nothing"
)
"""For rows that are carried by the ledger: one array a column, the tenants first and the batches last. A row that is
there already stays: what carries it may have been sent twice."""

_MILLISECONDS_MAX = 2**31 - 1
_COST_MAX_PICO = 2**63 - 1
"""Nine million dollars. No call costs as much; where a slip in a price makes it so, the row still has to be written."""


def values_of(call: Call) -> tuple[object, ...]:
    """The call's row, as `INSERT_CALLS` takes it between tenant and batch."""
    usage = call.usage
    return (
        call.call_id,
        call.member_id,
        call.group_id,
        call.key_id,
        call.price_id,
        call.started_at,
        max(call.ended_at, call.started_at),  # the machine's clock may have been put back meanwhile
        usage.input_tokens,
        usage.cached_read_tokens,
        usage.cached_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        min(call.cost.pico_dollars, _COST_MAX_PICO),
        micro_of(call.credit_factor),
        call.price_factor.ten_thousandths,
        call.credits.micro,
        None if call.held is None else call.held.micro,
        _milliseconds(call.first_byte_ms),
        _milliseconds(call.total_ms),
        call.status,
        call.day,
        call.is_streamed,
        call.is_estimated,
        call.is_simulated,
        kept(call.endpoint),
        kept(call.model),
        kept(call.provider),
        kept(call.provider_model),
        str(call.service),
        str(call.outcome),
        kept(call.fault),
        kept(call.request_id),
        kept(call.provider_request_id),
        kept(call.label),
        _json(counts_of(usage)),
        None if call.reported is None else kept(call.reported.decode(errors="replace")),
        None if call.metadata is None else _json({kept(name): kept(value) for name, value in call.metadata.items()}),
    )


def kept(text: str | None) -> str | None:
    """The text without what no database keeps: it comes from clients and providers, and a row that cannot be written
    would keep everybody's settlement of that moment from being written.
    """
    return None if text is None else text.replace("\x00", "").encode(errors="replace").decode()


def _milliseconds(passed: int | None) -> int | None:
    return None if passed is None else min(passed, _MILLISECONDS_MAX)


def micro_of(credit_factor: Factor) -> int:
    """A credit factor as a column holds it: in millionths."""
    return credit_factor.ten_thousandths * FACTOR_TO_MICRO


def factor_of(micro: int) -> Factor:
    """The credit factor that a column holds. What people type has two decimals, so nothing is lost."""
    return Factor(micro // FACTOR_TO_MICRO)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
