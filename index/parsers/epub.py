"""EPUB: the chapters in the order of its spine, each read as the HTML it is."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from urllib.parse import unquote

from index.errors import ParseError
from index.parsers.archive import opened, read, xml
from index.parsers.author import names
from index.parsers.html import decode_html, leave_out, tree, write
from index.parsers.writer import Writer
from index.records import Document, Extent

_CONTAINER = "META-INF/container.xml"


def parse_epub(data: bytes, document_id: str, digest: str) -> Document:
    """Read a book; the title and author are those of its package.

    Raises:
        ParseError: it is damaged, encrypted, or lacks its package.
    """
    archive = opened(data)
    root = xml(read(archive, _CONTAINER))
    package = next((found.get("full-path") for found in root.iter("{*}rootfile")), None)
    if not package:
        raise ParseError("The EPUB does not say where its contents are.")
    content = xml(read(archive, package))
    folder = posixpath.dirname(package)
    files = {item.get("id"): item for item in content.iter("{*}item")}
    writer = Writer()
    unread = []
    for reference in content.iter("{*}itemref"):
        item = files.get(reference.get("idref"))
        if item is None or "html" not in (item.get("media-type") or ""):
            continue
        name = posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "")))
        try:
            page = tree(decode_html(read(archive, name)))
            is_contents = "nav" in (item.get("properties") or "").split()
            (leave_out if is_contents else write)(page, writer)
        except ParseError as error:
            unread.append(f"'{name}': {error}")
    writer.end_section()
    if unread and not writer.blocks:
        raise ParseError(f"No chapter can be read. {unread[0]}")
    fields = {
        name: " ".join((content.findtext(f".//{{*}}{tag}") or "").split())
        for name, tag in (("title", "title"), ("date", "date"))
    }
    fields["author"] = names(creator.text for creator in content.iter("{*}creator"))
    name = PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()
    return Document(
        document_id,
        fields.pop("title") or writer.first_heading or name,
        writer.text(),
        tuple(writer.blocks),
        "epub",
        digest,
        {name: value for name, value in fields.items() if value},
        Extent(writer.left_out, unread=tuple(unread)),
    )
