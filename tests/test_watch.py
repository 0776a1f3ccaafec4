"""A corpus that is watched is rebuilt when it changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import HashEncoder

from app.service import Service
from app.settings import load_settings
from app.watch import Watch
from index.errors import BuildRunningError
from index.store import Store


class Built(Service):
    """Builds in this process, where the tests' encoder is."""

    busy = 0

    def start_rebuild(self) -> None:
        if self.busy:
            self.busy -= 1
            raise BuildRunningError("A build is running already.")
        self.build(lambda step: None)


@pytest.fixture
def service(corpus: Path, store: Store, encoder: HashEncoder) -> Built:
    service = Built(load_settings(corpus=corpus, store=store.folder, threshold=0.0))
    service.encoder = encoder
    return service


@pytest.fixture
def watched(service: Built) -> Iterator[Built]:
    watch = Watch(service, still=0.1)
    watch.start()
    until(lambda: service.status().documents == 3)
    yield service
    watch.stop()


def until(reached: Callable[[], bool]) -> None:
    for _ in range(600):
        if reached():
            return
        time.sleep(0.05)
    raise AssertionError("it does not happen")


def names(service: Service) -> set[str]:
    return {one.id for one in service.documents()}


def test_what_changed_before_is_built_at_the_start(watched: Built) -> None:
    assert names(watched) == {"bees.txt", "harbours.md", "sub/tea.md"}


def test_added_changed_moved_and_deleted_files_are_noticed(watched: Built, corpus: Path) -> None:
    (corpus / "lights.md").write_text("# Lights\n\nThe lighthouse has a red lamp.\n")
    until(lambda: "lights.md" in names(watched))
    (corpus / "lights.md").write_text("# Lights\n\nThe lighthouse has a green lamp.\n")
    until(lambda: "green" in watched.ask("lighthouse lamp").citations[0].quote)
    (corpus / "bees.txt").unlink()
    until(lambda: "bees.txt" not in names(watched))
    encoder = watched.encoder
    assert isinstance(encoder, HashEncoder)
    encoder.encoded.clear()
    (corpus / "lights.md").rename(corpus / "sub" / "lamps.md")
    until(lambda: "sub/lamps.md" in names(watched))
    assert "lights.md" not in names(watched)
    assert encoder.encoded == []


def test_a_build_that_runs_is_waited_for(watched: Built, corpus: Path) -> None:
    watched.busy = 1
    (corpus / "lights.md").write_text("# Lights\n\nThe lighthouse has a red lamp.\n")
    until(lambda: "lights.md" in names(watched))
    assert watched.busy == 0


def test_a_folder_that_takes_the_corpus_s_place_is_looked_at(watched: Built, corpus: Path) -> None:
    new = corpus.with_name("new")
    new.mkdir()
    (new / "lights.md").write_text("# Lights\n\nThe lighthouse has a red lamp.\n")
    corpus.rename(corpus.with_name("old"))
    new.rename(corpus)
    until(lambda: names(watched) == {"lights.md"})
    (corpus / "lamps.md").write_text("# Lamps\n\nThe lamp is lit at dusk.\n")
    until(lambda: "lamps.md" in names(watched))


def test_what_cannot_be_watched_is_built_once(
    service: Built, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import watchfiles

    def full(*arguments: object, **options: object) -> None:
        raise OSError("No space left for watches")

    monkeypatch.setattr(watchfiles, "watch", full)
    watch = Watch(service, still=0.1)
    watch.start()
    until(lambda: service.status().documents == 3)
    (corpus / "lights.md").write_text("# Lights\n\nThe lighthouse has a red lamp.\n")
    time.sleep(1)
    assert service.status().documents == 3
    watch.stop()


def test_a_corpus_that_was_away_is_looked_at_when_it_is_back(watched: Built, corpus: Path) -> None:
    away = corpus.rename(corpus.with_name("away"))
    (away / "lights.md").write_text("# Lights\n\nThe lighthouse has a red lamp.\n")
    time.sleep(3)  # long enough for it to be missed
    away.rename(corpus)
    until(lambda: "lights.md" in names(watched))
