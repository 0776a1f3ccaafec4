"""Why a passage was found, and what of a question the quotes do not cover, in words.

Imports no Streamlit.
"""

from __future__ import annotations

import re

from app.followup import telling
from app.ui.strings import say
from index.lexical import terms_of
from index.records import Answer, Hit

CLOSE, NEAR = 0.55, 0.35
"""Cosines from which on a passage is called close, or near, in meaning."""

SURE, DOUBT = 1.0, -2.0
"""The reader's logits above which it finds an answer, and below which it finds none."""

_MEASURE = re.compile(
    r"\bhow (tall|deep|high|low|long|short|wide|broad|thick|far|near|big|large|small|old|young|"
    r"heavy|light|fast|slow|often|soon|late|early|hot|cold|dear|cheap|expensive|strong)\b",
    re.IGNORECASE,
)
_EMPHASIS = frozenset("ever yet still exactly actually really please just even".split())
"""Words that a question has and its answer need not: in "how tall", tall asks for a height."""


def why(hit: Hit) -> list[str]:
    """What speaks for a hit: its words, its meaning, and what the reader says of it."""
    words = say("why.words", words=", ".join(hit.matched)) if hit.matched else say("why.no_words")
    cosine = max(hit.dense.score, hit.sentence.score)
    meaning = "why.close" if cosine >= CLOSE else "why.near" if cosine >= NEAR else "why.far"
    if hit.relevance is None:
        reader = "why.unread"
    elif hit.relevance.score >= SURE:
        reader = "why.answers"
    else:
        reader = "why.perhaps" if hit.relevance.score > DOUBT else "why.no_answer"
    return [words, say(meaning, cosine=f"{cosine:.2f}"), say(reader)]


def uncovered(answer: Answer) -> list[str]:
    """Telling words of the question that stand nowhere in the quoted passages; none if sure."""
    if not answer.answered or answer.match == "strong":
        return []
    cited = {citation.passage_id for citation in answer.citations}
    there: set[str] = set()
    for hit in answer.hits:
        if hit.passage.id in cited:
            there.update(terms_of(f"{hit.passage.above} {hit.passage.text}"))
    implied = _EMPHASIS.union(word.lower() for word in _MEASURE.findall(answer.query))
    return [
        word
        for word in dict.fromkeys(telling(answer.query))
        if word.lower() not in implied and not there.intersection(terms_of(word))
    ]
