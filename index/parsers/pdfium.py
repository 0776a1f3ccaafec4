"""What PDFium tells of a PDF: the lines of its pages as they stand in the file, and its pictures.

Lines are split where columns or cells are apart; their order is not settled here.
"""

from __future__ import annotations

import ctypes
import math
import re
import struct
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any
from unicodedata import normalize

from index.errors import ParseError
from index.parsers.layout import CUT, Line, Page, turned, unturned
from index.parsers.notes import written_on

GAP = 1.6  # of the size of letters: a wider gap between words sets columns apart
SKEW = 15  # degrees: what is turned by more is no line of a page, but lies across it
FEW = 100  # letters on a page that is a picture: a stamp's, not those of its text
UNREADABLE = 0.3  # of the characters of a page: more that are unknown make it a picture
WHOLE = 0.6  # of a page: a picture that covers more may be all of it

_WORD = re.compile(r"[^\s\ufffe]+\ufffe?")
_BOLD = re.compile(rb"bold|black|heavy", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_ODD = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\uf000-\uf0ff\ufffd]")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_SHAPED = re.compile(r"[\ufb1d-\ufdff\ufe70-\ufefc]")  # letters as they are drawn within a word
_LEFT_TO_RIGHT = re.compile(r"[0-9A-Za-z]")

_FOUR = struct.Struct("4d")
_Word = tuple[str, float, float, float, float, int]
"""A word, its left, bottom, right and top, and the place of its first character."""

# What fonts of signs have in their own places, as word processors use it before items of lists.
_SIGNS: dict[int, str] = dict.fromkeys((*range(9), *range(14, 32), *range(127, 160)), "�")
_SIGNS |= {0xF0B7: "•", 0xF0A7: "▪", 0xF0D8: "➢", 0xF0FC: "✓", 0xF0E0: "→", 0xF0A8: "□"}


def opened(data: bytes) -> Any:
    """A PDF as PDFium sees it.

    Raises:
        ParseError: it is encrypted or damaged.
    """
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


def page_of(pdf: Any, number: int) -> Page:
    """A page, from 1, as it stands in the file; one that is damaged has no lines."""
    import pypdfium2

    try:
        page = pdf[number - 1]
        box = page.get_bbox()
        lines = lines_of(page)
        filled, left_out = written_on(page)
    except pypdfium2.PdfiumError:
        return Page(number, 0.0, 0.0, [])
    letters: Counter[int | None] = Counter()
    for line in lines:
        letters[line.turn] += len(line.text)
    turn = next((turn for turn, _ in letters.most_common() if turn is not None), 0)
    left, bottom, right, top = turned(box, turn)
    found = Page(number, right - left, top - bottom, [], turn=turn, corner=(left, bottom))
    found.left_out = left_out
    size = median(line.size for line in lines) if lines else 1.0
    for field, text in filled:
        x0, y0, x1, y1 = turned(field, turn)
        one = Line("", x0, x1, y0, y1, size, False, turn=turn)
        for word in text.split():
            one.add(word, x0, y0, x1, y1)
        lines.append(one)
    unknown = sum(line.text.count("\ufffd") for line in lines)
    if unknown > UNREADABLE * sum(len(line.text) for line in lines):
        found.unreadable = True
        return found
    for line in lines:
        if line.turn != turn:
            found.across.append(line)
            continue
        line.move(-left, -bottom)
        if _is_on(line, found):
            found.lines.append(line)
        else:  # beyond the part of the page that is shown
            found.left_out += len(line.text)
    return found


def is_picture(pdf: Any, page: Page) -> bool:
    """Whether a page shows something that is no text; a damaged page may."""
    import pypdfium2
    import pypdfium2.raw as raw

    drawn = (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_SHADING)
    if page.unreadable:
        return True
    try:
        return any(True for _ in pdf[page.number - 1].get_objects(filter=drawn))
    except pypdfium2.PdfiumError:
        return True


def is_scan(pdf: Any, page: Page) -> bool:
    """Whether nearly all of a page is one picture, and its letters are too few to be its text."""
    import pypdfium2
    import pypdfium2.raw as raw

    if sum(len(line.text) for line in page.lines) > 3 * FEW or letters_of(page.lines) >= FEW:
        return False
    try:
        for image in pdf[page.number - 1].get_objects(filter=(raw.FPDF_PAGEOBJ_IMAGE,)):
            left, bottom, right, top = image.get_bounds()
            if (right - left) * (top - bottom) > WHOLE * page.width * page.height:
                return True
    except pypdfium2.PdfiumError:
        pass
    return False


def letters_of(lines: Sequence[Line]) -> int:
    """How many letters there are in some lines."""
    return sum(len(_LETTER.findall(line.text)) for line in lines)


def show(pdf: Any, page: Page, lines: list[Line]) -> None:
    """Put lines on a page whose places are those of the page as it is shown."""
    shown = pdf[page.number - 1]
    page.turn = shown.get_rotation() // 90 % 4
    left, bottom, right, top = turned(shown.get_bbox(), page.turn)
    page.width, page.height, page.corner = right - left, top - bottom, (left, bottom)
    for line in lines:
        line.turn = page.turn
    page.lines, page.across, page.unreadable = lines, [], False


def lines_of(page: Any) -> list[Line]:
    """The lines of a page in its own space, each turned until it can be read."""
    import pypdfium2.raw as raw

    box_of = raw.FPDFText_GetCharBox
    text_page = page.get_textpage()  # its handle lives as long as it does
    handle = text_page.raw
    text = _text_of(handle)
    backwards = _RIGHT_TO_LEFT.search(text) is not None
    sides = (ctypes.c_double * 4)()
    left, right, bottom, top = (
        ctypes.byref(ctypes.c_double.from_buffer(sides, 8 * number)) for number in range(4)
    )
    found: list[Line] = []
    words: list[_Word] = []
    turn: int | None = 0
    gap = begin = end = size = 0.0
    fonts = _Fonts(handle)
    after, cut = 0, False
    for match in _WORD.finditer(text):
        word = match[0]
        first = match.start()
        # Words are apart by one space, or by the end of a line.
        broken = cut or first - after > 1
        after = first + len(word)
        cut = word[-1] == "\ufffe"
        last = after - 1 - cut
        if last < first or not box_of(handle, first, left, right, bottom, top):
            continue
        x0, x1, y0, y1 = _FOUR.unpack(sides)
        if last > first:
            box_of(handle, last, left, right, bottom, top)
            a, b, c, d = _FOUR.unpack(sides)
            if backwards:
                word = _forwards(handle, word, first)
            x0 = a if a < x0 else x0
            x1 = b if b > x1 else x1
            y0 = c if c < y0 else y0
            y1 = d if d > y1 else y1
        if turn:
            x0, y0, x1, y1 = turned((x0, y0, x1, y1), turn)
        if words and (
            broken or x0 - end > gap or (begin - x1 > gap if backwards else x0 < begin - 1)
        ):
            found.append(_line(fonts, words, turn, size))
            words = []
        if not words:
            was = turn
            size, turn = fonts.size(first)
            if turn != was:
                box = unturned((x0, y0, x1, y1), was or 0)
                x0, y0, x1, y1 = turned(box, turn or 0)
            gap, begin, end = GAP * size, x0, x1
        elif x0 < begin:
            begin = x0
        if x1 > end:
            end = x1
        words.append((word, x0, y0, x1, y1, first))
    if words:
        found.append(_line(fonts, words, turn, size))
    return found


def _text_of(handle: Any) -> str:
    """The characters of a page, each in the place that PDFium numbers it by."""
    import pypdfium2.raw as raw

    count = raw.FPDFText_CountChars(handle)
    if count <= 0:
        return ""
    buffer = (ctypes.c_ushort * (count + 1))()
    raw.FPDFText_GetText(handle, 0, count, buffer)
    text = ctypes.string_at(buffer, 2 * count).decode("utf-16-le", "replace")
    if len(text) != count:  # characters beyond the first 65,536 would shift all that follow
        codes = (raw.FPDFText_GetUnicode(handle, number) for number in range(count))
        text = "".join(chr(code) if code < 0x110000 else "\ufffd" for code in codes)
    return text.translate(_SIGNS) if _ODD.search(text) else text


def _line(fonts: _Fonts, words: list[_Word], turn: int | None, size: float) -> Line:
    """Words as a line; ``size`` is that of its first one, which may be raised or an initial."""
    parts, lefts, bottoms, rights, tops, firsts = zip(*words, strict=True)
    text = " ".join(parts)
    if text[-1] == "\ufffe":
        text = text[:-1] + CUT
    edges = [0.0] * (2 * len(words))
    edges[::2], edges[1::2] = lefts, rights
    if len(parts[0]) < 3 and len(parts) > 1:
        size, _ = fonts.size(max(words, key=lambda word: len(word[0]))[-1])
    bold = fonts.is_bold(firsts[0]) and (len(firsts) == 1 or fonts.is_bold(firsts[-1]))
    return Line(text, min(lefts), max(rights), min(bottoms), max(tops), size, bold, edges, turn)


class _Fonts:
    """What the letters of a page are drawn with."""

    def __init__(self, handle: Any) -> None:
        import pypdfium2.raw as raw

        self._raw, self._handle = raw, handle
        self._matrix, self._flags = raw.FS_MATRIX(), ctypes.c_int()
        self._name = ctypes.create_string_buffer(100)

    def size(self, place: int) -> tuple[float, int | None]:
        """The size of a character, and its quarter turns; none where it is askew."""
        size = self._raw.FPDFText_GetFontSize(self._handle, place) or 1.0
        matrix = self._matrix
        if not self._raw.FPDFText_GetMatrix(self._handle, place, matrix):
            return size, 0
        a, b = matrix.a, matrix.b
        size *= math.hypot(matrix.c, matrix.d) or 1.0
        if not b and a > 0:
            return size, 0
        degrees = math.degrees(math.atan2(b, a))
        turn = round(degrees / 90)
        return size, turn % 4 if abs(degrees - 90 * turn) <= SKEW else None

    def is_bold(self, place: int) -> bool:
        """Whether a character is drawn with a bold font."""
        if self._raw.FPDFText_GetFontWeight(self._handle, place) >= 600:
            return True
        # The fonts that every reader has are known by name only.
        name = self._name
        size = self._raw.FPDFText_GetFontInfo(self._handle, place, name, len(name), self._flags)
        return 0 < size <= len(name) and bool(_BOLD.search(name.value))


def _forwards(handle: Any, word: str, first: int) -> str:
    """A word as it is read: Arabic or Hebrew letters whose places rise stand backwards."""
    import pypdfium2.raw as raw

    letters = [
        place
        for place, letter in enumerate(word)
        if letter.isalpha() and _RIGHT_TO_LEFT.match(letter)
    ]
    if len(letters) < 2:
        return word
    begin, end = letters[0], letters[-1] + 1
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    raw.FPDFText_GetCharBox(handle, first + begin, left, right, bottom, top)
    x = left.value
    raw.FPDFText_GetCharBox(handle, first + end - 1, left, right, bottom, top)
    if x < left.value and not _LEFT_TO_RIGHT.search(word):
        word = word[:begin] + word[begin:end][::-1] + word[end:]
    return normalize("NFKC", word) if _SHAPED.search(word) else word


def _is_on(line: Line, page: Page) -> bool:
    """Whether the middle of a line lies on the page."""
    x, y = (line.left + line.right) / 2, (line.bottom + line.top) / 2
    return 0 <= x <= page.width and 0 <= y <= page.height
