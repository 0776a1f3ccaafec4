"""Judgements: kept as they were given, by many at once, and never in the way of an answer."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.judgements import (
    FILE,
    LONGEST_NOTE,
    REASONS,
    VERSION,
    Judgement,
    Judgements,
    Source,
    as_object,
    from_object,
    located,
)
from index.errors import JudgementsError
from index.filters import Filter

ROOT = Path(__file__).parents[1]
DEPTH = Source("harbours.md", 21, 63, "The harbour of Porvenir is 14 metres deep.")
UP = Judgement("How deep?", "up", (DEPTH,), judge="a", at="2026-01-02T03:04:05+00:00")
WRITER = """
import sys
from app.judgements import Judgement, Judgements
kept = Judgements(sys.argv[1])
for number in range(40):
    kept.save(Judgement(f"question {number}", "up", judge=sys.argv[2]))
"""

texts = st.text(st.characters(exclude_categories=()), max_size=30)
sources = st.builds(
    lambda document, start, length, quote: Source(document, start, start + length, quote),
    texts,
    st.integers(0, 10**12),
    st.integers(0, 10**6),
    texts,
)
judgements = st.builds(
    Judgement,
    question=texts,
    verdict=st.sampled_from(["up", "down"]),
    sources=st.lists(sources, max_size=4).map(tuple),
    only=st.builds(Filter, folder=texts, author=texts),
    reasons=st.sets(st.sampled_from(REASONS)).map(
        lambda some: tuple(one for one in REASONS if one in some)
    ),
    note=texts,
    snapshot=st.text("0123456789-abcdef", max_size=15),
    judge=st.text("0123456789abcdef", max_size=32),
    at=st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds")),
)


@pytest.fixture
def kept(tmp_path: Path) -> Judgements:
    return Judgements(tmp_path / "store" / FILE)


def whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@settings(max_examples=40)
@given(judgements)
def test_what_is_saved_is_read_as_it_was(judgement: Judgement) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kept = Judgements(Path(folder) / FILE)
        saved = kept.save(judgement)
        assert kept.all() == [saved]
        assert kept.of(judgement) == saved
        expected = replace(
            judgement, question=whole(judgement.question), note=whole(judgement.note), id=saved.id
        )
        assert saved == expected


@given(judgements)
def test_a_judgement_goes_through_json(judgement: Judgement) -> None:
    assert from_object(json.loads(json.dumps(as_object(judgement)))) == judgement


class TestSaving:
    def test_there_is_nothing_and_no_file_before_the_first(self, kept: Judgements) -> None:
        assert kept.all() == []
        assert kept.of(UP) is None
        assert kept.clear() == kept.delete([1]) == 0
        assert not kept.path.exists()

    def test_a_changed_mind_replaces_the_judgement(self, kept: Judgements) -> None:
        first = kept.save(UP)
        kept.save(replace(UP, verdict="down", reasons=("off_topic",), note="Not this one."))
        (only,) = kept.all()
        assert (only.id, only.verdict, only.reasons) == (first.id, "down", ("off_topic",))

    def test_other_people_filters_and_answers_are_kept_apart(self, kept: Judgements) -> None:
        others = (
            replace(UP, judge="b"),
            replace(UP, only=Filter("sub")),
            replace(UP, sources=()),
            replace(UP, sources=(replace(DEPTH, quote="It is 15 metres deep."),)),
        )
        for one in (UP, *others):
            kept.save(one)
        assert len(kept.all()) == 5

    def test_words_that_have_moved_are_the_same_answer(self, kept: Judgements) -> None:
        first = kept.save(UP)
        moved = replace(UP, sources=(replace(DEPTH, start=121, end=163),))
        assert kept.of(moved) == first
        kept.save(moved)
        assert [one.sources for one in kept.all()] == [moved.sources]

    def test_the_newest_comes_first(self, kept: Judgements) -> None:
        kept.save(replace(UP, question="new", at="2026-05-01T00:00:00+00:00"))
        kept.save(UP)
        assert [one.question for one in kept.all()] == ["new", "How deep?"]

    def test_a_long_note_is_cut(self, kept: Judgements) -> None:
        assert len(kept.save(replace(UP, note="x" * 5_000)).note) == LONGEST_NOTE

    def test_what_is_deleted_is_gone_from_the_files_too(self, kept: Judgements) -> None:
        saved = kept.save(replace(UP, note="Tell nobody of the zeppelin."))
        kept.save(replace(UP, judge="b"))
        assert kept.delete([saved.id, 99]) == 1
        assert [one.judge for one in kept.all()] == ["b"]
        for path in kept.path.parent.iterdir():
            assert b"zeppelin" not in path.read_bytes()
        assert kept.clear() == 1
        assert kept.all() == []

    def test_processes_write_at_once(self, kept: Judgements) -> None:
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(kept.path), str(n)], cwd=ROOT)
            for n in range(3)
        ]
        assert [writer.wait() for writer in writers] == [0, 0, 0]
        assert len(kept.all()) == 120
        with sqlite3.connect(kept.path) as database:
            assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        database.close()


class TestDamage:
    @pytest.mark.parametrize(
        "content", [b"not a database" * 100, b"SQLite format 3\x00" + b"x" * 99]
    )
    def test_a_file_that_is_something_else_is_named(self, kept: Judgements, content: bytes) -> None:
        kept.path.parent.mkdir()
        kept.path.write_bytes(content)
        for act in (kept.all, kept.clear, lambda: kept.save(UP), lambda: kept.of(UP)):
            with pytest.raises(JudgementsError, match=r"judgements\.sqlite.* damaged"):
                act()
        assert kept.path.read_bytes() == content

    def test_a_cut_file_is_named(self, kept: Judgements) -> None:
        for number in range(200):
            kept.save(replace(UP, question=f"{number}" * 200))
        whole = kept.path.read_bytes()
        kept.path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(JudgementsError, match="damaged"):
            kept.all()

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE judgements SET sources = '{'",
            "UPDATE judgements SET sources = '[1]'",
            "UPDATE judgements SET verdict = 'sideways'",
            "UPDATE judgements SET at = 'yesterday'",
            'UPDATE judgements SET narrowed = \'{"colour": "red"}\'',
            "DROP TABLE judgements",
            "ALTER TABLE judgements RENAME COLUMN note TO remark",
        ],
    )
    def test_rows_that_make_no_sense_are_named(self, kept: Judgements, change: str) -> None:
        kept.save(UP)
        with sqlite3.connect(kept.path) as database:
            database.execute(change)
        database.close()
        with pytest.raises(JudgementsError, match="damaged"):
            kept.all()

    def test_a_database_of_another_program_is_left_alone(self, kept: Judgements) -> None:
        kept.path.parent.mkdir()
        with sqlite3.connect(kept.path) as database:
            database.execute("CREATE TABLE bookmarks (url TEXT)")
        database.close()
        before = kept.path.read_bytes()
        with pytest.raises(JudgementsError, match="no file of judgements"):
            kept.save(UP)
        assert kept.path.read_bytes() == before

    def test_a_newer_file_says_which_version_reads_it(self, kept: Judgements) -> None:
        kept.save(UP)
        with sqlite3.connect(kept.path) as database:
            database.execute(f"PRAGMA user_version = {VERSION + 1}")
        database.close()
        with pytest.raises(JudgementsError, match=f"newer version .*format {VERSION + 1}"):
            kept.all()

    def test_a_full_disk_is_told_and_nothing_is_lost(
        self, kept: Judgements, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept.save(UP)
        check = Judgements._check

        def full(self: Judgements, database: sqlite3.Connection) -> None:
            check(self, database)
            database.execute("PRAGMA max_page_count = 1")  # what a full disk does to SQLite

        monkeypatch.setattr(Judgements, "_check", full)
        with pytest.raises(JudgementsError, match=r"cannot be written: .*full"):
            kept.save(replace(UP, question="x" * 300_000))
        monkeypatch.undo()
        assert UP.question in {one.question for one in kept.all()}

    def test_a_folder_that_cannot_be_made_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(JudgementsError, match="cannot be written"):
            Judgements(tmp_path / "file" / "store" / FILE).save(UP)


class TestFindingWordsAgain:
    TEXT = "Tea. The harbour is deep. Coffee. The harbour is deep."

    def source(self, start: int, quote: str = "The harbour is deep.") -> Source:
        return Source("a.md", start, start + len(quote), quote)

    def test_they_are_found_where_they_were(self) -> None:
        assert located(self.source(34), self.TEXT) == (34, 54)

    def test_they_are_found_where_they_have_moved_the_nearest_first(self) -> None:
        assert located(self.source(2), self.TEXT) == (5, 25)
        assert located(self.source(40), self.TEXT) == (34, 54)
        assert located(self.source(4_000), self.TEXT) == (34, 54)

    def test_words_that_are_gone_are_not_found(self) -> None:
        assert located(self.source(5, "The harbour is shallow."), self.TEXT) is None
        assert located(self.source(5), None) is None

    def test_a_place_without_words_is_taken_as_it_is(self) -> None:
        assert located(Source("a.md", 5, 25), self.TEXT) == (5, 25)
        assert located(Source("a.md", 5, 250), self.TEXT) == (5, len(self.TEXT))
        assert located(Source("a.md", 90, 250), self.TEXT) is None
        assert located(Source("a.md", 5, 5), self.TEXT) is None

    @given(st.text(max_size=20), st.text(min_size=1, max_size=10), st.integers(0, 40))
    def test_what_is_found_is_always_the_words(self, around: str, quote: str, start: int) -> None:
        text = around + quote + around
        found = located(Source("a.md", start, start + len(quote), quote), text)
        assert found is not None
        assert text[slice(*found)] == quote
