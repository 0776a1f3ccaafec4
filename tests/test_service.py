"""The service: what it does when the index changes under it, is missing, or is being rebuilt."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from conftest import HashEncoder

from app import rebuild
from app.rebuild import BuildState
from app.service import Service
from app.settings import Settings, load_settings
from app.suggest import _TOPIC
from index.build import build
from index.errors import (
    AccessError,
    BuildRunningError,
    BusyError,
    IndexMissingError,
    ParseError,
    QueryError,
)
from index.snapshot import Snapshot
from index.store import Store
from index.vectors import Nearest
from tests.sheets import FERRY, Sheet


@pytest.fixture
def settings(corpus: Path, store: Store) -> Settings:
    return load_settings(corpus=corpus, store=store.folder, threshold=0.0)


@pytest.fixture
def service(settings: Settings, encoder: HashEncoder) -> Service:
    service = Service(settings)
    service.encoder = encoder
    return service


@pytest.fixture
def built(service: Service) -> Service:
    service.build(lambda step: None)
    return service


def first_quote(service: Service, question: str) -> str:
    return service.ask(question).citations[0].quote


def test_a_question_does_not_wait_without_end_for_the_index_to_load(
    built: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.following.WAIT", 0.01)
    built._searcher = None
    with built._lock, pytest.raises(BusyError, match="still being fetched or loaded"):
        built.ask("How deep is the harbour of Porvenir?")
    assert built.ask("How deep is the harbour of Porvenir?").answered


def test_what_nobody_foresaw_is_logged_once_and_does_not_end_the_following(
    built: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    current = built.answering()
    with monkeypatch.context() as patch:
        patch.setattr(built.store, "current", lambda: 1 / 0)
        built._settle()
        built._settle()
    assert caplog.text.count("ZeroDivisionError: division by zero") == 1
    built._settle()
    assert built.answering() == current
    assert not built.status().warning


def wait_for_end(service: Service) -> BuildState:
    for _ in range(1200):
        state = service.build_progress()
        if state is not None and state.state != "running":
            return state
        time.sleep(0.1)
    raise AssertionError("the build does not end")


def test_without_an_index_the_error_says_what_to_run(service: Service) -> None:
    with pytest.raises(IndexMissingError, match="python -m app build"):
        service.ask("How deep is the harbour?")
    assert "python -m app build" in service.status().error


def test_a_snapshot_that_another_process_publishes_answers_the_next_question(
    built: Service, corpus: Path, encoder: HashEncoder
) -> None:
    before = built.status().snapshot
    (corpus / "lights.md").write_text(
        "# Lights\n\nThe lighthouse of Evangelistas has a red lamp.\n"
    )
    build(corpus, Store(built.settings.store), encoder)
    assert "Evangelistas" in first_quote(built, "lighthouse of Evangelistas red lamp")
    assert built.status().snapshot != before
    assert built.status().previous == before


def followed(service: Service) -> Service:
    service.follow()
    until(lambda: service.answering() is not None)
    return service


def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it does not come about")


def test_what_another_process_publishes_is_loaded_and_tried_aside(
    built: Service, corpus: Path, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed(built)
    old = built.answering()
    opening, go_on = threading.Event(), threading.Event()
    opened = Store.open

    def slow(store: Store, snapshot: str | None = None, hold: int = 0) -> Snapshot:
        if threading.current_thread().name == "follow":  # the builder opens the last one, too
            opening.set()
            assert go_on.wait(30)
        return opened(store, snapshot, hold)

    monkeypatch.setattr(Store, "open", slow)
    (corpus / "lights.md").write_text(
        "# Lights\n\nThe lighthouse of Evangelistas has a red lamp.\n"
    )
    report = build(corpus, Store(built.settings.store), encoder)
    assert opening.wait(30)
    # While the new one is being opened, the old one answers, and nobody waits.
    assert "14 metres" in first_quote(built, "How deep is the harbour of Porvenir?")
    assert built.answering() == built.status().snapshot == old
    go_on.set()
    until(lambda: built.answering() == report.snapshot)
    assert "Evangelistas" in first_quote(built, "lighthouse of Evangelistas red lamp")
    assert built.status().previous == old


def test_a_service_that_follows_keeps_the_old_index_while_the_new_one_is_no_use(
    built: Service, corpus: Path
) -> None:
    followed(built)
    old = built.answering()
    (corpus / "new.md").write_text("Walnuts ripen in the late autumn.")
    with built._lock:  # until it is damaged it cannot be opened
        report = build(corpus, built.store, built.encoder)
        (built.store.folder / "snapshots" / report.snapshot / "vectors.faiss").write_bytes(b"x")
    until(lambda: "An older index answers" in built.status().warning)
    assert built.answering() == old
    assert "14 metres" in first_quote(built, "How deep is the harbour of Porvenir?")
    built.build(lambda step: None)
    until(lambda: built.answering() not in (old, report.snapshot))
    assert not built.status().warning


def test_a_service_that_follows_finds_the_first_index(service: Service) -> None:
    service.follow()
    with pytest.raises(IndexMissingError):
        service.ask("How deep is the harbour of Porvenir?")
    service.build(lambda step: None)
    until(lambda: service.answering() is not None)
    assert "14 metres" in first_quote(service, "How deep is the harbour of Porvenir?")


def test_a_rollback_takes_back_what_was_published(built: Service, corpus: Path) -> None:
    first = built.status().snapshot
    (corpus / "lights.md").write_text(
        "# Lights\n\nThe lighthouse of Evangelistas has a red lamp.\n"
    )
    built.build(lambda step: None)
    assert built.rollback() == first
    assert built.status().snapshot == first
    assert all(summary.id != "lights.md" for summary in built.documents())


def test_a_snapshot_that_breaks_while_it_is_open_still_answers(built: Service) -> None:
    quote = first_quote(built, "How deep is the harbour of Porvenir?")
    snapshots = built.settings.store / "snapshots"
    (built.settings.store / "CURRENT").write_text("000099-gone\n")
    assert first_quote(built, "How deep is the harbour of Porvenir?") == quote
    assert snapshots.is_dir()


def test_documents_and_passages_can_be_read_and_unknown_ones_are_named(built: Service) -> None:
    names = [summary.id for summary in built.documents()]
    assert names == ["bees.txt", "harbours.md", "sub/tea.md"]
    passages = built.read("harbours.md")
    assert [passage.number for passage in passages] == list(range(1, len(passages) + 1))
    assert built.passage(passages[0].id) == passages[0]
    with pytest.raises(QueryError, match="secret"):
        built.read("../secret")
    with pytest.raises(QueryError, match="ffff"):
        built.passage("ffff")


def test_suggestions_are_questions_that_the_corpus_answers(corpus: Path, service: Service) -> None:
    (corpus / "tides.md").write_text(
        "# Tides\n\n## When is high tide?\n\nHigh tide is at noon and at midnight, when is known.\n"
    )
    service.build(lambda step: None)
    suggestions = service.suggestions()
    assert len(set(suggestions)) == len(suggestions)
    for question in suggestions:
        assert service.ask(question).match in ("strong", "partial")


def test_questions_are_answered_all_through_a_build(built: Service, corpus: Path) -> None:
    stop = threading.Event()
    wrong: list[object] = []
    asked = []

    def ask() -> None:
        while not stop.is_set():
            try:
                quote = first_quote(built, "How deep is the harbour of Porvenir?")
                asked.append(quote)
                if "14 metres" not in quote:
                    wrong.append(quote)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(5):
        (corpus / f"more{number}.md").write_text(
            f"# More\n\nThe {number}th shed is painted green.\n"
        )
        built.build(lambda step: None)
    stop.set()
    for thread in threads:
        thread.join()
    assert asked
    assert not wrong


def test_a_builder_process_tells_how_far_it_is_and_one_at_a_time_may_run(
    settings: Settings,
) -> None:
    service = Service(settings)  # with the real model, as the builder process has it
    service.start_rebuild()
    assert service.build_progress() is not None
    state = wait_for_end(service)
    assert (state.state, state.documents) == ("done", 3), state.message
    assert "14 metres" in first_quote(service, "How deep is the harbour of Porvenir?")
    with Store(settings.store).lock(), pytest.raises(BuildRunningError):
        service.start_rebuild()


def test_a_killed_builder_is_reported_and_the_last_index_answers(
    settings: Settings, corpus: Path
) -> None:
    service = Service(settings)
    service.build(lambda step: None)
    (corpus / "more.md").write_text(
        "# More\n\n"
        + "\n\n".join(
            f"Shed number {number} in the yard is painted in the colour {number * 7}."
            for number in range(3000)
        )
    )
    service.start_rebuild()
    state = service.build_progress()
    assert state is not None
    os.kill(state.process, signal.SIGKILL)
    ended = wait_for_end(service)
    assert ended.state == "failed"
    assert "last index still answers" in ended.message
    assert "14 metres" in first_quote(service, "How deep is the harbour of Porvenir?")


@pytest.mark.parametrize("damage", ["garbage", "gone", "other model"])
def test_what_is_open_still_answers_when_the_new_index_is_no_use(
    built: Service, damage: str
) -> None:
    assert built.ask("How deep is the harbour of Porvenir?").answered
    current = built.settings.store / "CURRENT"
    if damage == "garbage":
        current.write_bytes(b"\xff\xfe\x00")
    elif damage == "gone":
        current.unlink()
    else:
        build(built.settings.corpus, built.store, HashEncoder("another-model"), force=True)
    assert built.ask("How deep is the harbour of Porvenir?").answered
    status = built.status()
    assert status.snapshot
    assert "An older index answers" in status.warning
    assert "python -m app build" in status.warning


def test_a_dead_builder_is_not_mistaken_for_a_new_process_with_its_number(built: Service) -> None:
    path = built.settings.store / "build.json"
    state = asdict(rebuild._begun(os.getpid()))
    path.write_text(json.dumps(state))
    running = built.build_progress()
    assert running is not None
    assert running.state == "running"
    path.write_text(json.dumps({**state, "birth": "another boot 1"}))
    ended = built.build_progress()
    assert ended is not None
    assert ended.state == "failed"


def test_status_can_be_asked_for_while_files_come_and_go(built: Service) -> None:
    folder = built.settings.store / "building"
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            folder.mkdir()
            for number in range(20):
                (folder / str(number)).write_bytes(b"x")
            shutil.rmtree(folder)

    busy = threading.Thread(target=come_and_go)
    busy.start()
    try:
        assert all(built.status().store_bytes > 0 for _ in range(100))
    finally:
        stop.set()
        busy.join()


def test_an_approximate_index_below_the_floor_is_warned_about(tmp_path: Path) -> None:
    service = Service(Settings(store=tmp_path, recall_floor=0.97))
    assert service.warning(Nearest("IVF64,SQ8", 8, 0.98, 256)) == ""
    assert "finds 90.0% of the nearest" in service.warning(Nearest("IVF64,SQ8", 8, 0.9, 256))


def test_a_rollback_to_what_is_open_takes_the_warning_back(built: Service, corpus: Path) -> None:
    built.ask("How deep is the harbour of Porvenir?")
    (corpus / "new.md").write_text("Walnuts ripen in the late autumn.")
    report = build(corpus, built.store, built.encoder)
    (built.store.folder / "snapshots" / report.snapshot / "vectors.faiss").write_bytes(b"x")
    assert built.ask("How deep is the harbour of Porvenir?").answered
    assert "An older index answers" in built.status().warning
    built.rollback()
    assert built.ask("How deep is the harbour of Porvenir?").answered
    assert built.status().warning == ""


def test_as_many_hits_as_are_to_be_shown_come_with_an_answer(settings: Settings) -> None:
    many = Service(settings.model_copy(update={"top_k": 30}))
    many.encoder = HashEncoder()
    for number in range(40):
        (settings.corpus / f"{number}.md").write_text(f"The harbour number{number} is deep.")
    many.build(lambda step: None)
    assert len(many.ask("How deep is the harbour?").hits) == 30


def test_a_heading_of_many_dashes_costs_no_time() -> None:
    assert _TOPIC.fullmatch("Notes " + "-" * 5000 + ".") is None
    assert _TOPIC.fullmatch("Fees, tides and pilot's notes")


def test_a_cancelled_build_leaves_no_trace_and_the_last_index_answers(
    built: Service, corpus: Path
) -> None:
    before = built.store.current()
    text = "\n\n".join(f"Chapter {n} tells of storm number {n}. " * 8 for n in range(4000))
    (corpus / "long.md").write_text(f"# Storms\n\n{text}\n")
    built.start_rebuild()
    built.cancel_rebuild()
    state = built.build_progress()
    assert state is not None
    assert state.state == "cancelled"
    assert built.store.current() == before
    assert not (built.store.folder / "building").exists()
    assert built.ask("How deep is the harbour of Porvenir?").answered
    built.cancel_rebuild()  # there is none: nothing happens
    with built.store.lock():
        pass  # the lock is free again


def test_where_all_is_read_only_nothing_can_be_changed(
    built: Service, corpus: Path, store: Store
) -> None:
    service = Service(load_settings(corpus=corpus, store=store.folder, read_only=True))
    for change in (
        service.start_rebuild,
        service.cancel_rebuild,
        service.rollback,
        lambda: service.add_file("a.md", b"text"),
        lambda: service.remove_file("bees.txt"),
        lambda: service.undo_change("000001"),
    ):
        with pytest.raises(AccessError, match="read_only"):
            change()
    assert (corpus / "bees.txt").exists()


def test_a_picture_is_of_the_file_that_was_indexed(service: Service, corpus: Path) -> None:
    sheet = Sheet()
    sheet.write(FERRY)
    data = sheet.bytes()
    (corpus / "ferries.pdf").write_bytes(data)
    service.build(lambda step: None)
    passage = service.read("ferries.pdf")[0]
    assert service.picture("ferries.pdf", 1, (passage.text,)).boxes
    with pytest.raises(QueryError, match="no document"):
        service.picture("../ferries.pdf", 1, ())
    (corpus / "ferries.pdf").write_bytes(data + b"% edited")
    with pytest.raises(ParseError, match="was changed"):
        service.picture("ferries.pdf", 1, (passage.text,))
