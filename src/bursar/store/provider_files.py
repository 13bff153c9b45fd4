"""Files at providers: what goes into batches, and what comes out of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from bursar.db.transaction import Transaction
from bursar.domain.batch_sizes import BatchSize
from bursar.store.calls import kept


@dataclass(frozen=True, slots=True)
class ProviderFile:
    """A file at a provider. `size` and `endpoint` are what was found in an uploaded one, None for a result."""

    file_id: UUID
    member_id: UUID
    job_id: UUID | None
    provider: str
    provider_file_id: str
    model: str
    provider_model: str
    endpoint: str | None
    size: BatchSize | None
    said: str | None
    created_at: datetime


_COLUMNS = """
    file_id, member_id, job_id, provider, provider_file_id, model, provider_model, endpoint, size, said, created_at
"""


async def insert_file(transaction: Transaction, tenant_id: UUID, file: ProviderFile) -> None:
    """Adds a file, unless the provider's id of it is known already."""
    await transaction.execute(
        f"""
        insert into provider_files (tenant_id, {_COLUMNS})
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        on conflict (tenant_id, provider, provider_file_id) do nothing
        """,
        tenant_id,
        file.file_id,
        file.member_id,
        file.job_id,
        file.provider,
        kept(file.provider_file_id),
        kept(file.model),
        kept(file.provider_model),
        file.endpoint,
        None if file.size is None else msgspec.json.encode(file.size).decode(),
        kept(file.said),
        file.created_at,
    )


async def find_file(transaction: Transaction, tenant_id: UUID, file_id: UUID) -> ProviderFile | None:
    """The file of this tenant with this id."""
    row = await transaction.fetchrow(
        f"""
        select {_COLUMNS}
        from provider_files
        where tenant_id = $1
          and file_id = $2
        """,
        tenant_id,
        file_id,
    )
    return None if row is None else _file(row)


async def list_file_ids(
    transaction: Transaction, tenant_id: UUID, files: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], UUID]:
    """Our ids of these files, each named by its provider and the provider's own id."""
    rows = await transaction.fetch(
        """
        select file.provider, file.provider_file_id, file.file_id
        from unnest($2::text[], $3::text[]) as wanted (provider, provider_file_id)
        join provider_files as file
          on file.tenant_id = $1
         and file.provider = wanted.provider
         and file.provider_file_id = wanted.provider_file_id
        """,
        tenant_id,
        [provider for provider, _ in files],
        [provider_file_id for _, provider_file_id in files],
    )
    return {(row["provider"], row["provider_file_id"]): row["file_id"] for row in rows}


def _file(row: asyncpg.Record) -> ProviderFile:
    return ProviderFile(
        file_id=row["file_id"],
        member_id=row["member_id"],
        job_id=row["job_id"],
        provider=row["provider"],
        provider_file_id=row["provider_file_id"],
        model=row["model"],
        provider_model=row["provider_model"],
        endpoint=row["endpoint"],
        size=None if row["size"] is None else msgspec.json.decode(row["size"], type=BatchSize),
        said=row["said"],
        created_at=row["created_at"],
    )
