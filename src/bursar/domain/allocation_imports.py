"""Allocations written down in a CSV file: who gets how much, a line each.

Reading a file needs nobody but the file. Whom a line means is looked up elsewhere, and what is wrong then is told in
the same way. Read next: `allocation_batches`.

Rule: BATCH-11
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bursar.domain.allocation_batches import ROWS_MAX
from bursar.domain.credits import Credits, parse_typed
from bursar.domain.refusals import Refusal

CSV_LENGTH_MAX = 8_000_000
"""Characters of a file: room for 80 a line in the longest one."""

FAULTS_TOLD_MAX = 100
"""So many wrong lines are told one by one. Who has more has made the same mistake in all of them."""

NOTE_LENGTH_MAX = 200
COLUMNS = ("member", "amount", "note")
_REQUIRED = frozenset({"member", "amount"})


@dataclass(frozen=True, slots=True)
class ImportedLine:
    """One line that can be read: where it stands, whom it names and how, how much, and why."""

    number: int
    member: str
    amount: Credits
    note: str | None


@dataclass(frozen=True, slots=True)
class ReadImport:
    """A file as it was read: the good lines, and what is wrong with each of the others."""

    lines: Sequence[ImportedLine]
    faults: Mapping[int, str]


def read_import(text: str) -> ReadImport:
    """All lines of a file that begins with a header. Refuses `invalid_input` where it is no such file at all."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    lines: list[ImportedLine] = []
    faults: dict[int, str] = {}
    try:
        columns = _columns(next(reader, []))
        number = reader.line_num
        for cells in reader:
            number, ended = number + 1, reader.line_num
            if any(cell.strip() for cell in cells):
                if len(lines) + len(faults) >= ROWS_MAX:
                    raise _malformed(f"A file has at most {ROWS_MAX} lines.")
                _read_line(number, cells, columns, lines, faults)
            number = ended
    except csv.Error as error:
        raise _malformed(f"Line {reader.line_num} cannot be read as CSV: {error}.") from None
    if not lines and not faults:
        raise _malformed("The file has no line besides its header.")
    return ReadImport(lines, faults)


def check_lines(faults: Mapping[int, str]) -> None:
    """Refuses `invalid_input`, with the number of each wrong line and its reason, unless all lines are right.

    Rule: BATCH-11
    """
    if not faults:
        return
    told = sorted(faults)[:FAULTS_TOLD_MAX]
    detail = f"{len(faults)} lines are wrong, so nothing was allocated. Line {told[0]}: {faults[told[0]]}"
    facts = {f"line_{number}": faults[number] for number in told}
    raise Refusal("invalid_input", detail, field="csv", wrong_lines=str(len(faults)), **facts)


def _columns(header: Sequence[str]) -> Mapping[str, int]:
    """Where each column stands. Their order is free; an unknown one may be a misspelt note, so it is refused."""
    names = [cell.strip().lower() for cell in header]
    if len(set(names)) != len(names) or not _REQUIRED <= set(names) <= set(COLUMNS):
        raise _malformed('The first line names the columns: "member,amount" or "member,amount,note".')
    return {name: place for place, name in enumerate(names)}


def _read_line(
    number: int, cells: Sequence[str], columns: Mapping[str, int], lines: list[ImportedLine], faults: dict[int, str]
) -> None:
    if len(cells) != len(columns):
        faults[number] = f"It has {len(cells)} cells, and the header has {len(columns)}."
        return
    values = {name: cells[place].strip() for name, place in columns.items()}
    note = values.get("note") or None
    try:
        if not values["member"].isprintable() or not values["member"]:
            raise _malformed("It names nobody.")
        if note is not None and (len(note) > NOTE_LENGTH_MAX or not note.isprintable()):
            raise _malformed(f"A note is one line of at most {NOTE_LENGTH_MAX} characters.")
        lines.append(ImportedLine(number, values["member"], parse_typed(values["amount"], field="amount"), note))
    except Refusal as refusal:
        faults[number] = refusal.detail


def _malformed(sentence: str) -> Refusal:
    return Refusal("invalid_input", sentence, field="csv")
