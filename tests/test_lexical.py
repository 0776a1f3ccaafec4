"""BM25 against its formula, and how texts become terms."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import IndexDamagedError
from index.lexical import Fields, LexicalIndex, terms_of, top, words_of

BODIES = [
    "Goats climb trees. Goats eat leaves.",
    "A goat climbed the wall once.",
    "Leaves fall from trees when autumn comes, and then snow covers trees.",
    "Nobody lives here.",
]


def index_of(bodies: list[str]) -> LexicalIndex:
    return LexicalIndex.from_fields(Fields("", "", body) for body in bodies)


def bm25_by_hand(query: list[str], documents: list[list[str]]) -> list[float]:
    """The sum over the query's terms of ``idf · f / (f + k1 · (1 - b + b · length / mean))``.

    Robertson and Zaragoza, 2009, without the constant ``k1 + 1``, with Lucene's idf
    ``ln(1 + (n - m + ½) / (m + ½))``, where ``m`` of ``n`` documents have the term.
    """
    k1, b = 0.9, 0.4
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for document in documents:
        counts = Counter(document)
        score = 0.0
        for term in query:
            having = sum(term in other for other in documents)
            idf = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
            fill = 1 - b + b * len(document) / mean
            score += idf * counts[term] / (counts[term] + k1 * fill)
        scores.append(score)
    return scores


class TestScores:
    @pytest.mark.parametrize(
        ("query", "terms"),
        [
            ("goat", ["goat"]),
            ("Which goats climb trees?", ["which", "goat", "climb", "tree"]),
            ("leaves leaves", ["leav", "leav"]),
            ("snow and walls", ["snow", "wall"]),
        ],
    )
    def test_they_are_bm25_s_by_its_formula(self, query: str, terms: list[str]) -> None:
        documents = [
            "goat climb tree goat eat leav".split(),
            "goat climb wall onc".split(),
            "leav fall from tree when autumn come snow cover tree".split(),
            "nobodi live here".split(),
        ]
        assert [terms_of(body) for body in BODIES] == documents
        scores = index_of(BODIES).scores(query)
        assert scores == pytest.approx(bm25_by_hand(terms, documents), rel=1e-5)
        assert scores.max() > 0
        assert scores[3] == 0

    def test_another_form_of_a_word_finds_it(self) -> None:
        index = index_of(BODIES)
        forms = [index.scores(form).tolist() for form in ("climb", "CLIMBING", "climbs", "climbed")]
        assert forms[0][:2] > [0, 0]
        assert forms.count(forms[0]) == 4

    def test_an_unknown_word_neither_adds_nor_breaks(self) -> None:
        index = index_of(BODIES)
        assert index.scores("zeppelin").tolist() == [0, 0, 0, 0]
        assert index.scores("zeppelin goat").tolist() == index.scores("goat").tolist()

    @pytest.mark.parametrize("query", ["", "?!", "the of and", "🐐"])
    def test_a_question_without_a_telling_word_scores_nothing(self, query: str) -> None:
        assert index_of(BODIES).scores(query).tolist() == [0, 0, 0, 0]

    @pytest.mark.parametrize("bodies", [[""], ["the of and", "🐐", "…"]])
    def test_passages_without_a_word_are_an_index_all_the_same(
        self, bodies: list[str], tmp_path: Path
    ) -> None:
        index = index_of(bodies)
        index.save(tmp_path / "lexical")
        for each in (index, LexicalIndex.load(tmp_path / "lexical", len(bodies))):
            assert len(each) == len(bodies)
            assert each.scores("goat").tolist() == [0] * len(bodies)
            assert each.scores("").tolist() == [0] * len(bodies)

    def test_words_of_any_script_are_found(self) -> None:
        index = index_of(["הגשר נבנה מעץ", "الجسر من خشب", "мост из дерева", "Brücke aus Holz"])
        found = [
            index.scores(word).argmax() for word in ("הגשר", "الجسر", "мост", "brücke") if word
        ]
        assert found == [0, 1, 2, 3]


class TestFields:
    def test_words_of_title_and_headings_count(self) -> None:
        index = LexicalIndex.from_fields(
            [Fields("Alps", "", "rain"), Fields("", "Alps", "rain"), Fields("", "", "rain")]
        )
        scores = index.scores("alps")
        assert scores[0] == scores[1] > scores[2] == 0

    def test_a_weight_counts_words_as_often(self) -> None:
        fields = [Fields("Alps", "Snow", "rain falls"), Fields("", "", "rain falls daily")]
        weighed = LexicalIndex.from_fields(fields, title_weight=3, headings_weight=2)
        spelled_out = index_of(["Alps alps alps snow snow rain falls", "rain falls daily"])
        for query in ("alps", "snow", "rain", "alps snow daily"):
            assert weighed.scores(query).tolist() == spelled_out.scores(query).tolist()

    def test_a_field_of_no_weight_is_not_searched(self) -> None:
        fields = [Fields("Alps", "Snow", "rain"), Fields("", "", "hail")]
        index = LexicalIndex.from_fields(fields, title_weight=0)
        assert index.scores("alps").tolist() == [0, 0]
        assert index.scores("snow")[0] > 0


class TestSaving:
    def test_what_is_loaded_scores_as_what_was_saved(self, tmp_path: Path) -> None:
        index = index_of(BODIES)
        index.save(tmp_path / "lexical")
        loaded = LexicalIndex.load(tmp_path / "lexical", len(BODIES))
        assert len(loaded) == len(index) == 4
        for query in ("goat", "leaves of trees", "zeppelin"):
            assert loaded.scores(query).tolist() == index.scores(query).tolist()
        assert loaded.weight(["goat", "none"]).tolist() == index.weight(["goat", "none"]).tolist()

    def test_a_missing_folder_is_a_damaged_index(self, tmp_path: Path) -> None:
        with pytest.raises(IndexDamagedError, match="python -m app build"):
            LexicalIndex.load(tmp_path / "lexical", 4)

    def test_every_file_of_it_is_needed(self, tmp_path: Path) -> None:
        index_of(BODIES).save(tmp_path / "whole")
        names = sorted(path.name for path in (tmp_path / "whole").iterdir())
        assert len(names) >= 4
        for name in names:
            folder = tmp_path / name
            index_of(BODIES).save(folder)
            (folder / name).write_bytes(b"\x00\xff not what it was")
            with pytest.raises(IndexDamagedError, match="python -m app build"):
                LexicalIndex.load(folder, 4)


class TestWeight:
    def test_it_is_the_inverse_document_frequency(self) -> None:
        weights = index_of(BODIES).weight(["goat", "snow", "zeppelin"])
        expected = [math.log(1 + (4 - f + 0.5) / (f + 0.5)) for f in (2, 1, 0)]
        assert weights == pytest.approx(expected, rel=1e-5)

    def test_no_terms_have_no_weights(self) -> None:
        assert index_of(BODIES).weight([]).shape == (0,)


class TestTerms:
    def test_words_come_as_they_stand_with_their_terms(self) -> None:
        assert words_of("The Goats were CLIMBING.") == [
            ("Goats", "goat"),
            ("were", "were"),
            ("CLIMBING", "climb"),
        ]

    @given(st.text())
    def test_terms_are_those_of_the_words(self, text: str) -> None:
        lowered = text.lower()
        assert {term for _, term in words_of(lowered)} == set(terms_of(lowered))


class TestTop:
    def test_the_best_come_first_and_equals_in_row_order(self) -> None:
        scores = np.array([1, 3, 0, 3, 2, 3], np.float32)
        assert top(scores, 10).tolist() == [1, 3, 5, 4, 0]

    def test_what_scores_nothing_is_no_hit(self) -> None:
        assert top(np.array([0, 0.5, 0], np.float32), 3).tolist() == [1]
        assert top(np.zeros(3, np.float32), 3).tolist() == []

    @pytest.mark.parametrize(("k", "hits"), [(0, 0), (1, 1), (3, 3), (5, 5), (99, 5)])
    def test_there_are_k_of_them_or_as_many_as_share_a_word(self, k: int, hits: int) -> None:
        scores = np.array([1, 3, 0, 3, 2, 3], np.float32)
        found = top(scores, k)
        assert len(found) == hits
        assert sorted(scores[found], reverse=True) == sorted(scores, reverse=True)[:hits]

    def test_of_an_empty_index_there_are_none(self) -> None:
        assert top(np.empty(0, np.float32), 5).tolist() == []
