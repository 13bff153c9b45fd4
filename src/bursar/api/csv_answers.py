"""Tables as CSV files (RFC 4180), for spreadsheets: sent row by row, so that none is ever whole in memory.

A file begins with a byte order mark, because spreadsheets guess the encoding without one. Programs read the JSON.

Rule: AUDIT-6
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

from fastapi.responses import StreamingResponse

CSV_ROWS_MAX = 1_000_000
"""A spreadsheet has 1 048 576 rows; what it cannot open is asked for in two parts."""

BYTE_ORDER_MARK = "\ufeff"
FILE_NAME_LENGTH_MAX = 60

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_PLAIN_NUMBER = re.compile(r"-[0-9]+(\.[0-9]+)?", re.ASCII)
_NEEDS_QUOTES = re.compile(r'[",\r\n]')

Row = Sequence[str | None]


class CsvAnswer(StreamingResponse):
    """An answer whose body is a CSV file."""

    media_type = "text/csv"


def csv_answer(
    columns: Sequence[str], pages: AsyncIterator[Iterable[Row]], *, file_name: str, rows_max: int = CSV_ROWS_MAX
) -> CsvAnswer:
    """The file with these columns and, page by page, these rows. Where there are more than `rows_max`, its last line
    says so."""
    return CsvAnswer(
        _lines(columns, pages, rows_max), headers={"content-disposition": f'attachment; filename="{file_name}"'}
    )


def csv_file_name(*parts: str, at: datetime) -> str:
    """Such as `audit-acme-robotics-2026-03-01.csv`: only letters, digits and dashes, as every machine takes them."""
    ascii_only = unicodedata.normalize("NFKD", "-".join(parts)).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", ascii_only)[:FILE_NAME_LENGTH_MAX].strip("-")
    return f"{stem}-{at:%Y-%m-%d}.csv"


def csv_line(cells: Row) -> str:
    """One line of the file; None is an empty cell."""
    return ",".join(_quoted(harmless(cell or "")) for cell in cells) + "\r\n"


def harmless(cell: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula. Numbers stay numbers."""
    # Spreadsheets take wide letters for narrow ones.
    if unicodedata.normalize("NFKC", cell[:1]).startswith(_STARTS_A_FORMULA) and not _PLAIN_NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell


async def _lines(columns: Sequence[str], pages: AsyncIterator[Iterable[Row]], rows_max: int) -> AsyncIterator[bytes]:
    yield (BYTE_ORDER_MARK + csv_line(columns)).encode()
    sent = 0
    async for page in pages:
        rows = list(page)
        fitting = rows[: rows_max - sent]
        yield "".join(map(csv_line, fitting)).encode()
        sent += len(fitting)
        if len(fitting) < len(rows):
            last = f"Not all: a file ends after {rows_max} rows. Ask again for what is left out here."
            yield csv_line([last, *[None] * (len(columns) - 1)]).encode()
            return
