"""The words in the boxes of diagrams (SmartArt) of Word documents and presentations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from index.parsers.archive import xml

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


def box_texts(element: Any, part: Any) -> Iterator[str]:
    """A text for each box of each diagram in an element, which stands in a part of the file.

    Raises:
        ParseError: the XML of a diagram is damaged.
    """
    for reference in element.iter(f"{_DIAGRAM}relIds"):
        try:
            data = part.rels[reference.get(f"{_OFFICE}dm")].target_part.blob
        except (KeyError, ValueError, AttributeError):
            continue  # it is not in the file
        for point in xml(data).iter(f"{_DIAGRAM}pt"):
            paragraphs = point.iter(f"{_A}p")
            texts = ("".join(one.text or "" for one in p.iter(f"{_A}t")) for p in paragraphs)
            if text := " ".join(filter(None, texts)):
                yield text
