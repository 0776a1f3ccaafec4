"""What was not read of a file, in sentences: for reports, and for mails of their attachments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import index.parsers.ocr as ocr
from index.records import Extent


def lacks(extent: Extent) -> Iterator[str]:
    """A sentence for each reason why parts of a file are not there; none where it is whole."""
    empty = [page for page in extent.without_text if page not in extent.unreached]
    if empty:
        lacking = ocr.lacking()
        why = f"pictures need OCR. {lacking}" if lacking else "OCR finds none in the pictures."
        yield f"{pages(empty, extent, 'has', 'have')} no text: {why}"
    if extent.unreached:
        late = pages(extent.unreached, extent, "is", "are")
        yield f"{late} missing: OCR did not come so far in its time. {ocr.MORE_TIME}"
    if extent.unread:
        yield f"Of its parts were not read: {' '.join(extent.unread[:8])}"


def pages(numbers: Sequence[int], extent: Extent, one: str, many: str) -> str:
    """``Pages 2–4, 7 of 9 have``."""
    runs: list[list[int]] = []
    for page in numbers:
        if runs and runs[-1][1] == page - 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    shown = ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in runs[:8])
    more = " and others" if len(runs) > 8 else ""
    noun, verb = ("Page", one) if len(numbers) == 1 else ("Pages", many)
    return f"{noun} {shown}{more} of {extent.pages} {verb}"
