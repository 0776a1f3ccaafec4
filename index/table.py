"""The passage table: documents, passages and the build report of one snapshot, in SQLite.

Written once, front to back, then only read; a row is fetched without reading its neighbours.
A passage that says what one before it says is a copy of it: it gets no row of its own, but has its
place.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from array import array
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.duplicates import Duplicates
from index.errors import CorpusError, IndexDamagedError
from index.records import Document, DocumentSummary, FileReport, Passage

_SCHEMA = """
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
    format TEXT NOT NULL, digest TEXT NOT NULL, text TEXT NOT NULL, passages INTEGER NOT NULL,
    metadata TEXT NOT NULL
);
CREATE TABLE passages (
    place INTEGER PRIMARY KEY, row INTEGER NOT NULL, copy INTEGER NOT NULL, id TEXT NOT NULL,
    document INTEGER NOT NULL, number INTEGER NOT NULL,
    headings TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, text TEXT NOT NULL,
    sentences TEXT NOT NULL, line INTEGER, page INTEGER
);
CREATE TABLE files (
    path TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    passages INTEGER NOT NULL, characters INTEGER NOT NULL, left_out INTEGER NOT NULL,
    pages INTEGER NOT NULL, pages_without_text INTEGER NOT NULL, repeated INTEGER NOT NULL,
    cut_tokens INTEGER NOT NULL, seconds REAL NOT NULL
);
"""
_INDEXES = """
CREATE UNIQUE INDEX passage_rows ON passages (row) WHERE NOT copy;
CREATE INDEX passage_copies ON passages (row) WHERE copy;
CREATE INDEX passage_ids ON passages (id);
CREATE INDEX passage_places ON passages (document, number);
"""
_PASSAGE = (
    "SELECT p.id, d.id, d.title, p.headings, p.number, p.start, p.stop, p.text, p.sentences,"
    " p.line, p.page FROM passages p JOIN documents d ON d.number = p.document "
)


class TableWriter:
    """Fills a new table; ``finish`` makes it complete, ``close`` gives its file free.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.passages = 0
        self.documents = 0
        self.sentences = 0
        self._places = 0
        self._place_of = array("Q")  # of each row
        try:
            self._connection = sqlite3.connect(path, isolation_level=None)
        except sqlite3.OperationalError as error:
            raise OSError(f"The passage table cannot be written: {error}") from error
        try:
            self._connection.executescript(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA + "BEGIN;"
            )
        except sqlite3.OperationalError as error:
            self.close()
            raise OSError(f"The passage table cannot be written: {error}") from error

    def add(
        self,
        document: Document,
        passages: Sequence[Passage],
        duplicates: Duplicates | None = None,
    ) -> int:
        """Append a document with its passages; return how many of them are copies.

        Copies are what ``duplicates`` takes for such; all others get the next rows, in order.

        Raises:
            CorpusError: there is a document with the same id already.
            OSError: the file cannot be written.
        """
        fields = (
            self.documents,
            document.id,
            document.title,
            document.format,
            document.digest,
            document.text,
            len(passages),
            json.dumps(dict(document.metadata), ensure_ascii=False),
        )
        try:
            self._write("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [fields])
        except sqlite3.IntegrityError as error:
            raise CorpusError(f"Two documents have the same id, '{document.id}'.") from error
        before = self.passages
        for passage in passages:
            values = self._placed(passage, duplicates)
            self._write(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [values]
            )
        self.documents += 1
        return len(passages) - (self.passages - before)

    def _placed(self, passage: Passage, duplicates: Duplicates | None) -> tuple[Any, ...]:
        row = duplicates.row_of(passage, self.passages) if duplicates else self.passages
        copy = row != self.passages
        fields = (
            self._places,
            row,
            copy,
            passage.id,
            self.documents,
            passage.number,
            json.dumps(passage.headings, ensure_ascii=False),
            passage.start,
            passage.end,
            passage.text,
            json.dumps(passage.sentences),
            passage.line,
            passage.page,
        )
        if not copy:
            self._place_of.append(self._places)
            self.passages += 1
            self.sentences += len(passage.sentences)
        self._places += 1
        return fields

    def text(self, row: int) -> str:
        """The text of a row's passage."""
        place = (self._place_of[row],)
        found = self._connection.execute("SELECT text FROM passages WHERE place = ?", place)
        return str(found.fetchone()[0])

    def report(self, files: Iterable[FileReport]) -> None:
        """Write what became of each file."""
        self._write(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [astuple(file) for file in files],
        )

    def iterate(self) -> Iterator[Passage]:
        """The passages added so far, in row order, one at a time, without copies."""
        for fields in self._connection.execute(_PASSAGE + "WHERE NOT p.copy ORDER BY p.place"):
            yield _passage(fields)

    def copies(self, most: int) -> dict[int, list[Passage]]:
        """The copies of each row that has any, at most so many of each."""
        found: dict[int, list[Passage]] = {}
        statement = _PASSAGE.replace("SELECT", "SELECT p.row,") + "WHERE p.copy ORDER BY p.place"
        for row, *fields in self._connection.execute(statement):
            there = found.setdefault(row, [])
            if len(there) < most:
                there.append(_passage(tuple(fields)))
        return found

    def finish(self) -> None:
        """Commit and index the rows."""
        try:
            self._connection.execute("COMMIT")
            self._connection.executescript(_INDEXES)
        except sqlite3.OperationalError as error:
            raise OSError(f"The passage table cannot be written: {error}") from error
        self.close()

    def close(self) -> None:
        """Give the file free: as long as it is open, a table that is thrown away takes up disk."""
        self._connection.close()

    def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        try:
            self._connection.executemany(statement, rows)
        except sqlite3.OperationalError as error:
            raise OSError(f"The passage table cannot be written: {error}") from error


class Table:
    """Reads a complete table, from memory if it is ``held``; safe to share between threads.

    Raises:
        IndexDamagedError: the file is missing, truncated or no such table.
    """

    def __init__(self, path: Path, *, held: bool = False) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            if held:
                self._connection = sqlite3.connect(":memory:", check_same_thread=False)
                self._connection.deserialize(path.read_bytes())
                return
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro&immutable=1",
                uri=True,
                check_same_thread=False,
            )
        except (sqlite3.Error, OSError) as error:
            raise self._damaged(error) from error
        self._connection.execute("PRAGMA mmap_size = 1073741824")

    def __len__(self) -> int:
        # Rows are numbered without gaps; counting a million of them would take a while.
        return int(self._rows("SELECT coalesce(max(row), -1) + 1 FROM passages")[0][0])

    def passage(self, row: int) -> Passage:
        """The passage of a row."""
        found = self._rows(_PASSAGE + "WHERE p.row = ? AND NOT p.copy", row)
        if not found:
            raise self._damaged(f"row {row} is missing")
        return self._passage(found[0])

    def places(
        self, row: int, most: int, names: Container[str] | None = None
    ) -> tuple[list[Passage], int]:
        """Where a row's passage stands: the first ``most`` places, and how many there are beyond.

        Where ``names`` are given, places in other documents do not count.
        """
        there = self._rows(f"{_AT}NOT p.copy UNION ALL {_AT}p.copy ORDER BY p.place", row, row)
        if not there:
            raise self._damaged(f"row {row} is missing")
        allowed = [place for place, name in there if names is None or name in names]
        found = [self._rows(_PASSAGE + "WHERE p.place = ?", place)[0] for place in allowed[:most]]
        return [self._passage(fields) for fields in found], max(0, len(allowed) - most)

    def passage_by_id(self, passage_id: str) -> Passage | None:
        """The passage with an id, or ``None``."""
        found = self._rows(_PASSAGE + "WHERE p.id = ? LIMIT 1", passage_id)
        return self._passage(found[0]) if found else None

    def passages(self, document_id: str) -> list[Passage]:
        """All passages of a document in order; none if it is unknown."""
        rows = self._rows(_PASSAGE + "WHERE d.id = ? ORDER BY p.number", document_id)
        return [self._passage(fields) for fields in rows]

    def text(self, document_id: str) -> str | None:
        """The whole text of a document, or ``None``."""
        found = self._rows("SELECT text FROM documents WHERE id = ?", document_id)
        return str(found[0][0]) if found else None

    def ids(self) -> list[str]:
        """The id of each row's passage, in row order."""
        rows = self._rows("SELECT id FROM passages WHERE NOT copy ORDER BY row")
        return [str(row[0]) for row in rows]

    def document_ids(self) -> list[tuple[str, ...]]:
        """The ids of the documents in which each row stands, in row order."""
        found: list[tuple[str, ...]] = [()] * len(self)
        for row, document_id in self._rows(
            "SELECT p.row, d.id FROM passages p JOIN documents d ON d.number = p.document"
            " ORDER BY p.place"
        ):
            found[row] += (str(document_id),)
        return found

    def standing(self) -> Iterator[tuple[int, int, DocumentSummary]]:
        """Each row with each document in which it stands, and the how manieth of them that is."""
        documents = {one.id: one for one in self.documents()}
        for row, ids in enumerate(self.document_ids()):
            for number, document_id in enumerate(dict.fromkeys(ids)):
                yield row, number, documents[document_id]

    def authors(self) -> tuple[str, ...]:
        """The names of authors that there are."""
        return tuple(sorted({one.metadata.get("author", "") for one in self.documents()} - {""}))

    def documents(self) -> list[DocumentSummary]:
        """All documents, in the order of their ids."""
        return [_summary(fields) for fields in self._rows(_SUMMARY + "ORDER BY id")]

    def document(self, document_id: str) -> DocumentSummary | None:
        """One document, or ``None``."""
        found = self._rows(_SUMMARY + "WHERE id = ?", document_id)
        return _summary(found[0]) if found else None

    def rows_of(self, document_ids: Sequence[str]) -> NDArray[np.bool_]:
        """Which rows stand in these documents, copies too, ``(n,)``."""
        wanted = set(document_ids)
        found = np.zeros(len(self), dtype=np.bool_)
        joined = " FROM passages p JOIN documents d ON d.number = p.document "
        for document_id, first, last in self._rows(
            "SELECT d.id, min(p.row), max(p.row)" + joined + "WHERE NOT p.copy GROUP BY d.number"
        ):
            if document_id in wanted:
                found[first : last + 1] = True  # a document's rows follow each other
        for document_id, row in self._rows("SELECT d.id, p.row" + joined + "WHERE p.copy"):
            if document_id in wanted:
                found[row] = True
        return found

    def files(self) -> tuple[FileReport, ...]:
        """What became of each file in the build."""
        return tuple(FileReport(*fields) for fields in self._rows("SELECT * FROM files"))

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _passage(self, fields: tuple[Any, ...]) -> Passage:
        try:
            return _passage(fields)
        except (ValueError, TypeError) as error:
            raise self._damaged(error) from error

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._damaged(error) from error

    def _damaged(self, reason: object) -> IndexDamagedError:
        return IndexDamagedError(
            f"'{self._path.name}' is no readable passage table ({reason}). Run: python -m app build"
        )


_AT = (
    "SELECT p.place, d.id FROM passages p JOIN documents d ON d.number = p.document"
    " WHERE p.row = ? AND "
)
_SUMMARY = "SELECT id, title, format, digest, passages, length(text), metadata FROM documents "


def _summary(fields: tuple[Any, ...]) -> DocumentSummary:
    document_id, title, kind, digest, passages, characters, metadata = fields
    return DocumentSummary(
        document_id, title, kind, digest, passages, characters, json.loads(metadata)
    )


def _passage(fields: tuple[Any, ...]) -> Passage:
    headings = tuple(json.loads(fields[3]))
    sentences = tuple((start, end) for start, end in json.loads(fields[8]))
    return Passage(
        id=fields[0],
        document_id=fields[1],
        title=fields[2],
        headings=headings,
        number=fields[4],
        start=fields[5],
        end=fields[6],
        text=fields[7],
        sentences=sentences,
        line=fields[9],
        page=fields[10],
    )
