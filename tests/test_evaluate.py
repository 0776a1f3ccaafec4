"""Figures against values worked out by hand, and against scikit-learn."""

from __future__ import annotations

import gzip
import math
import random
from pathlib import Path

import pytest

from index.errors import CorpusError, ParseError
from index.evaluate import (
    contains_answer,
    document_of,
    evaluate,
    judge,
    mrr,
    ndcg,
    normalise,
    read_corpus,
    read_qrels,
    read_queries,
    recall,
)
from index.records import Passage

RELEVANCES = {"a": 3, "b": 2, "c": 1, "d": 0}


def passage(document_id: str, start: int, end: int) -> Passage:
    return Passage(
        id=f"{document_id}-{start}",
        document_id=document_id,
        title="",
        headings=(),
        number=1,
        start=start,
        end=end,
        text="",
        sentences=(),
    )


class TestMetrics:
    def test_ndcg_of_the_best_order_is_one(self) -> None:
        assert ndcg(RELEVANCES, ["a", "b", "c", "d"], 10) == pytest.approx(1)

    def test_ndcg_by_hand(self) -> None:
        # found: b at 1 (2 / log2 2), x at 2, a at 3 (3 / log2 4); ideal: 3, 2, 1.
        found = 2 / 1 + 3 / 2
        best = 3 / 1 + 2 / math.log2(3) + 1 / 2
        assert ndcg(RELEVANCES, ["b", "x", "a"], 10) == pytest.approx(found / best)

    def test_ndcg_cuts_the_ideal_at_k_too(self) -> None:
        assert ndcg(RELEVANCES, ["a"], 1) == pytest.approx(1)

    def test_recall_by_hand(self) -> None:
        assert recall(RELEVANCES, ["a", "x", "c", "b"], 3) == pytest.approx(2 / 3)

    def test_mrr_by_hand(self) -> None:
        assert mrr(RELEVANCES, ["d", "x", "b", "a"], 10) == pytest.approx(1 / 3)
        assert mrr(RELEVANCES, ["d", "x", "b"], 2) == 0

    def test_what_is_judged_irrelevant_counts_for_nothing(self) -> None:
        assert ndcg({"d": 0, "e": -1}, ["d", "e"], 10) == 0
        assert recall({"d": 0}, ["d"], 10) == 0

    def test_ndcg_agrees_with_scikit_learn(self) -> None:
        metrics = pytest.importorskip("sklearn.metrics")
        chance = random.Random(7)
        for _ in range(50):
            relevances = {f"d{i}": chance.choice([0, 0, 0, 1, 2, 3]) for i in range(30)}
            relevances["d0"] = 1
            scores = {item: chance.random() for item in relevances}
            ranking = sorted(scores, key=lambda item: -scores[item])
            expected = metrics.ndcg_score(
                [list(relevances.values())], [[scores[item] for item in relevances]], k=10
            )
            assert ndcg(relevances, ranking, 10) == pytest.approx(expected)


class TestEvaluate:
    def test_means_are_over_the_judged_queries(self) -> None:
        qrels = {"one": {"a": 1}, "two": {"b": 1}}
        run = {"one": {"x": 0.1, "a": 0.9}, "two": {"x": 0.9, "b": 0.1}, "three": {"a": 1.0}}
        figures = evaluate(qrels, run, ["recall@1", "recall@5", "mrr@10"])
        assert figures == {"recall@1": 0.5, "recall@5": 1.0, "mrr@10": 0.75}

    def test_a_query_that_the_run_lacks_counts_as_nothing_found(self) -> None:
        assert evaluate({"one": {"a": 1}, "two": {"b": 1}}, {"one": {"a": 1.0}}, ["mrr@10"]) == {
            "mrr@10": 0.5
        }

    def test_a_query_with_nothing_to_find_is_left_out(self) -> None:
        qrels = {"one": {"a": 1}, "two": {"b": 0}}
        assert evaluate(qrels, {"one": {"a": 1.0}}, ["recall@5"]) == {"recall@5": 1.0}

    def test_equal_scores_keep_the_order_of_the_run(self) -> None:
        run = {"one": {"x": 1.0, "a": 1.0}}
        assert evaluate({"one": {"a": 1}}, run, ["recall@1"]) == {"recall@1": 0.0}

    @pytest.mark.parametrize("metric", ["precision@5", "ndcg", "ndcg@", "ndcg@0", "ndcg@x"])
    def test_an_unknown_metric_is_named(self, metric: str) -> None:
        with pytest.raises(ValueError, match=f"Unknown metric '{metric}'"):
            evaluate({"one": {"a": 1}}, {}, [metric])

    def test_nothing_to_measure_is_no_zero(self) -> None:
        with pytest.raises(ValueError, match="nothing to measure"):
            evaluate({"one": {"a": 0}}, {})


class TestJudge:
    def test_a_passage_that_overlaps_the_span_is_relevant(self) -> None:
        spans = [("x.md", 0, 10), ("x.md", 10, 30), ("y.md", 10, 30)]
        hits = [[passage(*span)] for span in spans]
        qrels, run = judge({"x.md#20-25": 1}, hits)
        assert evaluate({"q": qrels}, {"q": run}, ["mrr@10", "recall@1"]) == {
            "mrr@10": 0.5,
            "recall@1": 0.0,
        }

    def test_touching_is_not_overlapping(self) -> None:
        qrels, run = judge({"x.md#10-20": 1}, [[passage("x.md", 0, 10)], [passage("x.md", 20, 30)]])
        assert not set(qrels) & set(run)

    def test_only_the_first_passage_of_a_judged_document_counts(self) -> None:
        hits = [[passage("x.md", 0, 10)], [passage("x.md", 10, 30)], [passage("y.md", 0, 9)]]
        qrels, run = judge({"x.md": 1, "y.md": 1}, hits)
        figures = evaluate({"q": qrels}, {"q": run}, ["recall@1", "ndcg@10"])
        assert figures["recall@1"] == 0.5
        assert figures["ndcg@10"] == pytest.approx((1 + 1 / 2) / (1 + 1 / math.log2(3)))

    def test_spans_that_one_passage_covers_count_as_one(self) -> None:
        qrels, run = judge({"x.md#0-5": 1, "x.md#6-9": 2}, [[passage("x.md", 0, 10)]])
        assert qrels == {"x.md#6-9": 2}
        assert evaluate({"q": qrels}, {"q": run}, ["recall@1"]) == {"recall@1": 1.0}

    def test_a_copy_of_a_passage_counts_for_its_document(self) -> None:
        hits = [[passage("a.md", 0, 10), passage("x.md", 5, 15)]]
        qrels, run = judge({"x.md#0-6": 1}, hits)
        assert evaluate({"q": qrels}, {"q": run}, ["recall@1"]) == {"recall@1": 1.0}

    def test_a_number_sign_alone_makes_no_span(self) -> None:
        assert document_of("Oil_crisis#0") == "Oil_crisis#0"
        assert document_of("a#b.md#3-9") == "a#b.md"
        assert judge({"x#0": 1}, [[passage("x#0", 0, 3)]])[1] == {"x#0": 1.0}


class TestAnswers:
    def test_normalising_is_squads(self) -> None:
        assert normalise("The  U.S.A., an\tAnswer!") == "usa answer"

    def test_an_answer_is_found_as_whole_words(self) -> None:
        assert contains_answer("It began in October, 1973.", ["nothing", "the October 1973"])
        assert not contains_answer("It cost $1234.", ["$12"])
        assert not contains_answer("anything", ["", "the"])


class TestReading:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "corpus.jsonl").write_text(
            '{"_id": "d1", "title": "One", "text": "Überall"}\n\n{"_id": "d2", "text": "b"}\n',
            encoding="utf-8",
        )
        with gzip.open(tmp_path / "queries.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write('{"_id": "q1", "text": "a?", "split": "test", "answers": ["x", "y"]}\n')
            file.write('{"_id": "q2", "text": "b?", "split": "tune"}\n')
        (tmp_path / "qrels.tsv").write_text(
            "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\nq2\td2\t2\n"
        )
        return tmp_path

    def test_a_folder_is_read_plain_or_gzipped(self, folder: Path) -> None:
        first, second = read_corpus(folder)
        assert (first.id, first.title, first.text) == ("d1", "One", "Überall")
        assert second.title == ""
        (query,) = read_queries(folder, "test")
        assert (query.id, query.answers) == ("q1", ("x", "y"))
        assert len(read_queries(folder)) == 2
        assert read_qrels(folder) == {"q1": {"d1": 1, "d2": 0}, "q2": {"d2": 2}}

    def test_judgements_of_a_split_come_before_those_of_all(self, folder: Path) -> None:
        (folder / "qrels").mkdir()
        (folder / "qrels" / "dev.tsv").write_text("q9\t0\td9\t1\n")
        assert read_qrels(folder, "dev") == {"q9": {"d9": 1}}
        assert "q1" in read_qrels(folder, "test")

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match=r"'queries\.jsonl'"):
            read_queries(tmp_path)

    @pytest.mark.parametrize(
        ("line", "complaint"),
        [("{", "line 2, is not JSON"), ("[]", "not a JSON object"), ('{"_id": 1}', "no 'text'")],
    )
    def test_a_bad_line_is_named(self, line: str, complaint: str, tmp_path: Path) -> None:
        (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "a?"}\n' + line + "\n")
        with pytest.raises(ParseError, match=complaint):
            read_queries(tmp_path)

    def test_a_bad_judgement_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "qrels.tsv").write_text("q1\td1\t1\nq1\td1\tyes\n")
        with pytest.raises(ParseError, match="line 2, is no judgement"):
            read_qrels(tmp_path)

    def test_a_truncated_archive_is_an_error_of_ours(self, tmp_path: Path) -> None:
        whole = gzip.compress(b"q1\td1\t1\n" * 1000)
        (tmp_path / "qrels.tsv.gz").write_bytes(whole[:-10])
        with pytest.raises(ParseError, match="cannot be read"):
            read_qrels(tmp_path)
