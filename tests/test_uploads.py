"""Files added, replaced and removed: whole or not at all, inside the corpus, and taken back."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.uploads import CHANGES, ExistsError, Uploads, checked
from index.errors import CorpusError


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "old.md").write_bytes(b"# Old\n")
    return folder


@pytest.fixture
def uploads(corpus: Path) -> Uploads:
    return Uploads(corpus, corpus.parent / "bin", 1000)


def files(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


class TestNames:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("a.md", "a.md"),
            ("law/2024/fees.pdf", "law/2024/fees.pdf"),
            ("law\\fees.pdf", "law/fees.pdf"),
            ("./a.md", "a.md"),
            ("Zusätze – Ü.md", "Zusätze – Ü.md"),
            ("U\u0308.md", "Ü.md"),
            ("מסמך.txt", "מסמך.txt"),
            ("a b (1).TXT", "a b (1).TXT"),
        ],
    )
    def test_good_ones_are_taken(self, name: str, expected: str) -> None:
        assert checked(name) == expected

    @pytest.mark.parametrize(
        "name",
        [
            "",
            ".",
            "..",
            "../a.md",
            "law/../../a.md",
            "..\\a.md",
            "/etc/passwd.txt",
            "C:\\a.md",
            "a\x00.md",
            "a\n.md",
            ".hidden.md",
            "law/.git/a.md",
            "con.txt",
            "law/AUX.md",
            " a.md",
            f"{'x' * 220}.md",
            "program.exe",
            "no suffix",
            "\ud800.md",
        ],
    )
    def test_bad_ones_are_refused_in_words(self, name: str, uploads: Uploads, corpus: Path) -> None:
        before = files(corpus.parent)
        with pytest.raises(CorpusError) as caught:
            uploads.add(name, b"text")
        assert str(caught.value).endswith(".")
        assert files(corpus.parent) == before

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
    @given(name=st.text(max_size=30).map(lambda name: name + ".md"))
    def test_no_name_leads_out_of_the_corpus(self, name: str, corpus: Path) -> None:
        outside = {path for path in corpus.parent.iterdir() if path.name not in ("corpus", "bin")}
        with contextlib.suppress(CorpusError):
            Uploads(corpus, corpus.parent / "bin", 1000).add(name, b"x", replace=True)
        now = {path for path in corpus.parent.iterdir() if path.name not in ("corpus", "bin")}
        assert now == outside


class TestChanges:
    def test_a_file_is_added_and_taken_back(self, uploads: Uploads, corpus: Path) -> None:
        change = uploads.add("law/new.md", b"# New\n")
        assert files(corpus) == {"old.md": b"# Old\n", "law/new.md": b"# New\n"}
        assert (change.what, change.document_id) == ("added", "law/new.md")
        uploads.undo(change.id)
        assert files(corpus) == {"old.md": b"# Old\n"}
        assert uploads.changes() == []

    def test_a_file_that_is_there_is_replaced_only_if_that_is_asked_for(
        self, uploads: Uploads, corpus: Path
    ) -> None:
        with pytest.raises(ExistsError, match=r"already"):
            uploads.add("old.md", b"# Newer\n")
        assert files(corpus) == {"old.md": b"# Old\n"}
        change = uploads.add("old.md", b"# Newer\n", replace=True)
        assert files(corpus) == {"old.md": b"# Newer\n"}
        uploads.undo(change.id)
        assert files(corpus) == {"old.md": b"# Old\n"}

    def test_a_removed_file_comes_back_byte_for_byte(self, uploads: Uploads, corpus: Path) -> None:
        change = uploads.remove("old.md")
        assert files(corpus) == {}
        uploads.undo(change.id)
        assert files(corpus) == {"old.md": b"# Old\n"}

    def test_what_was_changed_since_is_not_overwritten(
        self, uploads: Uploads, corpus: Path
    ) -> None:
        removed = uploads.remove("old.md")
        (corpus / "old.md").write_bytes(b"# Another\n")
        with pytest.raises(CorpusError, match="was changed since"):
            uploads.undo(removed.id)
        added = uploads.add("new.md", b"# New\n")
        (corpus / "new.md").write_bytes(b"# Edited\n")
        with pytest.raises(CorpusError, match="was changed since"):
            uploads.undo(added.id)
        assert files(corpus) == {"old.md": b"# Another\n", "new.md": b"# Edited\n"}
        with pytest.raises(CorpusError, match="can no longer be taken back"):
            uploads.undo("000099")

    def test_the_bin_is_bounded(self, uploads: Uploads, corpus: Path) -> None:
        for number in range(CHANGES + 5):
            uploads.add("old.md", f"# {number}\n".encode(), replace=True)
        changes = uploads.changes()
        assert len(changes) == CHANGES
        assert [int(change.id) for change in changes] == list(range(CHANGES + 5, 5, -1))
        uploads.undo(changes[0].id)
        assert files(corpus) == {"old.md": f"# {CHANGES + 3}\n".encode()}

    @pytest.mark.parametrize("data", [b"", b"x" * 1001])
    def test_empty_and_large_files_are_refused(
        self, data: bytes, uploads: Uploads, corpus: Path
    ) -> None:
        with pytest.raises(CorpusError, match=r"is empty|upload_mb"):
            uploads.add("new.md", data)
        assert files(corpus) == {"old.md": b"# Old\n"}

    def test_a_folder_that_is_a_link_leads_nowhere(self, uploads: Uploads, corpus: Path) -> None:
        outside = corpus.parent / "outside"
        outside.mkdir()
        (corpus / "link").symlink_to(outside)
        with pytest.raises(CorpusError, match="outside the corpus"):
            uploads.add("link/a.md", b"x")
        assert list(outside.iterdir()) == []

    def test_what_is_no_file_is_neither_removed_nor_replaced(
        self, uploads: Uploads, corpus: Path
    ) -> None:
        (corpus / "folder.md").mkdir()
        (corpus / "link.md").symlink_to(corpus / "old.md")
        for name in ("folder.md", "link.md", "gone.md"):
            with pytest.raises(CorpusError, match="There is no file"):
                uploads.remove(name)
        with pytest.raises(CorpusError, match="is a folder"):
            uploads.add("folder.md", b"x", replace=True)

    @pytest.mark.parametrize("replace", [False, True])
    def test_a_full_disk_changes_nothing(
        self, replace: bool, uploads: Uploads, corpus: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(CorpusError, match=r"No space left on device\. Nothing was changed"):
            uploads.add("old.md" if replace else "new.md", b"x", replace=replace)
        assert files(corpus) == {"old.md": b"# Old\n"}
        assert uploads.changes() == []

    def test_a_corpus_that_cannot_be_written_is_said(
        self, uploads: Uploads, corpus: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr("tempfile.mkstemp", refused)
        with pytest.raises(CorpusError, match=r"Permission denied\. Nothing was changed"):
            uploads.add("new.md", b"x")

    def test_to_another_disk_it_is_copied(
        self, uploads: Uploads, corpus: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Path.replace

        def other_disk(self: Path, target: Path) -> Path:
            if self.parent != Path(target).parent:
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            return real(self, target)

        monkeypatch.setattr(Path, "replace", other_disk)
        change = uploads.remove("old.md")
        assert files(corpus) == {}
        uploads.undo(change.id)
        assert files(corpus) == {"old.md": b"# Old\n"}
