"""From the corpus to answers and back to an earlier snapshot, with the vectors in Milvus."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app import commands
from app.cli import main
from app.service import Service
from app.settings import Settings
from benchmarks.milvus_server import TOKEN, URI
from index import Encoder, answer, build
from index.errors import EngineError, IndexDamagedError, IndexMismatchError, SnapshotError
from index.filters import Filter
from index.milvus import Milvus
from index.records import Answer
from index.search import Searcher
from index.shared import Shared
from index.store import Store
from tests.conftest import HashEncoder
from tests.with_milvus.conftest import Serve

ROOT = Path(__file__).parents[2]
DEPTH = "How deep is the harbour of Porvenir?"


def nothing(step: object) -> None:
    pass


def edition(corpus: Path, number: int) -> None:
    (corpus / "edition.md").write_text(f"# Edition\n\nThis library is edition number {number}.\n")


def quote(service: Service, question: str) -> str:
    return service.ask(question).citations[0].quote


def told(reply: Answer) -> Answer:
    """What an answer says, without what it was computed from."""
    citations = tuple(replace(one, score=0) for one in reply.citations)
    return replace(reply, snapshot="", hits=(), confidence=0, citations=citations)


def test_the_same_answers_and_citations_as_with_files(
    torch_encoder: Encoder, tmp_path: Path, connect: Callable[[], Milvus]
) -> None:
    files = Store(tmp_path / "files")
    build(ROOT / "corpus", files, torch_encoder)
    there = Store(tmp_path / "milvus", server=connect())
    there.folder.mkdir()
    shutil.copy(files.cache, there.cache)
    report = build(ROOT / "corpus", there, torch_encoder)
    assert report.encoded == 0
    assert not (there.folder / "snapshots" / report.snapshot / "vectors.faiss").exists()
    one, other = (Searcher(store.open(), torch_encoder) for store in (files, there))
    questions = [
        "What is defense diplomacy?",
        "How do I add documents?",
        "Which settings are there?",
        "Who may change the library?",
        "What does a quote link to?",
        "Why was nothing found?",
    ]
    for question in questions:
        for only in (None, Filter(folder="guide"), Filter(format="markdown")):
            wanted, found = (answer(question, each, only=only) for each in (one, other))
            # Two engines may add up the same numbers in another order.
            assert found.confidence == pytest.approx(wanted.confidence, abs=1e-5)
            assert told(found) == told(wanted)
            assert [hit.passage for hit in found.hits] == [hit.passage for hit in wanted.hits]
            for here, was in zip(found.hits, wanted.hits, strict=True):
                assert here.score == pytest.approx(was.score, abs=1e-5)


def test_build_rebuild_roll_back_and_prune(serve: Serve, corpus: Path, settings: Settings) -> None:
    service = serve()
    stages = []
    edition(corpus, 1)
    first = service.build(lambda step: stages.append(step.stage)).snapshot
    assert "loading" in stages
    assert "14 metres" in quote(service, DEPTH)
    assert service.build(nothing).unchanged
    status = service.status()
    assert status.engine.startswith(f"Milvus v2.3.5-lite at {URI}")
    assert not status.error
    assert service.ready()

    edition(corpus, 2)
    (corpus / "bees.txt").unlink()
    second = service.build(nothing).snapshot
    assert "number 2" in quote(service, "Which edition number is this library?")
    assert service.status().previous == first
    assert service.verify().ok
    with pytest.raises(SnapshotError, match="no snapshot 000009-0"):
        service.rollback("000009-0")
    assert service.rollback() == first
    assert "number 1" in quote(service, "Which edition number is this library?")
    assert service.store.current() == first

    edition(corpus, 3)
    third = service.build(nothing).snapshot
    server = service.store.server
    assert server is not None
    assert server.kept() == {first, third}
    assert {one.id for one in service.history()} == {first, third}
    place = f"{settings.shared}/{settings.milvus_name}"
    assert Shared(place).snapshots() == {first, third}
    with pytest.raises(IndexDamagedError):
        service.store.open(second)


def test_a_server_with_an_empty_disk_fetches_what_the_alias_names(
    serve: Serve, settings: Settings
) -> None:
    built = serve("builder").build(nothing).snapshot
    other = serve("other")
    assert "14 metres" in quote(other, DEPTH)
    assert other.answering() == built
    assert other.verify().ok
    # What is fetched is proved first.
    path = next(Path(settings.shared).rglob("passages.sqlite"))
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    with pytest.raises(IndexDamagedError, match="is not what was written"):
        serve("third").ask(DEPTH)
    # Without the shared place it says what is missing.
    with pytest.raises(IndexDamagedError, match="setting shared"):
        serve("fourth", shared="").ask(DEPTH)


def test_what_a_killed_build_left_is_removed_by_the_next(
    serve: Serve, corpus: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = serve()
    first = service.build(nothing).snapshot
    for step in ("_index", "point_to"):
        edition(corpus, 1 if step == "_index" else 2)
        with monkeypatch.context() as patch:
            patch.setattr(Milvus, step, lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                service.build(nothing)
        assert service.store.current() == first
        assert "14 metres" in quote(service, DEPTH)
    server = service.store.server
    assert server is not None
    place = Path(settings.shared) / settings.milvus_name
    remains, other = place / "000099-01234567" / "lexical", place / "2023-reports"
    remains.mkdir(parents=True)
    other.mkdir()
    edition(corpus, 3)
    last = service.build(nothing).snapshot
    assert server.current() == last
    assert server.kept() == {one.id for one in service.history()}
    assert not remains.exists()
    assert other.is_dir()


def test_the_library_of_another_store_is_not_overwritten(serve: Serve) -> None:
    mine = serve("mine", shared="").build(nothing).snapshot
    with pytest.raises(EngineError, match="another store has published it"):
        serve("yours", shared="").build(nothing)
    assert serve("mine", shared="").answering() == mine
    yours = serve("yours", shared="")
    taken = yours.store
    report = build(yours.settings.corpus, taken, yours.encoder, force=True)
    assert taken.current() == report.snapshot != mine


def test_an_index_in_files_is_built_anew_for_milvus(serve: Serve) -> None:
    files = serve("one", vectors="faiss")
    files.build(nothing)
    with pytest.raises(IndexMismatchError, match="setting vectors"):
        Store(files.settings.store, server=Milvus(URI, TOKEN)).open(files.answering())
    there = serve("one", shared="")
    assert not there.build(nothing).unchanged
    assert "14 metres" in quote(there, DEPTH)
    assert "14 metres" in quote(serve("one", vectors="faiss"), DEPTH)


def test_the_commands_say_where_the_vectors_are(
    serve: Serve,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = serve()
    service.build(nothing)
    monkeypatch.setattr(commands, "open_service", lambda settings, snapshot=None: service)
    assert main(["status"]) == 0
    assert f"Milvus v2.3.5-lite at {URI}" in capsys.readouterr().out
    assert main(["verify"]) == 0
    server, current = service.store.server, service.answering()
    assert server is not None
    assert current is not None
    server.call("delete", server._collection(current), filter="key in [0]")
    capsys.readouterr()
    assert main(["verify"]) == 1
    assert "has 3 of 4" in capsys.readouterr().out
    assert not service.build(nothing).unchanged
    assert main(["verify"]) == 0


class TestFilters:
    def test_each_kind_of_filter_finds_what_it_finds_in_files(
        self, tmp_path: Path, encoder: HashEncoder, connect: Callable[[], Milvus]
    ) -> None:
        corpus = tmp_path / "letters"
        people = ['Ida "the" Holm', "IDA HOLMÉ", "Ünal\\Straße", ""]
        dates = ["2019-03-05", "2020", "2020-03", "2021-12-31", ""]
        folders = ["a", "a/b", "a b", "a/b_c", "ab", "a%", "é'", ""]
        for number, folder in enumerate(folders * 5):
            (corpus / folder).mkdir(parents=True, exist_ok=True)
            head = f"author: {people[number % 4]!r}\n" if people[number % 4] else ""
            head += f"date: {dates[number % 5]}\n" if dates[number % 5] else ""
            text = f"The harbour numbered {number} is deep.\n\nAll rights are reserved here.\n"
            path = corpus / folder / f"{number}.{'md' if number % 3 else 'txt'}"
            path.write_text((f"---\n{head}---\n\n" if number % 3 else "") + text, encoding="utf-8")
        files, there = Store(tmp_path / "f"), Store(tmp_path / "m", server=connect())
        build(corpus, files, encoder)
        build(corpus, there, encoder)
        one, other = (Searcher(store.open(), encoder) for store in (files, there))
        filters = [Filter(folder=folder) for folder in [*folders, ".", "a/", "none", "a/b/2.md"]]
        filters += [Filter(format=kind) for kind in ("markdown", "text", "pdf")]
        filters += [Filter(document=name) for name in ("a/b/1.md", "é'/6.txt", "none")]
        filters += [
            Filter(author=part) for part in ("holm", "HOLMÉ", "strasse", '"the"', "\\", "x")
        ]
        filters += [Filter(since=date) for date in ("2019", "2020", "2020-03", "2022")]
        filters += [Filter(until=date) for date in ("2019-03", "2020", "2020-03", "2018")]
        filters += [
            Filter(folder="a", author="ida", since="2020", until="2020-03"),
            Filter(folder="é'", format="markdown", until="2021"),
        ]
        vector = encoder.encode_queries(["all rights of the harbour"])[0]
        found = 0
        for only in filters:
            hits, wanted = (each.search("all rights", 100, only) for each in (other, one))
            assert [hit.passage.id for hit in hits] == [hit.passage.id for hit in wanted], only
            assert [hit.copies for hit in hits] == [hit.copies for hit in wanted], only
            allowed = one._allowed(only)[1] if only else None
            rows, scores = one.snapshot.vectors.search(vector, 10, allowed)
            keys, theirs = other.snapshot.vectors.search(vector, 10, None, only)
            assert keys.tolist() == rows.tolist(), only
            assert theirs == pytest.approx(scores, abs=1e-5)
            found += len(rows)
        assert found > 100
