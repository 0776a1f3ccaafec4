"""Saved questions: what judgements say of a question, exported for eval and taken in again."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import HashEncoder
from hypothesis import given, settings
from test_judgements import judgements

from app import cli, commands
from app.judgements import FILE, Judgement, Judgements, Source
from app.saved import as_questions, export, saved_questions, take_in
from app.service import Service
from app.settings import load_settings
from index.errors import ParseError
from index.evaluate import read_qrels, read_queries
from index.filters import Filter
from index.store import Store

QUESTION = "How deep is the harbour of Porvenir?"
QUOTE = "The harbour of Porvenir is 14 metres deep."
TEXTS = {"harbours.md": f"New words. {QUOTE} Ships berth.", "bees.txt": "Bees eat honey."}
DEPTH = Source("harbours.md", 0, len(QUOTE), QUOTE)
BEES = Source("bees.txt", 0, 15, "Bees eat honey.")
UP = Judgement(QUESTION, "up", (DEPTH,), judge="a", at="2026-01-02T03:04:05+00:00")
WRONG = replace(UP, verdict="down", sources=(BEES,), reasons=("wrong_source",))
NONE = Judgement("Who flies zeppelins?", "up", judge="a", at="2026-01-01T00:00:00+00:00")
LATER = "2026-02-01T00:00:00+00:00"


class TestWhatIsSaved:
    def test_cited_places_answer_or_do_not_as_was_said(self) -> None:
        (one,) = saved_questions([UP, WRONG])
        assert (one.question, one.relevant, one.irrelevant) == (QUESTION, (DEPTH,), (BEES,))
        assert one.answerable is True

    def test_incomplete_and_out_of_date_say_nothing_of_places(self) -> None:
        said = replace(UP, verdict="down", reasons=("incomplete", "out_of_date"))
        (one,) = saved_questions([said])
        assert (one.relevant, one.irrelevant, one.answerable) == ((), (), None)

    def test_nothing_quoted_can_be_right_or_wrong(self) -> None:
        (right,) = saved_questions([NONE])
        assert right.answerable is False
        (wrong,) = saved_questions([replace(NONE, verdict="down", reasons=("has_answer",))])
        assert wrong.answerable is True

    def test_where_people_disagree_the_newest_counts(self) -> None:
        off = replace(UP, verdict="down", reasons=("off_topic",), judge="b", at=LATER)
        (one,) = saved_questions([UP, off])
        assert (one.relevant, one.irrelevant) == ((), (DEPTH,))
        none = replace(UP, sources=(), judge="b", at=LATER)
        (one,) = saved_questions([UP, none])
        assert (one.relevant, one.answerable) == ((), False)

    def test_a_filter_makes_another_question(self) -> None:
        found = saved_questions([UP, replace(UP, only=Filter("sub"))])
        assert len({one.id for one in found}) == 2


class TestExport:
    def test_a_place_is_where_its_words_stand_now(self) -> None:
        found = as_questions(saved_questions([UP, WRONG]), TEXTS.get)
        assert list(found.qrels.values()) == [{"bees.txt#0-15": 0, "harbours.md#11-53": 1}]
        assert found.lost == 0

    def test_a_place_that_is_gone_is_left_out_and_counted(self) -> None:
        found = as_questions(saved_questions([UP]), {}.get)
        assert (found.qrels, found.lost) == ({}, 1)

    def test_a_name_that_would_break_the_lines_is_left_out(self) -> None:
        strange = replace(BEES, document="a\tb\n.txt")
        found = as_questions(
            saved_questions([replace(UP, sources=(strange,))]), lambda name: TEXTS["bees.txt"]
        )
        assert (found.qrels, found.lost) == ({}, 1)

    def test_what_is_written_is_what_eval_reads(self, tmp_path: Path) -> None:
        narrowed = replace(UP, only=Filter("sub", since="2020"))
        export(tmp_path, [UP, NONE, narrowed], TEXTS.get)
        by_text = {(one.text, bool(one.only)): one for one in read_queries(tmp_path)}
        assert len(by_text) == 3
        assert by_text[QUESTION, False].answers == (QUOTE,)
        assert by_text[QUESTION, True].only == Filter("sub", since="2020")
        assert by_text[NONE.question, False].unanswerable
        assert read_qrels(tmp_path)[by_text[QUESTION, False].id] == {"harbours.md#11-53": 1}

    @settings(max_examples=40)
    @given(judgements)
    def test_what_is_exported_is_taken_in_as_it_was(self, judgement: Judgement) -> None:
        with tempfile.TemporaryDirectory() as name:
            first, second = Judgements(Path(name) / "a"), Judgements(Path(name) / "b")
            first.save(judgement)
            export(Path(name) / "out", first.all(), TEXTS.get)
            assert take_in(Path(name) / "out", second, TEXTS.get) == 1
            assert second.all() == first.all()


class TestTakingIn:
    def test_queries_and_qrels_of_ones_own_become_judgements(self, tmp_path: Path) -> None:
        queries = [
            {"_id": "1", "text": QUESTION},
            {"_id": "2", "text": NONE.question, "answers": []},
        ]
        (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
        (tmp_path / "qrels.tsv").write_text("1\tharbours.md#11-53\t1\n1\tbees.txt\t0\n")
        kept = Judgements(tmp_path / FILE)
        assert take_in(tmp_path, kept, TEXTS.get) == 3
        first, none = sorted(saved_questions(kept.all()), key=lambda one: one.question)
        assert [source.quote for source in first.relevant] == [QUOTE]
        assert first.irrelevant == (Source("bees.txt", 0, 15),)  # all of it, whatever it says
        assert none.answerable is False
        take_in(tmp_path, kept, TEXTS.get)
        assert len(kept.all()) == 3

    @pytest.mark.parametrize("line", ["{", "[]", '{"question": "x"}', '"x"'])
    def test_a_bad_line_is_named(self, tmp_path: Path, line: str) -> None:
        (tmp_path / "judgements.jsonl").write_text(f"\n{line}\n")
        with pytest.raises(ParseError, match="line 2, is no judgement"):
            take_in(tmp_path, Judgements(tmp_path / FILE), TEXTS.get)

    def test_a_filter_that_is_none_is_named(self, tmp_path: Path) -> None:
        line = {"_id": "1", "text": "x", "filter": {"colour": "red"}}
        (tmp_path / "queries.jsonl").write_text(json.dumps(line))
        with pytest.raises(ParseError, match="'filter' that is none"):
            read_queries(tmp_path)


class TestCommand:
    @pytest.fixture(autouse=True)
    def service(
        self, corpus: Path, store: Store, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> Service:
        service = Service(load_settings(corpus=corpus, store=store.folder, threshold=0.0))
        service.encoder = encoder
        service.build(lambda step: None)
        monkeypatch.setattr(commands, "open_service", lambda settings, snapshot=None: service)
        return service

    def test_judgements_are_listed_exported_measured_deleted_and_taken_in(
        self, service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["judgements", "list"]) == 1
        first = service.judgements.save(replace(UP, note="Good.\x1b[2J"))
        service.judgements.save(NONE)
        assert cli.main(["judgements", "list"]) == 0
        listed = capsys.readouterr().out
        assert QUESTION in listed
        assert "harbours.md#0-42" in listed
        assert "\x1b" not in listed
        folder = str(tmp_path / "mine")
        assert cli.main(["judgements", "export", folder, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["questions"] == 2
        assert cli.main(["eval", folder, "--json"]) == 0
        figures = json.loads(capsys.readouterr().out)["figures"]
        assert figures["recall@1"] == 1
        assert "rightly_none" in figures
        assert cli.main(["judgements", "delete", str(first.id)]) == 0
        assert [one.question for one in service.judgements.all()] == [NONE.question]
        assert cli.main(["judgements", "delete", "all"]) == 0
        assert cli.main(["judgements", "import", folder]) == 0
        assert len(service.judgements.all()) == 2

    @pytest.mark.parametrize(
        "words",
        [["delete"], ["delete", "x"], ["delete", "9" * 30], ["export"], ["import", "a", "b"]],
    )
    def test_what_cannot_be_understood_is_said(
        self, words: list[str], service: Service, capsys: pytest.CaptureFixture[str]
    ) -> None:
        service.judgements.save(UP)
        assert cli.main(["judgements", *words]) == 2
        assert "Name " in capsys.readouterr().err
        assert len(service.judgements.all()) == 1
