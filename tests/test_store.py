"""The store keeps the last two snapshots, points at one, and goes back when it is told to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.build import build
from index.errors import (
    BuildRunningError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    SnapshotError,
)
from index.search import Searcher
from index.snapshot import Snapshot
from index.store import Store
from tests.conftest import HashEncoder


class Versions:
    """A corpus whose only document says which version of it this is."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.corpus = folder / "versions"
        self.corpus.mkdir()
        self.store = store
        self.encoder = HashEncoder()

    def publish(self, number: int) -> str:
        (self.corpus / "a.md").write_text(f"# Log\n\nThis is version {number} of the log.\n")
        return build(self.corpus, self.store, self.encoder).snapshot

    def answer(self) -> str:
        searcher = Searcher(self.store.open(), self.encoder)
        return searcher.search("Which version is this?", 1)[0].passage.text

    def kept(self) -> list[str]:
        return sorted(path.name for path in (self.store.folder / "snapshots").iterdir())


@pytest.fixture
def versions(tmp_path: Path, store: Store) -> Versions:
    return Versions(tmp_path, store)


def change_manifest(folder: Path, **fields: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


class TestPublishing:
    def test_making_a_store_touches_no_file(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "none")
        assert store.current() is None
        assert store.manifests() == []
        assert not (tmp_path / "none").exists()

    def test_the_last_two_snapshots_are_kept(self, versions: Versions) -> None:
        ids = [versions.publish(number) for number in range(4)]
        assert ids == sorted(set(ids)), "ids go up"
        assert versions.kept() == ids[-2:]
        manifests = versions.store.manifests()
        assert [(one.id, one.parent) for one in manifests] == [(ids[2], ids[1]), (ids[3], ids[2])]
        assert "version 3" in versions.answer()

    def test_a_snapshot_is_open_while_others_are_published(self, versions: Versions) -> None:
        versions.publish(1)
        searcher = Searcher(versions.store.open(), versions.encoder)
        for number in (2, 3, 4):
            versions.publish(number)
        assert "version 1" in searcher.search("Which version is this?", 1)[0].passage.text

    def test_the_manifest_has_size_and_checksum_of_every_other_file(
        self, versions: Versions
    ) -> None:
        versions.publish(1)
        snapshot = versions.store.open()
        there = {
            path.relative_to(snapshot.folder).as_posix(): path.stat().st_size
            for path in snapshot.folder.rglob("*")
            if path.is_file() and path.name != "manifest.json"
        }
        assert {name: size for name, (size, _) in snapshot.manifest.files.items()} == there
        assert snapshot.size == sum(there.values())
        assert list(snapshot.damaged()) == []

    def test_what_a_killed_build_left_behind_is_removed(self, versions: Versions) -> None:
        first = versions.publish(1)
        for folder in ("building/lexical", "snapshots/000002-orphaned"):
            (versions.store.folder / folder).mkdir(parents=True)
            (versions.store.folder / folder / "half.npy").write_bytes(b"half")
        (versions.store.folder / "CURRENT.new").write_text("half")
        assert "version 1" in versions.answer()
        second = versions.publish(2)
        assert versions.kept() == [first, second]
        assert not (versions.store.folder / "building").exists()
        assert not (versions.store.folder / "CURRENT.new").exists()

    def test_a_build_that_fails_leaves_nothing_behind(self, versions: Versions) -> None:
        first = versions.publish(1)
        folder = versions.store.folder / "building"

        def fail() -> None:
            with versions.store.building() as made:
                assert made == folder
                (folder / "half.npy").write_bytes(b"half")
                raise RuntimeError("the power went")

        with versions.store.lock(), pytest.raises(RuntimeError, match="the power went"):
            fail()
        assert not folder.exists()
        assert versions.store.current() == first


class TestRollback:
    def test_it_goes_back_to_the_snapshot_before(self, versions: Versions) -> None:
        first = versions.publish(1)
        versions.publish(2)
        assert versions.store.rollback() == first == versions.store.current()
        assert "version 1" in versions.answer()

    def test_it_can_be_undone_by_naming_the_newer_one(self, versions: Versions) -> None:
        versions.publish(1)
        second = versions.publish(2)
        versions.store.rollback()
        assert versions.store.rollback(second) == second == versions.store.current()
        assert "version 2" in versions.answer()

    def test_with_nothing_before_it_is_an_error(self, versions: Versions) -> None:
        first = versions.publish(1)
        with pytest.raises(SnapshotError, match=r"no snapshot before this one.*kept: none"):
            versions.store.rollback()
        assert versions.store.current() == first

    def test_a_second_step_back_is_an_error_that_names_what_is_kept(
        self, versions: Versions
    ) -> None:
        ids = [versions.publish(number) for number in range(3)]
        assert versions.store.rollback() == ids[1]
        with pytest.raises(SnapshotError, match=rf"no snapshot {ids[0]}.*kept: {ids[2]}"):
            versions.store.rollback()
        assert versions.store.current() == ids[1]

    @pytest.mark.parametrize("name", ["000099-none", "../versions", "", "."])
    def test_to_an_unknown_name_it_is_an_error(self, versions: Versions, name: str) -> None:
        versions.publish(1)
        second = versions.publish(2)
        with pytest.raises(SnapshotError, match="no snapshot"):
            versions.store.rollback(name)
        assert versions.store.current() == second

    def test_in_an_empty_store_it_is_an_error(self, store: Store) -> None:
        with pytest.raises(SnapshotError, match="no snapshot before this one"):
            store.rollback()

    def test_to_a_damaged_snapshot_it_is_refused(self, versions: Versions) -> None:
        first = versions.publish(1)
        second = versions.publish(2)
        (versions.store.folder / "snapshots" / first / "passages.sqlite").unlink()
        with pytest.raises(IndexDamagedError, match=first):
            versions.store.rollback()
        assert versions.store.current() == second

    def test_the_next_build_keeps_the_one_it_went_back_to(self, versions: Versions) -> None:
        first = versions.publish(1)
        second = versions.publish(2)
        versions.store.rollback()
        third = versions.publish(3)
        assert third > second
        assert versions.kept() == [first, third]
        assert versions.store.rollback() == first

    def test_a_build_of_the_same_corpus_goes_forward_again(self, versions: Versions) -> None:
        versions.publish(1)
        versions.publish(2)
        versions.store.rollback()
        versions.publish(2)
        assert "version 2" in versions.answer()


class TestTheLock:
    def test_one_at_a_time_holds_it_and_then_the_next(self, store: Store) -> None:
        other = Store(store.folder)
        for _ in range(2):
            with store.lock(), pytest.raises(BuildRunningError, match="Another build"):  # noqa: SIM117
                with other.lock():
                    pass
        with other.lock():
            pass

    def test_an_error_frees_it(self, store: Store) -> None:
        with pytest.raises(RuntimeError), store.lock():
            raise RuntimeError
        with store.lock():
            pass

    def test_reading_needs_none(self, versions: Versions) -> None:
        versions.publish(1)
        with versions.store.lock():
            assert "version 1" in versions.answer()


class TestOpening:
    def test_the_current_one_unless_another_is_named(self, versions: Versions) -> None:
        first, second = versions.publish(1), versions.publish(2)
        assert versions.store.open().id == second
        assert versions.store.open(first).id == first

    @pytest.mark.parametrize("name", ["000099-none", "../../etc"])
    def test_an_unknown_name_is_an_error_of_ours(self, versions: Versions, name: str) -> None:
        versions.publish(1)
        with pytest.raises(IndexDamagedError, match="python -m app build"):
            versions.store.open(name)

    def test_an_empty_pointer_is_no_index(self, versions: Versions) -> None:
        versions.publish(1)
        (versions.store.folder / "CURRENT").write_text("\n")
        assert versions.store.current() is None
        with pytest.raises(IndexMissingError):
            versions.store.open()

    def test_a_pointer_that_cannot_be_read_is_repaired_by_a_build(self, versions: Versions) -> None:
        versions.publish(1)
        pointer = versions.store.folder / "CURRENT"
        pointer.write_bytes(b"\xff\xfe\x00")
        with pytest.raises(IndexDamagedError, match=r"CURRENT' cannot be read.*app build"):
            versions.store.open()
        repaired = versions.publish(1)
        assert pointer.read_text() == f"{repaired}\n"
        assert "version 1" in versions.answer()

    def test_a_snapshot_that_is_replaced_while_it_is_opened_is_looked_up_again(
        self, versions: Versions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = versions.publish(1), versions.publish(2)
        pointers = iter(["000000-pruned", second])
        monkeypatch.setattr(versions.store, "current", lambda: next(pointers, second))
        assert versions.store.open().id == second != first

    def test_another_version_s_snapshot_is_refused_by_name(self, versions: Versions) -> None:
        first = versions.publish(1)
        change_manifest(versions.store.open().folder, format=1)
        with pytest.raises(IndexMismatchError, match=rf"{first} has format 1.*app build"):
            versions.store.open()
        assert versions.store.manifests() == []

    def test_parts_that_disagree_are_refused(self, versions: Versions) -> None:
        versions.publish(1)
        folder = versions.store.open().folder
        change_manifest(folder, passages=2)
        with pytest.raises(IndexDamagedError, match="disagree on the number of passages"):
            Snapshot(folder)

    @pytest.mark.parametrize(
        "fields",
        [{"files": 7}, {"recipe": {}}, {"nearest": None}, {"unknown": 1}, {"files": {"a": 1}}],
    )
    def test_a_manifest_that_makes_no_sense_is_an_error_of_ours(
        self, versions: Versions, fields: dict[str, object]
    ) -> None:
        versions.publish(1)
        folder = versions.store.open().folder
        change_manifest(folder, **fields)
        with pytest.raises(IndexDamagedError, match=r"manifest of snapshot .* cannot be read"):
            Snapshot(folder)

    def test_each_file_that_is_missing_or_grew_is_named(self, versions: Versions) -> None:
        versions.publish(1)
        snapshot = versions.store.open()
        assert len(snapshot.manifest.files) > 5
        for name in snapshot.manifest.files:
            path = snapshot.folder / name
            data = path.read_bytes()
            path.write_bytes(data + b"\0")
            with pytest.raises(IndexDamagedError, match=f"'{name}' of snapshot"):
                versions.store.open()
            path.unlink()
            with pytest.raises(IndexDamagedError, match=f"'{name}' of snapshot"):
                versions.store.open()
            path.write_bytes(data)
        assert "version 1" in versions.answer()
