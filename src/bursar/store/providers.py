"""Who runs models, as it is kept: secrets sealed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from bursar.db.transaction import Transaction
from bursar.domain.providers import ConfiguredProvider, Header, ProviderSettings, SealedKey, Shape, Timeouts


async def list_providers(transaction: Transaction) -> list[ConfiguredProvider]:
    """All of them, in the order in which they are asked."""
    rows = await transaction.fetch(
        """
        select provider_id, name, shape, base_url, key_variable, key_sealed, key_ending, key_header, headers, priced_as,
               models, connect_seconds, first_byte_seconds, between_pieces_seconds, whole_seconds, "position",
               is_enabled, note, created_at, changed_at
        from providers
        order by "position", name
        """
    )
    return [_provider(row) for row in rows]


async def find_provider(transaction: Transaction, provider_id: UUID) -> ConfiguredProvider | None:
    """The provider with this id."""
    row = await transaction.fetchrow(
        """
        select provider_id, name, shape, base_url, key_variable, key_sealed, key_ending, key_header, headers, priced_as,
               models, connect_seconds, first_byte_seconds, between_pieces_seconds, whole_seconds, "position",
               is_enabled, note, created_at, changed_at
        from providers
        where provider_id = $1
        """,
        provider_id,
    )
    return None if row is None else _provider(row)


async def insert_provider(transaction: Transaction, provider: ConfiguredProvider) -> None:
    """Adds one."""
    await transaction.execute(
        """
        insert into providers
            (provider_id, name, shape, base_url, key_variable, key_sealed, key_ending, key_header, headers, priced_as,
             models, connect_seconds, first_byte_seconds, between_pieces_seconds, whole_seconds, "position", is_enabled,
             note, created_at, changed_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
        """,
        *_values(provider),
    )


async def update_provider(transaction: Transaction, provider: ConfiguredProvider) -> None:
    """Writes all of it."""
    await transaction.execute(
        """
        update providers
        set name = $2,
            shape = $3,
            base_url = $4,
            key_variable = $5,
            key_sealed = $6,
            key_ending = $7,
            key_header = $8,
            headers = $9,
            priced_as = $10,
            models = $11,
            connect_seconds = $12,
            first_byte_seconds = $13,
            between_pieces_seconds = $14,
            whole_seconds = $15,
            "position" = $16,
            is_enabled = $17,
            note = $18,
            created_at = $19,
            changed_at = $20
        where provider_id = $1
        """,
        *_values(provider),
    )


async def delete_provider(transaction: Transaction, provider_id: UUID) -> None:
    """Takes one away, with its sealed key."""
    await transaction.execute("delete from providers where provider_id = $1", provider_id)


class _KeptHeader(msgspec.Struct):
    """A header in the row's JSON; what is sealed of it is written in base64."""

    name: str
    value: str | None = None
    sealed: bytes | None = None


_headers = msgspec.json.Decoder(tuple[_KeptHeader, ...])


def _values(provider: ConfiguredProvider) -> tuple[object, ...]:
    settings = provider.settings
    key = settings.key
    headers = [_KeptHeader(header.name, header.value, header.sealed) for header in settings.headers]
    return (
        provider.provider_id,
        settings.name,
        settings.shape,
        settings.base_url,
        settings.key_variable,
        None if key is None else key.sealed,
        None if key is None else key.ending,
        settings.key_header,
        msgspec.json.encode(headers).decode(),
        list(settings.priced_as),
        list(settings.models),
        settings.timeouts.connect_seconds,
        settings.timeouts.first_byte_seconds,
        settings.timeouts.between_pieces_seconds,
        settings.timeouts.whole_seconds,
        settings.position,
        settings.is_enabled,
        settings.note,
        provider.created_at,
        provider.changed_at,
    )


def _provider(row: Any) -> ConfiguredProvider:
    sealed = row["key_sealed"]
    settings = ProviderSettings(
        name=row["name"],
        shape=Shape(row["shape"]),
        base_url=row["base_url"],
        key_variable=row["key_variable"],
        key=None if sealed is None else SealedKey(bytes(sealed), row["key_ending"]),
        key_header=row["key_header"],
        headers=tuple(Header(kept.name, kept.value, kept.sealed) for kept in _headers.decode(row["headers"])),
        priced_as=tuple(row["priced_as"]),
        models=tuple(row["models"]),
        timeouts=Timeouts(
            row["connect_seconds"], row["first_byte_seconds"], row["between_pieces_seconds"], row["whole_seconds"]
        ),
        position=row["position"],
        is_enabled=row["is_enabled"],
        note=row["note"],
    )
    return ConfiguredProvider(row["provider_id"], settings, row["created_at"], row["changed_at"])
