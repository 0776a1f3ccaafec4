"""An answer as text to paste elsewhere, with its sources: plain, Markdown or BibTeX.

Imports no Streamlit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from app.ui.strings import say
from app.ui.view import place_of
from index.records import Answer, DocumentSummary, Hit, Passage

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$])")
_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_TEX |= {character: f"\\{character}" for character in "&%$#_{}"}


def copies(
    answer: Answer, hits: Sequence[Hit], documents: Mapping[str, DocumentSummary]
) -> dict[str, str]:
    """The answer and its sources by the name of the style."""
    numbers = {citation.number for citation in answer.citations}
    cited = {hit.rank: hit.passage for hit in hits if hit.rank in numbers}
    return {
        "plain": _plain(answer, cited),
        "markdown": _markdown(answer, cited),
        "bibtex": _bibtex(answer, cited, documents),
    }


def _plain(answer: Answer, cited: Mapping[int, Passage]) -> str:
    quotes = " ".join(f"“{one.quote}” [{one.number}]" for one in answer.citations)
    sources = [f"[{n}] {place_of(one)} ({one.document_id})" for n, one in cited.items()]
    return "\n".join([quotes, "", *sources])


def _markdown(answer: Answer, cited: Mapping[int, Passage]) -> str:
    quotes = [f"> {_in_markdown(one.quote)} [{one.number}]" for one in answer.citations]
    sources = [
        f"{n}. {_in_markdown(place_of(one))} ({_in_markdown(one.document_id)})"
        for n, one in cited.items()
    ]
    return "\n>\n".join(quotes) + "\n\n" + "\n".join(sources)


def _bibtex(
    answer: Answer, cited: Mapping[int, Passage], documents: Mapping[str, DocumentSummary]
) -> str:
    entries = []
    for number, passage in cited.items():
        document = documents.get(passage.document_id)
        metadata = document.metadata if document else {}
        quotes = " ".join(one.quote for one in answer.citations if one.number == number)
        key = "answer.note" if passage.page is None else "answer.note_page"
        fields = {
            "title": passage.title,
            "author": metadata.get("author", ""),
            "year": metadata.get("date", "")[:4],
            "howpublished": passage.document_id,
            "note": say(key, page=passage.page, n=passage.number, quotes=quotes),
        }
        lines = [f"  {name} = {{{_in_tex(value)}}}" for name, value in fields.items() if value]
        stem = re.sub(r"\W+", "-", PurePosixPath(passage.document_id).stem).strip("-").lower()
        entries.append(f"@misc{{{stem or 'source'}-{passage.number},\n" + ",\n".join(lines) + "\n}")
    return "\n\n".join(entries)


def _in_markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _in_tex(text: str) -> str:
    # The quotation marks of the note are TeX's own.
    return "".join(_TEX.get(character, character) for character in " ".join(text.split()))
