"""Who wrote a file, as its properties say: names, and nothing that only stands for one."""

from __future__ import annotations

import io

import pytest
from reportlab.pdfgen.canvas import Canvas

from index.parsers import parse_bytes
from index.parsers.author import names
from tests.samples import FERRY


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("  Ida \n Holm ", "Ida Holm"),
        ("smith, j.;doe", "smith, j.; doe"),
        ("Holm, I.; ; holm, i.;Berg,", "Holm, I.; Berg"),
        ("Microsoft Office User", ""),
        ("unknown; Ida Holm", "Ida Holm"),
        ("(anonymous)", ""),
        ("Admin ", ""),
        ("hberg2; bergstrw; jones", "jones"),
        ("- ; 123", ""),
        ("Userović", "Userović"),
        ("", ""),
    ],
)
def test_names_are_plain_and_no_program_is_an_author(raw: str, shown: str) -> None:
    assert names([raw]) == shown


def test_a_very_long_name_takes_no_longer_than_its_length() -> None:
    name = "b" * 1_000_000 + "!"
    assert names([name]) == name


def test_several_properties_are_one_list() -> None:
    assert names(["Ida Holm", None, "Ada Berg; Ida Holm"]) == "Ida Holm; Ada Berg"


def a_docx_by(author: str) -> bytes:
    import docx

    made = docx.Document()
    made.core_properties.author = author
    made.add_paragraph(FERRY)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def a_pdf_by(author: str) -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file)
    canvas.setAuthor(author)
    canvas.drawString(70, 700, FERRY)
    canvas.save()
    return file.getvalue()


def a_pptx_by(author: str) -> bytes:
    from pptx import Presentation

    made = Presentation()
    made.core_properties.author = author
    made.slides.add_slide(made.slide_layouts[0]).shapes.title.text = FERRY
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "name"), [(a_docx_by, "a.docx"), (a_pdf_by, "a.pdf"), (a_pptx_by, "a.pptx")]
)
def test_a_file_has_its_author_only_where_there_is_one(make: object, name: str) -> None:
    assert callable(make)
    document = parse_bytes(make(" Ida  Holm;Ada Berg "), name)
    assert document.metadata["author"] == "Ida Holm; Ada Berg"
    assert "author" not in parse_bytes(make("Microsoft Office User"), name).metadata
