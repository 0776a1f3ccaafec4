"""What the Ask screen shows, as plain data: a question's answer, or what there is to ask."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from app.service import Service
from app.ui import feedback
from app.ui.address import Asked, chips, parameters_of
from app.ui.copying import copies
from app.ui.current import documents, documents_left, offered, passages, service, service_at, titles
from app.ui.reading import AROUND, picture_data, position_of, reader_data
from app.ui.strings import say
from app.ui.view import answer_data, by_ocr, default_source, drawn, sources
from app.ui.why import uncovered, why
from app.ui.words import count, took
from index.errors import NotFoundError, PassagesError
from index.filters import DATE, Filter
from index.records import Answer, Citation, Hit, Passage

CHOSEN = {"folder": "folders", "format": "formats", "document": "documents", "author": "authors"}
"""Fields with a list of values, and where ``Choices`` has these."""


def start(only: Filter) -> dict[str, Any]:
    """What stands below the box before anything is asked; raises as ``Service.documents`` does."""
    status = service().status()
    every = count(len(documents()), "document")
    return _narrowing(only) | {
        "facts": f"{every} · {count(status.passages, 'passage')}",
        "suggestions": [] if only else service().suggestions(),
    }


def answered(asked: Asked, snapshot: str, source: int, judge: str) -> dict[str, Any]:
    """The answer to a question with its sources, and the open one in its document.

    ``snapshot`` names an earlier one to ask, or none. ``source`` is the number of the source to
    open, if there is one. ``judge`` is whose judgement of the answer is shown. Raises as
    ``Service.ask`` does.
    """
    found = _narrowing(asked.only) | {
        "asked": {"about": " ".join(asked.about), "only": parameters_of(asked.only)},
        "parameters": asked.parameters,
    }
    if asked.only and not documents_left(asked.only):
        notice = {"title": say("ask.none_left"), "text": say("ask.none_left_more")}
        return found | {"notice": notice}
    library = service_at(snapshot) if snapshot else service()
    if snapshot and library is not service():
        found["notice"] = (
            {"title": say("ask.gone"), "text": say("ask.gone_more")}
            if library is None
            else {"title": say("ask.earlier"), "text": say("ask.earlier_more")}
        )
    library = library or service()
    started = time.perf_counter()
    answer = library.ask(asked.whole, only=asked.only)
    seconds = time.perf_counter() - started
    current = library is service()
    hits = sources(answer, library.settings.top_k)
    active = source if source in {hit.rank for hit in hits} else default_source(answer)
    there = next((hit.passage for hit in hits if hit.rank == active), None)
    return found | {
        "answer": _drawn(answer, hits, active, asked, took(seconds)),
        "reader": _in_document(there, answer.citations, library) if there else None,
        "map": current and bool(answer.hits),
        "feedback": feedback.offered(answer, asked.only, judge) if current else None,
    }


def reader_of(passage_id: str, quotes: Sequence[Citation], snapshot: str) -> dict[str, Any]:
    """A passage among its neighbours, with what is quoted of them marked.

    Raises:
        NotFoundError: the index has no such passage. Else as ``Service.ask`` does.
    """
    library = (service_at(snapshot) if snapshot else None) or service()
    return _in_document(library.passage(passage_id), quotes, library)


def page_of(passage_id: str, quotes: Sequence[Citation]) -> dict[str, Any]:
    """The picture of the page that a passage stands on, or why there is none."""
    try:
        return picture_data(service(), service().passage(passage_id), quotes)
    except PassagesError as error:
        said = {"title": say("shown.failed"), "text": str(error), "kind": "error"}
        return {"problem": said}


def choices() -> dict[str, Any]:
    """What the search can be narrowed by; raises as ``Service.documents`` does."""
    there = offered()
    lists = []
    for name, many in CHOSEN.items():
        values: tuple[str, ...] = getattr(there, many)
        if values and not (name == "format" and len(values) == 1):
            of = titles() if name == "document" else {}
            lists.append({"name": name, "values": [(one, of.get(one, one)) for one in values]})
    dates = [there.dates[0], there.dates[-1]] if there.dates else []
    return {"lists": lists, "dates": dates, "date": re.sub(r"\\d", "[0-9]", DATE)}


def _narrowing(only: Filter) -> dict[str, Any]:
    """Whether the search can be narrowed, and the chips that say to what it is."""
    every = len(documents())
    narrowed = None
    if only:
        left = say("narrow.left", n=documents_left(only), documents=count(every, "document"))
        label = say("narrow.narrowed")
        narrowed = {"chips": chips(only, titles()), "label": label, "before": "", "after": left}
    return {"can_narrow": every > 1, "narrowed": narrowed}


def _drawn(
    answer: Answer, hits: Sequence[Hit], active: int, asked: Asked, took: str
) -> dict[str, Any]:
    """What answer.js draws."""
    every = documents()
    data = answer_data(
        answer,
        hits,
        active,
        took,
        lambda document: every[document].passages if document in every else 0,
        () if answer.answered or asked.only else service().suggestions(),
    )
    data["question"] = asked.question
    data["uncovered"] = uncovered(answer)
    data["copies"] = copies(answer, hits, every)
    for one, hit in zip(data["sources"], hits, strict=True):
        document = every.get(hit.passage.document_id)
        one["why"] = why(hit)
        one["title"] = titles().get(one["document"], one["title"])
        one["drawn"] = drawn(hit.passage, document)
        one["by_ocr"] = by_ocr(document)
    return data


def _in_document(passage: Passage, quotes: Sequence[Citation], library: Service) -> dict[str, Any]:
    try:
        there = passages if library is service() else library.read
        around = there(passage.document_id)
    except NotFoundError:
        around = [passage]  # gone from the library since the question was asked
    return reader_data(around, position_of(around, passage), quotes, AROUND)


def cited(quotes: Sequence[Mapping[str, Any]]) -> list[Citation]:
    """Places that an answer cites, as the page gives them back."""
    return [
        Citation(
            number=0,
            quote=one["quote"],
            document_id=one["document"],
            passage_id="",
            start=one["start"],
            end=one["end"],
            score=0.0,
        )
        for one in quotes
    ]
