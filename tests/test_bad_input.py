"""Bad input ends in a clear error or a line of the build report, and the last index answers."""

from __future__ import annotations

import errno
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.answer import answer
from index.build import BuildReport, build
from index.cache import VectorCache
from index.errors import (
    BuildRunningError,
    CorpusError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    PassagesError,
    QueryError,
    StoreError,
)
from index.lexical import LexicalIndex
from index.records import FileReport
from index.search import Searcher
from index.snapshot import FORMAT
from index.store import Store
from index.table import TableWriter
from index.vectors import FaissIndex
from index.verify import verify
from tests.conftest import HashEncoder

HARBOUR = "How deep is the harbour of Porvenir?"


class QuickEncoder(HashEncoder):
    """Remembers the vector of a text, for inputs of millions of words."""

    @functools.cache  # noqa: B019 lives as long as its test
    def _vector(self, text: str) -> np.ndarray:
        return super()._vector(text[:200])


@pytest.fixture
def built(corpus: Path, store: Store, encoder: HashEncoder) -> Iterator[str]:
    """A good index, which must still answer when the test is over."""
    snapshot = build(corpus, store, encoder).snapshot
    yield snapshot
    assert still_answers(store, encoder)


def still_answers(store: Store, encoder: HashEncoder) -> bool:
    hits = Searcher(store.open(), encoder).search(HARBOUR, 1)
    return "14 metres deep" in hits[0].passage.text


def report_on(report: BuildReport, path: str) -> FileReport:
    (found,) = [file for file in report.files if file.path == path]
    return found


def found_texts(store: Store, encoder: HashEncoder, query: str) -> str:
    return "\n".join(hit.passage.text for hit in Searcher(store.open(), encoder).search(query, 3))


class TestTheCorpusFolder:
    def test_a_missing_folder_is_an_error(
        self, built: str, store: Store, encoder: HashEncoder, tmp_path: Path
    ) -> None:
        with pytest.raises(CorpusError, match=r"no folder .*nowhere"):
            build(tmp_path / "nowhere", store, encoder)

    def test_a_file_is_no_folder(
        self, built: str, store: Store, encoder: HashEncoder, corpus: Path
    ) -> None:
        with pytest.raises(CorpusError, match="is a file"):
            build(corpus / "bees.txt", store, encoder)

    def test_an_empty_folder_is_an_error_that_says_what_to_put_there(
        self, built: str, store: Store, encoder: HashEncoder, tmp_path: Path
    ) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(CorpusError, match="Put PDF, Word, HTML or text files in it"):
            build(tmp_path / "empty", store, encoder)
        assert store.current() == built

    def test_a_folder_without_a_readable_file_names_the_reasons(
        self, built: str, store: Store, encoder: HashEncoder, tmp_path: Path
    ) -> None:
        (tmp_path / "bad").mkdir()
        (tmp_path / "bad" / "scan.pdf").write_bytes(b"%PDF-1.7")
        with pytest.raises(CorpusError, match=r"scan\.pdf: .*damaged"):
            build(tmp_path / "bad", store, encoder)


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_broken_link(path: Path) -> None:
    path.symlink_to("no-such-file.md")


def make_link_outside(path: Path) -> None:
    secret = path.parent.parent / "secret.md"
    secret.write_text("The password is swordfish, and nobody may ever read it here.")
    path.symlink_to(secret)


def make_binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def make_disguised_pdf(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7\n1 0 obj\n")


def make_empty(path: Path) -> None:
    path.write_bytes(b"")


def make_blank(path: Path) -> None:
    path.write_text(" \n\n\t\n")


class TestFiles:
    @pytest.mark.parametrize(
        ("make", "state", "reason"),
        [
            (make_fifo, "skipped", "not a regular file"),
            (make_broken_link, "skipped", "Links are not followed"),
            (make_link_outside, "skipped", "Links are not followed"),
            (make_binary, "failed", "binary"),
            (make_disguised_pdf, "failed", "PDF is damaged"),
            (make_empty, "failed", "no text"),
            (make_blank, "failed", "no text"),
        ],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    def test_a_file_that_cannot_be_read_is_a_line_of_the_report(
        self,
        make: Callable[[Path], None],
        state: str,
        reason: str,
        corpus: Path,
        store: Store,
        encoder: HashEncoder,
    ) -> None:
        make(corpus / "bad.md")
        report = build(corpus, store, encoder)
        line = report_on(report, "bad.md")
        assert line.state == state
        assert reason in line.reason
        assert report.documents == 3
        assert still_answers(store, encoder)
        assert "swordfish" not in found_texts(store, encoder, "password swordfish")

    def test_a_folder_named_like_a_file_is_read_as_a_folder(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (corpus / "notes.md").mkdir()
        (corpus / "notes.md" / "inner.md").write_text("Walnuts ripen in the late autumn.")
        report = build(corpus, store, encoder)
        assert report_on(report, "notes.md/inner.md").state == "indexed"
        assert "Walnuts" in found_texts(store, encoder, "walnuts")

    def test_a_file_without_permission_is_a_line_of_the_report(
        self,
        corpus: Path,
        store: Store,
        encoder: HashEncoder,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if os.geteuid() == 0:  # permissions do not bind root: refuse in the system's stead
            read = Path.read_bytes

            def refuse(path: Path) -> bytes:
                if path.name == "bees.txt":
                    raise PermissionError(errno.EACCES, "Permission denied")
                return read(path)

            monkeypatch.setattr(Path, "read_bytes", refuse)
        (corpus / "bees.txt").chmod(0)
        report = build(corpus, store, encoder)
        assert "cannot be read" in report_on(report, "bees.txt").reason

    def test_a_link_to_a_folder_that_holds_itself_does_not_go_round(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (corpus / "loop").symlink_to(corpus, target_is_directory=True)
        report = build(corpus, store, encoder)
        assert report.documents == 3
        assert report_on(report, "loop").state == "skipped"

    def test_a_name_that_is_no_unicode_is_a_line_of_the_report(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        path = os.fsencode(corpus) + b"/caf\xe9.md"
        try:
            with open(path, "wb") as file:  # noqa: PTH123 a Path cannot hold these bytes
                file.write(b"Coffee is roasted twice.")
        except OSError:
            pytest.skip("this file system takes valid names only")
        report = build(corpus, store, encoder)
        assert any("not valid Unicode" in file.reason for file in report.files)

    def test_duplicates_are_indexed_once_and_named(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (corpus / "copy.md").write_bytes((corpus / "harbours.md").read_bytes())
        report = build(corpus, store, encoder)
        line = report_on(report, "harbours.md")
        assert line.state == "duplicate"
        assert "'copy.md'" in line.reason
        assert found_texts(store, encoder, HARBOUR).count("14 metres deep") == 1


class TestText:
    @pytest.mark.parametrize("line", ["metre " * 1_750_000, "x" * 10_500_000], ids=["words", "one"])
    def test_a_line_of_10_megabytes_is_split_and_loses_nothing(
        self, line: str, corpus: Path, store: Store
    ) -> None:
        (corpus / "long.txt").write_text(line)
        encoder = QuickEncoder()
        report = build(corpus, store, encoder)
        table = store.open().table
        passages = table.passages("long.txt")
        assert report_on(report, "long.txt").state == "indexed"
        assert "".join("".join(p.text.split()) for p in passages) == line.replace(" ", "")
        assert max(len(passage.text) for passage in passages) < 10_000
        assert still_answers(store, encoder)

    @pytest.mark.parametrize(
        ("text", "query"),
        [
            ("The lighthouse keeper 🐝 waved 👩‍👩‍👧‍👦 twice. Then 🇫🇷 came.", "lighthouse keeper"),
            ("السفينة تصل إلى الميناء في الصباح. القبطان ينتظر هناك.", "السفينة الميناء"),
            ("הספינה מגיעה לנמל בבוקר. רב החובל ממתין שם.", "הספינה לנמל"),
            ("港口的水深十四米。船长在那里等候。", "港口的水深十四米。"),
            ("Z̸a̷l̵g̶o̷ text with combining marks stays as it is.", "combining marks"),
        ],
        ids=["emoji", "arabic", "hebrew", "chinese", "combining"],
    )
    def test_any_script_is_quoted_as_it_stands(
        self, text: str, query: str, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (corpus / "other.txt").write_text(text, encoding="utf-8")
        build(corpus, store, encoder)
        assert text in found_texts(store, encoder, query)
        assert verify(corpus, store).ok
        (hit, *_) = [
            hit
            for hit in Searcher(store.open(), encoder).search(query, 5)
            if hit.passage.document_id == "other.txt"
        ]
        for start, end in hit.passage.sentences:
            assert hit.passage.text[start:end].strip() == hit.passage.text[start:end] != ""

    @pytest.mark.parametrize(
        "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
    )
    def test_a_text_in_another_encoding_is_read_as_its_author_wrote_it(
        self, encoding: str, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        text = (
            "The café’s façade was repainted — at last — by Señor Muñoz in the spring. "
            "Naïve visitors praised the crème brûlée, which cost “only” nine francs."
        )
        (corpus / "cafe.txt").write_bytes(text.encode(encoding))
        build(corpus, store, encoder)
        assert text in found_texts(store, encoder, "repainted visitors praised francs")

    def test_a_file_that_belies_its_byte_order_mark_is_a_line_of_the_report(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (corpus / "odd.txt").write_bytes(b"\xff\xfe" + b"abc")
        report = build(corpus, store, encoder)
        assert report_on(report, "odd.txt").state == "failed"
        assert still_answers(store, encoder)


class TestQuestions:
    @pytest.mark.parametrize("query", ["", "   ", "\n\t"])
    def test_an_empty_question_is_an_error(self, query: str, searcher: Searcher) -> None:
        with pytest.raises(QueryError, match="empty"):
            answer(query, searcher)

    def test_a_question_of_10_000_characters_is_an_error_with_the_limit(
        self, searcher: Searcher
    ) -> None:
        with pytest.raises(QueryError, match=r"10,000 characters; 1,000 are allowed"):
            answer("deep harbour " * 769 + "abc", searcher)

    @pytest.mark.parametrize(
        "query",
        [
            "?",
            "🐝",
            "ما عمق الميناء؟",
            "\x00\x01\x02",
            "\udcff",
            "'; DROP TABLE passages; --",
            "%s",
        ],
        ids=["mark", "emoji", "arabic", "control", "surrogate", "sql", "format"],
    )
    def test_a_strange_question_gets_an_answer_or_an_error_of_ours(
        self, query: str, searcher: Searcher
    ) -> None:
        try:
            found = answer(query, searcher)
        except QueryError:
            return
        for citation in found.citations:
            text = searcher.snapshot.table.text(citation.document_id)
            assert text is not None
            assert text[citation.start : citation.end] == citation.quote


FILES = [
    "passages.sqlite",
    "vectors.faiss",
    "sentences.npy",
    "sentence_rows.npy",
    "lexical/data.csc.index.npy",
    "lexical/vocab.index.json",
    "manifest.json",
]


class TestTheIndex:
    def test_none_at_all_says_what_to_run(self, store: Store) -> None:
        with pytest.raises(IndexMissingError, match="python -m app build"):
            store.open()

    def test_one_of_another_model_says_what_to_run(self, searcher: Searcher) -> None:
        other = HashEncoder("hash-encoder-2")
        with pytest.raises(IndexMismatchError, match="python -m app build"):
            Searcher(searcher.snapshot, other)

    def test_one_of_another_model_is_built_anew(
        self, built: str, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        other = HashEncoder("hash-encoder-2")
        report = build(corpus, store, other)
        assert report.encoded == report.passages
        assert still_answers(store, other)
        assert store.rollback() == built

    @pytest.mark.parametrize("version", [FORMAT - 1, 999])
    def test_one_of_another_version_says_what_to_run_and_is_built_anew_from_the_cache(
        self, version: int, built: str, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        manifest = store.open().folder / "manifest.json"
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": version}))
        with pytest.raises(IndexMismatchError, match=rf"{version}.*python -m app build"):
            store.open()
        report = build(corpus, store, encoder)
        assert (report.encoded, report.snapshot == built) == (0, False)
        assert still_answers(store, encoder)

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize("harm", ["truncated", "emptied", "removed"])
    def test_a_file_that_is_cut_short_says_what_to_run_and_can_be_built_anew(
        self, harm: str, name: str, built: str, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        path = store.open().folder / name
        if harm == "removed":
            path.unlink()
        else:
            os.truncate(path, path.stat().st_size // 2 if harm == "truncated" else 0)
        with pytest.raises(IndexDamagedError, match="python -m app build"):
            store.open()
        assert build(corpus, store, encoder).snapshot != built

    @pytest.mark.parametrize("name", FILES[:-1])
    def test_a_file_that_was_altered_is_named_and_can_be_built_anew(
        self, name: str, built: str, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        path = store.open().folder / name
        data = bytearray(path.read_bytes())
        data[-1] ^= 0xFF
        path.write_bytes(data)
        try:
            damaged = verify(corpus, store).damaged
        except IndexDamagedError as error:
            damaged = (f"file {name}", str(error))  # so broken that it cannot be opened
        assert f"file {name}" in damaged
        assert build(corpus, store, encoder).snapshot != built

    @pytest.mark.parametrize("content", [b"", b"000099-none\n", b"../../etc\n", b"\xff\xff"])
    def test_a_pointer_to_nowhere_is_an_error_of_ours_and_can_be_built_anew(
        self, content: bytes, built: str, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (store.folder / "CURRENT").write_bytes(content)
        with pytest.raises(PassagesError, match="python -m app build"):
            store.open()
        build(corpus, store, encoder)

    def test_a_damaged_cache_costs_time_only(
        self, built: str, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        store.cache.write_bytes(b"this is no database" * 100)
        (corpus / "new.md").write_text("Walnuts ripen in the late autumn.")
        report = build(corpus, store, encoder)
        assert report.encoded == report.passages


BUILDER = """
import os, signal, sys, time
from pathlib import Path
from index.build import build
from index.snapshot import FORMAT
from index.store import Store
from tests.conftest import HashEncoder

corpus, store, stage, what = sys.argv[1:]

def progress(step):
    if step.stage == stage and (step.done or stage == "publishing"):
        if what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        print("here", flush=True)
        time.sleep(600)

if stage == "switching":
    Store._point_to = lambda self, name: os.kill(os.getpid(), signal.SIGKILL)
build(Path(corpus), Store(store), HashEncoder(), progress=progress)
"""


def builder(corpus: Path, store: Store, stage: str, what: str) -> subprocess.Popen[bytes]:
    """A build in another process that kills itself, or goes to sleep, in the middle of a stage."""
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(corpus), str(store.folder), stage, what],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
    )


class TestBuilders:
    def test_a_second_builder_is_refused_and_the_index_answers_meanwhile(
        self, built: str, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (corpus / "new.md").write_text("Walnuts ripen in the late autumn.")
        process = builder(corpus, store, "encoding", "sleep")
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"here\n"
            begun = time.monotonic()
            with pytest.raises(BuildRunningError, match="Another build is running"):
                build(corpus, store, encoder)
            with pytest.raises(BuildRunningError):
                store.rollback()
            assert time.monotonic() - begun < 5
            assert still_answers(store, encoder)
        finally:
            process.kill()
            process.communicate()
        build(corpus, store, encoder)
        assert "Walnuts" in found_texts(store, encoder, "walnuts")

    @pytest.mark.parametrize(
        "stage", ["reading", "encoding", "indexing", "publishing", "switching"]
    )
    def test_a_killed_build_leaves_the_last_index_and_no_rubbish(
        self, stage: str, built: str, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (corpus / "new.md").write_text("Walnuts ripen in the late autumn.")
        process = builder(corpus, store, stage, "kill")
        process.communicate(timeout=60)
        assert process.returncode == -9
        assert store.current() == built
        assert still_answers(store, encoder)
        assert build(corpus, store, encoder).snapshot != built
        assert "Walnuts" in found_texts(store, encoder, "walnuts")
        kept = sorted(path.name for path in (store.folder / "snapshots").iterdir())
        assert len(kept) == 2
        assert not (store.folder / "building").exists()

    def test_a_first_build_that_is_killed_leaves_no_index(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        builder(corpus, store, "encoding", "kill").communicate(timeout=60)
        with pytest.raises(IndexMissingError):
            store.open()
        build(corpus, store, encoder)
        assert still_answers(store, encoder)


def full(*arguments: Any, **options: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class TestAFullDisk:
    @pytest.mark.parametrize(
        ("owner", "name"),
        [
            (TableWriter, "add"),
            (TableWriter, "close"),
            (VectorCache, "put"),
            (np, "save"),
            (FaissIndex, "save"),
            (LexicalIndex, "save"),
            (os, "fsync"),
            (Path, "rename"),
            (Path, "replace"),
        ],
        ids=lambda value: getattr(value, "__name__", value),
    )
    def test_it_is_an_error_of_ours_and_the_next_build_works(
        self,
        owner: object,
        name: str,
        built: str,
        corpus: Path,
        store: Store,
        encoder: HashEncoder,
    ) -> None:
        (corpus / "new.md").write_text("Walnuts ripen in the late autumn.")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, full)
            with pytest.raises(StoreError, match=r"No space left|cannot be written"):
                build(corpus, store, encoder)
        assert store.current() == built
        assert still_answers(store, encoder)
        build(corpus, store, encoder)
        assert "Walnuts" in found_texts(store, encoder, "walnuts")

    def test_a_store_that_cannot_be_made_is_an_error_of_ours(
        self, corpus: Path, encoder: HashEncoder, tmp_path: Path
    ) -> None:
        (tmp_path / "taken").write_text("a file where the folder should be")
        with pytest.raises(StoreError, match="taken"):
            build(corpus, Store(tmp_path / "taken"), encoder)
