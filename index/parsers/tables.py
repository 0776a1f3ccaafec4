"""CSV and TSV: each row as a paragraph that stands on its own, with the names of its columns."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import PurePosixPath

from index.errors import ParseError
from index.parsers.text import decode
from index.parsers.writer import Writer, row_text
from index.records import Document

_DELIMITERS = ",;\t|"


def parse_table(data: bytes, document_id: str, digest: str) -> Document:
    """Read a table; whatever sets its cells apart is told by its first lines.

    Raises:
        ParseError: the bytes are no text, or a row cannot be read.
    """
    text = decode(data)
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=False)
    writer = Writer()
    columns: list[str] = []
    line = 1
    try:
        for row in reader:
            cells = [" ".join(cell.split()) for cell in row]
            if any(cells):
                if not columns and not writer.blocks and _is_head(cells):
                    columns = cells
                    head_line = line
                elif columns and len(cells) <= len(columns):
                    writer.add(row_text(columns, cells), line)
                else:
                    writer.add("; ".join(filter(None, cells)), line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise ParseError(f"Line {reader.line_num} of the table cannot be read: {error}.") from error
    if columns and not writer.blocks:
        writer.add("; ".join(filter(None, columns)), head_line)
    path = PurePosixPath(document_id)
    name = path.stem.replace("_", " ").replace("-", " ").strip()
    kind = "tsv" if path.suffix.lower() == ".tsv" else "csv"
    return Document(document_id, name, writer.text(), tuple(writer.blocks), kind, digest)


def _delimiter(text: str) -> str:
    """The character that sets apart the same number of cells in most of the first lines."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:20]
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) == 5:
        return lines[0][4]
    counts = {mark: [len(row) for row in csv.reader(lines, delimiter=mark)] for mark in _DELIMITERS}
    return max(
        _DELIMITERS,
        key=lambda mark: (
            sum(1 for count in counts[mark] if count > 1 and count == counts[mark][0]),
            counts[mark][0] if counts[mark] else 0,
        ),
    )


def _is_head(cells: list[str]) -> bool:
    """Whether a first row names columns: all different, none a number, none long."""
    named = [cell for cell in cells if cell]
    return (
        len(named) == len(set(named)) > 1
        and all(len(cell) <= 80 for cell in named)
        and not any(_is_number(cell) for cell in named)
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "").replace("%", "").lstrip("$€£"))
    except ValueError:
        return False
    return True
