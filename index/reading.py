"""From a corpus folder to documents, one after the other, and a report on every file.

Files are parsed side by side and come in the order of their names. What is made of the documents
is ``build``'s work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Literal

from index.corpus import Source
from index.documents import with_pictures
from index.errors import ParseError
from index.parsers import digest_of, ocr
from index.parsers.remarks import lacks, pages
from index.parsers.workers import SECONDS, Parsed
from index.progress import Meter
from index.records import Document, Extent, FileReport


class Reading:
    """Documents, one after the other, and a report on every file they come from."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.reports: list[FileReport] = []
        self._documents = documents
        self._seconds = 0.0

    @classmethod
    def files(
        cls,
        sources: list[Source],
        skipped: list[FileReport],
        parsed: Iterator[Parsed],
        meter: Meter,
    ) -> Reading:
        """The documents of files, as ``parsed`` says what became of each."""
        reading = cls(())
        reading.reports.extend(skipped)
        reading._documents = reading._parsed(sources, parsed, meter)
        return reading

    def __iter__(self) -> Iterator[Document]:
        return iter(self._documents)

    def report(self, document: Document, passages: int, repeated: int, cut: int) -> None:
        extent = document.extent
        reason = _remarks(document)
        self.reports.append(
            FileReport(
                path=document.id,
                state=_state(extent) if passages else "failed",
                reason=reason if passages else "It holds no text.",
                passages=passages,
                characters=len(document.text) if passages else 0,
                left_out=extent.left_out,
                pages=extent.pages,
                pages_without_text=len(extent.without_text),
                repeated=repeated,
                cut_tokens=cut,
                seconds=round(self._seconds, 3),
            )
        )

    def _parsed(
        self, sources: list[Source], files: Iterator[Parsed], meter: Meter
    ) -> Iterator[Document]:
        meter.begin("reading", len(sources))
        seen: dict[str, str] = {}
        for source, parsed in zip(meter.count(sources), files, strict=True):
            document, self._seconds = parsed.document, parsed.seconds
            if document is None:
                seconds = round(parsed.seconds, 3)
                self.reports.append(
                    FileReport(source.document_id, "failed", parsed.reason, seconds=seconds)
                )
                continue
            if first := seen.get(document.digest):
                reason = f"It has the same content as '{first}'."
                self.reports.append(FileReport(source.document_id, "duplicate", reason))
                continue
            seen[document.digest] = source.document_id
            yield document


def _state(extent: Extent) -> Literal["indexed", "partly"]:
    return "partly" if extent.without_text or extent.unread else "indexed"


def _remarks(document: Document) -> str:
    """What was not read, and what was read by OCR; nothing where all is plain text."""
    extent = document.extent
    remarks = list(lacks(extent))
    if extent.by_ocr:
        read = pages(extent.by_ocr, extent, "was", "were")
        remarks.append(f"{read} read by OCR, which makes mistakes.")
    elif "ocr" in document.metadata and not extent.unreached:
        remarks.append("Attachments were read by OCR, which makes mistakes.")
    return " ".join(remarks)


def digests_of(sources: list[Source]) -> dict[str, str]:
    """The hash of each file's content by its document's id, or why there is none."""
    found = {}
    for source in sources:
        try:
            found[source.document_id] = digest_of(source.path)
        except ParseError as error:
            found[source.document_id] = str(error)
    return found


def digest_of_corpus(
    digests: dict[str, str], skipped: list[FileReport], seconds: float = SECONDS
) -> str:
    """One hash of all that the corpus consists of: names, contents, and what is left out.

    The seconds that a file may take count, and what reads pictures where there may be some: with
    more time or once OCR is installed, a build finds more.
    """
    content = hashlib.sha256(f"{seconds:g}".encode())
    if with_pictures(digests):
        content.update(ocr.engine().encode())
    for document_id, digest in digests.items():
        content.update(f"{document_id}\0{digest}\0".encode())
    for file in skipped:
        content.update(f"{file.path}\0{file.reason}\0".encode())
    return content.hexdigest()
