"""The saved questions put to two snapshots: figures side by side, and what has changed."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import HashEncoder

from app import quality
from app.judgements import Judgement, Source
from app.quality import Comparison, Result
from app.saved import SavedQuestion, saved_questions
from app.service import Service
from app.settings import load_settings
from app.ui.quality import ALL, figures_data, kinds, label, matching, weeks_data
from index.errors import IndexDamagedError
from index.records import Answer
from index.store import Store

DEPTH = "How deep is the harbour of Porvenir?"
TEA = "At how many degrees is green tea steeped?"
ABSENT = "zeppelin"


@pytest.fixture
def service(corpus: Path, store: Store, encoder: HashEncoder) -> Service:
    service = Service(load_settings(corpus=corpus, store=store.folder, threshold=0.0))
    service.encoder = encoder
    service.build(lambda step: None)
    return service


def liked(service: Service, question: str) -> Judgement:
    cited = service.ask(question).citations
    sources = tuple(Source(one.document_id, one.start, one.end, one.quote) for one in cited)
    return Judgement(question, "up", sources, at="2026-01-02T03:04:05+00:00")


def saved(service: Service) -> list[SavedQuestion]:
    none = Judgement(ABSENT, "up", at="2026-01-01T00:00:00+00:00")
    return saved_questions([liked(service, DEPTH), liked(service, TEA), none])


def ended(comparison: Comparison, questions: list[SavedQuestion]) -> Result:
    until = time.monotonic() + 60
    while (look := comparison.look(questions)).running:
        assert time.monotonic() < until
    assert look.result is not None, look.error
    return look.result


def edit(corpus: Path) -> None:
    path = corpus / "harbours.md"
    text = path.read_text().replace("14 metres deep", "15 metres deep since it was dredged")
    path.write_text(f"# Preface\n\nSome words that move all others.\n\n{text}")


class TestComparing:
    def test_one_snapshot_alone_has_figures(self, service: Service) -> None:
        result = ended(Comparison(service), saved(service))
        assert result.before is None
        assert result.why_alone == "There is no earlier index to compare with."
        assert result.now.figures["recall@1"] == 1
        assert result.now.figures["answered"] == 1
        assert (result.now.over["recall@1"], result.now.over["rightly_none"]) == (2, 1)
        assert result.now.figures["rightly_none"] == 0  # with no threshold anything is quoted

    def test_a_changed_document_is_answered_differently(
        self, service: Service, corpus: Path
    ) -> None:
        questions = saved(service)
        edit(corpus)
        service.build(lambda step: None)
        result = ended(Comparison(service), questions)
        assert result.before is not None
        changed = {one.question.question: one for one in result.differences}
        assert TEA not in changed
        assert "14 metres" in changed[DEPTH].before.citations[0].quote
        assert "15 metres" in changed[DEPTH].now.citations[0].quote
        assert result.lost == 1  # its words are gone, so no search could find them
        assert result.now.figures["recall@1"] == result.before.figures["recall@1"] == 1

    def test_words_that_only_moved_are_the_same_answer(
        self, service: Service, corpus: Path
    ) -> None:
        questions = saved_questions([liked(service, DEPTH)])
        path = corpus / "harbours.md"
        path.write_text(path.read_text().replace("# Harbours", "# Harbours\n\nA new beginning.\n"))
        service.build(lambda step: None)
        result = ended(Comparison(service), questions)
        assert result.before is not None
        assert (result.differences, result.lost) == ((), 0)
        assert result.now.figures["recall@1"] == 1

    def test_a_question_is_asked_once_of_each_snapshot(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []
        ask = Service.ask

        def counted(self: Service, query: str, **options: object) -> Answer:
            asked.append(query)
            return ask(self, query, **options)  # type: ignore[arg-type]

        first, both = [liked(service, DEPTH)], [liked(service, DEPTH), liked(service, TEA)]
        monkeypatch.setattr(Service, "ask", counted)
        comparison = Comparison(service)
        ended(comparison, saved_questions(first))
        ended(comparison, saved_questions(first))
        ended(comparison, saved_questions(both))
        assert asked == [DEPTH, TEA]

    def test_an_index_before_that_cannot_be_opened_leaves_this_one(
        self, service: Service, corpus: Path, store: Store
    ) -> None:
        questions = saved(service)
        before = service.store.current()
        edit(corpus)
        service.build(lambda step: None)
        (store.folder / "snapshots" / str(before) / "passages.sqlite").write_bytes(b"")
        result = ended(Comparison(service), questions)
        assert result.before is None
        assert result.why_alone.startswith("The index before cannot be asked.")
        assert result.now.figures

    def test_an_error_is_told_and_ends_it(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(self: Service, query: str, **options: object) -> Answer:
            raise IndexDamagedError("The vectors are gone.")

        questions = saved(service)
        monkeypatch.setattr(Service, "ask", broken)
        comparison = Comparison(service)
        comparison.look(questions)
        thread = comparison._thread
        assert thread is not None
        thread.join()
        assert comparison.look(questions).error == "The vectors are gone."

    def test_a_question_that_is_too_long_counts_as_not_answered(self, service: Service) -> None:
        long = Judgement("depth " * 400, "down", reasons=("has_answer",), at="2026-01-01T00:00:00")
        result = ended(Comparison(service), saved_questions([long]))
        assert result.now.figures == {"answered": 0}


class TestShowing:
    def test_figures_are_given_with_their_change(self, service: Service, corpus: Path) -> None:
        questions = saved(service)
        edit(corpus)
        service.build(lambda step: None)
        result = ended(Comparison(service), questions)
        assert result.before is not None
        worse = replace(result.now, figures={"recall@1": 0.5, "mrr@10": 0.75})
        data = figures_data(replace(result, now=worse))
        rows = {row["name"]: row for row in data["rows"]}
        first, ahead = rows["Found first"], rows["How far ahead"]
        assert (first["now"], first["before"], first["change"]) == ("50%", "100%", "−50 %")
        assert first["over"] == "of 1 question"  # the other place was edited away
        assert (ahead["now"], ahead["change"], ahead["better"]) == ("0.75", "−0.25", -1)

    def test_judgements_are_counted_by_week_and_by_reason(self) -> None:
        days = ("2026-01-05", "2026-01-11", "2026-01-12", "2026-01-26")
        some = [Judgement(day, "up", at=f"{day}T10:00:00+00:00") for day in days]
        some.append(replace(some[0], verdict="down", reasons=("incomplete", "off_topic")))
        weeks = weeks_data(some)
        assert [week["label"] for week in weeks] == [
            "Week of 2026-01-05: 2 helpful, 1 not helpful",
            "Week of 2026-01-12: 1 helpful, 0 not helpful",
            "Week of 2026-01-19: 0 helpful, 0 not helpful",
            "Week of 2026-01-26: 1 helpful, 0 not helpful",
        ]
        assert weeks[0]["up"] + weeks[0]["down"] == 1
        assert weeks_data([]) == []
        assert kinds(some) == {ALL: 5, "up": 4, "down": 1, "off_topic": 1, "incomplete": 1}
        assert label("off_topic", 1_000) == "Off topic 1,000"
        assert matching(some, "incomplete") == matching(some, "down") == [some[-1]]

    def test_years_of_judgements_are_shown_by_their_last_weeks(self) -> None:
        some = [Judgement("x", "up", at=f"{year}-03-01T00:00:00") for year in (1990, 2026)]
        assert len(weeks_data(some)) == 26


def test_hits_are_kept_without_their_texts(service: Service) -> None:
    reply = quality._reply(service, DEPTH, saved(service)[0].only)
    assert all(passage.text == "" for places in reply.hits for passage in places)
    assert reply.hits[0][0].document_id == "harbours.md"
