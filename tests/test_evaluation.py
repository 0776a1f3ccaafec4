"""Evaluating with judgements: outcomes, their figures, another snapshot, and a calibration."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import HashEncoder
from PIL import Image

from app import cli, commands
from app.evaluation import FEWEST, Outcome, ask, calibrate, figures
from app.service import Service
from app.settings import load_settings
from index.confidence import load
from index.errors import CorpusError, SettingsError
from index.evaluate import Query
from index.store import Store

DEPTH = Query("q1", "How deep is the harbour of Porvenir?", answers=("14 metres",))
FEE = Query("q2", "Who pays no berth fee?", answers=("Warships",))
WRONG = Query("q3", "How many bees are in a hive in summer?", answers=("a dozen",))
ABSENT = Query("q4", "zeppelin", unanswerable=True)
UNKNOWN = Query("q5", "Honey is taken in July")
JUDGED = {
    "q1": {"harbours.md": 1},
    "q2": {"harbours.md": 1},
    "q3": {"tea.md": 1},
    "q5": {"bees.txt": 1},
}


@pytest.fixture
def service(corpus: Path, store: Store, encoder: HashEncoder) -> Service:
    service = Service(load_settings(corpus=corpus, store=store.folder))
    service.encoder = encoder
    service.build(lambda step: None)
    return service


def an_outcome(number: int, said: float, right: bool | None, **changes: object) -> Outcome:
    outcome = Outcome(
        id=f"q{number}",
        text="x",
        rank=None,
        confidence=said,
        shown=said >= 0.5,
        right=right,
        quote="",
        words="",
        answers=("x",),
        unanswerable=False,
        qrels={},
        run={},
    )
    return replace(outcome, **changes)  # type: ignore[arg-type]


class TestAsking:
    def test_each_query_has_its_outcome(self, service: Service) -> None:
        queries = [DEPTH, FEE, WRONG, ABSENT, UNKNOWN]
        outcomes, problems = ask(service, queries, JUDGED)
        assert not problems
        by_id = {one.id: one for one in outcomes}
        assert by_id["q1"].rank == 1
        assert "14 metres" in by_id["q1"].quote
        assert [by_id[f"q{n}"].right for n in (1, 2, 3, 4, 5)] == [True, True, False, False, None]
        assert by_id["q3"].rank is None
        assert by_id["q4"].confidence < by_id["q1"].confidence

    def test_a_query_that_is_refused_counts_as_not_found(self, service: Service) -> None:
        (outcome,), (problem,) = ask(
            service, [Query("q1", " ", answers=("x",))], {"q1": {"harbours.md": 1}}
        )
        assert "empty" in problem.reason
        assert figures([outcome])["recall@1"] == 0
        assert outcome.right is False


class TestFigures:
    def test_they_are_means_over_what_they_are_defined_for(self) -> None:
        found = figures(
            [
                an_outcome(1, 0.9, True, words="x", qrels={"a": 1}, run={"a": 1.0}),
                an_outcome(2, 0.4, True, words="x y z"),
                an_outcome(3, 0.8, False, words="y"),
                an_outcome(4, 0.7, False, answers=(), unanswerable=True),
                an_outcome(5, 0.1, False, answers=(), unanswerable=True),
                an_outcome(6, 0.9, None, answers=()),
            ]
        )
        assert found["recall@1"] == 1
        assert found["first_sentence_answers"] == pytest.approx(2 / 3)
        assert found["span_em"] == pytest.approx(1 / 3)
        assert found["span_f1"] == pytest.approx((1 + 0.5) / 3)
        assert found["right_shown"] == pytest.approx(1 / 3)
        assert found["rightly_none"] == pytest.approx(1 / 2)
        assert found["coverage"] == pytest.approx(3 / 5)
        assert found["precision"] == pytest.approx(1 / 3)
        assert found["auroc"] == pytest.approx(5 / 6)

    def test_what_cannot_be_said_is_left_out(self) -> None:
        found = figures([an_outcome(1, 0.9, None, answers=(), qrels={"a": 1}, run={})])
        assert set(found) == {"ndcg@10", "recall@1", "recall@5", "recall@20", "mrr@10"}


class TestCalibrating:
    def outcomes(self, count: int = FEWEST) -> list[Outcome]:
        return [an_outcome(n, 0.9, n % 2 == 0) for n in range(count)]

    def test_the_confidence_follows_what_turned_out_right(self, service: Service) -> None:
        query = "How deep is the harbour of Porvenir?"
        before = service.ask(query).confidence
        facts = calibrate(service, self.outcomes(200))
        assert facts["error_after"] < 0.1 < facts["error_before"]
        assert service.calibration() == load(service.store.calibration)
        assert service.ask(query).confidence < before
        with Image.open(facts["picture"]) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 300

    @pytest.mark.parametrize("count", [0, FEWEST - 1])
    def test_too_few_questions_are_an_error(self, count: int, service: Service) -> None:
        with pytest.raises(CorpusError, match=f"{FEWEST} queries"):
            calibrate(service, self.outcomes(count))
        assert service.calibration() is None

    def test_all_right_is_an_error(self, service: Service) -> None:
        with pytest.raises(CorpusError, match="some of which"):
            calibrate(service, [an_outcome(n, 0.9, True) for n in range(FEWEST)])

    def test_one_of_another_model_or_reader_is_left_aside(self, service: Service) -> None:
        calibrate(service, self.outcomes())
        content = json.loads(service.store.calibration.read_text())
        for changed in ({"model": "another"}, {"reader": "another"}):
            service.store.calibration.write_text(json.dumps(content | changed))
            fresh = Service(service.settings)
            fresh.encoder = service.encoder
            assert fresh.calibration() is None

    def test_a_damaged_one_says_what_to_do(self, service: Service) -> None:
        service.store.calibration.write_text("{")
        with pytest.raises(SettingsError, match="--calibrate"):
            service.ask("How deep is it?")

    def test_it_outlives_a_rebuild(self, service: Service) -> None:
        calibrate(service, self.outcomes())
        service.build(lambda step: None, force=True)
        assert service.calibration() is not None


class TestCommand:
    @pytest.fixture
    def judged(self, tmp_path: Path) -> Path:
        lines = [{"_id": q.id, "text": q.text, "answers": q.answers} for q in (DEPTH, FEE, ABSENT)]
        (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, lines)))
        (tmp_path / "qrels.tsv").write_text("q1\tharbours.md\t1\nq2\tharbours.md\t1\n")
        return tmp_path

    @pytest.fixture(autouse=True)
    def _services(
        self, service: Service, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def opened(settings: object, snapshot: str | None = None) -> Service:
            made = Service(service.settings, snapshot)
            made.encoder = encoder
            return made

        monkeypatch.setattr(commands, "open_service", opened)

    def test_each_query_has_its_line(
        self, judged: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["eval", str(judged), "--each"]) == 0
        out = capsys.readouterr().out
        assert "Rightly not answered" in out
        for query in (DEPTH, FEE, ABSENT):
            assert query.text in out

    def test_the_snapshot_before_is_compared_with(
        self, judged: Path, corpus: Path, service: Service, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = service.status().snapshot
        (corpus / "harbours.md").write_text("# Harbours\n\nNothing is known of depths.\n")
        service.build(lambda step: None)
        assert cli.main(["eval", str(judged), "--against", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["against"]["snapshot"] == before
        assert found["against"]["figures"]["first_sentence_answers"] == 1
        assert found["figures"]["first_sentence_answers"] < 1
        assert cli.main(["eval", str(judged), "--against", str(before)]) == 0
        assert "before 1.0000" in capsys.readouterr().out

    def test_without_one_before_there_is_nothing_to_compare_with(
        self, judged: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["eval", str(judged), "--against"]) == 2
        assert "no earlier snapshot" in capsys.readouterr().err

    def test_calibrating_says_where_it_is_kept(
        self, judged: Path, service: Service, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lines = [
            {"_id": f"d{n}", "text": DEPTH.text, "answers": DEPTH.answers if n % 3 else ["never"]}
            for n in range(24)
        ]
        (judged / "queries.jsonl").write_text("\n".join(map(json.dumps, lines)))
        (judged / "qrels.tsv").write_text("".join(f"d{n}\tharbours.md\t1\n" for n in range(24)))
        assert cli.main(["eval", str(judged), "--calibrate"]) == 0
        out = capsys.readouterr().out
        assert str(service.store.calibration) in out
        assert service.store.calibration.with_suffix(".png").is_file()
