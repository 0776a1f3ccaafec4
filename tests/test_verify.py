"""Verify names each document that changed and each file or passage that is not as it was built."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import sqlite3
import zipfile
from pathlib import Path

import pytest

from index.build import build
from index.errors import CorpusError, IndexMissingError
from index.parsers.pdf import boxes
from index.snapshot import Snapshot
from index.store import Store
from index.verify import verify
from tests.conftest import HashEncoder
from tests.samples import FEES, FERRY, samples

FILES = samples()


@pytest.fixture
def snapshot(corpus: Path, store: Store, encoder: HashEncoder) -> Snapshot:
    (corpus / "copy.md").write_bytes((corpus / "harbours.md").read_bytes())
    (corpus / "empty.txt").write_bytes(b"")
    build(corpus, store, encoder)
    return store.open()


def test_what_was_just_built_is_proved(snapshot: Snapshot, corpus: Path, store: Store) -> None:
    report = verify(corpus, store)
    assert report.ok
    assert report.current
    assert (report.snapshot, report.documents) == (snapshot.id, 3)
    assert report.passages == snapshot.manifest.passages > 3
    assert (report.damaged, report.changed, report.missing, report.added) == ((), (), (), ())


def test_changed_missing_and_added_documents_are_each_named(
    snapshot: Snapshot, corpus: Path, store: Store
) -> None:
    (corpus / "bees.txt").write_text("A hive was sold to a neighbour.")
    (corpus / "sub" / "tea.md").unlink()
    (corpus / "sub" / "nuts.md").write_text("Walnuts ripen in the late autumn.")
    report = verify(corpus, store)
    assert report.changed == ("bees.txt",)
    assert report.missing == ("sub/tea.md",)
    assert report.added == ("sub/nuts.md",)
    assert report.ok, "the snapshot itself is whole"
    assert not report.current
    assert report.passages == len(snapshot.table.passages("copy.md"))


def test_a_document_that_can_no_longer_be_read_has_changed(
    snapshot: Snapshot, corpus: Path, store: Store
) -> None:
    (corpus / "bees.txt").write_bytes(b"%PDF-1.7")
    (corpus / "copy.md").write_bytes(b"")
    report = verify(corpus, store)
    assert report.changed == ("bees.txt", "copy.md")
    assert report.ok


@pytest.mark.parametrize("name", ["empty.txt", "harbours.md"])
def test_a_file_that_was_left_out_and_is_now_worth_reading_has_changed(
    name: str, snapshot: Snapshot, corpus: Path, store: Store, encoder: HashEncoder
) -> None:
    (corpus / name).write_text("Walnuts ripen in the late autumn.")
    report = verify(corpus, store)
    assert report.changed == (name,)
    assert not report.current
    assert not build(corpus, store, encoder).unchanged
    assert verify(corpus, store).current


def tamper(snapshot: Snapshot, statement: str, *, seal: bool = True) -> None:
    """Change the table and, to hide it, its size and checksum in the manifest."""
    path = snapshot.folder / "passages.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement).rowcount == 1
    if seal:
        manifest = snapshot.folder / "manifest.json"
        fields = json.loads(manifest.read_text())
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        fields["files"]["passages.sqlite"] = (path.stat().st_size, digest)
        manifest.write_text(json.dumps(fields))


TAMPERED = [
    "UPDATE passages SET text = replace(text, '14 metres', '15 metres') WHERE text LIKE '%14 m%'",
    "UPDATE passages SET start = start + 1 WHERE text LIKE '%14 metres%'",
    "UPDATE passages SET stop = stop - 1 WHERE text LIKE '%14 metres%'",
]


@pytest.mark.parametrize("statement", TAMPERED)
def test_a_passage_that_is_not_what_its_document_says_is_named_though_the_checksum_fits(
    statement: str, snapshot: Snapshot, corpus: Path, store: Store
) -> None:
    tamper(snapshot, statement)
    report = verify(corpus, store)
    assert report.damaged == ("passage 1 of copy.md",)
    assert not report.ok


def test_a_table_that_was_changed_is_named_by_its_checksum_too(
    snapshot: Snapshot, corpus: Path, store: Store, encoder: HashEncoder
) -> None:
    tamper(snapshot, TAMPERED[0], seal=False)
    assert verify(corpus, store).damaged == ("file passages.sqlite", "passage 1 of copy.md")
    assert not build(corpus, store, encoder).unchanged
    assert verify(corpus, store).ok


def test_damage_is_named_even_where_the_sources_are_gone(
    snapshot: Snapshot, corpus: Path, store: Store
) -> None:
    tamper(snapshot, TAMPERED[0], seal=False)
    for name in ("bees.txt", "copy.md", "harbours.md", "sub/tea.md"):
        (corpus / name).unlink()
    report = verify(corpus, store)
    assert report.damaged == ("file passages.sqlite",)
    assert report.missing == ("bees.txt", "copy.md", "sub/tea.md")
    assert report.passages == 0


def edited(data: bytes) -> bytes:
    """A file that says fifty cars where it said forty."""
    if not data.startswith(b"PK"):
        return data.replace(b"forty", b"fifty")
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"forty", b"fifty"))
    return file.getvalue()


@pytest.mark.parametrize("name", FILES)
class TestEachFormat:
    @pytest.fixture
    def source(self, name: str, tmp_path: Path, store: Store, encoder: HashEncoder) -> Path:
        (tmp_path / "corpus").mkdir()
        path = tmp_path / "corpus" / name
        path.write_bytes(FILES[name])
        build(path.parent, store, encoder)
        return path

    def test_every_quote_stands_in_its_source(self, name: str, source: Path, store: Store) -> None:
        report = verify(source.parent, store)
        assert report.ok
        assert report.current
        passages = store.open().table.passages(name)
        assert report.passages == len(passages) > 0
        whole = " ".join(" ".join(passage.text.split()) for passage in passages)
        assert FERRY in whole
        assert FEES in whole
        for passage in passages if name.endswith(".pdf") else ():
            for start, end in passage.sentences:
                assert boxes(FILES[name], passage.page or 0, passage.text[start:end])

    def test_a_source_that_says_something_else_now_is_named(
        self, name: str, source: Path, store: Store
    ) -> None:
        data = edited(FILES[name])
        assert data != FILES[name]
        source.write_bytes(data)
        report = verify(source.parent, store)
        assert report.changed == (name,)
        assert report.passages == 0
        assert not report.current

    def test_a_passage_that_does_not_stand_in_its_source_is_named(
        self, name: str, source: Path, store: Store
    ) -> None:
        snapshot = store.open()
        tamper(
            snapshot,
            "UPDATE passages SET text = replace(text, 'forty', 'fifty') WHERE text LIKE '%forty%'",
        )
        (damaged,) = verify(source.parent, store).damaged
        assert re.fullmatch(rf"passage \d+ of {name}", damaged)


def test_without_an_index_or_a_corpus_it_is_an_error(
    corpus: Path, store: Store, encoder: HashEncoder, tmp_path: Path
) -> None:
    with pytest.raises(IndexMissingError, match="app build"):
        verify(corpus, store)
    build(corpus, store, encoder)
    with pytest.raises(CorpusError, match="nowhere"):
        verify(tmp_path / "nowhere", store)
