"""EML: a mail's subject, sender and date, its text, and its attachments through their parsers.

Of a text that is there in two ways, plain and HTML, the plain one is read unless it lacks most of
the words, and the attachments of both; words that only the other has are counted. Pictures inside
the text are left out as those of other formats are.
"""

from __future__ import annotations

import email
import email.policy
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

from index.errors import ParseError
from index.parsers.calendar import events
from index.parsers.html import decode_html, tree, write
from index.parsers.remarks import lacks
from index.parsers.text import decode
from index.parsers.title import name_of
from index.parsers.writer import Writer, whole
from index.records import Document, Extent

Attachment = Callable[[bytes, str], Document]
"""``(data, file name) -> its document``; raises ``ParseError`` where no parser reads such files."""

_ENCRYPTED = {"multipart/encrypted", "application/pkcs7-mime", "application/pgp-encrypted"}
_SIGNATURES = {f"application/{name}signature" for name in ("pgp-", "pkcs7-", "x-pkcs7-", "x-pgp-")}
_SUFFIXES = {
    "text/plain": ".txt",
    "text/html": ".html",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/markdown": ".md",
    "text/x-rst": ".rst",
    "text/rtf": ".rtf",
    "application/rtf": ".rtf",
}
"""What the names of attachments lack, which may have none at all."""
_MALFORMED = (ValueError, IndexError, AttributeError, TypeError, LookupError, OverflowError)
"""What reading a header that is not as it should be raises."""

_WORD = re.compile(r"\w+")
DEEPEST = 5  # mails inside mails


@dataclass(slots=True)
class _Reading:
    """What is read of a mail: its text so far, what was read by OCR, and what could not be.

    ``unreached`` counts the pages of attachments that OCR had no time for.
    """

    writer: Writer
    attachment: Attachment | None
    engine: str = ""
    unreached: int = 0
    unread: list[str] = field(default_factory=list)
    events: set[str] = field(default_factory=set)


def parse_eml(
    data: bytes, document_id: str, digest: str, attachment: Attachment | None = None
) -> Document:
    """Read a mail; its title is the subject, its author the sender.

    Raises:
        ParseError: it is no mail.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:200]:
        data = decode(data).encode("utf-8")
    message = email.message_from_bytes(_readable(data), policy=email.policy.default)
    if not isinstance(message, EmailMessage) or not message.keys():
        raise ParseError("The file is no mail: it has no header.")
    subject, sender = _header(message, "subject"), _header(message, "from")
    if not any((subject, sender, _header(message, "to"), _header(message, "date"))):
        raise ParseError("The file is no mail: it names no sender, receiver, subject or date.")
    kinds = {part.get_content_type() for part in message.walk()}
    if kinds & _ENCRYPTED and not kinds & {"text/plain", "text/html"}:
        raise ParseError("The mail is encrypted. Save it decrypted, then rebuild.")
    reading = _Reading(Writer(), attachment)
    writer = reading.writer
    if subject:
        writer.begin_section(1, subject)
    _read(message, reading, 0)
    writer.end_section()
    facts = {"author": sender, "date": _date(message), "ocr": reading.engine}
    facts["unreached"] = str(reading.unreached or "")
    return Document(
        document_id,
        subject or name_of(document_id),
        writer.text(),
        tuple(writer.blocks),
        "eml",
        digest,
        {key: value for key, value in facts.items() if value},
        Extent(writer.left_out, unread=tuple(reading.unread)),
    )


def _readable(data: bytes) -> bytes:
    """A mail whose header is in ASCII or UTF-8, as it should be."""
    place = min(
        (found for mark in (b"\n\n", b"\r\n\r\n") if (found := data.find(mark)) >= 0),
        default=len(data),
    )
    head = data[:place]
    if head.isascii():
        return data
    try:
        return decode(head).encode("utf-8") + data[place:]
    except ParseError:
        return data


def _read(part: Message, reading: _Reading, depth: int) -> None:
    """Add a part of a mail and the parts inside it, in order."""
    kind, writer = part.get_content_type(), reading.writer
    payload = part.get_payload()
    parts = [one for one in payload if isinstance(one, Message)] if part.is_multipart() else []
    if kind == "message/rfc822" and parts:
        for inner in parts:
            _read_mail(inner, reading, depth)
    elif kind == "message/delivery-status" and parts:
        for inner in parts:
            writer.add("; ".join(f"{name}: {_header(inner, name)}" for name in inner))
    elif kind == "multipart/alternative" and parts:
        chosen, more = _chosen(parts)
        writer.leave_out(" ".join(more))
        for one in parts:
            (_read if one in chosen else _read_beside)(one, reading, depth)
    elif parts:
        for one in parts:
            _read(one, reading, depth)
    elif _is_attachment(part):
        _read_attachment(part, reading, depth)
    elif kind == "text/html":
        write(tree(_text(part)), writer)
    else:
        lines = "\n".join(line.rstrip() for line in _text(part).splitlines())
        for paragraph in lines.split("\n\n"):
            writer.add(paragraph.strip("\n"))


def _read_mail(mail: Message, reading: _Reading, depth: int) -> None:
    subject = _header(mail, "subject") or "Forwarded mail"
    if depth >= DEEPEST:
        reading.unread.append(f"'{subject}': It is a mail in too many others.")
        return
    reading.writer.begin_section(2 + depth, subject)
    facts = ((name, _header(mail, name)) for name in ("From", "Date"))
    reading.writer.add("; ".join(f"{name}: {value}" for name, value in facts if value))
    _read(mail, reading, depth + 1)
    reading.writer.close_sections(1 + depth)


def _read_beside(part: Message, reading: _Reading, depth: int) -> None:
    """Add the attachments in a way of saying it that is not read."""
    for one in part.walk():
        is_picture = one.get_content_maintype() == "image" and one.get("content-id") is not None
        if not one.is_multipart() and _is_attachment(one) and not is_picture:
            _read_attachment(one, reading, depth)


def _chosen(parts: list[Message]) -> tuple[list[Message], list[str]]:
    """The way of saying it that is read, and words that only another way has.

    That is plain text, unless it lacks most of the words of HTML; all ways where there is neither.
    """
    plain, page = _said(parts, "text/plain"), _said(parts, "text/html")
    if plain is None or page is None:
        found = plain or page
        return ([found[0]] if found else parts), []
    ours, theirs = set(plain[1]), set(page[1])
    more = [word for word in page[1] if word not in ours]
    if 2 * len(more) <= len(page[1]):
        return [plain[0]], more
    return [page[0]], [word for word in plain[1] if word not in theirs]


def _said(parts: list[Message], kind: str) -> tuple[Message, list[str]] | None:
    """The first part that has text of a kind, and its words."""
    for part in parts:
        writer = Writer()
        for one in part.walk():
            if one.get_content_type() == kind and not _is_attachment(one):
                writer.add(_text(one)) if kind == "text/plain" else write(tree(_text(one)), writer)
        writer.end_section()
        headings = (heading for block in writer.blocks for heading in block.headings)
        if words := _WORD.findall(" ".join((writer.text(), *headings)).lower()):
            return part, words
    return None


def _is_attachment(part: Message) -> bool:
    """Whether a part is a file, and not a piece of the mail's text."""
    if part.get_content_disposition() == "attachment" or _file_name(part):
        return True
    kind = part.get_content_type()
    is_text = kind == "text/plain" or (kind not in _SUFFIXES and kind != "text/calendar")
    return kind != "text/html" and not (
        is_text and part.get_content_maintype() in ("text", "multipart", "message")
    )


def _read_attachment(part: Message, reading: _Reading, depth: int) -> None:
    kind, writer = part.get_content_type(), reading.writer
    inside = part.get_content_disposition() != "attachment"
    payload = part.get_payload(decode=True)
    is_seen = part.get_content_maintype() in ("image", "audio", "video")
    if kind in _SIGNATURES or (is_seen and inside):
        return
    if reading.attachment is None or not isinstance(payload, bytes):
        return
    name = _file_name(part) or "attachment"
    if not PurePosixPath(name).suffix:
        name += _SUFFIXES.get(kind, "")
    if kind == "text/calendar" or name.lower().endswith(".ics"):
        for event in events(_text(part)):
            if event not in reading.events:  # it may be there as text and as a file
                reading.events.add(event)
                writer.add(event)
        return
    try:
        found = reading.attachment(payload, name)
    except ParseError as error:
        reading.unread.append(f"'{name}': {error}")
        return
    reading.engine = reading.engine or found.metadata.get("ocr", "")
    reading.unreached += len(found.extent.unreached)
    writer.left_out += found.extent.left_out
    reading.unread += [f"'{name}': {reason}" for reason in lacks(found.extent)]
    title = found.title or name
    writer.begin_section(2 + depth, title)
    above: tuple[str, ...] = ()
    for block in found.blocks:
        path = tuple(heading for heading in block.headings if heading != title)
        pairs = zip(path, above, strict=False)
        same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
        if len(above) > same:
            writer.close_sections(2 + depth + same)
        for level, heading in enumerate(path[same:], start=3 + depth + same):
            writer.begin_section(level, heading)
        above = path
        writer.add(found.text[block.start : block.end])
    writer.close_sections(1 + depth)


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename() or ""
    except _MALFORMED:
        return ""
    return PurePosixPath(name.replace("\\", "/")).name


def _text(part: Message) -> str:
    """The characters of a text part, whatever charset it claims."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return str(part.get_payload())
    charset = part.get_content_charset() or ""
    if charset.endswith(("-i", "-e")):  # Hebrew, in the order of writing
        charset = charset[:-2]
    try:
        if part.get_content_type() == "text/html" and not charset:
            return decode_html(payload)
        return decode(payload, charset)
    except ParseError:
        return payload.decode("utf-8", "replace")


def _header(message: Message, name: str) -> str:
    try:
        return " ".join(whole(str(message.get(name) or "")).split())
    except _MALFORMED:
        return ""


def _date(message: Message) -> str:
    date = _header(message, "date")
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return read(date).date().isoformat()
        except _MALFORMED:
            continue
    return ""
