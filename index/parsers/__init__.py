"""From a file to a ``Document``: one parser a format, chosen by content and by suffix.

Each parser is imported when the first file of its format is met. What a file's first bytes say
beats what its name says; a text's format is told by its name alone.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path, PurePosixPath

from index.errors import ParseError
from index.parsers.archive import DAMAGED
from index.records import Document

Parser = Callable[[bytes, str, str], Document]
"""``(data, document_id, digest) -> Document``; raises ``ParseError``."""

FORMATS: dict[str, tuple[str, str]] = {
    "markdown": ("index.parsers.markdown", "parse_markdown"),
    "text": ("index.parsers.text", "parse_text"),
    "pdf": ("index.parsers.pdf", "parse_pdf"),
    "docx": ("index.parsers.docx", "parse_docx"),
    "pptx": ("index.parsers.pptx", "parse_pptx"),
    "html": ("index.parsers.html", "parse_html"),
    "epub": ("index.parsers.epub", "parse_epub"),
    "odt": ("index.parsers.odt", "parse_odt"),
    "rtf": ("index.parsers.rtf", "parse_rtf"),
    "rst": ("index.parsers.rst", "parse_rst"),
    "csv": ("index.parsers.tables", "parse_table"),
    "eml": ("index.parsers.eml", "parse_eml"),
}
"""The module and the function that read each format."""

SUFFIXES = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".pdf": "pdf",
    ".docx": "docx",
    ".docm": "docx",
    ".pptx": "pptx",
    ".pptm": "pptx",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".epub": "epub",
    ".odt": "odt",
    ".rtf": "rtf",
    ".rst": "rst",
    ".csv": "csv",
    ".tsv": "csv",
    ".eml": "eml",
}
"""The format of each suffix."""

_BINARY = {
    b"\xd0\xcf\x11\xe0": "an old or an encrypted Office file. Save it as DOCX or PPTX, without a "
    "password, then rebuild.",
    b"\x89PNG": "a PNG picture.",
    b"\xff\xd8\xff": "a JPEG picture.",
    b"\x1f\x8b": "a gzip archive.",
    b"\x7fELF": "a program.",
    b"SQLite format 3\x00": "a SQLite database.",
}
_INSIDE = {"word/": "docx", "ppt/": "pptx"}
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?(?>\s+|<!--.*?-->|<\?xml.*?\?>)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)


def supported(path: Path) -> bool:
    """Whether some parser reads files with this name."""
    return path.suffix.lower() in SUFFIXES


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
    document = parse_bytes(data, document_id)
    if not document.blocks:
        raise ParseError("The file holds no text.")
    return document


def parse_bytes(data: bytes, document_id: str) -> Document:
    """Read the bytes of a file; one without text is a document without blocks.

    Raises:
        ParseError: they are of an unknown format, or not what the name says.
    """
    suffix = PurePosixPath(document_id).suffix.lower()
    name = format_of(data) or SUFFIXES.get(suffix)
    if name is None:
        readable = " ".join(sorted(SUFFIXES))
        raise ParseError(f"No parser reads '{suffix}' files. Readable are: {readable}.")
    module, function = FORMATS[name]
    digest = hashlib.sha256(data).hexdigest()
    try:
        parser: Parser = getattr(import_module(module), function)
        if name == "eml":
            return parser(data, document_id, digest, parse_bytes)  # type: ignore[call-arg]
        return parser(data, document_id, digest)
    except ModuleNotFoundError as error:
        raise ParseError(
            f"What reads {name} files is not installed: the package '{error.name}' is missing. "
            "Run: pip install -r requirements.txt"
        ) from error
    except RecursionError as error:
        raise ParseError("Its parts are nested too deeply.") from error


def format_of(data: bytes) -> str | None:
    """The format that a file's bytes show, or ``None`` where they could be any text.

    Raises:
        ParseError: they are of a kind that no parser reads.
    """
    for magic, what in _BINARY.items():
        if data.startswith(magic):
            raise ParseError(f"The file is {what}")
    head = data[:1024]
    if head.lstrip().startswith(b"%PDF-") or (b"%PDF-" in head and b"startxref" in data):
        return "pdf"
    if data.startswith(b"{\\rtf"):
        return "rtf"
    if data.startswith(b"PK\x03\x04"):
        return _format_of_archive(data)
    return "html" if _PAGE.match(data[:4096]) else None


def _format_of_archive(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            kind = archive.read("mimetype")[:100] if "mimetype" in names else b""
    except DAMAGED as error:
        raise ParseError(f"The file is a damaged archive: {error}.") from error
    if b"epub" in kind:
        return "epub"
    if b"opendocument.text" in kind:
        return "odt"
    for folder, name in _INSIDE.items():
        if any(one.startswith(folder) for one in names):
            return name
    if any(one.startswith("xl/") for one in names) or b"spreadsheet" in kind:
        raise ParseError("The file is a workbook. Save each of its sheets as CSV, then rebuild.")
    raise ParseError("The file is a ZIP archive. Unpack it into the folder, then rebuild.")
