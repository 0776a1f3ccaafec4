"""Plain text: bytes to characters, characters to paragraphs.

Does not guess at tables, lists or columns; a paragraph is what blank lines set apart. A heading
with nothing below it is a paragraph too, unless it is the title.
"""

from __future__ import annotations

import codecs
import re

from index.errors import ParseError
from index.parsers.title import LOOKED_AT, title_of
from index.records import Block, Document

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_NUMBERED = re.compile(r"(?:\d+\.)*\d+\.?\s+[A-Z]\S*(?:\s+\S+){0,9}")
_UNDERLINE = re.compile(r"(={3,}|-{3,})\s*")
_LATIN = ("iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii")
_LONG_LINE = 200  # characters; hard-wrapped text has none, one-line paragraphs do


def decode(data: bytes, declared: str = "") -> str:
    """Turn a file's bytes into text with ``\\n`` line ends, whatever the encoding.

    A byte-order mark decides, then strict UTF-8, then the encoding that is ``declared`` if the
    bytes fit it, then UTF-16 by its zero bytes, then detection by charset-normalizer.

    Raises:
        ParseError: the bytes are no text in any encoding we can tell.
    """
    text = _as_declared(data, declared) if declared else ""
    return _checked(text or _decoded(data)).replace("\r\n", "\n").replace("\r", "\n")


def _as_declared(data: bytes, declared: str) -> str:
    """The text in the encoding that it claims to be in; nothing where that cannot be true."""
    name = declared.strip().lower()
    # What is called Latin-1 is what browsers read as cp1252.
    name = "cp1252" if name in _LATIN else name
    if any(data.startswith(mark) for mark, _ in _BOMS):
        return ""
    if name.startswith(("utf-16", "utf16", "utf-32", "utf32")) and b"\x00" not in data:
        return ""
    try:
        if not data.isascii():
            return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode(name)
        text.encode("utf-8")
    except (ValueError, LookupError):
        return ""
    return "" if "\x00" in text else text


def _decoded(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise ParseError(f"The file says it is {encoding} but is not: {error}.") from error
    if 0 < data.count(0) <= len(data) // 1000:
        data = data.replace(b"\x00", b" ")  # holes that a crash has left
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text and "\x00" not in text:
        return text
    if data.count(0) > len(data) // 5:
        # Latin text in UTF-16 has a zero in every second byte: the high one.
        little = data[1::2].count(0) >= data[0::2].count(0)
        try:
            return data.decode("utf-16-le" if little else "utf-16-be")
        except UnicodeDecodeError:
            pass
    if not data:
        return ""
    if b"\x00" in data:
        raise ParseError("The file is binary, not text. Save it as text or remove it.")
    return _detected(data)


def _detected(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    if best is None:
        raise ParseError("The file's encoding cannot be told. Save it as UTF-8.")
    # A few letters beyond ASCII fit many encodings equally well; one of these is the usual one.
    if len(_BEYOND_ASCII.findall(data)) <= max(len(data) / 20, 3):
        usual = from_bytes(data, cp_isolation=["cp1252"]).best()
        if usual is not None and usual.chaos <= best.chaos:
            return str(usual)
    return str(best)


def _checked(text: str) -> str:
    sample = text[:65536]
    if len(_CONTROL.findall(sample)) > len(sample) / 100:
        raise ParseError("The file is binary, not text. Save it as text or remove it.")
    return text


def parse_text(data: bytes, document_id: str, digest: str) -> Document:
    """Read plain text: blank lines part paragraphs; capitals, numbers, underlines make headings.

    Raises:
        ParseError: the bytes are no text.
    """
    text = decode(data)
    blocks: list[Block] = []
    heading: tuple[str, ...] = ()
    bare: Block | None = None  # the last heading, while nothing stands below it
    title = ""
    line = 1
    for match in re.finditer(r"(?:[^\n]*\S[^\n]*(?:\n|$))+|\n+|[^\S\n]+\n?", text):
        chunk = match.group()
        if chunk.strip():
            lines = chunk.rstrip("\n").split("\n")
            if found := _heading(lines):
                if bare is not None and heading != (title,):
                    blocks.append(bare)
                heading = (found,)
                title = title or found
                start = match.start() + len(chunk) - len(chunk.lstrip())
                bare = Block(start, start + len(found), (), line)
            else:
                bare = None
                blocks.extend(_paragraphs(lines, match.start(), line, heading))
        line += chunk.count("\n")
    if bare is not None and (heading != (title,) or not blocks):
        blocks.append(bare)
    paragraphs = (text[one.start : min(one.end, one.start + LOOKED_AT)] for one in blocks)
    title = title_of(document_id, paragraphs, title)
    return Document(document_id, title, text, tuple(blocks), "text", digest)


def _heading(lines: list[str]) -> str:
    first = lines[0].strip()
    underlined = len(lines) == 2 and _UNDERLINE.fullmatch(lines[1].strip()) is not None
    if not underlined and len(lines) > 1:
        return ""
    if len(first) > 100 or first.endswith((".", "?", "!", ",", ";", ":")):
        return first if underlined and len(first) <= 100 else ""
    capitals = first.isupper() and any(character.isalpha() for character in first)
    return first if underlined or capitals or _NUMBERED.fullmatch(first) else ""


def _paragraphs(lines: list[str], start: int, line: int, heading: tuple[str, ...]) -> list[Block]:
    """One block, or one for each line where lines are whole paragraphs."""
    groups = [[row] for row in lines] if max(map(len, lines)) > _LONG_LINE else [lines]
    blocks = []
    for group in groups:
        chunk = "\n".join(group)
        left = len(chunk) - len(chunk.lstrip())
        if chunk.strip():
            blocks.append(Block(start + left, start + len(chunk.rstrip()), heading, line))
        start += len(chunk) + 1
        line += len(group)
    return blocks
