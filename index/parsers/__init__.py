"""From a file to a ``Document``: one parser a format, chosen by suffix and checked by content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from index.errors import ParseError
from index.parsers.markdown import parse_markdown
from index.parsers.text import parse_text
from index.records import Document

Parser = Callable[[bytes, str, str], Document]
"""``(data, document_id, digest) -> Document``; raises ``ParseError``."""

PARSERS: dict[str, Parser] = {
    ".md": parse_markdown,
    ".markdown": parse_markdown,
    ".txt": parse_text,
    ".text": parse_text,
}

_BINARY_MAGIC = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP archive (DOCX, EPUB, PPTX …)",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x1f\x8b": "a gzip archive",
    b"\x7fELF": "a program",
    b"SQLite format 3\x00": "a SQLite database",
}


def supported(path: Path) -> bool:
    """Whether some parser reads files with this name."""
    return path.suffix.lower() in PARSERS


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex.

    Raises:
        ParseError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ParseError(f"The file cannot be read: {error.strerror or error}.") from error


def parse(path: Path, document_id: str) -> Document:
    """Read one file as a document with the id ``document_id``.

    Raises:
        ParseError: the file cannot be read, is of an unknown format, or holds no text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ParseError(f"The file cannot be read: {error.strerror or error}.") from error
    parser = PARSERS.get(path.suffix.lower())
    if parser is None:
        names = " ".join(sorted(PARSERS))
        raise ParseError(f"No parser reads '{path.suffix}' files. Readable are: {names}.")
    for magic, name in _BINARY_MAGIC.items():
        if data.startswith(magic):
            raise ParseError(f"The file is {name}, not text as its name says.")
    document = parser(data, document_id, hashlib.sha256(data).hexdigest())
    if not document.blocks:
        raise ParseError("The file holds no text.")
    return document
