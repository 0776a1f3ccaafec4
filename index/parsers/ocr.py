"""OCR: the lines of a page that is a picture, by Tesseract, where it is installed.

It is an extra: the package ``pytesseract`` and the program ``tesseract``. Without them nothing is
read here, and ``lacking`` says what to install. It can be given an end, at which it stops.
"""

from __future__ import annotations

import contextlib
import math
import shutil
import subprocess
import time
from collections import ChainMap
from collections.abc import Iterator
from contextvars import ContextVar
from importlib.util import find_spec
from itertools import groupby
from statistics import fmean, median
from typing import Any

from index.parsers.layout import Line

LANGUAGE = "eng"
DPI = 300  # what Tesseract is trained on
PIXELS = 40_000_000  # of a picture at most; larger pages are read in less detail
SURE = 50  # per cent: a line that is read with less confidence is a pattern, not text
HEADING = 1.5  # of the usual height of lines: letters have ascenders or not, headings are higher
DESCENDER = 0.2  # of the height of a line, below its baseline

MORE_TIME = "Raise the setting 'file_seconds', or split the file, then rebuild."

PACKAGE = "pip install pytesseract"
PROGRAM = "sudo apt-get install tesseract-ocr (Debian, Ubuntu) or brew install tesseract (macOS)"

_until: ContextVar[float] = ContextVar("until", default=math.inf)  # on the monotonic clock


class OutOfTime(Exception):  # noqa: N818 pages are left over, which is no error of ours
    """The time in which pages may be read is used up."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Read no page, and end the one that is being read, once these seconds are used up."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def engine(language: str = LANGUAGE) -> str:
    """What reads pictures, ``Tesseract 5.3.0 (eng)``, or nothing where some part is missing."""
    if find_spec("pytesseract") is None or shutil.which("tesseract") is None:
        return ""
    if language not in _said("--list-langs").split():
        return ""
    version = _said("--version").split()
    return f"Tesseract {version[1]} ({language})" if len(version) > 1 else ""


def lacking(language: str = LANGUAGE) -> str:
    """The commands that install what OCR lacks, as a sentence; nothing where it lacks nothing."""
    if engine(language):
        return ""
    commands = [PACKAGE] if find_spec("pytesseract") is None else []
    if shutil.which("tesseract") is None:
        commands.append(PROGRAM)
    elif not commands:
        commands.append(f"sudo apt-get install tesseract-ocr-{language}")
    return f"Install it: {'; and '.join(commands)}. Then rebuild."


def read(pdf: Any, number: int, language: str = LANGUAGE) -> list[Line]:
    """The lines that Tesseract sees on page ``number``, from 1, of a PDF; none where it fails.

    Their boxes are in points of the page as it is shown, from its lower left corner.

    Raises:
        OutOfTime: it is too late to begin with the page, or to wait for it any longer.
    """
    from pytesseract import pytesseract

    if not isinstance(pytesseract.environ, ChainMap):
        # Where the processor is busy, threads of Tesseract wait for each other for minutes.
        pytesseract.environ = ChainMap({"OMP_THREAD_LIMIT": "1"}, pytesseract.environ)
    left = _until.get() - time.monotonic()
    if left <= 0:
        raise OutOfTime
    try:
        page = pdf[number - 1]
        width, height = page.get_size()
        scale = min(DPI / 72, (PIXELS / (width * height)) ** 0.5)
        picture = page.render(scale=scale, grayscale=True).to_pil()
        limit = 0 if math.isinf(left) else left  # seconds; 0 is no limit
        found = pytesseract.image_to_data(picture, lang=language, output_type="dict", timeout=limit)
        seen = _seen(found)
    except (RuntimeError, OSError, ValueError, KeyError, ArithmeticError, SystemExit) as error:
        if time.monotonic() >= _until.get():
            raise OutOfTime from error
        return []  # the report names a page without text
    lines = [_line(words, 1 / scale, height) for words in seen]
    usual = median(line.size for line in lines) if lines else 0.0
    for line in lines:
        line.size = line.size if line.size > HEADING * usual else usual
        line.bottom -= DESCENDER * line.size
    return lines


Word = tuple[int, int, int, int, float, str]
"""Left, top, width, height, in pixels from the picture's upper left corner, confidence, text."""


def _seen(found: dict[str, list[Any]]) -> list[list[Word]]:
    """Words with text, by the line that they stand in, of lines that were read with confidence."""
    places = zip(found["block_num"], found["par_num"], found["line_num"], strict=True)
    columns = (found[name] for name in ("left", "top", "width", "height", "conf", "text"))
    words = [
        (place, word)
        for place, word in zip(places, zip(*columns, strict=True), strict=True)
        if str(word[-1]).strip()
    ]
    lines = [[word for _, word in group] for _, group in groupby(words, lambda pair: pair[0])]
    return [line for line in lines if fmean(word[4] for word in line) >= SURE]


def _line(words: list[Word], point: float, top: float) -> Line:
    """Words as a line whose bottom is their baseline and whose size is their height.

    ``point`` is the size of a pixel, ``top`` is the picture's height, in points.
    """
    line = Line("", words[0][0] * point, 0.0, top, 0.0, 0.0, False)
    bottoms = []
    for x, y, width, height, _, text in words:
        low = top - (y + height) * point
        line.add(text, x * point, low, (x + width) * point, top - y * point)
        bottoms.append(low)
    line.size = line.top - line.bottom
    # Most words have no comma, and no letter that reaches below the baseline.
    line.bottom = sorted(bottoms, reverse=True)[len(bottoms) // 4]
    return line


def _said(option: str) -> str:
    try:
        done = subprocess.run(["tesseract", option], capture_output=True, text=True, timeout=30)  # noqa: S607
    except (OSError, subprocess.SubprocessError, ValueError):
        return ""
    return done.stdout + done.stderr
