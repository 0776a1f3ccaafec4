"""What comes with the pages of a PDF: fields that were filled in, notes, attached files."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

from index.parsers.layout import Box

CHECKED, UNCHECKED = "☒", "☐"

_UNSEEN = 0b100010  # the flags of a note that is hidden, or on paper only
_SECRET = 1 << 13  # the flag of a field for a password


def written_on(page: Any) -> tuple[list[tuple[Box, str]], int]:
    """What a page's fields and notes show, with its boxes, and how many characters others have."""
    import pypdfium2.raw as raw

    found: list[tuple[Box, str]] = []
    left_out = 0
    for number in range(raw.FPDFPage_GetAnnotCount(page.raw)):
        note = raw.FPDFPage_GetAnnot(page.raw, number)
        if not note:
            continue
        kind, box = raw.FPDFAnnot_GetSubtype(note), raw.FS_RECTF()
        text = _field(note) if kind == raw.FPDF_ANNOT_WIDGET else _value(note, b"Contents")
        seen = not raw.FPDFAnnot_GetFlags(note) & _UNSEEN and raw.FPDFAnnot_GetRect(note, box)
        if text and seen and kind in (raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT):
            found.append(((box.left, box.bottom, box.right, box.top), text))
        elif kind not in (raw.FPDF_ANNOT_POPUP, raw.FPDF_ANNOT_LINK):
            left_out += len(text)
        raw.FPDFPage_CloseAnnot(note)
    return found, left_out


def _field(note: Any) -> str:
    """What stands in a field of a form; of one that is ticked or not, a sign for that."""
    import pypdfium2.raw as raw

    if state := _value(note, b"AS"):
        return UNCHECKED if state == "Off" else CHECKED
    flags = ctypes.c_float()
    raw.FPDFAnnot_GetNumberValue(note, b"Ff", flags)
    if _value(note, b"FT") == "Btn" or int(flags.value) & _SECRET:
        return ""
    return _value(note, b"V")


def _value(note: Any, name: bytes) -> str:
    """What a note's dictionary says by a name, on one line."""
    import pypdfium2.raw as raw

    size = raw.FPDFAnnot_GetStringValue(note, name, None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    unit = ctypes.POINTER(ctypes.c_ushort)
    raw.FPDFAnnot_GetStringValue(note, name, ctypes.cast(buffer, unit), size)
    return " ".join(buffer.raw[: size - 2].decode("utf-16-le", "replace").split())


def unread(pdf: Any) -> Iterator[str]:
    """The parts of a PDF that are no pages, each with the reason why it is not read."""
    import pypdfium2
    import pypdfium2.raw as raw

    if pdf.get_formtype() == raw.FORMTYPE_XFA_FULL:
        yield "'XFA form': Few programs show it. Print it to a PDF, then rebuild."
    for number in range(pdf.count_attachments()):
        try:
            name = " ".join(pdf.get_attachment(number).get_name().split())
        except (pypdfium2.PdfiumError, UnicodeDecodeError):
            name = f"attachment {number + 1}"
        yield f"'{name}': It is attached to the PDF. Save it as a file, then rebuild."
