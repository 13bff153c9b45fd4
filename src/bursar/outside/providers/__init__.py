"""Whoever runs models: one port, and what stands behind it."""

from bursar.outside.providers.port import (
    Provider,
    ProviderAnswer,
    ProviderBroke,
    ProviderCall,
    ProviderUnreachable,
)

__all__ = ["Provider", "ProviderAnswer", "ProviderBroke", "ProviderCall", "ProviderUnreachable"]
