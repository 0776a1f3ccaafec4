"""PDF: characters on pages to paragraphs in reading order, by PDFium.

Columns are read one after the other; running headers, footers and page numbers are left out;
words cut at the end of a line are mended; a paragraph goes on over lines, columns and pages.
Headings are told by their size and weight. A scanned page without a text layer has no text here.
"""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from statistics import median
from typing import Any

from index.errors import ParseError
from index.parsers.writer import Writer
from index.records import Document, Extent

GAP = 1.6  # of the size of letters: a wider gap between words sets columns apart
LEADING = 1.35  # of the usual distance of lines: a wider one sets paragraphs apart
MARGIN = 0.13  # of the page's height, at its top and at its bottom, where headers and footers are
RUNNING = 3  # pages that a line must stand on to be a header or footer
LARGER = 1.15  # than the usual letters are those of headings
LONGEST_HEADING = 160  # characters
CUT = "\u00ad"  # at the end of a line: the word goes on in the next one

_WORD = re.compile(r"[^\s\ufffe]+\ufffe?")
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_BULLET = re.compile(r"(?:[•▪●○■◦‣–—*]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,4})[.)]|(?:\d+\.)+\d*)\s")
_END = re.compile(r"[.!?:;][\"'”’)\]]*$")
_BOLD = re.compile(rb"bold|black|heavy", re.IGNORECASE)
_DAY = re.compile(r"D?:?(\d{4})(\d\d)(\d\d)")
_LETTER = re.compile(r"[^\W\d_]")

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points from the page's lower left corner."""


@dataclass(slots=True)
class Line:
    """Words side by side. ``words`` are offsets into ``text`` and their left and right edges."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    size: float
    bold: bool
    words: list[tuple[int, int, float, float]] = field(default_factory=list)

    def add(self, word: str, left: float, bottom: float, right: float, top: float) -> None:
        """Append a word, with a space before it if it is not the first."""
        start = len(self.text) + 1 if self.text else 0
        self.text = f"{self.text} {word}" if self.text else word
        self.words.append((start, start + len(word), left, right))
        self.right = max(self.right, right)
        self.bottom, self.top = min(self.bottom, bottom), max(self.top, top)


@dataclass(slots=True)
class Page:
    """The lines of a page in reading order, and its height in points."""

    number: int
    height: float
    lines: list[Line]


@dataclass(slots=True)
class Paragraph:
    """Lines that belong together; ``page`` is the one it begins on."""

    page: int
    lines: list[Line]

    @property
    def text(self) -> str:
        """The lines as one, words that were cut mended."""
        parts: list[str] = []
        for line in self.lines:
            if (parts and parts[-1].endswith(CUT)) or (parts and _hyphenated(parts[-1], line.text)):
                parts[-1] = parts[-1][:-1] + line.text
            else:
                parts.append(line.text)
        return " ".join(parts).replace(CUT, "")


def parse_pdf(data: bytes, document_id: str, digest: str) -> Document:
    """Read the text layer of a PDF.

    Raises:
        ParseError: it is encrypted, damaged, or no page of it has a text layer.
    """
    with _opened(data) as pdf:
        pages = [_page(pdf, number) for number in range(1, len(pdf) + 1)]
        facts = {name: str(fact).strip() for name, fact in pdf.get_metadata_dict().items()}
    if pages and not any(page.lines for page in pages):
        what = "its only page is a picture" if len(pages) == 1 else f"{len(pages):,} pictures"
        raise ParseError(f"The PDF has no text layer ({what}). It needs OCR.")
    left_out = _drop_running(pages)
    without_text = tuple(page.number for page in pages if not page.lines)
    for page in pages:
        page.lines = ordered(page.lines)
    paragraphs = list(_joined(_paragraphs(pages)))
    writer = Writer()
    levels = _levels(paragraphs)
    for paragraph in paragraphs:
        text = paragraph.text
        level = levels.get(_style(paragraph), 0) if _may_head(paragraph, text) else 0
        if level:
            writer.begin_section(level, text, page=paragraph.page)
        else:
            writer.add(text, page=paragraph.page)
    writer.end_section()
    name = PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()
    title = facts.get("Title", "")
    title = title if _is_title(title) else writer.first_heading or name
    metadata = {"author": facts.get("Author", ""), "date": _date(facts)}
    metadata = {name: fact for name, fact in metadata.items() if fact}
    return Document(
        document_id,
        title,
        writer.text(),
        tuple(writer.blocks),
        "pdf",
        digest,
        metadata,
        Extent(left_out, len(pages), without_text),
    )


def _page(pdf: Any, number: int) -> Page:
    """A page as it stands in the file; one that is damaged has no lines."""
    import pypdfium2

    try:
        page = pdf[number - 1]
        return Page(number, page.get_height(), lines_of(page))
    except pypdfium2.PdfiumError:
        return Page(number, 0.0, [])


def boxes(data: bytes, number: int, quote: str) -> list[tuple[int, Box]]:
    """Where a quote that begins on page ``number``, from 1, stands: a box for each line of it.

    Returns ``(page, box)``; nothing where the quote is not on that page and the next.

    Raises:
        ParseError: the PDF cannot be opened.
    """
    with _opened(data) as pdf:
        words: list[tuple[str, int, Line, float, float]] = []
        for index in range(number - 1, min(number + 1, len(pdf))):
            for line in ordered(_page(pdf, index + 1).lines):
                for start, end, left, right in line.words:
                    words.append((line.text[start:end], index + 1, line, left, right))
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
    for (_, page, line, left, right), start, part in zip(words, starts, squeezed, strict=True):
        if start < at + len(wanted) and start + len(part) > at:
            if last is line:
                page, (left, *_) = found.pop()
            found.append((page, (left, line.bottom, right, line.top)))
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


def ordered(lines: list[Line]) -> list[Line]:
    """Lines in reading order: columns one after the other, else rows from the top."""
    if len(lines) < 2:
        return lines
    gutter = _gutter(lines)
    if gutter is None:
        return _rows(lines)
    found: list[Line] = []
    left: list[Line] = []
    right: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.top):
        if line.left < gutter < line.right:
            found += [*ordered(left), *ordered(right), line]
            left, right = [], []
        else:
            (left if line.right <= gutter else right).append(line)
    return [*found, *ordered(left), *ordered(right)]


def _gutter(lines: Sequence[Line]) -> float | None:
    """Where a page's text falls apart into columns; few lines may reach across."""
    long = [line for line in lines if len(line.text) >= 15]
    if len(long) < 8:
        return None
    begin, end = min(line.left for line in long), max(line.right for line in long)
    best: tuple[int, float, float] | None = None
    for x in sorted({line.left for line in long}):
        if not begin + 0.15 * (end - begin) < x < begin + 0.85 * (end - begin):
            continue
        before = [line for line in long if line.right < x]
        after = [line for line in long if line.left >= x - 1]
        across = len(long) - len(before) - len(after)
        if min(len(before), len(after)) < 4 or across > len(long) // 4:
            continue
        edge = max(line.right for line in before)
        if not _filled(before) or not _filled(after) or not _beside(before, after):
            continue
        if best is None or across < best[0]:
            best = across, edge, x
    return None if best is None else (best[1] + best[2]) / 2


def _filled(lines: Sequence[Line]) -> bool:
    """Whether lines run to a common edge, as those of a column do and cells of a table do not."""
    begin, end = min(line.left for line in lines), max(line.right for line in lines)
    return median(line.right - line.left for line in lines) > 0.6 * (end - begin)


def _beside(before: Sequence[Line], after: Sequence[Line]) -> bool:
    """Whether two columns stand beside each other for most of their height."""
    low = max(min(line.bottom for line in side) for side in (before, after))
    high = min(max(line.top for line in side) for side in (before, after))
    heights = [
        max(line.top for line in side) - min(line.bottom for line in side)
        for side in (before, after)
    ]
    return high - low > 0.5 * min(heights)


def _rows(lines: list[Line]) -> list[Line]:
    """From the top; what stands at one height from left to right, as one line."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: -(line.top + line.bottom)):
        first = rows[-1][0] if rows else None
        if first is not None and first.bottom < (line.top + line.bottom) / 2 < first.top:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_merged(sorted(row, key=lambda line: line.left)) for row in rows]


def _merged(row: list[Line]) -> Line:
    if len(row) == 1:
        return row[0]
    first = row[0]
    whole = Line("", first.left, first.left, first.bottom, first.top, first.size, first.bold)
    for line in row:
        for start, end, left, right in line.words:
            whole.add(line.text[start:end], left, line.bottom, right, line.top)
    return whole


def _drop_running(pages: Sequence[Page]) -> int:
    """Leave out lines that stand at the top or bottom of several pages, and page numbers.

    Returns how many characters that are.
    """
    seen: Counter[tuple[bool, str]] = Counter()
    for page in pages:
        seen.update({_running_key(page, line) for line in page.lines if _in_margin(page, line)})
    left_out = 0
    for page in pages:
        kept = []
        for line in page.lines:
            if _in_margin(page, line) and (
                seen[_running_key(page, line)] >= RUNNING
                or (len(pages) > 1 and not _LETTER.search(_NUMBER.sub("", line.text)))
            ):
                left_out += len(line.text)
            else:
                kept.append(line)
        page.lines = kept
    return left_out


def _in_margin(page: Page, line: Line) -> bool:
    return line.bottom > (1 - MARGIN) * page.height or line.top < MARGIN * page.height


def _running_key(page: Page, line: Line) -> tuple[bool, str]:
    return line.bottom > page.height / 2, _NUMBER.sub("#", line.text)


def _paragraphs(pages: Sequence[Page]) -> Iterator[Paragraph]:
    letters: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            letters[line.size] += len(line.text)
    usual = letters.most_common(1)[0][0] if letters else 0.0
    for page in pages:
        if not page.lines:
            continue
        gaps = [
            above.bottom - below.bottom
            for above, below in zip(page.lines, page.lines[1:], strict=False)
            if 0 < above.bottom - below.bottom < 4 * above.size
        ]
        leading = sorted(gaps)[len(gaps) // 3] if gaps else 0.0
        current = Paragraph(page.number, [page.lines[0]])
        for above, below in zip(page.lines, page.lines[1:], strict=False):
            if _goes_on(current, above, below, leading, usual):
                current.lines.append(below)
            else:
                yield current
                current = Paragraph(page.number, [below])
        yield current


def _goes_on(paragraph: Paragraph, above: Line, below: Line, leading: float, usual: float) -> bool:
    if above.text.endswith(CUT):
        return True
    larger, smaller = max(above.size, below.size), min(above.size, below.size)
    if larger > 1.12 * smaller or (above.bold != below.bold and _end_of(above)):
        return False
    if _BULLET.match(below.text):
        return False
    drop = above.bottom - below.bottom
    if smaller > LARGER * usual and 0 < drop < 1.6 * above.size:
        return True  # a long heading
    if drop < 0 or drop > 4 * above.size:  # the next column
        return not _END.search(above.text) and not _heads(paragraph)
    if drop > LEADING * leading and drop > 1.25 * above.size:
        return False
    width = max(line.right for line in paragraph.lines) - min(line.left for line in paragraph.lines)
    ends = _END.search(above.text) is not None
    if ends and below.left - min(line.left for line in paragraph.lines[-3:]) > 0.8 * below.size:
        return False  # indented
    return not (ends and above.right < above.left + 0.75 * max(width, below.right - below.left))


def _end_of(line: Line) -> bool:
    return len(line.text) < LONGEST_HEADING


def _heads(paragraph: Paragraph) -> bool:
    return paragraph.lines[0].bold and len(paragraph.lines) == 1


def _joined(paragraphs: Iterator[Paragraph]) -> Iterator[Paragraph]:
    """Paragraphs that go on past the end of a page as one."""
    waiting: Paragraph | None = None
    for paragraph in paragraphs:
        if waiting is not None and _continues(waiting, paragraph):
            waiting.lines += paragraph.lines
            continue
        if waiting is not None:
            yield waiting
        waiting = paragraph
    if waiting is not None:
        yield waiting


def _continues(before: Paragraph, after: Paragraph) -> bool:
    last, first = before.lines[-1], after.lines[0]
    same = abs(last.size - first.size) < 0.5 and last.bold == first.bold
    cut = last.text.endswith((CUT, "-"))
    open_end = not _END.search(last.text) and first.text[:1].islower()
    return before.page != after.page and same and (cut or open_end)


def _style(paragraph: Paragraph) -> tuple[float, bool]:
    line = paragraph.lines[0]
    return round(2 * line.size) / 2, line.bold


def _levels(paragraphs: Sequence[Paragraph]) -> dict[tuple[float, bool], int]:
    """The level of each style that heads others, the largest first; at most six."""
    letters: Counter[tuple[float, bool]] = Counter()
    for paragraph in paragraphs:
        letters[_style(paragraph)] += sum(len(line.text) for line in paragraph.lines)
    if not letters:
        return {}
    size, bold = letters.most_common(1)[0][0]
    heads = sorted(
        (
            style
            for style in letters
            if style[0] > LARGER * size or (style[1] and not bold and style[0] >= 0.95 * size)
        ),
        reverse=True,
    )
    return {style: min(level, 6) for level, style in enumerate(heads, start=1)}


def _may_head(paragraph: Paragraph, text: str) -> bool:
    return (
        len(text) <= LONGEST_HEADING
        and len(paragraph.lines) <= 3
        and not text.endswith((".", ",", ";"))
        and len(_LETTER.findall(text)) >= 3
    )


def _hyphenated(before: str, after: str) -> bool:
    """Whether a hyphen at the end of a line only cuts a word: ``estab-`` ``lished``."""
    return (
        len(before) > 2
        and before[-1] in "-\u2010"
        and before[-2].islower()
        and after[:1].islower()
        and "-" not in before[:-1].rpartition(" ")[2]
    )


def _is_title(title: str) -> bool:
    """Whether a PDF's own title is one: not a file's name, and not what a program left there."""
    low = title.lower()
    return (
        4 < len(title) < 200
        and bool(_LETTER.search(title))
        and not low.startswith(("microsoft ", "untitled", "slide "))
        and not re.search(r"\.(?:docx?|pdf|indd|qxd|wpd|pptx?|xlsx?|tif|rtf)$", low)
    )


def _date(facts: Mapping[str, str]) -> str:
    """The day a PDF was last changed or made: ``D:20200303…`` as ``2020-03-03``."""
    found = _DAY.match(facts.get("ModDate") or facts.get("CreationDate") or "")
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
