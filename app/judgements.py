"""What people think of answers: kept in one SQLite file beside the snapshots, in none of them.

A judgement names places in documents, never passages, so another splitter changes nothing; it
keeps their words too, so they are found again where an edit has moved them. This file knows no
page and no index.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from index.errors import JudgementsError
from index.filters import ALL, Filter
from index.records import Span

FILE = "judgements.sqlite"
VERSION = 1
"""Changes whenever older code could not read the file."""

LONGEST_NOTE = 2_000
"""Characters of a note that are kept."""

Verdict = Literal["up", "down"]
Reason = Literal[
    "wrong_answer", "wrong_source", "off_topic", "incomplete", "out_of_date", "has_answer"
]
REASONS: tuple[Reason, ...] = get_args(Reason)
NOT_RELEVANT: frozenset[Reason] = frozenset({"wrong_answer", "wrong_source", "off_topic"})
"""Reasons which say that the cited words do not answer the question."""

_APPLICATION = 0x50415353  # "PASS", by which SQLite's own tools and we know the file
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS judgements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    judge TEXT NOT NULL,
    question TEXT NOT NULL,
    narrowed TEXT NOT NULL,
    answer TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reasons TEXT NOT NULL,
    note TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    sources TEXT NOT NULL,
    at TEXT NOT NULL,
    UNIQUE (judge, question, narrowed, answer)
);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {VERSION};
"""
_COLUMNS = "judge, question, narrowed, answer, verdict, reasons, note, snapshot, sources, at"
_PATIENCE = 10.0  # seconds to wait for another process that writes


@dataclass(frozen=True, slots=True)
class Source:
    """A cited place: ``start`` and ``end`` are offsets into the document's text.

    ``quote`` is what stood there; empty where that is not known.
    """

    document: str
    start: int
    end: int
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one person thinks of one answer; without ``sources`` it was that there is none.

    ``judge`` tells people apart without saying who they are. ``at`` is an ISO time in UTC, and
    ``id`` is 0 until the judgement is kept.
    """

    question: str
    verdict: Verdict
    sources: tuple[Source, ...] = ()
    only: Filter = ALL
    reasons: tuple[Reason, ...] = ()
    note: str = ""
    snapshot: str = ""
    judge: str = ""
    at: str = ""
    id: int = 0

    @property
    def answer(self) -> str:
        """What tells one answer from another: the quoted words, wherever they stand by now."""
        places = [
            [source.document, source.quote or [source.start, source.end]] for source in self.sources
        ]
        return hashlib.sha256(json.dumps(places).encode()).hexdigest()


class Judgements:
    """The judgements of one store; any number of processes may read and write them at once.

    Making one touches no file. Every method raises JudgementsError where the file is damaged, of
    a newer version, or cannot be written.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def save(self, judgement: Judgement) -> Judgement:
        """Keep a judgement; it replaces what the same judge thought of the same answer."""
        kept = replace(
            judgement,
            question=_storable(judgement.question),
            note=_storable(judgement.note)[:LONGEST_NOTE],
            at=judgement.at or datetime.now(UTC).isoformat(timespec="seconds"),
        )
        marks = ", ".join("?" * len(_COLUMNS.split(",")))
        changed = "verdict reasons note snapshot sources at".split()
        changes = ", ".join(f"{name} = excluded.{name}" for name in changed)
        with self._open(write=True) as database:
            ((number,),) = database.execute(
                f"INSERT INTO judgements ({_COLUMNS}) VALUES ({marks})"  # noqa: S608 no value
                " ON CONFLICT (judge, question, narrowed, answer)"
                f" DO UPDATE SET {changes} RETURNING id",
                _row(kept),
            ).fetchall()
        return replace(kept, id=number)

    def of(self, answer: Judgement) -> Judgement | None:
        """What this judge thought before of this answer to this question, whatever it is now."""
        where = "judge = ? AND question = ? AND narrowed = ? AND answer = ?"
        row = _row(answer)
        found = self._select(f"WHERE {where}", row[0], _storable(answer.question), row[2], row[3])
        return found[0] if found else None

    def all(self) -> list[Judgement]:
        """All judgements, the newest first."""
        return self._select("ORDER BY at DESC, id DESC")

    def delete(self, numbers: Iterable[int]) -> int:
        """Forget these judgements and return how many there were."""
        return self._delete("WHERE id = ?", [(number,) for number in numbers])

    def clear(self) -> int:
        """Forget all judgements and return how many there were."""
        return self._delete("", [()])

    def _delete(self, where: str, values: Sequence[tuple[int, ...]]) -> int:
        if not self.path.exists():
            return 0
        with self._open(write=True) as database:
            # What is deleted is overwritten: a note must not stay on in the file.
            database.execute("PRAGMA secure_delete = ON")
            count = database.executemany(f"DELETE FROM judgements {where}", values).rowcount  # noqa: S608
            database.commit()
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count

    def _select(self, where: str, *values: object) -> list[Judgement]:
        if not self.path.exists():
            return []
        with self._open() as database:
            rows = database.execute(f"SELECT id, {_COLUMNS} FROM judgements {where}", values)  # noqa: S608
            try:
                return [_judgement(row) for row in rows]
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise self._damaged(error) from error

    @contextlib.contextmanager
    def _open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        database: sqlite3.Connection | None = None
        try:
            if write:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self.path, timeout=_PATIENCE)
            self._check(database)
            yield database
            database.commit()
        except sqlite3.OperationalError as error:
            if str(error).startswith("no such "):
                raise self._damaged(error) from error
            raise JudgementsError(
                f"The judgements in '{self.path}' cannot be {'written' if write else 'read'}: "
                f"{error}. Questions are answered all the same."
            ) from error
        except sqlite3.Error as error:
            raise self._damaged(error) from error
        except OSError as error:
            raise JudgementsError(
                f"The judgements in '{self.path}' cannot be written: {error.strerror or error}."
            ) from error
        finally:
            if database is not None:
                database.close()

    def _check(self, database: sqlite3.Connection) -> None:
        """Make the table where the file is new; refuse one that is not ours or is newer."""
        ((version,),) = database.execute("PRAGMA user_version").fetchall()
        ((application,),) = database.execute("PRAGMA application_id").fetchall()
        if version == 0 and application == 0:
            ((tables,),) = database.execute("SELECT count(*) FROM sqlite_master").fetchall()
            if not tables:
                database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
                # Not at once possible while another process does the same; the next one does it.
                with contextlib.suppress(sqlite3.OperationalError):
                    database.execute("PRAGMA journal_mode = WAL")
                return
        if application != _APPLICATION:
            raise self._damaged("it is no file of judgements")
        if version > VERSION:
            raise JudgementsError(
                f"'{self.path}' was written by a newer version of Passages (format {version}, this "
                f"one reads {VERSION}). Use that version, or move the file away."
            )

    def _damaged(self, why: object) -> JudgementsError:
        return JudgementsError(
            f"The judgements in '{self.path}' are damaged: {why}. Questions are answered all the "
            "same. Move the file away to begin anew, or put a copy in its place."
        )


def located(source: Source, text: str | None) -> Span | None:
    """Where the words of a source stand in its document's text, or ``None`` where they do not.

    Of several places the one nearest to the old one is taken.
    """
    if text is None or source.start >= source.end:
        return None
    if not source.quote:
        return (source.start, min(source.end, len(text))) if source.start < len(text) else None
    if text[source.start : source.end] == source.quote:
        return source.start, source.end
    places = [text.rfind(source.quote, 0, source.end), text.find(source.quote, source.start)]
    found = [place for place in places if place >= 0]
    if not found:
        return None
    start = min(found, key=lambda place: abs(place - source.start))
    return start, start + len(source.quote)


def as_object(judgement: Judgement) -> dict[str, Any]:
    """A judgement as JSON has it."""
    return asdict(judgement)


def from_object(found: Any) -> Judgement:
    """A judgement from what ``as_object`` made.

    Raises:
        ValueError: it is none.
    """
    try:
        sources = tuple(
            Source(str(one["document"]), int(one["start"]), int(one["end"]), str(one["quote"]))
            for one in found["sources"]
        )
        reasons = tuple(one for one in REASONS if one in found["reasons"])
        if found["verdict"] not in get_args(Verdict) or any(one.start < 0 for one in sources):
            raise ValueError("its verdict or its places make no sense")
        return Judgement(
            question=str(found["question"]),
            verdict=found["verdict"],
            sources=sources,
            only=Filter(**{str(name): str(value) for name, value in found["only"].items()}),
            reasons=reasons,
            note=str(found["note"]),
            snapshot=str(found["snapshot"]),
            judge=str(found["judge"]),
            at=datetime.fromisoformat(found["at"]).isoformat(timespec="seconds"),
            id=int(found.get("id", 0)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no judgement: {error!r}") from error


def _row(judgement: Judgement) -> tuple[str, ...]:
    return (
        judgement.judge,
        judgement.question,
        json.dumps(asdict(judgement.only)),
        judgement.answer,
        judgement.verdict,
        json.dumps(judgement.reasons),
        judgement.note,
        judgement.snapshot,
        json.dumps([asdict(source) for source in judgement.sources]),
        judgement.at,
    )


def _judgement(row: Sequence[Any]) -> Judgement:
    number, judge, question, narrowed, _, verdict, reasons, note, snapshot, sources, at = row
    return from_object(
        {
            "id": number,
            "judge": judge,
            "question": question,
            "only": json.loads(narrowed),
            "verdict": verdict,
            "reasons": json.loads(reasons),
            "note": note,
            "snapshot": snapshot,
            "sources": json.loads(sources),
            "at": at,
        }
    )


def _storable(text: str) -> str:
    """The text without halves of characters, which a browser can send and SQLite refuses."""
    return text.encode("utf-8", "replace").decode()
