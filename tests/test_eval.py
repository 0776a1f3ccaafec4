"""Sixty questions on this repository's own corpus: what the real models answer and leave alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.evaluation import Outcome, ask, figures
from app.service import Service
from app.settings import load_settings
from index.encoder import Encoder
from index.evaluate import Query, document_of, read_qrels, read_queries
from index.extractor import Extractor

ROOT = Path(__file__).parents[1]

# Floors, some questions below what is reached: `python -m app eval tests/eval` prints that.
RIGHT, SHOWN, NONE, AUROC = 0.65, 0.5, 0.75, 0.78

QUERIES = read_queries(ROOT / "tests" / "eval")
QRELS = read_qrels(ROOT / "tests" / "eval")


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, real_encoder: Encoder, extractor: Extractor
) -> Service:
    settings = load_settings(corpus=ROOT / "corpus", store=tmp_path_factory.mktemp("eval"))
    service = Service(settings)
    service.encoder, service.reader = real_encoder, extractor
    service.build(lambda step: None)
    return service


@pytest.fixture(scope="module")
def outcomes(service: Service) -> Sequence[Outcome]:
    found, problems = ask(service, QUERIES, QRELS)
    assert not problems
    return found


def test_there_are_sixty_and_a_third_has_no_answer() -> None:
    assert len({query.id for query in QUERIES}) == len({query.text for query in QUERIES}) == 60
    assert sum(query.unanswerable for query in QUERIES) == 20
    assert {query.id for query in QUERIES if not query.unanswerable} == set(QRELS)


@pytest.mark.parametrize("query", QUERIES, ids=[query.id for query in QUERIES])
def test_each_judged_span_is_an_answer(query: Query, service: Service) -> None:
    table = service._current().snapshot.table
    for judged in QRELS.get(query.id, {}):
        start, end = map(int, judged.rpartition("#")[2].split("-"))
        assert (table.text(document_of(judged)) or "")[start:end] in query.answers


def test_what_is_there_is_found(outcomes: Sequence[Outcome]) -> None:
    found = figures(outcomes)
    assert found["recall@5"] >= 0.9
    assert found["recall@20"] >= 0.97


def test_right_answers_are_given(outcomes: Sequence[Outcome]) -> None:
    found = figures(outcomes)
    assert found["first_sentence_answers"] >= RIGHT
    assert found["right_shown"] >= SHOWN


def test_what_is_not_there_is_not_answered(outcomes: Sequence[Outcome]) -> None:
    found = figures(outcomes)
    assert found["rightly_none"] >= NONE
    assert found["auroc"] >= AUROC
    far = [one for one in outcomes if one.unanswerable and int(one.id[1:]) > 50]
    assert Counter(one.shown for one in far) == {False: len(far)}


def test_quotes_and_words_are_slices(service: Service) -> None:
    table = service._current().snapshot.table
    emphasised = 0
    for query in QUERIES[::3]:
        for citation in service.ask(query.text, threshold=0.0).citations:
            text = table.text(citation.document_id) or ""
            assert text[citation.start : citation.end] == citation.quote
            if citation.words is not None:
                start, end = citation.words
                assert citation.start <= start < end <= citation.end
                emphasised += 1
    assert emphasised > 6
