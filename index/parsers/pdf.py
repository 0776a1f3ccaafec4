"""PDF: characters on pages to lines, and where quotes stand on them, by PDFium.

Columns are read one after the other; running headers, footers and page numbers are left out. A
page that is a picture is read by OCR where that is installed, and else has no text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import index.parsers.ocr as ocr
from index.errors import ParseError
from index.parsers.author import names
from index.parsers.flow import write
from index.parsers.layout import Box, Page
from index.parsers.notes import unread
from index.parsers.pdfium import is_picture, is_scan, letters_of, opened, page_of, show
from index.parsers.running import drop_running
from index.parsers.title import telling
from index.parsers.writer import Writer
from index.records import Document, Extent

_FILE_NAME = re.compile(
    r"\.(?:docx?|pdf|indd|qxd|wpd|pptx?|xlsx?|tif|rtf|e?ps|p65|pmd|tex|dvi|lwp)$"
)
_DAY = re.compile(r"D?:?(\d{4})(\d\d)(\d\d)")
_LETTER = re.compile(r"[^\W\d_]")


def parse_pdf(data: bytes, document_id: str, digest: str) -> Document:
    """Read the text layer of a PDF and, where OCR is installed, the pages that are pictures.

    Raises:
        ParseError: it is encrypted, damaged, or there is text in pictures only, and no OCR.
    """
    with opened(data) as pdf:
        pages, extent, engine = _pages(pdf)
        facts = {name: _fact(pdf, name) for name in ("Title", "Author", "ModDate", "CreationDate")}
    if not any(page.height for page in pages):
        raise ParseError("The PDF is damaged: none of its pages can be opened.")
    if extent.without_text and not any(page.lines for page in pages):
        raise ParseError(_no_text(extent, engine))
    for page in pages:
        page.order()
    writer = Writer()
    write(pages, writer)
    title = facts["Title"]
    if not _is_title(title):
        title = writer.title(document_id, telling(writer.headings))
    metadata = {"author": names([facts["Author"]]), "date": _date(facts)}
    metadata["ocr"] = engine if extent.by_ocr or extent.unreached else ""
    metadata["unreached"] = str(len(extent.unreached) or "")
    return Document(
        document_id,
        title,
        writer.text(),
        tuple(writer.blocks),
        "pdf",
        digest,
        {name: fact for name, fact in metadata.items() if fact},
        extent,
    )


def _pages(pdf: Any) -> tuple[list[Page], Extent, str]:
    """The pages without running lines, how much of them was read, and what reads pictures."""
    pages = [page_of(pdf, number) for number in range(1, len(pdf) + 1)]
    whole = {page.number: page.lines for page in pages}
    left_out = drop_running(pages) + sum(page.left_out for page in pages)
    pictures = [
        page
        for page in pages
        if (not page.lines and is_picture(pdf, page)) or (page.lines and is_scan(pdf, page))
    ]
    engine = ocr.engine() if pictures else ""
    unreached: tuple[int, ...] = ()
    by_ocr: list[Page] = []
    for place, page in enumerate(pictures if engine else ()):
        try:
            lines = ocr.read(pdf, page.number)
        except ocr.OutOfTime:
            unreached = tuple(one.number for one in pictures[place:])
            break
        if lines and letters_of(lines) >= 2 * letters_of(page.lines):
            show(pdf, page, lines)
            whole[page.number] = lines
            by_ocr.append(page)
    without_text = tuple(
        page.number for page in pictures if not page.lines or not engine or page.number in unreached
    )
    left_out += drop_running(by_ocr)
    if not any(page.lines or page.across for page in pages):
        # Short pages that are alike look like nothing but headers.
        for page in pages:
            page.lines = [line for line in whole[page.number] if _LETTER.search(line.text)]
            left_out -= sum(len(line.text) for line in page.lines)
    read = tuple(page.number for page in by_ocr)
    extent = Extent(left_out, len(pages), without_text, read, unreached, tuple(unread(pdf)))
    return pages, extent, engine


def _no_text(extent: Extent, engine: str) -> str:
    pages = len(extent.without_text)
    what = "its only page is a picture" if pages == 1 else f"{pages:,} pictures"
    if extent.unreached:
        late = f"In its time OCR has read {pages - len(extent.unreached):,}, and found no text."
        return f"The PDF has no text layer ({what}). {late} {ocr.MORE_TIME}"
    if engine:
        return f"The PDF has no text layer ({what}), and OCR finds no text in it."
    return f"The PDF has no text layer ({what}). It needs OCR. {ocr.lacking()}"


def boxes(data: bytes, number: int, quote: str) -> list[tuple[int, Box]]:
    """Where a quote that begins on page ``number``, from 1, stands: a box for each line of it.

    Returns ``(page, box)``; nothing where the quote is not on that page and the next. What was
    read by OCR is read again.

    Raises:
        ParseError: the PDF cannot be opened.
    """
    with opened(data) as pdf:
        pages = [page_of(pdf, index + 1) for index in range(number - 1, min(number + 1, len(pdf)))]
        found = _boxes(pages, quote)
        for page in pages if not found and ocr.engine() else ():
            if not found and is_picture(pdf, page):
                show(pdf, page, ocr.read(pdf, page.number) or page.lines)
                found = _boxes(pages, quote)
    return found


def _boxes(pages: list[Page], quote: str) -> list[tuple[int, Box]]:
    for page in pages:
        page.order()
    lines = [(page, line) for page in pages for line in page.lines]
    lines += [(page, line) for page in pages for line in page.notes]
    squeezed = [_squeezed(line.text) for _, line in lines]
    found: list[tuple[int, Box]] = []
    for number, start, end in _places(squeezed, _squeezed(quote)):
        page, line = lines[number]
        left, right, at = math.inf, -math.inf, 0
        for word, begin, stop in line.words():
            length = len(_squeezed(word))
            if at < end and at + length > start:
                left, right = min(left, begin), max(right, stop)
            at += length
        found.append((page.number, page.place(line, left, right)))
    return found


def _places(lines: list[str], quote: str) -> list[tuple[int, int, int]]:
    """The parts of lines that make up a quote; what stands in its way, such as footers, is left."""
    at = "".join(lines).find(quote) if quote else -1
    if at >= 0:
        found = []
        for number, line in enumerate(lines):
            if at < len(line) and at + len(quote) > 0 and line:
                found.append((number, max(0, at), min(len(line), at + len(quote))))
            at -= len(line)
        return found
    for number, line in enumerate(lines if quote else ()):
        for start in range(len(line)):
            if line.startswith(quote[: len(line) - start], start):
                rest = quote[len(line) - start :]
                if (more := _rest(lines, number + 1, rest)) is not None:
                    return [(number, start, len(line)), *more]
    return []


def _rest(lines: list[str], first: int, rest: str) -> list[tuple[int, int, int]] | None:
    """The next lines that the rest of a quote is made of, wherever they are."""
    found: list[tuple[int, int, int]] = []
    for number in range(first, len(lines)):
        length = min(len(lines[number]), len(rest))
        if length and lines[number][:length] == rest[:length]:
            found.append((number, 0, length))
            rest = rest[length:]
            if not rest:
                return found
    return None


def _is_title(title: str) -> bool:
    """Whether a PDF's own title is one: not a file's name, and not what a program left there."""
    low = title.lower()
    return (
        4 < len(title) < 200
        and bool(_LETTER.search(title))
        and not low.startswith(("microsoft ", "untitled", "slide "))
        and not _FILE_NAME.search(low)
    )


def _fact(pdf: Any, name: str) -> str:
    """What a PDF says of itself, on one line."""
    try:
        return " ".join(str(pdf.get_metadata_value(name)).split())
    except UnicodeDecodeError:
        return ""


def _date(facts: Mapping[str, str]) -> str:
    """The day a PDF was last changed or made: ``D:20200303…`` as ``2020-03-03``."""
    found = _DAY.match(facts["ModDate"] or facts["CreationDate"])
    return "-".join(found.groups()) if found else ""


def _squeezed(text: str) -> str:
    """Letters and digits alone: what a quote and its lines on a page have in common."""
    return "".join(character for character in text.lower() if character.isalnum())
