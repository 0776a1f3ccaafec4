"""PDF: characters on pages to lines, and where quotes stand on them, by PDFium.

Columns are read one after the other; running headers, footers and page numbers are left out. A
page that is a picture is read by OCR where that is installed, and else has no text.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import index.parsers.ocr as ocr
from index.errors import ParseError
from index.parsers.author import names
from index.parsers.flow import write
from index.parsers.layout import CUT, Box, Line, Page, drop_running
from index.parsers.writer import Writer
from index.records import Document, Extent

GAP = 1.6  # of the size of letters: a wider gap between words sets columns apart

_WORD = re.compile(r"[^\s\ufffe]+\ufffe?")
_FILE_NAME = re.compile(
    r"\.(?:docx?|pdf|indd|qxd|wpd|pptx?|xlsx?|tif|rtf|e?ps|p65|pmd|tex|dvi|lwp)$"
)
_BOLD = re.compile(rb"bold|black|heavy", re.IGNORECASE)
_DAY = re.compile(r"D?:?(\d{4})(\d\d)(\d\d)")
_LETTER = re.compile(r"[^\W\d_]")


def parse_pdf(data: bytes, document_id: str, digest: str) -> Document:
    """Read the text layer of a PDF and, where OCR is installed, the pages that are pictures.

    Raises:
        ParseError: it is encrypted, damaged, or there is text in pictures only, and no OCR.
    """
    with _opened(data) as pdf:
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
    name = PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()
    title = facts["Title"]
    title = title if _is_title(title) else writer.first_heading or name
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
    pages = [_page(pdf, number) for number in range(1, len(pdf) + 1)]
    whole = {page.number: page.lines for page in pages}
    left_out = drop_running(pages)
    pictures = [page for page in pages if not page.lines and _is_picture(pdf, page)]
    engine = ocr.engine() if pictures else ""
    unreached: tuple[int, ...] = ()
    for place, page in enumerate(pictures if engine else ()):
        try:
            page.lines = ocr.read(pdf, page.number)
        except ocr.OutOfTime:
            unreached = tuple(one.number for one in pictures[place:])
            break
        whole[page.number] = page.lines or whole[page.number]
    by_ocr = tuple(page.number for page in pictures if page.lines)
    without_text = tuple(page.number for page in pictures if not page.lines)
    left_out += drop_running([page for page in pictures if page.lines])
    if not any(page.lines for page in pages):
        # Short pages that are alike look like nothing but headers.
        for page in pages:
            page.lines = [line for line in whole[page.number] if _LETTER.search(line.text)]
            left_out -= sum(len(line.text) for line in page.lines)
    return pages, Extent(left_out, len(pages), without_text, by_ocr, unreached), engine


def _no_text(extent: Extent, engine: str) -> str:
    pages = len(extent.without_text)
    what = "its only page is a picture" if pages == 1 else f"{pages:,} pictures"
    if extent.unreached:
        late = f"In its time OCR has read {pages - len(extent.unreached):,}, and found no text."
        return f"The PDF has no text layer ({what}). {late} {ocr.MORE_TIME}"
    if engine:
        return f"The PDF has no text layer ({what}), and OCR finds no text in it."
    return f"The PDF has no text layer ({what}). It needs OCR. {ocr.lacking()}"


def _page(pdf: Any, number: int) -> Page:
    """A page as it stands in the file; one that is damaged has no lines."""
    import pypdfium2

    try:
        page = pdf[number - 1]
        width, height = page.get_size()
        return Page(number, width, height, lines_of(page))
    except pypdfium2.PdfiumError:
        return Page(number, 0.0, 0.0, [])


def _is_picture(pdf: Any, page: Page) -> bool:
    """Whether a page shows something that is no text; a damaged page may."""
    import pypdfium2
    import pypdfium2.raw as raw

    drawn = (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_SHADING)
    try:
        return any(True for _ in pdf[page.number - 1].get_objects(filter=drawn))
    except pypdfium2.PdfiumError:
        return True


def boxes(data: bytes, number: int, quote: str) -> list[tuple[int, Box]]:
    """Where a quote that begins on page ``number``, from 1, stands: a box for each line of it.

    Returns ``(page, box)``; nothing where the quote is not on that page and the next. What was
    read by OCR is read again.

    Raises:
        ParseError: the PDF cannot be opened.
    """
    with _opened(data) as pdf:
        pages = [_page(pdf, index + 1) for index in range(number - 1, min(number + 1, len(pdf)))]
        found = _boxes(pages, quote)
        for page in pages if not found and ocr.engine() else ():
            if not found and _is_picture(pdf, page):
                page.lines = ocr.read(pdf, page.number) or page.lines
                found = _boxes(pages, quote)
    return found


def _boxes(pages: list[Page], quote: str) -> list[tuple[int, Box]]:
    words: list[tuple[str, int, Line, float, float]] = []
    for page in pages:
        page.order()
    lines = [(page, line) for page in pages for line in page.lines]
    lines += [(page, line) for page in pages for line in page.notes]
    for page, line in lines:
        for start, end, left, right in line.words:
            words.append((line.text[start:end], page.number, line, left, right))
    wanted = _squeezed(quote)
    squeezed = [_squeezed(word[0]) for word in words]
    starts, whole = [], ""
    for part in squeezed:
        starts.append(len(whole))
        whole += part
    at = whole.find(wanted) if wanted else -1
    if at < 0:
        return []
    found: list[tuple[int, Box]] = []
    last: Line | None = None
    for (_, number, line, left, right), start, part in zip(words, starts, squeezed, strict=True):
        if start < at + len(wanted) and start + len(part) > at:
            if last is line:
                number, (left, *_) = found.pop()
            found.append((number, (left, line.bottom, right, line.top)))
            last = line
    return found


def lines_of(page: Any) -> list[Line]:
    """The lines of a page as they stand in the file, split where columns or cells are apart."""
    import pypdfium2.raw as raw

    text_page = page.get_textpage()  # its handle lives as long as it does
    handle = text_page.raw
    count = raw.FPDFText_CountChars(handle)
    if count <= 0:
        return []
    buffer = (ctypes.c_ushort * (count + 1))()
    raw.FPDFText_GetText(handle, 0, count, buffer)
    text = ctypes.string_at(buffer, 2 * count).decode("utf-16-le", "replace")
    if len(text) != count:  # characters beyond the first 65,536 would shift all that follow
        codes = (raw.FPDFText_GetUnicode(handle, number) for number in range(count))
        text = "".join(chr(code) if code < 0x110000 else "\ufffd" for code in codes)
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    box = [ctypes.byref(number) for number in (left, right, bottom, top)]
    matrix = raw.FS_MATRIX()
    found: list[Line] = []
    line: Line | None = None
    end = 0
    for match in _WORD.finditer(text):
        if line is not None and (
            "\n" in text[end : match.start()] or "\r" in text[end : match.start()]
        ):
            line = None
        first, end = match.span()
        cut = match[0].endswith("\ufffe")
        last = end - 1 - cut
        if last < first or not raw.FPDFText_GetCharBox(handle, first, *box):
            continue
        x0, y0, y1 = left.value, bottom.value, top.value
        raw.FPDFText_GetCharBox(handle, last, *box)
        x0, x1 = min(x0, left.value), max(x0, right.value)
        y0, y1 = min(y0, bottom.value), max(y1, top.value)
        if line is None or x0 - line.right > GAP * line.size or x0 < line.left - 1:
            size = raw.FPDFText_GetFontSize(handle, first) or 1.0
            if raw.FPDFText_GetMatrix(handle, first, matrix):
                size *= (matrix.b**2 + matrix.d**2) ** 0.5 or 1.0
            bold = _is_bold(handle, first)
            line = Line("", x0, x1, y0, y1, size, bold)
            found.append(line)
        line.add(match[0][:-1] + CUT if cut else match[0], x0, y0, x1, y1)
        if cut:
            line = None
    return found


def _is_bold(handle: Any, place: int) -> bool:
    import pypdfium2.raw as raw

    if raw.FPDFText_GetFontWeight(handle, place) >= 600:
        return True
    # The fonts that every reader has are known by name only.
    name = ctypes.create_string_buffer(100)
    flags = ctypes.c_int()
    size = raw.FPDFText_GetFontInfo(handle, place, name, len(name), ctypes.byref(flags))
    return 0 < size <= len(name) and bool(_BOLD.search(name.value))


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


def _opened(data: bytes) -> Any:
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise ParseError(
                "The PDF is encrypted. Save it without a password, then rebuild."
            ) from error
        reason = str(error).rstrip(".")
        raise ParseError(f"The PDF is damaged and cannot be opened: {reason}.") from error
