"""RTF: its text as paragraphs, by striprtf; it does not say which of them are headings."""

from __future__ import annotations

from pathlib import PurePosixPath

from index.errors import ParseError
from index.parsers.writer import Writer
from index.records import Document


def parse_rtf(data: bytes, document_id: str, digest: str) -> Document:
    """Read rich text.

    Raises:
        ParseError: it is no rich text, or damaged.
    """
    if not data.lstrip().startswith(b"{\\rtf"):
        raise ParseError("The file is no rich text, as its name says.")
    try:
        text = _text(data.decode("latin-1"))
    except (ValueError, KeyError, IndexError, TypeError, LookupError, AttributeError) as error:
        raise ParseError(f"The rich text is damaged: {error}.") from error
    writer = Writer()
    for line in text.split("\n"):
        writer.add(line.replace("|", "; ").rstrip("; ") if line.endswith("|") else line)
    name = PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()
    return Document(document_id, name, writer.text(), tuple(writer.blocks), "rtf", digest)


def _text(source: str) -> str:
    from striprtf.striprtf import rtf_to_text

    return str(rtf_to_text(source, encoding="cp1252", errors="replace"))  # type: ignore[no-untyped-call]
