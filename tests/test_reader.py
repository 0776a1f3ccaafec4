"""Which sentence answers, and how sure that is."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import Fields, LexicalIndex
from index.reader import Calibration, Reading, SentenceWeights, confidence, features, read
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
        weights = SentenceWeights(passage=2, meaning=3, words=5)
        readings = by_span(read("otter zeppelin", [a_hit()], LEXICAL, weights))
        share = idf("otter") / (idf("otter") + idf("zeppelin"))
        assert 0 < share < 1
        assert readings[SPANS[0]].words == pytest.approx(share)
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
        assert readings[SPANS[0]].words > readings[SPANS[2]].words > 0
        assert readings[SPANS[1]].words == pytest.approx(
            (idf("eat") + idf("crab")) / (idf("otter") + idf("eat") + idf("crab"))
        )

    def test_a_word_asked_twice_counts_once(self) -> None:
        once = by_span(read("otters eat", [a_hit()], LEXICAL))
        twice = by_span(read("otters otter eat", [a_hit()], LEXICAL))
        assert {span: one.words for span, one in once.items()} == {
            span: one.words for span, one in twice.items()
        }

    def test_words_that_only_ask_do_not_count(self) -> None:
        plain = by_span(read("otters hunt", [a_hit()], LEXICAL))
        asked = by_span(read("When do the otters hunt?", [a_hit()], LEXICAL))
        assert asked[SPANS[0]].words == plain[SPANS[0]].words == pytest.approx(1)

    def test_a_question_of_such_words_alone_is_read_by_them(self) -> None:
        readings = read("What has what?", [a_hit()], LEXICAL)
        assert all(0 <= reading.words <= 1 for reading in readings)
        assert by_span(readings)[SPANS[2]].words > 0

    @pytest.mark.parametrize("above", [{"title": "Otters"}, {"headings": ("Life", "An otter")}])
    def test_a_word_in_the_title_or_a_heading_is_there_for_each_sentence(
        self, above: dict[str, tuple[str, ...]]
    ) -> None:
        bare = by_span(read("otters eat crabs", [a_hit()], LEXICAL))
        titled = by_span(read("otters eat crabs", [a_hit(**above)], LEXICAL))  # type: ignore[arg-type]
        assert bare[SPANS[1]].words < titled[SPANS[1]].words == pytest.approx(1)
        assert titled[SPANS[0]].words == bare[SPANS[0]].words

    @pytest.mark.parametrize("query", ["?", "🦦", "the of and"])
    def test_a_question_without_words_is_read_by_meaning(self, query: str) -> None:
        readings = read(query, [a_hit()], LEXICAL)
        assert [reading.words for reading in readings] == [0, 0, 0]
        assert readings[0].span == SPANS[2]

    def test_no_hits_have_no_sentences(self) -> None:
        assert read("otters", [], LEXICAL) == []


class TestConfidence:
    def test_it_is_the_logistic_of_the_weighted_features(self) -> None:
        calibration = Calibration(meaning=2, words=3, dense=-1, bias=-0.5)
        best = Reading(a_hit(dense=0.3), SPANS[0], 9.0, meaning=0.6, words=0.25)
        assert features(best) == (0.6, 0.25, 0.3)
        logit = 2 * 0.6 + 3 * 0.25 - 0.3 - 0.5
        assert confidence(best, calibration) == pytest.approx(1 / (1 + math.exp(-logit)))

    @given(st.floats(-1, 1), st.floats(0, 1), st.floats(-1, 1))
    def test_it_is_a_probability(self, meaning: float, words: float, dense: float) -> None:
        best = Reading(a_hit(dense=dense), SPANS[0], 1.0, meaning, words)
        assert 0 < confidence(best, Calibration()) < 1

    @given(st.floats(-1, 0.9), st.floats(0, 0.9), st.floats(-1, 1))
    def test_more_meaning_and_more_words_make_it_surer(
        self, meaning: float, words: float, dense: float
    ) -> None:
        def sure(meaning: float, words: float) -> float:
            reading = Reading(a_hit(dense=dense), SPANS[0], 1.0, meaning, words)
            return confidence(reading, Calibration())

        assert sure(meaning + 0.1, words) > sure(meaning, words)
        assert sure(meaning, words + 0.1) > sure(meaning, words)

    def test_the_words_for_it_begin_in_order(self) -> None:
        calibration = Calibration()
        assert 0 < calibration.weak < calibration.partial < calibration.strong < 1
