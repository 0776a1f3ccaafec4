"""Answers and passages as plain data for the components.

Texts are cut here, not in the browser: Python counts code points and JavaScript UTF-16 units, so
an offset would mean two different places behind the first emoji. Imports no Streamlit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

from app.ui.strings import say
from index.errors import (
    BusyError,
    IndexMissingError,
    JudgementsError,
    NotFoundError,
    PassagesError,
    QueryError,
    TokenError,
)
from index.records import Answer, Citation, DocumentSummary, Hit, Passage, Span

Piece = tuple[str, str]
"""A stretch of text and its kind: "quote" (cited), "words" (in it, the ones that answer), "near"
(closest to the question) or ""."""

PREVIEW = 200
"""Characters shown of a passage that is only pointed at."""

_PLAIN = (QueryError, JudgementsError, BusyError, NotFoundError, TokenError)
"""Errors that say nothing of the index."""

PLACES = 3
"""Other places of a passage that are named; of those beyond, the number is."""


def cut(text: str, spans: Sequence[Span], kind: str = "quote") -> list[Piece]:
    """The text in pieces, those within ``spans`` of the given kind; joined they are the text."""
    pieces: list[Piece] = []
    position = 0
    for start, end in sorted(spans):
        start, end = max(start, position), min(end, len(text))
        if start >= end:
            continue
        pieces += [(text[position:start], ""), (text[start:end], kind)]
        position = end
    pieces.append((text[position:], ""))
    return [piece for piece in pieces if piece[0]]


def shorten(pieces: Sequence[Piece], before: int, after: int | None = None) -> list[Piece]:
    """At most ``before`` characters ahead of the first marked piece and ``after`` past the last."""
    marked = [index for index, (_, kind) in enumerate(pieces) if kind]
    if not marked:
        return list(pieces)
    short = list(pieces[marked[0] : marked[-1] + 1])
    if marked[0] and (lead := pieces[0][0]):
        short.insert(0, (_last(lead, before), ""))
    if marked[-1] + 1 < len(pieces):
        tail = pieces[-1][0]
        short.append((tail if after is None else _first(tail, after), ""))
    return short


def _last(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    _, space, rest = text[-length:].partition(" ")
    return "… " + (rest if space else text[-length:])


def _first(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    kept, space, _ = text[:length].rpartition(" ")
    return (kept if space else text[:length]) + "…"


def distinct_titles(documents: Iterable[DocumentSummary]) -> dict[str, str]:
    """The title of each document by its id.

    Titles that are alike are followed by the name of the file, or by the id if that is alike, too.
    """
    documents = list(documents)
    times = Counter(one.title for one in documents)
    files = Counter((one.title, PurePosixPath(one.id).name) for one in documents)

    def told_apart(one: DocumentSummary) -> str:
        if times[one.title] == 1:
            return one.title
        name = PurePosixPath(one.id).name
        return f"{one.title} ({name if files[one.title, name] == 1 else one.id})"

    return {one.id: told_apart(one) for one in documents}


def by_ocr(document: DocumentSummary | None) -> str:
    """A word of warning where pages of a document are pictures that were read by OCR."""
    return say("answer.by_ocr") if document and document.metadata.get("ocr") else ""


def drawn(passage: Passage, document: DocumentSummary | None) -> bool:
    """Whether a passage stands on a page that there is a picture of."""
    return passage.page is not None and document is not None and document.format == "pdf"


def problem_data(error: PassagesError) -> dict[str, Any]:
    """An error in its own words, and the command that helps, as notice.js draws them.

    ``build`` says whether the Library is the way out.
    """
    if isinstance(error, _PLAIN):
        return {"title": str(error), "text": "", "kind": "error", "command": "", "build": False}
    missing = isinstance(error, IndexMissingError)
    reason, _, command = str(error).partition(" Run: ")
    title = say("problem.missing") if missing else say("problem.unusable")
    return {
        "title": title,
        "text": "" if reason == title else reason,
        "kind": "info" if missing else "error",
        "command": command,
        "build": True,
    }


def headings_of(passage: Passage) -> list[str]:
    """The headings above a passage, without the one that only repeats the title."""
    return [heading for heading in passage.headings if heading != passage.title]


def place_of(passage: Passage) -> str:
    """Where a passage stands, in words."""
    path = " › ".join([passage.title, *headings_of(passage)])
    key = "answer.place" if passage.page is None else "answer.place_page"
    return say(key, path=path, page=passage.page, n=passage.number)


def quoted_in(passage: Passage, citations: Sequence[Citation]) -> list[Span]:
    """Where the citations stand in the passage, as offsets into its text."""
    return [
        (citation.start - passage.start, citation.end - passage.start)
        for citation in citations
        if citation.document_id == passage.document_id
        and passage.start <= citation.start < citation.end <= passage.end
    ]


def quotes_in(passage: Passage, citations: Sequence[Citation]) -> tuple[str, ...]:
    """The quotes that stand in the passage."""
    return tuple(passage.text[start:end] for start, end in quoted_in(passage, citations))


def preview_data(passage: Passage) -> dict[str, Any]:
    """What is shown of a point of the map."""
    return {
        "document": passage.document_id,
        "number": passage.number,
        "title": passage.title,
        "headings": headings_of(passage),
        "text": _first(" ".join(passage.text.split()), PREVIEW),
    }


def sources(answer: Answer, most: int) -> tuple[Hit, ...]:
    """The hits to show: the first ones, and any further one that is cited."""
    cited = {citation.number for citation in answer.citations}
    return tuple(hit for hit in answer.hits if hit.rank <= most or hit.rank in cited)


def default_source(answer: Answer) -> int:
    """The source that is open at first: the first one cited; none where nothing was answered."""
    return answer.citations[0].number if answer.citations else 0


def answer_data(
    answer: Answer,
    hits: Sequence[Hit],
    active: int,
    took: str,
    total: Callable[[str], int],
    suggestions: Sequence[str] = (),
) -> dict[str, Any]:
    """What answer.js draws.

    ``active`` is the source that is open, ``took`` says how long the answer took, and ``total``
    gives the number of passages of a document.
    """
    return {
        "question": answer.query,
        "answered": answer.answered,
        "match": answer.match,
        "active": active,
        "took": took,
        "suggestions": list(suggestions),
        "sentences": [
            {
                "text": citation.quote,
                "pieces": _emphasised(citation),
                "number": citation.number,
                "at": {
                    "document": citation.document_id,
                    "start": citation.start,
                    "end": citation.end,
                    "quote": citation.quote,
                },
            }
            for citation in answer.citations
        ],
        "sources": [_source(hit, answer, total(hit.passage.document_id)) for hit in hits],
    }


def _emphasised(citation: Citation) -> list[Piece]:
    """The quote in pieces, with the words in it that answer, if any, as "words"."""
    if citation.words is None:
        return [(citation.quote, "")]
    start, end = (place - citation.start for place in citation.words)
    return cut(citation.quote, [(start, end)], "words")


def _source(hit: Hit, answer: Answer, total: int) -> dict[str, Any]:
    passage = hit.passage
    pieces = cut(passage.text, quoted_in(passage, answer.citations))
    if answer.answered and all(kind == "" for _, kind in pieces):
        pieces = cut(passage.text, _nearest_sentence(hit), "near")
    return {
        "number": hit.rank,
        "id": passage.id,
        "place": place_of(passage),
        "document": passage.document_id,
        "title": passage.title,
        "headings": headings_of(passage),
        "passage": passage.number,
        "page": passage.page,
        "total": total,
        "also": [_place(copy) for copy in hit.copies[:PLACES]],
        "more": max(0, len(hit.copies) - PLACES) + hit.more_copies,
        "pieces": pieces,
        "short": shorten(pieces, before=90),
        "preview": shorten(pieces, before=60, after=60),
    }


def _place(passage: Passage) -> str:
    headings = headings_of(passage)
    path = " › ".join([passage.title, *(["…"] if headings[1:] else []), *headings[-1:]])
    key = "answer.copy_at" if passage.page is None else "answer.copy_at_page"
    return say(key, path=path, page=passage.page, n=passage.number)


def _nearest_sentence(hit: Hit) -> list[Span]:
    scores, sentences = hit.sentence_scores, hit.passage.sentences
    if not scores or len(scores) != len(sentences):
        return []
    return [sentences[scores.index(max(scores))]]
