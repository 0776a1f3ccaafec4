"""A build encodes what is new, finds what is there, and says what became of each file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from index.build import BuildReport, build, build_documents
from index.errors import CorpusError, StoreError
from index.parsers import parse
from index.progress import Progress
from index.records import Block, Document, FileReport
from index.search import Searcher
from index.store import Store
from tests.conftest import HashEncoder


def found(store: Store, encoder: HashEncoder, query: str) -> str:
    return "\n".join(hit.passage.text for hit in Searcher(store.open(), encoder).search(query, 10))


def of(report: BuildReport, path: str) -> FileReport:
    (line,) = [line for line in report.files if line.path == path]
    return line


class TestWhatIsEncoded:
    def test_a_first_build_encodes_every_passage_once(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        report = build(corpus, store, encoder)
        table = store.open().table
        expected = [table.passage(row).text for row in range(len(table))]
        assert sorted(encoder.encoded) == sorted(expected)
        assert (report.documents, report.passages) == (3, len(expected))
        assert (report.encoded, report.cached) == (len(expected), 0)
        assert not report.unchanged

    def test_an_unchanged_corpus_encodes_and_writes_nothing_and_says_so(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        first = build(corpus, store, encoder)
        encoder.encoded.clear()
        os.utime(corpus / "bees.txt", (1, 1))  # another time is no change
        second = build(corpus, store, encoder)
        assert second.unchanged
        assert encoder.encoded == []
        assert (second.encoded, second.cached) == (0, first.passages)
        assert (second.snapshot, second.files) == (first.snapshot, first.files)
        assert [manifest.id for manifest in store.manifests()] == [first.snapshot]

    def test_force_builds_anew_without_encoding_anything(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        first = build(corpus, store, encoder)
        encoder.encoded.clear()
        second = build(corpus, store, encoder, force=True)
        assert not second.unchanged
        assert second.snapshot != first.snapshot
        assert (second.encoded, second.cached, encoder.encoded) == (0, second.passages, [])

    def test_of_an_edited_file_only_the_new_texts_are_encoded(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        build(corpus, store, encoder)
        encoder.encoded.clear()
        path = corpus / "harbours.md"
        path.write_text(path.read_text().replace("Warships pay no fee", "Warships pay half a fee"))
        report = build(corpus, store, encoder)
        (text,) = encoder.encoded
        assert "Warships pay half a fee" in text
        assert (report.encoded, report.cached) == (1, report.passages - 1)
        assert "half a fee" in found(store, encoder, "Which fee do warships pay?")
        assert "Warships pay no fee" not in found(store, encoder, "Which fee do warships pay?")

    def test_a_file_that_is_moved_is_not_encoded_again(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        build(corpus, store, encoder)
        encoder.encoded.clear()
        (corpus / "sub" / "tea.md").rename(corpus / "leaves.md")
        report = build(corpus, store, encoder)
        assert (report.encoded, encoder.encoded, report.unchanged) == (0, [], False)
        assert [summary.id for summary in store.open().table.documents()] == [
            "bees.txt",
            "harbours.md",
            "leaves.md",
        ]

    def test_what_comes_back_is_not_encoded_again(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        first = build(corpus, store, encoder)
        text = (corpus / "bees.txt").read_text()
        (corpus / "bees.txt").unlink()
        build(corpus, store, encoder)
        (corpus / "bees.txt").write_text(text)
        encoder.encoded.clear()
        last = build(corpus, store, encoder)
        assert encoder.encoded == []
        assert last.files == first.files

    def test_another_limit_of_exact_search_is_another_recipe(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        build(corpus, store, encoder)
        assert not build(corpus, store, encoder, exact_up_to=1000).unchanged
        assert build(corpus, store, encoder, exact_up_to=1000).unchanged


class TestWhatIsFound:
    def test_a_deleted_document_is_no_longer_found(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        build(corpus, store, encoder)
        assert "A hive holds" in found(store, encoder, "How many bees does a hive hold?")
        (corpus / "bees.txt").unlink()
        report = build(corpus, store, encoder)
        assert "hive" not in found(store, encoder, "How many bees does a hive hold?")
        assert all(line.path != "bees.txt" for line in report.files)
        assert store.open().table.passages("bees.txt") == []

    def test_a_new_document_is_found(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        build(corpus, store, encoder)
        (corpus / "nuts.txt").write_text("Walnuts ripen in the late autumn.")
        report = build(corpus, store, encoder)
        assert of(report, "nuts.txt") == FileReport("nuts.txt", "indexed", "", 1, 33)
        assert "Walnuts" in found(store, encoder, "walnuts")

    def test_ids_of_passages_that_stay_stay(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        build(corpus, store, encoder)
        before = [passage.id for passage in store.open().table.passages("sub/tea.md")]
        (corpus / "bees.txt").unlink()
        (corpus / "aaa.md").write_text("# First\n\nThis comes before all others.\n")
        build(corpus, store, encoder)
        assert [passage.id for passage in store.open().table.passages("sub/tea.md")] == before

    def test_a_duplicate_takes_over_when_the_first_is_gone(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (corpus / "copy.txt").write_bytes((corpus / "bees.txt").read_bytes())
        assert of(build(corpus, store, encoder), "copy.txt").state == "duplicate"
        (corpus / "bees.txt").unlink()
        assert of(build(corpus, store, encoder), "copy.txt").state == "indexed"
        assert "A hive holds" in found(store, encoder, "How many bees does a hive hold?")


class TestHeadingsAlone:
    """What stands in a heading with nothing below it is found like any other text."""

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("a.md", "# The observatory is closed until May\n"),
            ("a.md", "# Observatory\n\n## Closed until May\n\n## Prices\n\nFree for all.\n"),
            ("a.md", "# Observatory\n\nFree for all.\n\n## Closed until May\n"),
            ("a.txt", "OBSERVATORY CLOSED UNTIL MAY\n"),
            ("a.txt", "OBSERVATORY\n\nCLOSED UNTIL MAY\n\nPRICES\n\nFree for all.\n"),
            ("a.md", "| Observatory | Closed until May |\n|---|---|\n"),
        ],
    )
    def test_it_is_found(
        self, name: str, text: str, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (corpus / name).write_text(text)
        line = of(build(corpus, store, encoder), name)
        assert line.state == "indexed"
        assert line.passages > 0
        assert "closed until may" in found(store, encoder, "Is it closed until May?").lower()


class TestTheReport:
    def test_it_has_a_line_for_each_file_in_order(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (corpus / "copy.md").write_bytes((corpus / "harbours.md").read_bytes())
        (corpus / "empty.txt").write_bytes(b"")
        (corpus / "scan.pdf").write_bytes(b"%PDF-1.7")
        report = build(corpus, store, encoder)
        assert [(line.path, line.state) for line in report.files] == [
            ("bees.txt", "indexed"),
            ("copy.md", "indexed"),
            ("empty.txt", "failed"),
            ("harbours.md", "duplicate"),
            ("scan.pdf", "failed"),
            ("sub/tea.md", "indexed"),
        ]
        assert all(line.cut_tokens == 0 for line in report.files)
        assert sum(line.passages for line in report.files) == report.passages
        assert sum(line.state == "indexed" for line in report.files) == report.documents == 3
        assert store.open().table.files() == report.files

    def test_tokens_of_headings_that_do_not_fit_are_counted(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (corpus / "long.md").write_text(f"# {'very ' * 50}long\n\nIt is short below.\n")
        line = of(build(corpus, store, encoder), "long.md")
        assert line.cut_tokens == 51 - (encoder.window // 2 - 2)
        assert store.open().table.files()[2] == line

    def test_the_manifest_counts_what_there_is(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        report = build(corpus, store, encoder)
        manifest, table = store.open().manifest, store.open().table
        passages = [table.passage(row) for row in range(len(table))]
        assert (manifest.documents, manifest.passages) == (report.documents, report.passages)
        assert manifest.sentences == sum(len(passage.sentences) for passage in passages)
        assert manifest.words == sum(
            len((table.text(summary.id) or "").split()) for summary in table.documents()
        )
        assert manifest.recipe.model == encoder.identity
        assert manifest.corpus == str(corpus.resolve())


class TestProgress:
    def test_stages_come_in_order_and_each_counts_up_to_its_total(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        (corpus / "empty.txt").write_bytes(b"")
        steps: list[Progress] = []
        report = build(corpus, store, encoder, progress=steps.append)
        stages = list(dict.fromkeys(step.stage for step in steps))
        assert stages == ["reading", "encoding", "indexing", "mapping", "publishing", "done"]
        assert [stage for stage, *_ in _groups(steps)] == stages, "no stage comes back"
        totals = {"reading": 4, "encoding": report.passages, "indexing": report.passages}
        for stage, *counts in _groups(steps):
            if stage in totals:
                assert counts[0] == (0, totals[stage])
                assert counts[-1] == (totals[stage], totals[stage])
                assert counts == sorted(counts)

    def test_what_the_cache_knows_counts_as_done(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        report = build(corpus, store, encoder)
        steps: list[Progress] = []
        build(corpus, store, encoder, progress=steps.append, force=True)
        encoding = [(step.done, step.total) for step in steps if step.stage == "encoding"]
        assert encoding[-1] == (report.passages, report.passages)


def _groups(steps: list[Progress]) -> list[list]:
    """``[stage, (done, total), …]`` for each run of steps of one stage."""
    groups: list[list] = []
    for step in steps:
        if not groups or groups[-1][0] != step.stage:
            groups.append([step.stage])
        groups[-1].append((step.done, step.total))
    return groups


class TestDocumentsFromElsewhere:
    def test_they_are_found_like_files(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        documents = [parse(corpus / name, name) for name in ("bees.txt", "harbours.md")]
        report = build_documents(iter(documents), store, encoder)
        assert [line.path for line in report.files] == ["bees.txt", "harbours.md"]
        assert "A hive holds" in found(store, encoder, "How many bees does a hive hold?")
        assert store.open().manifest.corpus == ""

    def test_one_without_text_is_named_and_not_counted(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        bees = parse(corpus / "bees.txt", "bees.txt")
        empty = Document("empty", "Title", "", (), "text", "digest")
        report = build_documents([empty, bees], store, encoder)
        assert of(report, "empty") == FileReport("empty", "failed", "It holds no text.")
        assert report.documents == store.open().manifest.documents == 1

    def test_none_at_all_are_an_error(self, store: Store, encoder: HashEncoder) -> None:
        with pytest.raises(CorpusError, match="no document that can be read"):
            build_documents([], store, encoder)
        assert store.current() is None


def test_two_documents_with_one_id_are_an_error_that_names_it(
    store: Store, encoder: HashEncoder
) -> None:
    same = Document("twice.md", "Twice", "A text.", (Block(0, 7),), "text", "")
    with pytest.raises(CorpusError, match=r"same id, 'twice\.md'"):
        build_documents([same, same], store, encoder)
    assert store.current() is None


def numbered(count: int) -> list[Document]:
    texts = [f"Boat number{number} lies at pier{number % 7}." for number in range(count)]
    return [
        Document(f"{number}", "Boats", text, (Block(0, len(text)),), "text", "")
        for number, text in enumerate(texts)
    ]


def test_many_passages_are_clustered_and_the_recall_stands_in_the_manifest(
    store: Store, encoder: HashEncoder
) -> None:
    stages: list[str] = []
    report = build_documents(
        numbered(1200),
        store,
        encoder,
        progress=lambda step: stages.append(step.stage),
        exact_up_to=1199,
    )
    assert report.nearest.kind.startswith("IVF")
    assert report.nearest.probes > 0
    assert report.nearest.queries > 100
    assert 0.5 < report.nearest.recall <= 1
    assert store.open().manifest.nearest == report.nearest
    assert "clustering" in stages
    assert "number777 " in found(store, encoder, "Where is boat number777?")


def test_up_to_the_limit_search_is_exact(store: Store, encoder: HashEncoder) -> None:
    report = build_documents(numbered(1200), store, encoder, exact_up_to=1200)
    assert (report.nearest.kind, report.nearest.recall) == ("exact", 1.0)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are told on Linux only")
@pytest.mark.parametrize("stage", ["encoding", "indexing", "mapping"])
def test_a_build_that_fails_holds_none_of_its_files(
    corpus: Path, store: Store, encoder: HashEncoder, stage: str
) -> None:
    def fail(step: Progress) -> None:
        if step.stage == stage:
            raise OSError("No space left")

    with pytest.raises(StoreError) as raised:
        build(corpus, store, encoder, progress=fail)
    held = [os.path.realpath(path) for path in Path("/proc/self/fd").iterdir()]
    assert [path for path in held if str(store.folder) in path] == [], raised
