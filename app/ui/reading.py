"""A document as plain data for the reader and its outline. Imports no Streamlit."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any

from app.service import Service
from app.ui.view import Piece, cut, headings_of, place_of, quoted_in, quotes_in
from index.records import Citation, Passage, Span

AROUND = 12
"""Passages shown on either side of the open one, beside an answer."""

FEW = 40
"""Headings up to which all of a document are shown."""


def position_of(passages: Sequence[Passage], passage: Passage) -> int:
    """Where ``passage`` is among its document's passages; the nearest number if it is gone."""
    for index, other in enumerate(passages):
        if other.id == passage.id:
            return index
    return min(max(passage.number - 1, 0), max(len(passages) - 1, 0))


def reader_data(
    passages: Sequence[Passage],
    focus: int,
    citations: Sequence[Citation],
    around: int,
    centre: int | None = None,
    find: str = "",
) -> dict[str, Any]:
    """What reader.js draws: the passages ``around`` position ``centre``, by default ``focus``.

    Where ``find`` stands in them it is marked.
    """
    centre = focus if centre is None else centre
    first = max(0, centre - around)
    shown = passages[first : centre + around + 1]
    rows = []
    above = headings_of(passages[first - 1]) if first else []
    for passage in shown:
        path = headings_of(passage)
        same = 0
        while same < min(len(path), len(above)) and path[same] == above[same]:
            same += 1
        pieces = cut(passage.text, quoted_in(passage, citations))
        rows.append(
            {
                "number": passage.number,
                "id": passage.id,
                "place": place_of(passage),
                "headings": [
                    {"text": text, "depth": depth}
                    for depth, text in enumerate(path)
                    if depth >= same
                ],
                "pieces": found_in(pieces, find) if find else pieces,
            }
        )
        above = path
    return {
        "document": passages[focus].document_id,
        "title": passages[focus].title,
        "focus": passages[focus].number,
        "total": len(passages),
        "passages": rows,
    }


def picture_data(
    service: Service, passage: Passage, citations: Sequence[Citation]
) -> dict[str, Any]:
    """What picture.js draws: the page that a passage stands on, its quotes boxed.

    Where nothing in the passage is quoted the whole of it is boxed. Raises as
    ``Service.picture`` does.
    """
    quotes = quotes_in(passage, citations) or (passage.text,)
    found = service.picture(passage.document_id, passage.page or 1, quotes)
    return {
        "title": passage.title,
        "page": found.page,
        "pages": found.pages,
        "width": found.width,
        "tall": found.height,
        "image": f"data:image/webp;base64,{base64.b64encode(found.image).decode()}",
        "boxes": found.boxes,
        "quotes": quotes,
    }


def found_in(pieces: Sequence[Piece], find: str) -> list[Piece]:
    """The pieces with what was looked for cut out of those that are not marked, as "found"."""
    cuts: list[Piece] = []
    for text, kind in pieces:
        spans = [] if kind else _places(text, find)
        cuts += cut(text, spans, "found") if spans else [(text, kind)]
    return cuts


def matches(passages: Sequence[Passage], find: str) -> list[int]:
    """The numbers of the passages that have these words, in whatever case."""
    return [passage.number for passage in passages if _places(passage.text, find)]


def _places(text: str, find: str) -> list[Span]:
    words = r"\s+".join(re.escape(word) for word in find.split())
    return [found.span() for found in re.finditer(words, text, re.IGNORECASE)] if words else []


def outline(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """The headings of a document in order: text, depth, and the number of the passage below."""
    entries: list[dict[str, Any]] = []
    above: list[str] = []
    for passage in passages:
        path = headings_of(passage)
        same = 0
        while same < min(len(path), len(above)) and path[same] == above[same]:
            same += 1
        entries += [
            {"text": text, "depth": depth, "number": passage.number}
            for depth, text in enumerate(path)
            if depth >= same
        ]
        above = path
    return entries


def unfolded(entries: Sequence[dict[str, Any]], here: int) -> list[dict[str, Any]]:
    """The headings to show: all of a few; of many, those beside and below where ``here`` stands.

    ``here`` is the number of a passage. Each entry says whether headings below it are ``folded``.
    """
    path: dict[int, int] = {}  # depth -> where the heading above ``here`` is
    for index, entry in enumerate(entries):
        if entry["number"] > here:
            break
        path = {depth: at for depth, at in path.items() if depth < entry["depth"]}
        path[entry["depth"]] = index
    open_ = set(path.values())
    shown: list[dict[str, Any]] = []
    above: list[int] = []
    for index, entry in enumerate(entries):
        above = [at for at in above if entries[at]["depth"] < entry["depth"]]
        if len(entries) <= FEW or open_.issuperset(above):
            shown.append({**entry, "folded": False})
        elif above[:-1] == [at for at in above if at in open_]:
            shown[-1]["folded"] = True
        above.append(index)
    return shown


def step_from(numbers: Sequence[int], number: int, by: int) -> int:
    """The next of ``numbers``, in order, after or before one; round the end to the other."""
    if by > 0:
        return next((one for one in numbers if one > number), numbers[0])
    return next((one for one in reversed(numbers) if one < number), numbers[-1])
