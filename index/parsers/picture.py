"""A page of a PDF as a picture, and where quotes stand on it.

``main`` is for a process of its own: it takes what ``picture_of`` does from its standard input, and
writes a line of JSON and the picture. What takes too long can be ended then, and harms nobody.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import ParseError
from index.parsers.pdf import boxes
from index.parsers.pool import limit

WIDTH = 1200
"""Pixels of a picture's longer side at least; a page of print is easy to read at twice its size."""

LARGEST = 4_000_000
"""Pixels of a picture at most."""

Share = tuple[float, float, float, float]
"""Left, top, right and bottom of a box in shares of the picture, 0..1, from its upper left."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as WebP, ``width`` by ``height`` pixels; ``boxes`` are on this page alone."""

    page: int
    pages: int
    width: int
    height: int
    image: bytes
    boxes: tuple[Share, ...]


def picture_of(path: Path, digest: str, number: int, quotes: tuple[str, ...]) -> Picture:
    """Draw the page on which the first of the quotes begins, and mark all of them that stand on it.

    ``digest`` is the SHA-256 that the file must have, in hex; ``number`` is the page, from 1, that
    the quotes' passage begins on: a quote may stand on the next one.

    Raises:
        ParseError: the file has changed, cannot be opened, or has no such page.
    """
    import pypdfium2

    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise ParseError(f"The file '{path.name}' was changed since it was indexed. Rebuild.")
        found = [place for quote in quotes for place in boxes(data, number, quote)]
        shown = found[0][0] if found else number
        with pypdfium2.PdfDocument(data) as pdf:
            if not 1 <= shown <= len(pdf):
                raise ParseError(f"The PDF has no page {shown}.")
            if pdf.get_formtype():
                pdf.init_forms()  # else fields look empty
            page = pdf[shown - 1]
            width, height = page.get_size()
            scale = min(WIDTH / max(1.0, min(width, height)), (LARGEST / (width * height)) ** 0.5)
            image = page.render(scale=scale).to_pil().convert("RGB")
            marked = tuple(_share(page, box) for on, box in found if on == shown)
            buffer = io.BytesIO()
            image.save(buffer, "WEBP", quality=80, method=2)
            return Picture(shown, len(pdf), image.width, image.height, buffer.getvalue(), marked)
    except (OSError, ArithmeticError, ValueError, pypdfium2.PdfiumError) as error:
        raise ParseError(f"The page cannot be drawn: {error}.") from error


def _share(page: Any, box: tuple[float, float, float, float]) -> Share:
    """A box in points of the page's own space as it lies on the page when shown, turned or not."""
    import pypdfium2.raw as raw

    size = 100_000
    corners = []
    for x, y in ((box[0], box[1]), (box[2], box[3])):
        left, top = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(
            page.raw, 0, 0, size, size, 0, x, y, ctypes.byref(left), ctypes.byref(top)
        )
        corners.append((left.value / size, top.value / size))
    (x0, y0), (x1, y1) = corners
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def main() -> None:
    """Draw the page that the standard input names; ``memory`` are the bytes this may take."""
    asked = json.load(sys.stdin)
    limit(asked["memory"])
    try:
        quotes = tuple(asked["quotes"])
        found = picture_of(Path(asked["path"]), asked["digest"], asked["page"], quotes)
    except ParseError as error:
        json.dump({"error": str(error)}, sys.stdout)
        return
    head = {name: getattr(found, name) for name in ("page", "pages", "width", "height", "boxes")}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + found.image)
