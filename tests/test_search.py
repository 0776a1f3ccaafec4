"""What is found for a question, in which order, and why."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import HashEncoder

from index.build import build
from index.encoder import Encoder
from index.errors import IndexMismatchError, QueryError
from index.fusion import Weights, combine
from index.lexical import terms_of
from index.records import Hit, name_words
from index.search import CANDIDATES, LONGEST_QUERY, LOOKED_AT, Searcher, checked
from index.store import Store

DEPTH = "How deep is the harbour of Porvenir?"


def searcher_of(texts: dict[str, str], folder: Path, encoder: Encoder) -> Searcher:
    for name, text in texts.items():
        path = folder / "texts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    store = Store(folder / "index")
    build(folder / "texts", store, encoder)
    return Searcher(store.open(), encoder)


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """A crowd of passages on keepers, and a long one with a lantern somewhere in it."""
    crowd = "\n\n".join(
        f"## Post {number}\n\nThe keeper of post {number} is a keeper." for number in range(150)
    )
    words = " ".join(f"gear{number}" for number in range(45))
    lantern = f"Every shed has a list of {words} and a lantern."
    folder = tmp_path_factory.mktemp("many")
    return searcher_of({"crowd.md": crowd, "lantern.txt": lantern}, folder, HashEncoder())


class TestOrder:
    def test_the_passage_that_answers_comes_first(self, searcher: Searcher) -> None:
        first = searcher.search(DEPTH)[0]
        assert first.passage.document_id == "harbours.md"
        assert "14 metres deep" in first.passage.text

    @pytest.mark.parametrize("query", [DEPTH, "winter honey", "steeped tea", "zeppelin"])
    def test_ranks_count_from_one_and_scores_never_rise(
        self, query: str, searcher: Searcher
    ) -> None:
        hits = searcher.search(query)
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)
        assert len({hit.row for hit in hits}) == len(hits) > 1

    @pytest.mark.parametrize("k", [0, 1, 2])
    def test_k_hits_are_the_first_k_of_all(self, k: int, searcher: Searcher) -> None:
        everything = searcher.search(DEPTH, 100)
        assert len(everything) == len(searcher.snapshot.table) > 2
        assert searcher.search(DEPTH, k) == everything[:k]

    def test_passages_that_are_equally_good_keep_their_order(
        self, tmp_path: Path, encoder: HashEncoder
    ) -> None:
        text = "Eels swim to the Sargasso Sea."
        texts = {f"{name}/note.txt": text + "\n" * ord(name) for name in "cab"}
        found = searcher_of(texts, tmp_path, encoder)
        hits = found.search("Sargasso eels")
        assert len({hit.score for hit in hits}) == 1
        assert [hit.row for hit in hits] == [0, 1, 2]

    def test_past_those_whose_wording_is_looked_at_the_fused_order_stays(
        self, tmp_path: Path, encoder: HashEncoder
    ) -> None:
        words = "eel sea net tide boat reed lake salt rope crab".split()
        texts = {
            f"{n}.txt": f"{' '.join(words[(n * step) % 10] for step in (1, 3, 7))} lies at {n}."
            for n in range(80)
        }
        found = searcher_of(texts, tmp_path, encoder)
        found.weights, found.worded = Weights(0, 0, 1), Weights(1, 0, 0)
        hits = found.search("eel sea net", 100)[LOOKED_AT:]
        dense, sentence, lexical = (
            np.array([getattr(hit, kind).score for hit in hits], np.float32)
            for kind in ("dense", "sentence", "lexical")
        )
        fused = combine(dense, sentence, lexical, 0.0, found.weights)
        same = np.diff([hit.score for hit in hits]) == 0
        assert same.any()
        assert (np.diff(fused)[same] <= 1e-6).all()

    def test_the_weights_decide_what_counts(self, many: Searcher) -> None:
        by_meaning = Searcher(many.snapshot, many.encoder, Weights(1, 0, 0))
        by_words = Searcher(many.snapshot, many.encoder, Weights(0, 0, 1))
        query = "lantern keeper"
        assert by_meaning.search(query, 1)[0].passage.document_id == "crowd.md"
        assert by_words.search(query, 1)[0].passage.document_id == "lantern.txt"


class TestExplanations:
    @pytest.fixture
    def hits(self, searcher: Searcher) -> list[Hit]:
        return searcher.search(DEPTH, 100)

    def test_each_hit_has_the_passage_of_its_row(self, hits: list[Hit], searcher: Searcher) -> None:
        for hit in hits:
            assert hit.passage == searcher.snapshot.table.passage(hit.row)

    def test_the_score_is_made_of_the_evidence(self, hits: list[Hit], searcher: Searcher) -> None:
        dense, sentence, lexical = (
            np.array([getattr(hit, kind).score for hit in hits], np.float32)
            for kind in ("dense", "sentence", "lexical")
        )
        wording = np.array([hit.wording for hit in hits], np.float32)
        expected = combine(dense, sentence, lexical, wording, searcher.worded)
        assert [hit.score for hit in hits] == pytest.approx(expected, abs=1e-6)

    def test_dense_is_the_cosine_to_the_passage(self, hits: list[Hit], searcher: Searcher) -> None:
        vector = searcher.encoder.encode_queries([DEPTH])[0]
        expected = searcher.snapshot.vectors.score(vector, [hit.row for hit in hits])
        assert [hit.dense.score for hit in hits] == pytest.approx(expected, abs=1e-5)

    def test_sentence_is_the_cosine_to_the_best_sentence(
        self, hits: list[Hit], searcher: Searcher
    ) -> None:
        vector = searcher.encoder.encode_queries([DEPTH])[0]
        for hit in hits:
            vectors, _ = searcher.snapshot.sentences.of(np.array([hit.row]))
            expected = vectors.astype(np.float32) @ vector
            assert len(hit.sentence_scores) == len(hit.passage.sentences)
            assert hit.sentence_scores == pytest.approx(expected.tolist(), abs=1e-5)
            assert hit.sentence.score == max(hit.sentence_scores)

    def test_lexical_is_bm25_s_score_of_the_row(self, hits: list[Hit], searcher: Searcher) -> None:
        scores = searcher.snapshot.lexical.scores(DEPTH)
        for hit in hits:
            assert hit.lexical.score == pytest.approx(float(scores[hit.row]))
            assert (hit.lexical.rank is None) == (hit.lexical.score == 0)

    @pytest.mark.parametrize("kind", ["dense", "sentence", "lexical"])
    def test_each_rank_is_the_place_by_its_score(self, kind: str, hits: list[Hit]) -> None:
        evidence = [getattr(hit, kind) for hit in hits]
        ranked = sorted((one.rank, one.score) for one in evidence if one.rank is not None)
        assert [rank for rank, _ in ranked] == list(range(1, len(ranked) + 1))
        scores = [score for _, score in ranked]
        assert scores == sorted(scores, reverse=True)
        assert scores

    def test_matched_are_words_as_they_stand_in_the_passage_or_above_it(
        self, searcher: Searcher
    ) -> None:
        query = "harbour ships DEPTHS and pilots"
        hit = searcher.search(query)[0]
        above = " ".join((hit.passage.title, *hit.passage.headings))
        there = set(re.findall(r"\w+", f"{above} {hit.passage.text}"))
        assert {"Ships", "Depth", "pilot"} < set(hit.matched)
        assert set(hit.matched) <= there
        assert {term for word in hit.matched for term in terms_of(word)} <= set(terms_of(query))
        assert len({terms_of(word)[0] for word in hit.matched}) == len(hit.matched)

    def test_a_document_is_asked_for_by_the_name_of_its_file(
        self, tmp_path: Path, encoder: HashEncoder
    ) -> None:
        said = "This rule is in force from the day of its receipt, for {} and all who serve in it."
        texts = {f"CJCSI_35{n}.01C.txt": said.format(who) for n, who in enumerate(("ash", "oak"))}
        query = "When is CJCSI 351.01C in force?"
        first, second = searcher_of(texts, tmp_path, encoder).search(query)
        assert first.passage.document_id == "CJCSI_351.01C.txt"
        assert {"CJCSI", "351", "01C"} <= set(first.matched)
        assert first.wording > second.wording
        assert first.lexical.score > second.lexical.score

    @pytest.mark.parametrize(
        ("document", "words"),
        [
            ("a/b c/CJCSI_3520.01C.pdf", "CJCSI 3520.01C"),
            ("notes.md", "notes"),
            ("1973_oil_crisis#0", ""),
            ("MED-10", ""),
            ("St._Louis#3", ""),
        ],
    )
    def test_what_is_no_file_has_no_name(self, document: str, words: str) -> None:
        assert name_words(document) == words

    def test_where_no_word_is_shared_nothing_matched(self, searcher: Searcher) -> None:
        for hit in searcher.search("zeppelin"):
            assert hit.matched == ()
            assert (hit.lexical.rank, hit.lexical.score) == (None, 0)
            assert hit.dense.rank is not None

    def test_what_only_the_words_find_is_scored_by_its_vectors_too(self, many: Searcher) -> None:
        hits = many.search("lantern keeper", 300)
        (hit,) = [hit for hit in hits if hit.passage.document_id == "lantern.txt"]
        assert hit.lexical.rank == 1
        assert hit.dense.rank is None, "or the crowd does not stand before it"
        assert hit.dense.score > 0
        assert hit.matched == ("lantern",)

    def test_each_retriever_proposes_no_more_than_its_share(self, many: Searcher) -> None:
        hits = many.search("lantern keeper", 300)
        dense = [hit.dense.rank for hit in hits if hit.dense.rank is not None]
        assert sorted(dense) == list(range(1, CANDIDATES + 1))
        lexical = [hit.lexical.rank for hit in hits if hit.lexical.rank is not None]
        assert max(lexical) <= CANDIDATES < len(hits) <= 2 * CANDIDATES


class TestQuestions:
    def test_an_empty_one_is_an_error(self, searcher: Searcher) -> None:
        with pytest.raises(QueryError, match="empty"):
            searcher.search(" \n ")

    def test_the_longest_is_searched_and_one_more_character_is_an_error(
        self, searcher: Searcher
    ) -> None:
        longest = ("harbour " * 200)[: LONGEST_QUERY - 1] + "s"
        assert searcher.search(f"  {longest}\n")
        with pytest.raises(QueryError, match=r"1,001 characters; 1,000 are allowed"):
            searcher.search(longest + "s")

    def test_white_space_around_one_changes_nothing(self, searcher: Searcher) -> None:
        assert searcher.search(f"\t{DEPTH} \n") == searcher.search(DEPTH)

    def test_half_a_character_is_replaced(self) -> None:
        assert checked("bees \ud83d\udc1d?\udcff") == "bees ????"
        assert checked("bees 🐝?") == "bees 🐝?"

    @pytest.mark.parametrize(
        ("query", "document", "word"),
        [
            ("מתי יוצאת הרכבת לחיפה?", "train.txt", "הרכבת"),
            ("متى يفتح السوق؟", "market.txt", "السوق"),
            ("🦔 hedgehog 🦔", "hedgehog.txt", "hedgehog"),
        ],
        ids=["hebrew", "arabic", "emoji"],
    )
    def test_one_of_any_script_finds_the_passage_that_has_its_words(
        self, query: str, document: str, word: str, tmp_path: Path, encoder: HashEncoder
    ) -> None:
        texts = {
            "train.txt": "הרכבת לחיפה יוצאת בשמונה. הדלתות נסגרות דקה לפני כן.",
            "market.txt": "السوق مفتوح كل صباح. البائعون يأتون باكرا.",
            "hedgehog.txt": "🦔 The hedgehog sleeps until spring 🦔.",
        }
        first = searcher_of(texts, tmp_path, encoder).search(query)[0]
        assert first.passage.document_id == document
        assert word in first.matched
        assert word in first.passage.text

    def test_the_real_model_takes_any_of_them(self, real_encoder: Encoder, tmp_path: Path) -> None:
        found = searcher_of({"a.txt": "The hedgehog sleeps."}, tmp_path, real_encoder)
        for query in ("🦔", "\udcff", "\x00", "?", "מתי", "a" * LONGEST_QUERY):
            (hit,) = found.search(query)
            assert np.isfinite(hit.score)


def test_an_index_of_another_model_is_refused_and_both_are_named(searcher: Searcher) -> None:
    other = HashEncoder("0123456789abcdef")
    with pytest.raises(IndexMismatchError, match=r"hash-encoder.*0123456789ab.*app build"):
        Searcher(searcher.snapshot, other)


class TestThreads:
    def test_questions_asked_at_once_find_what_they_find_alone(self, searcher: Searcher) -> None:
        queries = [DEPTH, "winter honey", "steeped tea", "zeppelin", "berth fee of warships"]
        alone = {query: searcher.search(query) for query in queries}
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(searcher.search, queries * 20))
        assert found == [alone[query] for query in queries * 20]

    def test_a_bad_question_spoils_none_that_is_asked_with_it(
        self, corpus: Path, store: Store, real_encoder: Encoder
    ) -> None:
        build(corpus, store, real_encoder)
        searcher = Searcher(store.open(), real_encoder)
        bad = ["\udcff", "", "x" * 2000]

        def first(query: str) -> str:
            try:
                return searcher.search(query, 1)[0].passage.text
            except QueryError:
                return "refused"

        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(first, [DEPTH, *bad] * 15))
        assert all("14 metres deep" in text for text in found[::4])
        assert found[2::4] == found[3::4] == ["refused"] * 15
        assert "refused" not in found[1::4]
