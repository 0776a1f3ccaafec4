"""A PDF made by hand, sheet by sheet, and what is read in it."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from index.parsers.pdf import parse_pdf
from index.records import Block, Document
from tests.test_hostile import a_pdf_of, a_stream

WIDTH, HEIGHT = A4
FERRY = (
    "The ferry to Sandholm leaves at nine in the morning and carries forty cars and two hundred "
    "people. It takes an hour and a half, longer when the sound is full of ice, and it does not "
    "sail at all in a storm."
)
FEES = (
    "A car costs thirty dollars and a lorry ninety. Children below the age of six travel without "
    "a ticket, and so do guide dogs and their owners. The price is the same on all days."
)
WINTER = (
    "From November until March there are two crossings a day instead of five. The cafeteria is "
    "closed then, but hot drinks are sold on the car deck by a machine."
)


class Sheet:
    """A PDF under construction, with the cursor at the top of its first page."""

    def __init__(self, **options: object) -> None:
        self.file = io.BytesIO()
        self.canvas = Canvas(self.file, pagesize=A4, **options)
        self.y = HEIGHT - 120

    def write(
        self,
        text: str,
        *,
        left: float = 70,
        width: float = 450,
        size: float = 11,
        bold: bool = False,
    ) -> None:
        """A paragraph, its words wrapped, and an empty line after it."""
        font = "Helvetica-Bold" if bold else "Helvetica"
        self.canvas.setFont(font, size)
        for line in wrapped(text, width, font, size):
            self.canvas.drawString(left, self.y, line)
            self.y -= 1.25 * size
        self.y -= size

    def columns(self, left: Sequence[str], right: Sequence[str]) -> None:
        """Paragraphs in two columns, the left one first."""
        top = self.y
        for x, paragraphs in ((70, left), (310, right)):
            self.y = top
            for text in paragraphs:
                self.write(text, left=x, width=215)

    def line(self, x: float, y: float, text: str, size: float = 9) -> None:
        self.canvas.setFont("Helvetica", size)
        self.canvas.drawString(x, y, text)

    def page(self) -> None:
        self.canvas.showPage()
        self.y = HEIGHT - 120

    def bytes(self) -> bytes:
        self.canvas.save()
        return self.file.getvalue()


def wrapped(text: str, width: float, font: str, size: float) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        tried = f"{lines[-1]} {word}".strip()
        if stringWidth(tried, font, size) > width:
            lines.append(word)
        else:
            lines[-1] = tried
    return lines


def read(sheet: Sheet) -> Document:
    return parse_pdf(sheet.bytes(), "ferries.pdf", "")


def in_letters(content: bytes, letters: str) -> bytes:
    """A PDF of one page whose font says by a range of a CMap what its letters mean."""
    meaning = (
        f"1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfrange {letters} endbfrange"
    )
    cmap = b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap " + meaning.encode()
    cmap += b" endcmap end end"
    widths = b"/FirstChar 32/LastChar 126/Widths[" + b"666 " * 95 + b"]"
    return a_pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
        b"/Resources<</Font<</F 5 0 R>>>>>>",
        a_stream(content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Courier/ToUnicode 6 0 R%b>>" % widths,
        a_stream(cmap),
    )


def texts(document: Document) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks]


def block_of(document: Document, text: str) -> Block:
    (found,) = [b for b in document.blocks if text in document.text[b.start : b.end]]
    return found
