"""EPUB: the chapters in the order of its spine, each read as the HTML it is.

A chapter without a heading has the title that the book's table of contents gives it. Pages that
the spine does not name, such as notes, follow at the end.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from index.errors import ParseError
from index.parsers.archive import mended, opened, read, xml
from index.parsers.author import day, names
from index.parsers.html import decode_html, tree, write
from index.parsers.html_text import leave_out
from index.parsers.title import name_of
from index.parsers.writer import Writer
from index.records import Document, Extent

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_HEADINGS = "h1, h2, h3, h4, h5, h6, [role=heading]"


def parse_epub(data: bytes, document_id: str, digest: str) -> Document:
    """Read a book; the title and author are those of its package.

    Raises:
        ParseError: it is damaged, encrypted, or lacks its package.
    """
    archive = opened(data)
    unread: list[str] = []
    root = mended(read(archive, _CONTAINER), _CONTAINER, unread)
    package = next((found.get("full-path") for found in root.iter("{*}rootfile")), None)
    if not package:
        raise ParseError("The EPUB does not say where its contents are.")
    content = mended(read(archive, package), package, unread)
    book = _Book(archive, content, posixpath.dirname(package), unread)
    writer = Writer()
    book.write(writer)
    if unread and not writer.blocks:
        raise ParseError(f"No chapter can be read. {unread[0]}")
    fields = {
        "title": " ".join((content.findtext(".//{*}title") or "").split()),
        "date": next(filter(None, (day(one.text) for one in content.iter("{*}date"))), ""),
        "author": names(creator.text for creator in content.iter("{*}creator")),
    }
    return Document(
        document_id,
        fields.pop("title") or writer.first_heading or name_of(document_id),
        writer.text(),
        tuple(writer.blocks),
        "epub",
        digest,
        {name: value for name, value in fields.items() if value},
        Extent(writer.left_out, unread=tuple(unread)),
    )


class _Book:
    """The parts of a book by their names; what cannot be read of them is added to ``unread``."""

    def __init__(
        self, archive: zipfile.ZipFile, content: Any, folder: str, unread: list[str]
    ) -> None:
        self._archive = archive
        self._folder = folder
        self._unread = unread
        self._items = {item.get("id"): item for item in content.iter("{*}item")}
        self._spine = [reference.get("idref") for reference in content.iter("{*}itemref")]
        self._encrypted = set(self._encrypted_names())

    def write(self, writer: Writer) -> None:
        """Add all chapters."""
        labels = self._labels()
        for item in self._chapters():
            name = self._name(item.get("href"))
            try:
                if name in self._encrypted:
                    raise ParseError("It is encrypted.")
                page = tree(decode_html(read(self._archive, name)))
            except ParseError as error:
                self._unread.append(f"'{name}': {error}")
                continue
            if _is_contents(item):
                leave_out(page, writer)
                continue
            if item.get("id") not in self._spine:
                writer.close_sections(0)
            body = page.css_first("body") or page
            if labels.get(name) and not body.css_first(_HEADINGS) and body.text().strip():
                writer.begin_section(1, labels[name])
            write(page, writer)
        writer.end_section()

    def _chapters(self) -> Iterator[Any]:
        """The pages of the spine, then those that it does not name."""
        for name in self._spine:
            item = self._items.get(name)
            if item is None:
                self._unread.append(f"'{name}': The book does not hold it.")
            elif _is_page(item):
                yield item
            elif not (item.get("media-type") or "").startswith("image/"):
                self._unread.append(f"'{self._name(item.get('href'))}': It is no page.")
        for name, item in self._items.items():
            if name not in self._spine and _is_page(item) and not _is_contents(item):
                yield item

    def _labels(self) -> dict[str, str]:
        """The first title that the tables of contents give each page."""
        found: dict[str, str] = {}
        for item in self._items.values():
            is_ncx = "ncx" in (item.get("media-type") or "")
            if not is_ncx and not _is_contents(item):
                continue
            path = self._name(item.get("href"))
            try:
                data = read(self._archive, path)
                pairs = list(_ncx(xml(data)) if is_ncx else _nav(decode_html(data)))
            except ParseError:
                continue  # the text is there without it
            for label, target in pairs:
                page = posixpath.join(posixpath.dirname(path), unquote(target.partition("#")[0]))
                found.setdefault(posixpath.normpath(page), " ".join(label.split()))
        return found

    def _name(self, href: str | None) -> str:
        return posixpath.normpath(posixpath.join(self._folder, unquote(href or "")))

    def _encrypted_names(self) -> Iterator[str]:
        if _ENCRYPTION in self._archive.namelist():
            root = mended(read(self._archive, _ENCRYPTION), _ENCRYPTION, self._unread)
            for reference in root.iter("{*}CipherReference"):
                yield posixpath.normpath(unquote(reference.get("URI") or ""))


def _is_page(item: Any) -> bool:
    return "html" in (item.get("media-type") or "")


def _is_contents(item: Any) -> bool:
    return "nav" in (item.get("properties") or "").split()


def _ncx(root: Any) -> Iterator[tuple[str, str]]:
    for point in root.iter("{*}navPoint"):
        content = point.find("{*}content")
        if content is not None:
            yield point.findtext("{*}navLabel/{*}text") or "", content.get("src") or ""


def _nav(text: str) -> Iterator[tuple[str, str]]:
    for link in tree(text).css("nav a"):
        yield link.text(), link.attributes.get("href") or ""
