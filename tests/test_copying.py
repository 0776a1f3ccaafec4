"""What is copied from an answer, why a source was found, and what the quotes do not cover."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_page import citation, hit, passage

from app.ui.copying import copies
from app.ui.why import uncovered, why
from index.records import Answer, DocumentSummary, Evidence, Match

TEXT = "It costs $5 & more_or_less *nothing*. Ask."
FOUND = replace(passage(3, TEXT, ("T", "Fees {a}")), page=7, document_id="law/port fees.pdf")
SUMMARY = DocumentSummary(
    "law/port fees.pdf", "T", "pdf", "", 4, 400, {"author": "Ida Holm", "date": "2020-03-05"}
)


def answer(match: Match = "partial", query: str = "What does a berth cost in 1998?") -> Answer:
    quoted = citation(2, FOUND, 0, 37)
    return Answer(query, True, 0.6, match, (quoted,), (hit(1, passage(1, "Other.")), hit(2, FOUND)))


def styles() -> dict[str, str]:
    reply = answer()
    return copies(reply, reply.hits, {SUMMARY.id: SUMMARY})


def test_plain_text_has_quotes_numbers_and_places_of_what_is_cited() -> None:
    assert styles()["plain"] == (
        "“It costs $5 & more_or_less *nothing*.” [2]\n\n"
        "[2] T › Fees {a}, page 7, paragraph 3 (law/port fees.pdf)"
    )


def test_markdown_shows_the_documents_own_characters() -> None:
    assert styles()["markdown"] == (
        "> It costs \\$5 & more\\_or\\_less \\*nothing\\*\\. [2]\n\n"
        "2. T › Fees \\{a\\}, page 7, paragraph 3 (law/port fees\\.pdf)"
    )


def test_bibtex_is_one_entry_a_source_with_what_the_document_tells() -> None:
    assert styles()["bibtex"] == (
        "@misc{port-fees-3,\n"
        "  title = {T},\n"
        "  author = {Ida Holm},\n"
        "  year = {2020},\n"
        "  howpublished = {law/port fees.pdf},\n"
        "  note = {page 7, paragraph 3: ``It costs \\$5 \\& more\\_or\\_less *nothing*.''}\n"
        "}"
    )


@pytest.mark.parametrize(
    ("cosine", "relevance", "said"),
    [
        (0.8, 4.0, ["Close", "finds an answer"]),
        (0.4, 0.0, ["Near", "in doubt"]),
        (0.1, -6.0, ["Not near", "finds no answer"]),
        (0.1, None, ["Not near", "has not read"]),
    ],
)
def test_the_reasons_are_the_evidence_in_words(
    cosine: float, relevance: float | None, said: list[str]
) -> None:
    evidence = Evidence(1, cosine)
    found = replace(
        hit(1, FOUND),
        dense=evidence,
        sentence=evidence,
        matched=("berth", "costs"),
        relevance=None if relevance is None else Evidence(1, relevance),
    )
    words, meaning, reader = why(found)
    assert words.endswith(": berth, costs")
    assert meaning.startswith(said[0])
    assert f"{cosine:.2f}" in meaning
    assert said[1] in reader
    assert why(replace(found, matched=()))[0] == "It shares no word with the question"


def test_words_that_no_quoted_passage_has_are_named_unless_the_match_is_strong() -> None:
    assert uncovered(answer()) == ["berth", "1998"]
    assert uncovered(answer(query="What are the costs?")) == []
    assert uncovered(answer(query="How dear is a berth, and has it ever been free?")) == [
        "berth",
        "free",
    ]
    assert "pilots" in uncovered(answer(query="How pilots pay the costs"))
    assert uncovered(answer("strong")) == []
    assert uncovered(Answer("What?", False, 0.1, "none", (), ())) == []
