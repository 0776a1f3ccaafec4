"""EML: a mail's subject, sender and date, its text, and its attachments through their parsers."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from email.message import EmailMessage, MIMEPart
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

from index.errors import ParseError
from index.parsers.html import decode_html, tree, write
from index.parsers.text import decode
from index.parsers.writer import Writer
from index.records import Document

Attachment = Callable[[bytes, str], Document | None]
"""``(data, file name) -> its document``, or ``None`` where no parser reads such files."""

_ENCRYPTED = {"multipart/encrypted", "application/pkcs7-mime", "application/pgp-encrypted"}
DEEPEST = 5  # mails inside mails


def parse_eml(
    data: bytes, document_id: str, digest: str, attachment: Attachment | None = None
) -> Document:
    """Read a mail; its title is the subject, its author the sender.

    Raises:
        ParseError: it is no mail.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:200]:
        data = decode(data).encode("utf-8")
    message = email.message_from_bytes(data, policy=email.policy.default)
    if not isinstance(message, EmailMessage) or not message.keys():
        raise ParseError("The file is no mail: it has no header.")
    subject, sender = _header(message, "subject"), _header(message, "from")
    if not any((subject, sender, _header(message, "to"), _header(message, "date"))):
        raise ParseError("The file is no mail: it names no sender, receiver, subject or date.")
    kinds = {part.get_content_type() for part in message.walk()}
    if kinds & _ENCRYPTED and not kinds & {"text/plain", "text/html"}:
        raise ParseError("The mail is encrypted. Save it decrypted, then rebuild.")
    writer = Writer()
    if subject:
        writer.begin_section(1, subject)
    attached = _read(message, writer, attachment, 0)
    writer.end_section()
    name = PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()
    engines = (found.metadata.get("ocr", "") for found in attached)
    facts = {"author": sender, "date": _date(message), "ocr": max(engines, default="")}
    return Document(
        document_id,
        subject or name,
        writer.text(),
        tuple(writer.blocks),
        "eml",
        digest,
        {key: value for key, value in facts.items() if value},
    )


def _read(
    message: EmailMessage, writer: Writer, attachment: Attachment | None, depth: int
) -> list[Document]:
    """Add a mail's text, its attachments and the mails inside it; returns the attachments."""
    attached = []
    body = message.get_body(("plain", "html"))
    if body is not None:
        content = _content(body)
        if body.get_content_type() == "text/html":
            if content.strip():
                write(tree(decode_html(content.encode("utf-8"))), writer)
        else:
            for paragraph in _unquoted(content).split("\n\n"):
                writer.add(paragraph.strip("\n"))
    for part in message.walk():
        name = part.get_filename()
        if not name or attachment is None or part is body or part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes):
            continue
        try:
            found = attachment(payload, PurePosixPath(name.replace("\\", "/")).name)
        except ParseError:
            found = None
        if found is not None:
            attached.append(found)
            writer.begin_section(2, found.title or name)
            for block in found.blocks:
                writer.add(found.text[block.start : block.end])
    if depth < DEEPEST:
        for part in message.iter_attachments():
            if part.get_content_type() == "message/rfc822":
                inner = part.get_content()
                if isinstance(inner, EmailMessage):
                    writer.begin_section(2, _header(inner, "subject") or "Forwarded mail")
                    attached += _read(inner, writer, attachment, depth + 1)
    return attached


def _content(part: MIMEPart) -> str:
    """The characters of a text part, whatever charset it claims."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return str(part.get_payload())
    charset = part.get_content_charset() or "utf-8"
    if charset.endswith(("-i", "-e")):  # Hebrew, in the order of writing
        charset = charset[:-2]
    try:
        return payload.decode(charset).replace("\r\n", "\n")
    except (UnicodeDecodeError, LookupError):
        try:
            return decode(payload)
        except ParseError:
            return payload.decode("utf-8", "replace")


def _unquoted(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n"))


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name) or "").split())
    except (ValueError, IndexError, AttributeError, TypeError, LookupError):
        return ""  # a header that is not as it should be


def _date(message: EmailMessage) -> str:
    try:
        return parsedate_to_datetime(_header(message, "date")).date().isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
