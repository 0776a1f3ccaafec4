"""DOCX: paragraphs under their headings, tables by rows, notes and what is drawn after them.

Headers and footers of pages, tables of contents, comments, hidden and deleted text are left out
and counted. Opened by python-docx.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from index.errors import ParseError
from index.parsers.archive import DAMAGED, mended, opened, read, xml
from index.parsers.diagram import BOX, drawn_texts, is_copy, is_in
from index.parsers.office import as_usual, properties_of
from index.parsers.word_styles import Styles
from index.parsers.word_table import is_frame, rows_of, texts_of
from index.parsers.word_text import M, W, hidden_texts, text_of
from index.parsers.writer import Writer
from index.records import Document, Extent

_NOTES = {"word/footnotes.xml": "footnote", "word/endnotes.xml": "endnote"}
_ASIDE = re.compile(r"word/(?:header|footer|comments)\d*\.xml")
_CONTENTS = re.compile(r"toc ?\d|table of (?:figures|authorities)", re.IGNORECASE)
_INSIDE = {f"{W}{name}" for name in "sdt sdtContent ins moveTo customXml".split()}
_OBJECT = "{urn:schemas-microsoft-com:office:office}OLEObject"
LONGEST = 200  # characters of a heading; a whole paragraph in a heading's style is none


def parse_docx(data: bytes, document_id: str, digest: str) -> Document:
    """Read a Word document; title, author and date are those of its properties.

    Raises:
        ParseError: it is damaged, encrypted, or no Word document.
    """
    import docx
    from docx.oxml.exceptions import InvalidXmlError
    from lxml import etree

    archive = opened(data)
    unread: list[str] = []
    try:
        data = as_usual(data, archive)
        archive = zipfile.ZipFile(io.BytesIO(data))
        document = docx.Document(io.BytesIO(data))
        writer = Writer()
        properties = properties_of(archive)
        title = _Body(document, writer, _notes(archive, unread)).write(properties.get("title", ""))
        _leave_out(archive, document, writer)
        unread += _not_read(document.element.body)
    except ParseError:
        raise
    except (
        *DAMAGED, KeyError, AttributeError, TypeError, IndexError, etree.LxmlError, InvalidXmlError,
    ) as error:  # fmt: skip
        raise ParseError(
            f"The Word document is damaged: {error or type(error).__name__}."
        ) from error
    return Document(
        document_id,
        properties.pop("title", "") or title or writer.title(document_id),
        writer.text(),
        tuple(writer.blocks),
        "docx",
        digest,
        properties,
        Extent(writer.left_out, unread=tuple(unread)),
    )


class _Body:
    """Writes the paragraphs and tables of a document, whose lists count as they are read."""

    def __init__(self, document: Any, writer: Writer, notes: dict[tuple[str, str], str]) -> None:
        self._document = document
        self._writer = writer
        self._notes = notes
        self._styles = Styles(_part(document, "/styles"), _part(document, "/numbering"))

    def write(self, named: str) -> str:
        """Add everything; returns the paragraph that is styled as the title.

        ``named`` is the title that the document has anyway.
        """
        title = ""
        for item in _items(self._document.element.body):
            if item.tag == f"{W}tbl":
                self._table(item)
            else:
                title = self._paragraph(item, title, named)
            for text in drawn_texts(item, self._document.part):
                self._writer.add(text)
            for kind in _NOTES.values():
                for reference in item.iter(f"{W}{kind}Reference"):
                    self._writer.add(self._notes.pop((kind, reference.get(f"{W}id", "")), ""))
        for note in self._notes.values():
            self._writer.add(note)
        if title and not self._writer.blocks:
            self._writer.add(title)
        self._writer.end_section()
        return title

    def _paragraph(self, paragraph: Any, title: str, named: str) -> str:
        text = self._text(paragraph)
        style = self._styles.name(paragraph) if text else ""
        level = self._styles.heading(paragraph) if text else 0
        if _CONTENTS.fullmatch(style):
            self._writer.leave_out(text)
        elif level and len(text) <= LONGEST:
            self._writer.begin_section(level, " ".join(text.split()))
        elif style == "Title" and not title:
            title = " ".join(text.split())
            if named and title.casefold() != named.casefold():
                self._writer.add(text)
        else:
            self._writer.item = bool(text) and self._styles.listed(paragraph)
            self._writer.add(text)
        return title

    def _text(self, paragraph: Any) -> str:
        """A paragraph's text after its number."""
        mark, text = self._styles.mark(paragraph), text_of(paragraph)
        return f"{mark} {text}" if mark and text else text

    def _table(self, table: Any) -> None:
        """A paragraph for each row; tables inside its cells follow it."""
        for text, inner in texts_of(table, self._text):
            self._writer.add(text)
            for one in inner:
                self._table(one)


def _items(element: Any) -> Iterator[Any]:
    """Paragraphs and tables in order, those in content controls, text boxes and frames too."""
    for child in element:
        if child.tag in (f"{W}p", f"{M}oMathPara"):
            yield child
            for box in child.iter(BOX):
                if is_in(box, child) and not is_copy(box):
                    yield from _items(box)
        elif child.tag == f"{W}tbl" and is_frame(child):
            for row in rows_of(child):
                for cell in row.iter(f"{W}tc"):
                    if cell.getparent() is row:
                        yield from _items(cell)
        elif child.tag == f"{W}tbl":
            yield child
        elif child.tag in _INSIDE:
            yield from _items(child)


def _part(document: Any, kind: str) -> Any:
    """The root of the part that a document relates to as its styles or its lists, if any."""
    for relation in document.part.rels.values():
        if relation.reltype.endswith(kind) and not relation.is_external:
            return xml(relation.target_part.blob)
    return None


def _notes(archive: zipfile.ZipFile, unread: list[str]) -> dict[tuple[str, str], str]:
    """The text of each note, by its kind and the id by which paragraphs refer to it."""
    found = {}
    for name, kind in _NOTES.items():
        if name not in archive.namelist():
            continue
        for note in mended(read(archive, name), name, unread).iter(f"{W}{kind}"):
            if note.get(f"{W}type") in (None, "normal"):
                texts = (text_of(paragraph) for paragraph in note.iter(f"{W}p"))
                found[kind, note.get(f"{W}id", "")] = " ".join(filter(None, texts))
    return found


def _leave_out(archive: zipfile.ZipFile, document: Any, writer: Writer) -> None:
    """Count what stands beside the text: headers, footers, comments, what is hidden or deleted."""
    for name in filter(_ASIDE.fullmatch, archive.namelist()):
        try:
            root = xml(read(archive, name))
        except ParseError:
            continue  # the text is there without it
        for paragraph in root.iter(f"{W}p"):
            writer.leave_out(text_of(paragraph))
    for text in hidden_texts(document.element.body):
        writer.leave_out(text)


def _not_read(body: Any) -> Iterator[str]:
    """What the text holds of other files."""
    if next(body.iter(f"{W}altChunk", f"{W}subDoc"), None) is not None:
        yield "Text from another file stands in it as that file. Save it anew, then rebuild."
    for kind in dict.fromkeys(one.get("ProgID") or "unknown" for one in body.iter(_OBJECT)):
        yield f"An object of another program stands in it ('{kind}')."
