"""Answers and passages as plain data for the components.

Texts are cut here, not in the browser: Python counts code points and JavaScript UTF-16 units, so
an offset would mean two different places behind the first emoji. Imports no Streamlit.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from index.records import Answer, Citation, DocumentSummary, Hit, Passage, Span

Piece = tuple[str, str]
"""A stretch of text and its kind: "quote" (cited), "words" (in it, the ones that answer), "near"
(closest to the question) or ""."""

AROUND = 12
"""Passages shown on either side of the open one, beside an answer."""

FEW = 40
"""Headings up to which all of a document are shown."""

PREVIEW = 200
"""Characters shown of a passage that is only pointed at."""

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
    """The title of each document by its id; titles that are alike are followed by the id."""
    documents = list(documents)
    times = Counter(one.title for one in documents)
    return {
        one.id: one.title if times[one.title] == 1 else f"{one.title} ({one.id})"
        for one in documents
    }


def headings_of(passage: Passage) -> list[str]:
    """The headings above a passage, without the one that only repeats the title."""
    return [heading for heading in passage.headings if heading != passage.title]


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
    milliseconds: float,
    total: Callable[[str], int],
    neighbours: tuple[str, str],
    suggestions: Sequence[str] = (),
) -> dict[str, Any]:
    """What answer.js draws. ``total`` gives the number of passages of a document."""
    return {
        "question": answer.query,
        "answered": answer.answered,
        "match": answer.match,
        "active": active,
        "milliseconds": round(milliseconds) if milliseconds >= 10 else round(milliseconds, 1),
        "suggestions": list(suggestions),
        "sentences": [
            {"text": citation.quote, "pieces": _emphasised(citation), "number": citation.number}
            for citation in answer.citations
        ],
        "sources": [
            _source(hit, answer, total(hit.passage.document_id))
            | (
                {"before": neighbours[0], "after": neighbours[1]}
                if hit.rank == active
                else {"before": "", "after": ""}
            )
            for hit in hits
        ],
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
    page = "" if passage.page is None else f" · page {passage.page}"
    return f"{' › '.join([passage.title, *headings_of(passage)])}{page} · ¶ {passage.number}"


def _nearest_sentence(hit: Hit) -> list[Span]:
    scores, sentences = hit.sentence_scores, hit.passage.sentences
    if not scores or len(scores) != len(sentences):
        return []
    return [sentences[scores.index(max(scores))]]


def position_of(passages: Sequence[Passage], passage: Passage) -> int:
    """Where ``passage`` is among its document's passages; the nearest number if it is gone."""
    for index, other in enumerate(passages):
        if other.id == passage.id:
            return index
    return min(max(passage.number - 1, 0), max(len(passages) - 1, 0))


def reader_data(
    passages: Sequence[Passage],
    focus: int,
    citations: Sequence[Citation],
    around: int,
    centre: int | None = None,
    find: str = "",
) -> dict[str, Any]:
    """What reader.js draws: the passages ``around`` position ``centre``, by default ``focus``.

    Where ``find`` stands in them it is marked.
    """
    centre = focus if centre is None else centre
    first = max(0, centre - around)
    shown = passages[first : centre + around + 1]
    rows = []
    above = headings_of(passages[first - 1]) if first else []
    for passage in shown:
        path = headings_of(passage)
        same = 0
        while same < min(len(path), len(above)) and path[same] == above[same]:
            same += 1
        pieces = cut(passage.text, quoted_in(passage, citations))
        rows.append(
            {
                "number": passage.number,
                "id": passage.id,
                "headings": [
                    {"text": text, "depth": depth}
                    for depth, text in enumerate(path)
                    if depth >= same
                ],
                "pieces": found_in(pieces, find) if find else pieces,
            }
        )
        above = path
    return {
        "document": passages[focus].document_id,
        "title": passages[focus].title,
        "focus": passages[focus].number,
        "total": len(passages),
        "passages": rows,
    }


def found_in(pieces: Sequence[Piece], find: str) -> list[Piece]:
    """The pieces with what was looked for cut out of those that are not marked, as "found"."""
    cuts: list[Piece] = []
    for text, kind in pieces:
        spans = [] if kind else _places(text, find)
        cuts += cut(text, spans, "found") if spans else [(text, kind)]
    return cuts


def matches(passages: Sequence[Passage], find: str) -> list[int]:
    """The numbers of the passages that have these words, in whatever case."""
    return [passage.number for passage in passages if _places(passage.text, find)]


def _places(text: str, find: str) -> list[Span]:
    words = r"\s+".join(re.escape(word) for word in find.split())
    return [found.span() for found in re.finditer(words, text, re.IGNORECASE)] if words else []


def outline(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """The headings of a document in order: text, depth, and the number of the passage below."""
    entries: list[dict[str, Any]] = []
    above: list[str] = []
    for passage in passages:
        path = headings_of(passage)
        same = 0
        while same < min(len(path), len(above)) and path[same] == above[same]:
            same += 1
        entries += [
            {"text": text, "depth": depth, "number": passage.number}
            for depth, text in enumerate(path)
            if depth >= same
        ]
        above = path
    return entries


def unfolded(entries: Sequence[dict[str, Any]], here: int) -> list[dict[str, Any]]:
    """The headings to show: all of a few; of many, those beside and below where ``here`` stands.

    ``here`` is the number of a passage. Each entry says whether headings below it are ``folded``.
    """
    path: dict[int, int] = {}  # depth -> where the heading above ``here`` is
    for index, entry in enumerate(entries):
        if entry["number"] > here:
            break
        path = {depth: at for depth, at in path.items() if depth < entry["depth"]}
        path[entry["depth"]] = index
    open_ = set(path.values())
    shown: list[dict[str, Any]] = []
    above: list[int] = []
    for index, entry in enumerate(entries):
        above = [at for at in above if entries[at]["depth"] < entry["depth"]]
        if len(entries) <= FEW or open_.issuperset(above):
            shown.append({**entry, "folded": False})
        elif above[:-1] == [at for at in above if at in open_]:
            shown[-1]["folded"] = True
        above.append(index)
    return shown


def step_from(numbers: Sequence[int], number: int, by: int) -> int:
    """The next of ``numbers``, in order, after or before one; round the end to the other."""
    if by > 0:
        return next((one for one in numbers if one > number), numbers[0])
    return next((one for one in reversed(numbers) if one < number), numbers[-1])
