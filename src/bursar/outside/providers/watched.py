"""A provider that is watched: a span for each time it is asked, and every failure counted. It answers as before.

Rule: WATCH-4, WATCH-5
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from bursar.outside.metrics import Metrics
from bursar.outside.providers.port import (
    Provider,
    ProviderAnswer,
    ProviderBroke,
    ProviderCall,
    ProviderUnreachable,
)
from bursar.outside.tracing import Tracing

FAULT_STATUS_MIN = 500
"""From here on, a status says that the provider is at fault, and not whoever asked."""


class WatchedProvider:
    """Asks the provider behind it, and tells an operator how that went."""

    def __init__(self, provider: Provider, metrics: Metrics, tracing: Tracing) -> None:
        self._provider = provider
        self._metrics = metrics
        self._tracing = tracing

    @property
    def behind(self) -> Provider:
        """The provider that is watched."""
        return self._provider

    @property
    def name(self) -> str:
        return self._provider.name

    @property
    def secrets(self) -> Sequence[str]:
        return self._provider.secrets

    @asynccontextmanager
    async def asked(self, call: ProviderCall) -> AsyncIterator[ProviderAnswer]:
        with self._tracing.span("provider") as span:
            span.tell(bursar__provider=self.name, url__path=call.path)
            joined = span.outgoing()
            if joined:
                call = replace(call, headers=(*call.headers, *joined))
            try:
                async with self._provider.asked(call) as answer:
                    span.tell(http__response__status_code=answer.status)
                    if answer.status >= FAULT_STATUS_MIN:
                        self._failed(f"status_{answer.status}")
                    yield answer
            except ProviderUnreachable:
                self._failed("unreachable")
                raise
            except ProviderBroke:
                self._failed("broke")
                raise

    def _failed(self, failure: str) -> None:
        self._metrics.provider_failed(provider=self.name, failure=failure)
