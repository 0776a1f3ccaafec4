"""What differs between two snapshots, and how many are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.build import build
from index.errors import IndexDamagedError
from index.history import difference
from index.store import Store
from tests.conftest import HashEncoder


def test_documents_that_came_went_and_changed_are_named(corpus: Path, store: Store) -> None:
    (corpus / "gone.md").write_text("# Gone\n\nThis one goes away before long.\n")
    build(corpus, store, HashEncoder())
    (corpus / "gone.md").unlink()
    (corpus / "new.md").write_text("# New\n\nThis one came later than the others.\n")
    (corpus / "bees.txt").write_text("Bees are kept for their honey, and for nothing else.\n")
    build(corpus, store, HashEncoder(), exact_up_to=10)
    older, newer = store.manifests()
    found = difference(store, older, newer)
    assert (found.added, found.removed, found.changed) == (("new.md",), ("gone.md",), ("bees.txt",))
    assert found.documents == 0
    assert found.passages == newer.passages - older.passages
    assert found.recipe == {"exact_up_to": (250_000, 10)}
    assert not found.nothing
    back = difference(store, newer, older)
    assert (back.added, back.removed) == (found.removed, found.added)
    assert difference(store, newer, newer).nothing


def test_a_snapshot_that_is_no_longer_kept_is_an_error_of_ours(corpus: Path, store: Store) -> None:
    build(corpus, store, HashEncoder())
    (manifest,) = store.manifests()
    (store.open().folder / "passages.sqlite").rename(store.folder / "elsewhere")
    with pytest.raises(IndexDamagedError):
        difference(store, manifest, manifest)


@pytest.mark.parametrize("keep", [2, 4])
def test_as_many_snapshots_are_kept_as_is_asked_for(corpus: Path, store: Store, keep: int) -> None:
    store = Store(store.folder, keep=keep)
    made = []
    for number in range(6):
        (corpus / "log.md").write_text(f"# Log\n\nThis is version {number} of the log.\n")
        made.append(build(corpus, store, HashEncoder()).snapshot)
    assert [manifest.id for manifest in store.manifests()] == made[-keep:]
    # The one that was gone back to and its successor stay, however old it is.
    store.rollback(made[-keep])
    (corpus / "log.md").write_text("# Log\n\nThis is the last version of the log.\n")
    last = build(corpus, store, HashEncoder()).snapshot
    kept = [manifest.id for manifest in store.manifests()]
    assert {made[-keep], last} <= set(kept)
    assert len(kept) == keep
