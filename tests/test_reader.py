"""Which sentence answers, and which passage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from index.extractor import Judgement
from index.lexical import Fields, LexicalIndex
from index.reader import (
    DEPTH,
    NEAR,
    PassageWeights,
    Reading,
    SentenceWeights,
    read,
    rerank,
)
from index.records import Evidence, Hit, Passage

TEXT = "Otters hunt at dusk. They eat crabs. A crab has ten legs."
SPANS = ((0, 20), (21, 36), (37, 57))
BODIES = [TEXT, "Crabs walk sideways.", "Rivers flood in May."]
LEXICAL = LexicalIndex.from_fields(Fields("", "", body) for body in BODIES)


def a_hit(
    score: float = 0.5,
    sentence_scores: tuple[float, ...] = (0.2, 0.4, 0.6),
    *,
    title: str = "",
    headings: tuple[str, ...] = (),
    dense: float = 0.3,
) -> Hit:
    passage = Passage("p", "d", title, headings, 1, 100, 100 + len(TEXT), TEXT, SPANS)
    evidence = Evidence(1, dense), Evidence(1, max(sentence_scores)), Evidence(None, 0.0)
    return Hit(1, score, 0, passage, *evidence, sentence_scores, ())


def by_span(readings: list[Reading]) -> dict[tuple[int, int], Reading]:
    return {reading.span: reading for reading in readings}


def idf(term: str) -> float:
    return float(LEXICAL.weight([term])[0])


class TestRead:
    def test_every_sentence_of_every_hit_is_read_once(self) -> None:
        hits = [a_hit(), a_hit(0.1)]
        readings = read("crabs", hits, LEXICAL)
        found = sorted((reading.hit.score, reading.span) for reading in readings)
        assert found == sorted((hit.score, span) for hit in hits for span in SPANS)

    def test_the_score_is_the_weighted_sum(self) -> None:
        weights = SentenceWeights(passage=2, meaning=3, shared=5)
        readings = by_span(read("otter zeppelin", [a_hit()], LEXICAL, weights=weights))
        share = idf("otter") / (idf("otter") + idf("zeppelin"))
        assert 0 < share < 1
        assert readings[SPANS[0]].shared == pytest.approx(share)
        assert readings[SPANS[0]].score == pytest.approx(2 * 0.5 + 3 * 0.2 + 5 * share)
        assert readings[SPANS[2]].score == pytest.approx(2 * 0.5 + 3 * 0.6)

    def test_the_likeliest_comes_first(self) -> None:
        readings = read("What do otters hunt?", [a_hit(), a_hit(0.4)], LEXICAL)
        scores = [reading.score for reading in readings]
        assert scores == sorted(scores, reverse=True)
        assert readings[0].span == SPANS[0]

    def test_meaning_is_the_cosine_of_the_sentence(self) -> None:
        readings = by_span(read("crabs", [a_hit()], LEXICAL))
        assert [readings[span].meaning for span in SPANS] == [0.2, 0.4, 0.6]

    def test_a_rare_word_tells_more_than_a_common_one(self) -> None:
        readings = by_span(read("otters eat crabs", [a_hit()], LEXICAL))
        assert idf("otter") > idf("crab") > 0
        assert readings[SPANS[0]].shared > readings[SPANS[2]].shared > 0
        assert readings[SPANS[1]].shared == pytest.approx(
            (idf("eat") + idf("crab")) / (idf("otter") + idf("eat") + idf("crab"))
        )

    def test_a_word_asked_twice_counts_once(self) -> None:
        once = by_span(read("otters eat", [a_hit()], LEXICAL))
        twice = by_span(read("otters otter eat", [a_hit()], LEXICAL))
        assert {span: one.shared for span, one in once.items()} == {
            span: one.shared for span, one in twice.items()
        }

    def test_words_that_only_ask_do_not_count(self) -> None:
        plain = by_span(read("otters hunt", [a_hit()], LEXICAL))
        asked = by_span(read("When do the otters hunt?", [a_hit()], LEXICAL))
        assert asked[SPANS[0]].shared == plain[SPANS[0]].shared == pytest.approx(1)

    def test_a_question_of_such_words_alone_is_read_by_them(self) -> None:
        readings = read("What has what?", [a_hit()], LEXICAL)
        assert all(0 <= reading.shared <= 1 for reading in readings)
        assert by_span(readings)[SPANS[2]].shared > 0

    @pytest.mark.parametrize("above", [{"title": "Otters"}, {"headings": ("Life", "An otter")}])
    def test_a_word_in_the_title_or_a_heading_is_there_for_each_sentence(
        self, above: dict[str, tuple[str, ...]]
    ) -> None:
        bare = by_span(read("otters eat crabs", [a_hit()], LEXICAL))
        titled = by_span(read("otters eat crabs", [a_hit(**above)], LEXICAL))  # type: ignore[arg-type]
        assert bare[SPANS[1]].shared < titled[SPANS[1]].shared == pytest.approx(1)
        assert titled[SPANS[0]].shared == bare[SPANS[0]].shared

    @pytest.mark.parametrize("query", ["?", "🦦", "the of and"])
    def test_a_question_without_words_is_read_by_meaning(self, query: str) -> None:
        readings = read(query, [a_hit()], LEXICAL)
        assert [reading.shared for reading in readings] == [0, 0, 0]
        assert readings[0].span == SPANS[2]

    def test_no_hits_have_no_sentences(self) -> None:
        assert read("otters", [], LEXICAL) == []


class FakeReader:
    """Says of each passage what it is told to, by row of the hits in order."""

    name = "fake"

    def __init__(self, judgements: list[Judgement]) -> None:
        self.judgements = judgements
        self.asked: list[int] = []

    def read(self, query: str, passages: Sequence[Passage]) -> list[Judgement]:
        begin = sum(self.asked)
        self.asked.append(len(passages))
        return self.judgements[begin : begin + len(passages)]


def hits_of(*scores: float) -> list[Hit]:
    return [
        replace(a_hit(score), rank=rank, row=rank - 1) for rank, score in enumerate(scores, start=1)
    ]


WEIGHTS = PassageWeights(retrieval=2, relevance=1, doubted=1)


class TestRerank:
    def test_without_a_reader_all_stays_as_it_is(self) -> None:
        hits = hits_of(0.5, 0.4)
        assert rerank("otters", hits, None) == (hits, {})

    def test_no_hits_are_not_read(self) -> None:
        reader = FakeReader([])
        assert rerank("otters", [], reader) == ([], {})
        assert reader.asked == []

    def test_the_score_is_the_weighted_sum(self) -> None:
        spans = (((0, 3), -1.0), ((21, 25), 3.0), ((37, 40), 0.0))
        reader = FakeReader([Judgement(-2.0, spans), Judgement(4.0)])
        hits, judgements = rerank("otters", hits_of(0.5, 0.4), reader, WEIGHTS)
        assert [hit.row for hit in hits] == [1, 0]
        assert [hit.rank for hit in hits] == [1, 2]
        assert hits[0].score == pytest.approx(2 * 0.4 + 4.0)
        assert hits[1].score == pytest.approx(2 * 0.5 - 2.0)
        assert hits[0].relevance == Evidence(1, 4.0)
        assert hits[1].relevance == Evidence(2, -2.0)
        assert judgements == {0: Judgement(-2.0, spans), 1: Judgement(4.0)}

    def test_a_reader_that_finds_no_answer_counts_less(self) -> None:
        weights = PassageWeights(retrieval=2, relevance=1, doubted=0.2)

        def gained(relevance: float) -> float:
            hits, _ = rerank("otters", hits_of(0.5), FakeReader([Judgement(relevance)]), weights)
            return hits[0].score - 2 * 0.5

        assert gained(2.0) == pytest.approx(0.6 * 2.0)
        assert gained(40.0) == pytest.approx(40.0)
        assert gained(-40.0) == pytest.approx(0.2 * -40.0)

    def test_hits_that_are_not_read_stay_behind_in_their_order(self) -> None:
        scores = [1 - 0.01 * place for place in range(DEPTH + 3)]
        reader = FakeReader([Judgement(float(place)) for place in range(DEPTH)])
        hits, judgements = rerank("otters", hits_of(*scores), reader, WEIGHTS)
        assert reader.asked == [DEPTH]
        assert [hit.row for hit in hits] == [*reversed(range(DEPTH)), DEPTH, DEPTH + 1, DEPTH + 2]
        assert [hit.rank for hit in hits] == list(range(1, DEPTH + 4))
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        assert [hit.relevance for hit in hits[DEPTH:]] == [None] * 3
        assert sorted(judgements) == list(range(DEPTH))

    def test_hits_far_below_the_best_are_not_read(self) -> None:
        scores = [1.0, 1 - 2 * NEAR, *(1 - NEAR / 2,) * 3, 1 - NEAR * 1.01]
        reader = FakeReader([Judgement(1.0)] * 5)
        _, judgements = rerank("otters", hits_of(*scores), reader, WEIGHTS)
        assert reader.asked == [5]  # the second one, too: one alone says little
        assert sorted(judgements) == [0, 1, 2, 3, 4]


class TestReadWithJudgements:
    def test_the_likeliest_words_make_the_sentence(self) -> None:
        spans = (((7, 11), -4.0), ((30, 35), -1.0), ((50, 57), 6.0))
        readings = read("crabs", [a_hit()], LEXICAL, {0: Judgement(1.5, spans)})
        assert readings[0].span == SPANS[2]
        assert readings[0].words == (50, 57)
        assert readings[0].margin == 6.0
        assert {reading.relevance for reading in readings} == {1.5}

    def test_the_score_is_the_weighted_sum(self) -> None:
        spans = (((7, 11), -4.0), ((30, 35), -1.0), ((50, 57), 6.0))
        weights = SentenceWeights(passage=2, span=3, meaning=5, shared=7)
        readings = read("zeppelin", [a_hit()], LEXICAL, {0: Judgement(1.5, spans)}, weights)
        assert by_span(readings)[SPANS[0]].score == pytest.approx(2 * 0.5 - 3 * 4.0 + 5 * 0.2)

    def test_a_reader_that_finds_no_words_leaves_them_out(self) -> None:
        readings = read("crabs", [a_hit()], LEXICAL, {0: Judgement(1.5)})
        assert {(reading.words, reading.margin) for reading in readings} == {(None, 0.0)}
        assert len(readings) == len(SPANS)
