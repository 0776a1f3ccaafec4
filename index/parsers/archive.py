"""Reads files inside ZIP archives, which DOCX, PPTX, EPUB and ODT are, without being blown up."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING

from index.errors import ParseError

if TYPE_CHECKING:
    from lxml.etree import _Element

LARGEST = 300_000_000  # bytes of all members, unpacked
_XML = (".xml", ".rels", ".opf", ".ncx")
RATIO = 200  # times that a large member may be larger than it is packed

DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError)
"""What reading a damaged archive raises."""


def opened(data: bytes) -> zipfile.ZipFile:
    """An archive that is whole and not larger, unpacked, than any document should be.

    Raises:
        ParseError: it is damaged, encrypted or too large.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except DAMAGED as error:
        raise ParseError(f"The file is a damaged archive: {error}.") from error
    total = sum(member.file_size for member in archive.infolist())
    if total > LARGEST:
        raise ParseError(f"The file unpacks to {total:,} bytes; {LARGEST:,} are allowed.")
    for member in archive.infolist():
        if member.file_size > 10_000_000 and member.file_size > RATIO * member.compress_size:
            raise ParseError(f"The file's part '{member.filename}' is packed suspiciously small.")
        if member.flag_bits & 1:
            raise ParseError("The file is encrypted. Save it without a password, then rebuild.")
    for name in archive.namelist():
        if name.endswith(_XML) and _declares_entities(archive, name):
            raise ParseError(
                f"The file's part '{name}' declares entities, which may stand for gigabytes of "
                "text. Save it anew, then rebuild."
            )
    return archive


def _declares_entities(archive: zipfile.ZipFile, name: str) -> bool:
    try:
        return b"<!ENTITY" in read(archive, name).replace(b"\0", b"")  # it may be in UTF-16
    except ParseError:
        return False  # who needs this part will say so


def read(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of one member, never more than it says it has.

    Raises:
        ParseError: there is no such member, or it is damaged.
    """
    try:
        info = archive.getinfo(name)
        with archive.open(info) as file:
            found = file.read(info.file_size + 1)
    except KeyError as error:
        raise ParseError(f"The file lacks its part '{name}'.") from error
    except DAMAGED as error:
        raise ParseError(f"The file's part '{name}' is damaged: {error}.") from error
    if len(found) > info.file_size:
        raise ParseError(f"The file's part '{name}' is larger than it says.")
    return found


def xml(data: bytes) -> _Element:
    """The root of an XML document; no entity is resolved and nothing is fetched.

    Raises:
        ParseError: it is not well-formed.
    """
    root, reason = _parsed(data, recover=False)
    if root is None:
        raise ParseError(reason)
    return root


def mended(data: bytes, name: str, unread: list[str]) -> _Element:
    """The root of an XML document, as far as it can be read; what is damaged goes to ``unread``.

    Raises:
        ParseError: nothing of it can be read.
    """
    root, reason = _parsed(data, recover=False)
    if root is not None:
        return root
    unread.append(f"'{name}', not wholly: {reason}")
    root, reason = _parsed(data, recover=True)
    if root is None:
        raise ParseError(reason)
    return root


def _parsed(data: bytes, *, recover: bool) -> tuple[_Element | None, str]:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=recover
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        return None, f"The XML inside the file is damaged: {error}."
    return root, "" if root is not None else "The XML inside the file is empty or damaged."
