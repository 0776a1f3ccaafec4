"""A file that has not changed is not parsed again, and is what it would be read as."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import documents
from index.build import build
from index.corpus import scan
from index.documents import _packed, _unpacked, read_files
from index.parsers import digest_of, ocr, parse_bytes
from index.parsers.workers import Limits, Parsed, parse_all
from index.records import Block, Document, Extent
from index.store import Store
from tests.conftest import HashEncoder
from tests.sheets import FERRY, Sheet

HTML = "<html><h1>Fees</h1><nav>Home</nav><p>Warships pay no berth fee in Porvenir.</p></html>"


def a_pdf(text: str) -> bytes:
    sheet = Sheet()
    sheet.write(text)
    return sheet.bytes()


class Parsers:
    """Notes which files are parsed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        monkeypatch.setattr(documents, "parse_all", self._parse_all)

    def _parse_all(self, files: Iterable[tuple[Path, str]], limits: Limits) -> Iterator[Parsed]:
        def noted() -> Iterator[tuple[Path, str]]:
            for path, name in files:
                self.asked.append(name)
                yield path, name

        return parse_all(noted(), limits, workers=1)

    def since(self) -> list[str]:
        asked, self.asked = self.asked, []
        return sorted(asked)


@pytest.fixture
def parsers(monkeypatch: pytest.MonkeyPatch) -> Parsers:
    return Parsers(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    corpus = tmp_path / "files"
    corpus.mkdir()
    (corpus / "ferry.pdf").write_bytes(a_pdf(FERRY))
    (corpus / "fees.html").write_text(HTML)
    (corpus / "broken.pdf").write_bytes(b"%PDF-1.7 no more of it")
    (corpus / "small.md").write_text("# Notes\n\nThe keeper had two goats.\n")
    return corpus


def read(corpus: Path, kept: Path) -> list[Parsed]:
    sources, _ = scan(corpus)
    digests = {source.document_id: digest_of(source.path) for source in sources}
    return [replace(parsed, seconds=0) for parsed in read_files(sources, digests, kept)]


def test_only_what_changed_is_parsed_and_all_is_as_before(
    folder: Path, tmp_path: Path, parsers: Parsers
) -> None:
    kept = tmp_path / "documents.cache"
    first = read(folder, kept)
    assert parsers.since() == ["broken.pdf", "fees.html", "ferry.pdf", "small.md"]
    assert read(folder, kept) == first
    # What cannot be read is tried again, and what is small is not kept.
    assert parsers.since() == ["broken.pdf", "small.md"]

    (folder / "fees.html").write_text(HTML.replace("no", "half a"))
    changed = read(folder, kept)
    assert "fees.html" in parsers.since()
    assert [one == other for one, other in zip(first, changed, strict=True)].count(False) == 1


def test_a_moved_file_is_read_again_for_its_name_may_be_its_title(
    folder: Path, tmp_path: Path, parsers: Parsers
) -> None:
    kept = tmp_path / "documents.cache"
    read(folder, kept)
    parsers.since()
    (folder / "ferry.pdf").rename(folder / "sailings.pdf")
    names = [parsed.document.id for parsed in read(folder, kept) if parsed.document]
    assert "sailings.pdf" in names
    assert "sailings.pdf" in parsers.since()


def test_what_is_gone_is_forgotten(folder: Path, tmp_path: Path, parsers: Parsers) -> None:
    kept = tmp_path / "documents.cache"
    read(folder, kept)
    (folder / "ferry.pdf").unlink()
    read(folder, kept)
    with sqlite3.connect(kept) as connection:
        keys = [key for (key,) in connection.execute("SELECT key FROM cache")]
    connection.close()
    assert [key.partition("\0")[0] for key in keys] == ["fees.html"]


@pytest.mark.parametrize("change", ["parsers", "ocr"])
def test_other_parsers_read_all_again(
    change: str, folder: Path, tmp_path: Path, parsers: Parsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "documents.cache"
    read(folder, kept)
    parsers.since()
    if change == "ocr":
        monkeypatch.setattr(ocr, "engine", lambda: "Tesseract 9 (eng)")
    else:
        monkeypatch.setattr(documents, "_parsers", lambda: "another")
    read(folder, kept)
    assert parsers.since() == ["broken.pdf", "fees.html", "ferry.pdf", "small.md"]


def test_what_is_damaged_is_read_again(folder: Path, tmp_path: Path, parsers: Parsers) -> None:
    kept = tmp_path / "documents.cache"
    first = read(folder, kept)
    with sqlite3.connect(kept) as connection:
        connection.execute("UPDATE cache SET value = x'0011223344'")
    connection.close()
    parsers.since()
    assert read(folder, kept) == first
    assert parsers.since() == ["broken.pdf", "fees.html", "ferry.pdf", "small.md"]
    kept.write_bytes(b"this is no database" * 100)
    assert read(folder, kept) == first


def test_a_build_takes_what_was_read_before(folder: Path, tmp_path: Path, parsers: Parsers) -> None:
    store = Store(tmp_path / "store")
    first = build(folder, store, HashEncoder())
    parsers.since()
    (folder / "more.html").write_text(HTML.replace("Warships", "Yachts"))
    second = build(folder, store, HashEncoder())
    assert parsers.since() == ["broken.pdf", "more.html", "small.md"]
    after = {file.path: file for file in second.files}
    for file in first.files:
        if file.state == "indexed" and file.path != "small.md":
            assert after[file.path] == file  # the time that reading took, too


words = st.text(max_size=20)
numbers = st.integers(0, 10_000)
tuples = st.lists(numbers, max_size=3).map(tuple)
blocks = st.builds(
    Block, numbers, numbers, st.lists(words, max_size=3).map(tuple), st.none() | numbers
)


@given(
    st.builds(
        Document,
        id=words,
        title=words,
        text=words,
        blocks=st.lists(blocks, max_size=3).map(tuple),
        format=words,
        digest=words,
        metadata=st.dictionaries(words, words, max_size=2),
        extent=st.builds(
            Extent,
            left_out=numbers,
            pages=numbers,
            without_text=tuples,
            by_ocr=tuples,
            unread=st.lists(words, max_size=2).map(tuple),
        ),
    )
)
def test_a_kept_document_is_the_same_document(document: Document) -> None:
    parsed = Parsed(document, "", 1.25)
    assert _unpacked(_packed(parsed)) == parsed


def test_a_real_document_is_kept_whole() -> None:
    document = parse_bytes(a_pdf(FERRY), "ferry.pdf")
    assert _unpacked(_packed(Parsed(document, "", 0.5))).document == document
