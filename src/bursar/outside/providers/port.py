"""What the gateway asks of whoever runs models, and the two ways in which that fails.

A provider is asked with bytes and answers with bytes: what stands in them is the gateway's business. Leaving an answer
early tells the provider that nobody wants the rest. What a provider keeps open is closed when nobody holds it any more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


class ProviderUnreachable(Exception):
    """Nothing was answered, so nothing was done: somebody else may be asked instead."""


class ProviderBroke(Exception):
    """An answer began and broke off."""


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One request: below the provider's own address, with what of the caller's headers is passed on.

    `content_type` says what the body is; without a body it says nothing. The provider's logs know the call by its
    `request_id`; one is made where none is given.
    """

    path: str
    body: bytes
    headers: Sequence[tuple[str, str]] = ()
    method: str = "POST"
    content_type: str = "application/json"
    request_id: str | None = None


class ProviderAnswer(Protocol):
    """An answer that has begun: its status and headers (names in lower case) are there, its body is coming."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def pieces(self) -> AsyncIterator[bytes]:
        """The body, as it comes. Raises `ProviderBroke`."""


class Provider(Protocol):
    """Somebody who runs models."""

    @property
    def name(self) -> str: ...

    @property
    def secrets(self) -> Sequence[str]:
        """What is sent to be let in, so that no answer that repeats it gets any further."""

    def asked(self, call: ProviderCall) -> AbstractAsyncContextManager[ProviderAnswer]:
        """The answer to a call, for as long as the block lasts. Raises `ProviderUnreachable`."""
