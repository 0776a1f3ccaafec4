"""The five rules that all code relies on, tried on texts that nobody would think of.

1. A quote is a slice. 2. Row i is row i. 3. A snapshot never changes. 4. A snapshot knows its
recipe. 5. Nothing is lost silently.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import HashEncoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.answer import answer
from index.build import build, build_documents
from index.embed import input_of
from index.errors import IndexMismatchError
from index.parsers.markdown import parse_markdown
from index.parsers.text import parse_text
from index.passages import Window, split
from index.records import Block, Document, Passage
from index.search import Searcher
from index.store import Store

ENCODER = HashEncoder()
WINDOW = Window(ENCODER.window, ENCODER.count_tokens)

words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1
).filter(lambda word: word.strip())
odd = st.sampled_from(
    (
        "Dr. J. R. Holm|$1.5|e.g. this|“Stop. Go.”|שלום עולם.|مرحبا؟|🐝🐝|<script>x()</script>|"
        "![p](http://x/y.png)|:red[x]|# no|1. one|- dash|```|&amp;|\\*|***|https://x.example/a_b_c"
    ).split("|")
) | st.sampled_from(["x" * 300, "a b " * 90, "| a | b |"])
sentence = st.lists(words | odd, min_size=1, max_size=8).map(" ".join)
paragraph = st.lists(sentence, min_size=1, max_size=6).map(". ".join)
source = st.lists(
    paragraph | st.sampled_from(["# Head", "## Under\n\nword", "\r\n", "   "]), max_size=6
).map("\n\n".join)
generous = settings(
    max_examples=250,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def documents_of(text: str) -> list[Document]:
    data = text.encode("utf-8", "surrogatepass")
    return [parse_text(data, "a.txt", "t"), parse_markdown(data, "a.md", "m")]


@generous
@given(source)
def test_rule_1_a_passage_and_its_sentences_are_slices_of_the_document(text: str) -> None:
    for document in documents_of("Begin here. " + text):
        for passage in split(document, WINDOW):
            assert document.text[passage.start : passage.end] == passage.text
            end = 0
            for first, last in passage.sentences:
                assert end <= first < last <= len(passage.text)
                assert not passage.text[end:first].strip(), "text between two sentences is lost"
                end = last
            assert not passage.text[end:].strip()


@generous
@given(source)
def test_rule_1_every_word_is_in_one_passage_and_each_passage_fits(text: str) -> None:
    for document in documents_of("Begin here. " + text):
        passages = split(document, WINDOW)
        covered = np.zeros(len(document.text), int)
        for passage in passages:
            covered[passage.start : passage.end] += 1
            assert max(WINDOW.count([passage.text])) <= WINDOW.size
        assert covered.max(initial=0) <= 1
        for block in document.blocks:
            for place in range(block.start, block.end):
                assert covered[place] or document.text[place].isspace()
        assert [passage.number for passage in passages] == list(range(1, len(passages) + 1))


@generous
@given(source)
def test_rule_1_ids_are_unique_and_the_same_each_time(text: str) -> None:
    for document in documents_of("Begin here. " + text + "\n\nTwice.\n\nTwice."):
        ids = [passage.id for passage in split(document, WINDOW)]
        assert len(set(ids)) == len(ids)
        assert ids == [passage.id for passage in split(document, WINDOW)]


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(st.lists(paragraph, min_size=1, max_size=5, unique=True), sentence)
def test_rules_1_and_2_every_citation_is_its_slice_and_every_row_its_passage(
    paragraphs: list[str], query: str
) -> None:
    text = "\n\n".join(paragraphs)
    document = Document("d", "Title", text, (Block(0, len(text)),) if text.strip() else (), "x", "")
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        build_documents([document], store, ENCODER)
        snapshot = store.open()
        table = snapshot.table
        rows = [table.passage(row) for row in range(len(table))]
        copies = [copy for row in range(len(table)) for copy in table.places(row, 100)[0][1:]]
        passages = split(document, WINDOW)
        assert rows + sorted(copies, key=lambda copy: copy.number) == sorted(
            passages, key=lambda passage: (passage in copies, passage.number)
        )
        for row, passage in enumerate(rows):
            same_row(snapshot, row, passage)
        reply = answer(query[:900] or "x", Searcher(snapshot, ENCODER), threshold=0.0)
        assert reply.answered == bool(reply.citations)
        for citation in reply.citations:
            assert snapshot.table.text("d") == text
            assert text[citation.start : citation.end] == citation.quote


def same_row(snapshot: object, row: int, passage: Passage) -> None:
    """The row's vectors are those of the row's text, and BM25 finds its words there."""
    vectors = next(made for _, made in ENCODER.encode_passages([input_of(passage)]))
    passage_vector = vectors[0].astype(np.float32)
    passage_vector /= np.linalg.norm(passage_vector)
    assert snapshot.vectors.score(passage_vector, [row])[0] == pytest.approx(1, abs=1e-3)
    sentences, _ = snapshot.sentences.of(np.array([row]))
    assert np.array_equal(sentences, vectors[1:])
    assert len(snapshot.lexical.scores(passage.text)) == len(snapshot.table)


def fingerprints(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_rule_3_a_snapshot_keeps_every_byte_while_others_are_built(
    corpus: Path, store: Store, encoder: HashEncoder
) -> None:
    build(corpus, store, encoder)
    snapshot = store.open()
    before = fingerprints(snapshot.folder)
    (corpus / "bees.txt").write_text("A hive was sold to a neighbour.")
    build(corpus, store, encoder)
    assert store.current() != snapshot.id
    assert fingerprints(snapshot.folder) == before


def test_rule_3_nothing_is_visible_before_the_rename(
    corpus: Path, store: Store, encoder: HashEncoder
) -> None:
    build(corpus, store, encoder)
    first = store.current()
    seen: list[str | None] = []
    (corpus / "bees.txt").write_text("A hive was sold to a neighbour.")
    build(corpus, store, encoder, progress=lambda step: seen.append(store.current()))
    assert set(seen[:-1]) == {first}
    assert not (store.folder / "building").exists()


@pytest.mark.parametrize("field", ["model", "format"])
def test_rule_4_another_model_or_format_is_an_error_that_says_what_to_run(
    corpus: Path, store: Store, encoder: HashEncoder, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(corpus, store, encoder)
    if field == "format":
        monkeypatch.setattr("index.snapshot.FORMAT", 999)
    other = HashEncoder("hash-encoder-2" if field == "model" else encoder.identity)
    with pytest.raises(IndexMismatchError, match="python -m app build"):
        Searcher(store.open(), other)


names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]),
    min_size=1,
    max_size=20,
).filter(lambda name: name not in (".", ".."))
contents = st.sampled_from(
    [
        b"",
        b"   \n",
        b"\x00\x01\x02" * 50,
        b"%PDF-1.7",
        b"Plain words here.",
        "Wörter".encode("cp1252"),
    ]
) | st.binary(max_size=60)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(names, contents, max_size=6),
    st.sampled_from([".md", ".txt", ".pdf", "", ".MD", ".markdown"]),
)
def test_rule_5_every_file_is_in_the_report_once(files: dict[str, bytes], suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        (corpus / "always.txt").write_text("There is always one that can be read.")
        for name, content in files.items():
            if len(os.fsencode(name + suffix)) < 200:
                (corpus / (name + suffix)).write_bytes(content)
        report = build(corpus, Store(Path(folder) / "store"), ENCODER)
        there = sorted(path.relative_to(corpus).as_posix() for path in corpus.rglob("*"))
        assert sorted(file.path for file in report.files) == there
        for file in report.files:
            assert (file.state == "indexed") == (not file.reason)
            assert (file.passages > 0) == (file.state == "indexed")
        indexed = {file.path for file in report.files if file.state == "indexed"}
        assert "always.txt" in indexed or any(
            file.path == "always.txt" and file.state == "duplicate" for file in report.files
        )
