"""What is written into the passage table comes out again, in order, or is an error of ours."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from index.errors import IndexDamagedError
from index.records import Document, DocumentSummary, FileReport, Passage
from index.table import Table, TableWriter

REPORTS = (
    FileReport("b.md", "indexed", "", 3, 30),
    FileReport("a.txt", "duplicate", "It has the same content as 'b.md'."),
)


def document(name: str, count: int) -> tuple[Document, list[Passage]]:
    """A document of ``count`` passages of one character each, in scripts that need care."""
    text = "🐝א\u0301ab"[:count].ljust(count, "x")
    made = Document(name, f"Title of {name}", text, (), "text", f"digest of {name}")
    return made, [
        Passage(
            id=f"{name}-{number}",
            document_id=name,
            title=made.title,
            headings=("Höhe", "„quoted“ 'and' \"so\""),
            number=number,
            start=number - 1,
            end=number,
            text=text[number - 1],
            sentences=((0, 1),),
            line=number,
            page=None if number == 1 else number,
        )
        for number in range(1, count + 1)
    ]


DOCUMENTS = [document("b.md", 3), document("sub/c.md", 1), document("a.txt", 2)]
PASSAGES = [passage for _, passages in DOCUMENTS for passage in passages]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a # strange ? name.sqlite"
    writer = TableWriter(path)
    for made, passages in DOCUMENTS:
        writer.add(made, passages)
    assert (writer.documents, writer.passages, writer.sentences) == (3, 6, 6)
    assert list(writer.iterate()) == PASSAGES
    writer.report(REPORTS)
    writer.finish()
    return path


@pytest.fixture
def table(path: Path) -> Iterator[Table]:
    with contextlib.closing(Table(path)) as table:
        yield table


def test_rows_are_in_the_order_in_which_they_were_added(table: Table) -> None:
    assert len(table) == len(PASSAGES)
    assert [table.passage(row) for row in range(len(table))] == PASSAGES
    assert table.document_ids() == [(passage.document_id,) for passage in PASSAGES]


def test_a_passage_is_found_by_its_id(table: Table) -> None:
    assert [table.passage_by_id(passage.id) for passage in PASSAGES] == PASSAGES
    assert table.passage_by_id("'; DROP TABLE passages; --") is None


def test_the_passages_of_a_document_come_in_order(table: Table) -> None:
    for made, passages in DOCUMENTS:
        assert table.passages(made.id) == passages
        assert table.text(made.id) == made.text
    assert table.passages("unknown") == []
    assert table.text("unknown") is None


def test_documents_come_in_the_order_of_their_ids(table: Table) -> None:
    assert table.documents() == [
        DocumentSummary(name, f"Title of {name}", "text", f"digest of {name}", count, count)
        for name, count in [("a.txt", 2), ("b.md", 3), ("sub/c.md", 1)]
    ]


def test_the_report_is_kept(table: Table) -> None:
    assert table.files() == REPORTS


def test_threads_read_it_at_once(table: Table) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(table.passage, list(range(6)) * 50)) == PASSAGES * 50


def test_an_empty_one_has_no_rows(tmp_path: Path) -> None:
    TableWriter(tmp_path / "empty").finish()
    with contextlib.closing(Table(tmp_path / "empty")) as table:
        assert len(table) == 0
        assert table.documents() == []


@pytest.mark.parametrize("row", [-1, 6, 10**12])
def test_a_row_that_is_not_there_is_an_error(table: Table, row: int) -> None:
    with pytest.raises(IndexDamagedError, match=f"row {row} is missing.*python -m app build"):
        table.passage(row)


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def scribble(path: Path) -> None:
    path.write_bytes(b"This is no table at all. " * 400)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4096])


def tamper(change: str) -> Callable[[Path], None]:
    def harm(path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"UPDATE passages SET {change}")

    harm.__name__ = change
    return harm


@pytest.mark.parametrize(
    "harm",
    [
        remove,
        empty,
        scribble,
        cut,
        tamper("headings = 'no JSON'"),
        tamper("sentences = '[[1]]'"),
        tamper("sentences = '7'"),
        tamper("text = CAST(X'FF' AS TEXT)"),
    ],
    ids=lambda harm: harm.__name__,
)
def test_a_damaged_file_is_an_error_that_says_what_to_run(
    harm: Callable[[Path], None], path: Path
) -> None:
    harm(path)
    with (
        pytest.raises(IndexDamagedError, match="python -m app build"),
        contextlib.closing(Table(path)) as table,
    ):
        table.passages("b.md")


def test_a_table_that_cannot_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be written"):
        TableWriter(tmp_path / "no such folder" / "table")
