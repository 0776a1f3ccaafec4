"""Small files of every format with the same text, made anew each time, and what they hold."""

from __future__ import annotations

import email.message
import email.policy
import io
import zipfile
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from index.parsers import SUFFIXES
from index.records import Block, Document

FERRY = "The ferry to Sandholm leaves at nine and carries forty cars."
FEES = "A car costs 30 dollars, a lorry 90."


def text_of(document: Document, block: Block) -> str:
    return document.text[block.start : block.end]


def texts(document: Document) -> list[str]:
    return [text_of(document, block) for block in document.blocks]


def block_of(document: Document, text: str) -> Block:
    (found,) = [block for block in document.blocks if text in text_of(document, block)]
    return found


def a_docx() -> bytes:
    import docx

    made = docx.Document()
    made.core_properties.title = "Ferries of the Sound"
    made.core_properties.author = "I. Holm"
    made.add_heading("Timetable", 1)
    made.add_paragraph(FERRY)
    made.add_heading("Fees", 2)
    made.add_paragraph(FEES)
    table = made.add_table(3, 2)
    for row, cells in zip(
        table.rows, [("Vehicle", "Price"), ("Car", "30"), ("Lorry", "90")], strict=True
    ):
        for cell, value in zip(row.cells, cells, strict=True):
            cell.text = value
    made.sections[0].header.paragraphs[0].text = "running header"
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def a_pptx() -> bytes:
    from pptx import Presentation
    from pptx.util import Inches

    made = Presentation()
    for title, body in (("Timetable", FERRY), ("Fees", FEES)):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
        slide.notes_slide.notes_text_frame.text = f"Note on {title.lower()}."
    frame = slide.shapes.add_table(2, 2, Inches(1), Inches(5), Inches(4), Inches(1))
    for place, value in {(0, 0): "Vehicle", (0, 1): "Price", (1, 0): "Car", (1, 1): "30"}.items():
        frame.table.cell(*place).text = value
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


PAGE = f"""<!doctype html><html><head><title>Ferries of the Sound</title>
<style>p {{ color: red }}</style><script>var hidden = "script text";</script></head><body>
<nav><a href="/">Navigation link</a></nav>
<h1>Timetable</h1>
<p>The <b>ferry</b> to <i>Sandholm</i> leaves at nine<br>and carries forty cars.</p>
<h2>Fees</h2><div>{FEES}</div><p hidden>not seen</p>
<table><tr><th>Vehicle</th><th>Price</th></tr><tr><td>Car</td><td>30</td></tr></table>
<ul><li>Pay on board</li><li>Pay ashore</li></ul></body></html>"""


def an_epub(first: str = "one%20a.xhtml", more: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="book/content.opf"/></rootfiles></container>',
        )
        archive.writestr(
            "book/content.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
            "<dc:title>Ferries of the Sound</dc:title><dc:creator>I. Holm</dc:creator></metadata>"
            '<manifest><item id="b" href="two.xhtml" media-type="application/xhtml+xml"/>'
            f'<item id="a" href="{first}" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>',
        )
        archive.writestr(
            "book/one a.xhtml", f"<html><body><h1>Timetable</h1><p>{FERRY}</p>{more}</body></html>"
        )
        archive.writestr("book/two.xhtml", f"<html><body><h1>Fees</h1><p>{FEES}</p></body></html>")
    return file.getvalue()


def odt_cell(text: str, columns: int = 1, rows: int = 1) -> str:
    spans = f'table:number-columns-spanned="{columns}" table:number-rows-spanned="{rows}"'
    return f"<table:table-cell {spans}><text:p>{text}</text:p></table:table-cell>"


def an_odt(more: str = "") -> bytes:
    file = io.BytesIO()
    names = "urn:oasis:names:tc:opendocument:xmlns"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{names}:office:1.0" '
            f'xmlns:text="{names}:text:1.0" xmlns:table="{names}:table:1.0" '
            f'xmlns:draw="{names}:drawing:1.0">'
            "<office:body><office:text>"
            f'<text:h text:outline-level="1">Timetable</text:h><text:p>{FERRY}</text:p>'
            f'<text:h text:outline-level="2">Fees</text:h><text:p>{FEES}</text:p>'
            "<table:table><table:table-row><table:table-cell><text:p>Vehicle</text:p></table:table-cell>"
            "<table:table-cell><text:p>Price</text:p></table:table-cell></table:table-row>"
            "<table:table-row><table:table-cell><text:p>Car</text:p></table:table-cell>"
            "<table:table-cell><text:p>30</text:p></table:table-cell></table:table-row></table:table>"
            f"{more}</office:text></office:body></office:document-content>",
        )
    return file.getvalue()


RST = f"""Timetable
=========

The ferry to *Sandholm* leaves at nine
and carries forty cars.

.. include:: /etc/passwd

Fees
----

{FEES}

======== =====
Vehicle  Price
======== =====
Car      30
======== =====
"""


def a_mail(plain: str = f"{FERRY}\n\n{FEES}\n") -> email.message.EmailMessage:
    made = email.message.EmailMessage(policy=email.policy.default)
    made["Subject"], made["From"] = "Ferries of the Sound", "Ida Holm <holm@example.org>"
    made["Date"] = "Tue, 3 Mar 2020 10:00:00 +0000"
    made.set_content(plain)
    made.add_alternative(f"<p>{FERRY} In HTML.</p>", subtype="html")
    return made


def a_pdf() -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=A4, pageCompression=0)
    for title, text in (("Timetable", FERRY), ("Fees", FEES)):
        canvas.setFont("Helvetica-Bold", 16)
        canvas.drawString(70, 700, title)
        canvas.setFont("Helvetica", 11)
        canvas.drawString(70, 670, text)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def samples() -> dict[str, bytes]:
    """A file for each suffix of each format, by name."""
    markdown = f"# Timetable\n\n{FERRY}\n\n## Fees\n\n{FEES}\n".encode()
    rich = f"{{\\rtf1\\ansi Timetable\\par {FERRY}\\par Fees\\par {FEES}\\par}}".encode()
    by_format = {
        "markdown": markdown,
        "text": f"TIMETABLE\n\n{FERRY}\n\nFEES\n\n{FEES}\n".encode(),
        "pdf": a_pdf(),
        "docx": a_docx(),
        "pptx": a_pptx(),
        "html": PAGE.encode(),
        "epub": an_epub(),
        "odt": an_odt(),
        "rtf": rich,
        "rst": RST.encode(),
        "csv": f'Name,Text\nTimetable,{FERRY}\nFees,"{FEES}"\n'.encode(),
        "eml": bytes(a_mail()),
    }
    return {f"ferries{suffix}": by_format[name] for suffix, name in SUFFIXES.items()}


def repacked(
    whole: bytes, parts: dict[str, bytes], changes: dict[str, tuple[bytes, bytes]] | None = None
) -> bytes:
    """An archive with some parts more or other ones, and words in others replaced."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            if name not in parts:
                before, after = (changes or {}).get(name, (b"", b""))
                new.writestr(name, old.read(name).replace(before, after))
        for name, data in parts.items():
            new.writestr(name, data)
    return file.getvalue()


def saved(made: Any) -> bytes:
    """The bytes of a Word document or a presentation."""
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()
