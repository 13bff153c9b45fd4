"""How a table becomes a CSV file that spreadsheets open and no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bursar.api.csv_answers import CSV_ROWS_MAX, Row, csv_answer, csv_file_name, csv_line, harmless

MARCH = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


async def body_of(pages: list[list[Row]], *, rows_max: int = CSV_ROWS_MAX) -> str:
    async def given() -> AsyncIterator[list[Row]]:
        for page in pages:
            yield page

    answer = csv_answer(("name", "amount"), given(), file_name="x.csv", rows_max=rows_max)
    return "".join([part.decode() async for part in answer.body_iterator if isinstance(part, bytes)])


@pytest.mark.rule("AUDIT-6")
@pytest.mark.parametrize("text", ["=1+1", "+49 30 1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "-1e5"])
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.rule("AUDIT-6")
@pytest.mark.parametrize("text", ["", "Ada", "a=b", "-5.00", "-5", "2026-03-01", " =1", "'=1"])
def test_what_a_spreadsheet_shows_as_it_is_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


def test_commas_quotes_and_line_breaks_are_read_back_as_they_were() -> None:
    cells = ['say "no"', "a,b", "two\r\nlines", "", "Ünïcödé 漢字", "plain"]

    line = csv_line([*cells, None])

    assert line.endswith("\r\n")
    assert list(csv.reader(io.StringIO(line, newline=""), strict=True)) == [[*cells, ""]]


async def test_a_file_of_no_rows_has_its_head() -> None:
    assert await body_of([]) == "\ufeffname,amount\r\n"


@pytest.mark.rule("AUDIT-6")
async def test_a_file_with_more_rows_than_it_takes_ends_by_saying_so() -> None:
    pages: list[list[Row]] = [[("a", "1"), ("b", "2")], [("c", "3"), ("d", "4")]]

    whole, cut, cut_between = [await body_of(pages, rows_max=limit) for limit in (4, 3, 2)]

    assert whole.endswith("d,4\r\n")
    assert cut.endswith("c,3\r\nNot all: a file ends after 3 rows. Ask again for what is left out here.,\r\n")
    assert cut_between.endswith("b,2\r\nNot all: a file ends after 2 rows. Ask again for what is left out here.,\r\n")


@pytest.mark.parametrize(
    ("name", "file_name"),
    [
        ("Acme Robotics", "audit-acme-robotics-2026-03-01.csv"),
        ('../Köln "& Söhne"\r\n', "audit-koln-sohne-2026-03-01.csv"),
        ("漢字", "audit-2026-03-01.csv"),
        ("x" * 120, f"audit-{'x' * 54}-2026-03-01.csv"),
    ],
)
def test_the_name_of_a_file_is_one_that_every_machine_takes(name: str, file_name: str) -> None:
    assert csv_file_name("audit", name, at=MARCH) == file_name
