"""CSV and TSV: each row as a paragraph that stands on its own, with the names of its columns."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from pathlib import PurePosixPath
from typing import Literal

from index.errors import ParseError
from index.parsers.grid import is_head
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
    mark, skipped = _delimiter(text)
    # A quotation mark that is never closed would make one cell of all that follows.
    closed = text.count('"') % 2 == 0
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if closed else csv.QUOTE_NONE
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=mark, quoting=quoting, skipinitialspace=True)
    writer = Writer()
    columns: list[str] = []
    unseen: set[int] = set()  # columns whose names no row has shown
    may_be_head = True
    line = 1
    try:
        for row in reader:
            cells = [" ".join(cell.split()) for cell in row]
            while len(cells) > len(columns) > 0 and not cells[-1]:
                cells.pop()  # there is a mark at the end of each row
            filled = sum(map(bool, cells))
            if filled and line > skipped:
                if may_be_head and is_head(cells):
                    columns, head_line = cells, line
                    unseen = {column for column, name in enumerate(cells) if name}
                elif len(cells) <= len(columns):
                    writer.add(row_text(columns, cells), line)
                    unseen -= {column for column, cell in enumerate(cells) if cell}
                else:
                    writer.add("; ".join(filter(None, cells)), line)
                may_be_head = may_be_head and filled == 1  # titles may stand above the names
            line = reader.line_num + 1
    except csv.Error as error:
        raise ParseError(f"Line {reader.line_num} of the table cannot be read: {error}.") from error
    if unseen:  # names that no row has would be lost
        writer.add("; ".join(filter(None, columns)), head_line)
    path = PurePosixPath(document_id)
    name = path.stem.replace("_", " ").replace("-", " ").strip()
    kind = "tsv" if path.suffix.lower() == ".tsv" else "csv"
    return Document(document_id, name, writer.text(), tuple(writer.blocks), kind, digest)


def _delimiter(text: str) -> tuple[str, int]:
    """What sets cells apart, and how many lines say so.

    That is the character which sets apart the same number of cells in most of the first lines.
    """
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:20]
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) == 5:
        return lines[0][4], 1
    best = {}
    for mark in _DELIMITERS:
        counts = Counter(
            len(row)
            for row in csv.reader(lines, delimiter=mark, skipinitialspace=True)
            if len(row) > 1
        )
        best[mark] = max(((times, cells) for cells, times in counts.items()), default=(0, 0))
    return max(_DELIMITERS, key=best.__getitem__), 0
