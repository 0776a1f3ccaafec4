"""What is drawn in Word documents and presentations: boxes of diagrams, charts, descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from index.parsers.archive import xml
from index.parsers.author import description
from index.parsers.grid import Cell, row_texts

_VML = "{urn:schemas-microsoft-com:vml}"
BOX = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}txbxContent"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


def drawn_texts(element: Any, part: Any) -> Iterator[str]:
    """The texts of all that is drawn in an element, which stands in a part of the file.

    A diagram has one for each box, a chart one for each row of its numbers. What text boxes hold
    is theirs.

    Raises:
        ParseError: the XML of a diagram or a chart is damaged.
    """
    seen = set()
    for drawn in element.iter():
        if drawn.tag == f"{_DIAGRAM}relIds" and is_in(drawn, element):
            data = _target(part, drawn.get(f"{_OFFICE}dm"))
            for point in xml(data).iter(f"{_DIAGRAM}pt") if data else ():
                yield _text(point)
        elif drawn.tag == f"{_C}chart" and is_in(drawn, element):
            data = _target(part, drawn.get(f"{_OFFICE}id"))
            yield from _chart(xml(data)) if data else ()
        described = description(drawn.get("descr") or drawn.get("alt"))
        if described and described not in seen and is_in(drawn, element):
            seen.add(described)
            yield described
        if drawn.tag == f"{_VML}textpath" and not is_copy(drawn):
            yield drawn.get("string") or ""


def is_in(inner: Any, outer: Any) -> bool:
    """Whether what lies in an element is in none of the text boxes inside that."""
    return next(inner.iterancestors(BOX), None) is next(outer.iterancestors(BOX), None)


def is_copy(element: Any) -> bool:
    """Whether an element is the second copy of what is drawn that Word keeps for older programs."""
    return any(above.tag.endswith("}Fallback") for above in element.iterancestors())


def _target(part: Any, relation: str | None) -> bytes:
    try:
        return bytes(part.rels[relation].target_part.blob)
    except (KeyError, ValueError, AttributeError, TypeError):
        return b""  # it is not in the file


def _chart(root: Any) -> Iterator[str]:
    """Titles, and a row for each category, with the names of the series."""
    for title in root.iter(f"{_C}title"):
        yield _text(title)
    names: list[Cell] = [Cell("")]
    rows: dict[str, list[str]] = {}
    series = list(root.iter(f"{_C}ser"))
    for number, one in enumerate(series):
        names.append(Cell(" ".join(_values(one, "tx").values())))
        labels = _values(one, "cat") or _values(one, "xVal")
        for index, value in (_values(one, "val") or _values(one, "yVal")).items():
            row = rows.setdefault(labels.get(index, ""), [""] * len(series))
            row[number] = value if not row[number] else f"{row[number]}, {value}"
    table = [[Cell(label), *map(Cell, row)] for label, row in rows.items()]
    for _, text in row_texts([names, *table]):
        yield text


def _values(series: Any, name: str) -> dict[str, str]:
    """What a chart shows of a series, by its place."""
    found = series.find(f"{_C}{name}")
    if found is None:
        return {}
    kind = found.findtext(f".//{_C}formatCode") or ""
    texts = {one.get("idx") or "": one.findtext(f"{_C}v") or "" for one in found.iter(f"{_C}pt")}
    direct = found.findtext(f"{_C}v")
    if direct and not texts:
        texts = {"": direct}
    is_number = found.find(f".//{_C}numCache") is not None
    return {place: _shown(text, kind) if is_number else text for place, text in texts.items()}


def _shown(value: str, kind: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return value
    return f"{100 * number:.10g}%" if "%" in kind else f"{number:.10g}"


def _text(element: Any) -> str:
    paragraphs = element.iter(f"{_A}p")
    texts = ("".join(one.text or "" for one in p.iter(f"{_A}t")) for p in paragraphs)
    return " ".join(filter(None, texts))
