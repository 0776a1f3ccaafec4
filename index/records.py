"""What flows through Passages: frozen records with no behaviour beyond derived values.

This file imports nothing of ours. Offsets are in Python characters (code points), never bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Span = tuple[int, int]
"""A half-open range of characters, ``text[start:end]``."""

_FILE = re.compile(r"(?:.*/)?([^/]+)\.\w{1,8}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph of a document, as its parser found it.

    ``start`` and ``end`` are offsets into ``Document.text``; ``headings`` is the path of headings
    above it, outermost first; ``line`` is the line of the source file it begins on, from 1, and
    ``page`` the page, from 1, each ``None`` where the format has none. ``item`` says that the file
    has it as an item of a list, whether or not a number tells so.
    """

    start: int
    end: int
    headings: tuple[str, ...] = ()
    line: int | None = None
    page: int | None = None
    item: bool = False


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a file was read, as far as its parser can tell.

    ``left_out`` counts the characters that were seen and not kept, such as running headers and
    navigation. ``pages`` is 0 where the format has none; ``without_text`` are pages, from 1, that
    hold no text: pictures, which need OCR, or damaged ones. ``by_ocr`` are pages that OCR has read,
    with the mistakes that it makes; ``unreached`` are those without text that it had no time for.
    ``unread`` are parts of the file, attachments and chapters, that could not be read, each with
    the reason.
    """

    left_out: int = 0
    pages: int = 0
    without_text: tuple[int, ...] = ()
    by_ocr: tuple[int, ...] = ()
    unreached: tuple[int, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The readable text of one source file.

    ``id`` is the file's path below the corpus folder, with ``/`` between its parts. ``text`` is
    what the parser read, without markup, its blocks separated by blank lines. ``digest`` is the
    SHA-256 of the file's bytes, in hex. ``metadata`` may hold ``author`` and ``date`` (ISO 8601).
    """

    id: str
    title: str
    text: str
    blocks: tuple[Block, ...]
    format: str
    digest: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    extent: Extent = Extent()


@dataclass(frozen=True, slots=True)
class Passage:
    """A quotable piece of one document: ``document.text[start:end] == text``.

    ``id`` is made of the document's id and the text, so it survives a rebuild. ``number`` counts
    the passages of the document from 1. ``sentences`` are offsets into ``text``.
    """

    id: str
    document_id: str
    title: str
    headings: tuple[str, ...]
    number: int
    start: int
    end: int
    text: str
    sentences: tuple[Span, ...]
    line: int | None = None
    page: int | None = None

    @property
    def above(self) -> str:
        """What stands over the text: the title, the headings, and the words of the file's name."""
        return " ".join((self.title, *self.headings, name_words(self.document_id)))


def name_words(document_id: str) -> str:
    """The words of a file's name, as people ask for it: ``"CJCSI 3520.01C"``.

    What has no suffix, as a line of a collection, is no file.
    """
    match = _FILE.fullmatch(document_id)
    return match[1].replace("_", " ") if match else ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one retriever said of a passage: its rank from 1 (``None``: not retrieved) and score."""

    rank: int | None
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a query, and why.

    ``score`` is the convex combination of the four pieces of evidence: ``dense`` and
    ``sentence`` are cosines, ``lexical`` is BM25, ``wording`` is how much of the question's words
    stands together, in 0..1, and 0 where nobody looked. Where a reader has read the passage,
    ``relevance`` is its logit, and ``score`` has that in it too. ``sentence_scores`` holds one
    cosine for each of the passage's sentences. ``matched`` are the words of the passage that the
    query shares. ``copies`` are the other places where the same words stand, the first of very
    many; ``more_copies`` counts the rest.
    """

    rank: int
    score: float
    row: int
    passage: Passage
    dense: Evidence
    sentence: Evidence
    lexical: Evidence
    sentence_scores: tuple[float, ...]
    matched: tuple[str, ...]
    wording: float = 0.0
    relevance: Evidence | None = None
    copies: tuple[Passage, ...] = ()
    more_copies: int = 0


@dataclass(frozen=True, slots=True)
class Citation:
    """A quoted sentence and the place it stands in.

    ``start`` and ``end`` are offsets into the text of the document ``document_id``: the quote is
    exactly that slice. ``words`` are offsets, likewise, of the words in it that answer; ``None``
    where none stand out. ``number`` is the [n] shown to people: the rank of the passage's hit.
    """

    number: int
    quote: str
    document_id: str
    passage_id: str
    start: int
    end: int
    score: float
    words: Span | None = None


Match = Literal["strong", "partial", "weak", "none"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to a query: verbatim sentences with citations, or an abstention.

    ``confidence`` is the calibrated probability, in 0..1, that the corpus answers the question
    where the first citation points. ``match`` is that number in words. Where ``answered`` is
    false there are no citations, and ``hits`` are only the nearest passages. ``snapshot`` is the
    index that was asked.
    """

    query: str
    answered: bool
    confidence: float
    match: Match
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    snapshot: str = ""

    @property
    def text(self) -> str:
        """The quoted sentences in order, each followed by its number: ``… peace. [1]``."""
        return " ".join(f"{citation.quote} [{citation.number}]" for citation in self.citations)


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file of the corpus in a build, and why where not all is in the index.

    Of its ``passages``, ``repeated`` say what others did before, and are cited with these.
    ``characters`` are in the index, ``left_out`` were seen and are not. ``pages`` is 0 where the
    format has none. ``cut_tokens`` are those of long titles and headings that the encoder does not
    see; BM25 does. ``seconds`` is what reading the file took.
    """

    path: str
    state: Literal["indexed", "partly", "duplicate", "skipped", "failed"]
    reason: str = ""
    passages: int = 0
    characters: int = 0
    left_out: int = 0
    pages: int = 0
    pages_without_text: int = 0
    repeated: int = 0
    cut_tokens: int = 0
    seconds: float = field(default=0.0, compare=False)

    @property
    def coverage(self) -> float:
        """The share of what the file holds that is in the index, in 0..1: characters, or pages."""
        if not self.characters:
            return 0.0
        kept = self.characters / (self.characters + self.left_out)
        return kept * (1 - self.pages_without_text / self.pages if self.pages else 1)


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A document of the index without its text. ``characters`` counts its readable text."""

    id: str
    title: str
    format: str
    digest: str
    passages: int
    characters: int
    metadata: Mapping[str, str] = field(default_factory=dict)
