"""ODT: paragraphs under their headings, lists, tables row by row, charts and formulas.

Tables of contents, comments, deleted text, and headers and footers are left out and counted.
"""

from __future__ import annotations

import zipfile

from index.errors import ParseError
from index.parsers.archive import mended, opened, read
from index.parsers.author import day, names
from index.parsers.odt_body import LEFT_OUT, OASIS, PARAGRAPHS, TEXT, Body
from index.parsers.writer import Writer
from index.records import Document, Extent

_STYLE = f"{{{OASIS}:style:1.0}}"
_RUNNING = [
    f"{_STYLE}{name}{side}" for name in ("header", "footer") for side in ("", "-left", "-first")
]


def parse_odt(data: bytes, document_id: str, digest: str) -> Document:
    """Read an OpenDocument text; title, author and date are those of its properties.

    Raises:
        ParseError: it is damaged, encrypted, or no OpenDocument text.
    """
    archive = opened(data)
    members = archive.namelist()
    if "META-INF/manifest.xml" in members and b"encryption-data" in read(
        archive, "META-INF/manifest.xml"
    ):
        raise ParseError("The file is encrypted. Save it without a password, then rebuild.")
    unread: list[str] = []
    root = mended(read(archive, "content.xml"), "content.xml", unread)
    body = next(root.iter("{*}text"), None)
    if body is None:
        raise ParseError("The file is no OpenDocument text.")
    roots = [root]
    if "styles.xml" in members:
        roots.append(mended(read(archive, "styles.xml"), "styles.xml", unread))
    writer = Writer()
    text = Body(archive, roots, writer)
    text.write(body)
    writer.end_section()
    for element in body.iter(*LEFT_OUT):
        writer.leave_out(" ".join(element.itertext(f"{TEXT}*")))
    for running in roots[-1].iter(*_RUNNING):
        for paragraph in running.iter(*PARAGRAPHS):
            writer.leave_out(text.of(paragraph))
    properties = _properties(archive)
    return Document(
        document_id,
        properties.pop("title", "") or writer.title(document_id),
        writer.text(),
        tuple(writer.blocks),
        "odt",
        digest,
        properties,
        Extent(writer.left_out, unread=tuple(unread)),
    )


def _properties(archive: zipfile.ZipFile) -> dict[str, str]:
    if "meta.xml" not in archive.namelist():
        return {}
    root = mended(read(archive, "meta.xml"), "meta.xml", [])
    title, author, changed, made = (
        " ".join((root.findtext(f".//{{*}}{tag}") or "").split())
        for tag in ("title", "creator", "date", "creation-date")
    )
    facts = {"title": title, "author": names([author]), "date": day(changed) or day(made)}
    return {name: value for name, value in facts.items() if value}
