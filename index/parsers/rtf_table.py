"""Tables of RTF: their cells, which rows name columns, and what is merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from index.parsers.grid import Cell, guessed_head, row_texts


@dataclass(slots=True)
class Row:
    """The cells of a row, and how its definition merges them: ``across`` and ``down``."""

    cells: list[str] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    merge: str = ""
    is_head: bool = False


def texts_of(given: Sequence[Row]) -> Iterator[str]:
    """The text of each row."""
    rows: list[list[Cell]] = []
    begun: dict[int, tuple[int, int]] = {}  # column: where its last cell is
    for row in given:
        cells: list[Cell] = []
        for column, text in enumerate(row.cells):
            merge = row.merges[column] if column < len(row.merges) else ""
            if merge == "across" and cells and not text.strip():
                cells[-1] = replace(cells[-1], across=cells[-1].across + 1)
            elif merge == "down" and column in begun and not text.strip():
                number, place = begun[column]
                above = rows[number][place]
                rows[number][place] = replace(above, down=len(rows) - number + 1)
            else:
                begun[column] = len(rows), len(cells)
                cells.append(Cell(text))
        rows.append(cells)
    head = next((n for n, row in enumerate(given) if not row.is_head), len(rows))
    for _, text in row_texts(rows, head or guessed_head(rows)):
        yield text
