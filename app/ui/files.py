"""The files of the corpus as plain data for the Library screen. Imports no Streamlit."""

from __future__ import annotations

import contextlib
import datetime
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.report import STATES, Summary, covered, percent, why
from app.ui.strings import say
from app.ui.words import count, megabytes
from index.records import FileReport

ALL = "all"
"""In place of a state: files in any of them."""


def states_of(found: Summary) -> list[str]:
    """What the list can be narrowed to: all files, and each state that occurs."""
    return [ALL, *(state for state in STATES if state in found.states)]


def named(state: str) -> str:
    """What people call a state."""
    words = {
        ALL: "files.all",
        "indexed": "files.indexed",
        "partly": "files.partly",
        "duplicate": "files.duplicate",
        "failed": "files.failed",
        "skipped": "files.skipped",
    }
    return say(words[state])


def label(state: str, found: Summary) -> str:
    """A state with the number of files in it."""
    return say("files.kind", state=named(state), n=found.states.get(state, found.files))


def totals(found: Summary) -> str:
    """How much of all files is in the index, in a sentence."""
    characters = count(found.characters, "character")
    kept = percent(found.coverage)
    parts = [
        say("files.total_left_out", characters=characters, n=found.left_out, kept=kept)
        if found.left_out
        else say("files.total", characters=characters)
    ]
    if found.pages:
        pages = count(found.pages, "page")
        parts.append(say("files.pages", pages=pages, n=found.pages_without_text))
    if found.repeated:
        parts.append(say("files.repeated", passages=count(found.repeated, "passage")))
    if found.cut_tokens:
        parts.append(say("files.cut", tokens=count(found.cut_tokens, "token")))
    return " · ".join(parts)


def matching(
    files: Iterable[FileReport], state: str, words: str, titles: Mapping[str, str]
) -> list[FileReport]:
    """The files in a state of which name or title have the words in them, in any case."""
    words = words.strip().casefold()
    return [
        file
        for file in files
        if state in (ALL, file.state)
        and words in f"{file.path}\n{titles.get(file.path, '')}".casefold()
    ]


def files_data(
    files: Sequence[FileReport],
    titles: Mapping[str, str],
    most: int,
    corpus: Path,
    may_change: bool,
) -> dict[str, Any]:
    """What files.js draws: the first ``most`` files, and how many more there are.

    Their size and age are looked up in the ``corpus`` folder.
    """
    shown = [_file(file, titles.get(file.path), corpus) for file in files[:most]]
    return {"files": shown, "more": max(0, len(files) - most), "may_change": may_change}


def _file(file: FileReport, title: str | None, corpus: Path) -> dict[str, Any]:
    facts = []
    there = False
    with contextlib.suppress(OSError, ValueError):
        found = (corpus / file.path).lstat()
        there = stat.S_ISREG(found.st_mode)
        day = datetime.datetime.fromtimestamp(found.st_mtime, datetime.UTC).strftime("%Y-%m-%d")
        facts = [megabytes(found.st_size), say("files.of", day=day)]
    if file.passages:
        facts += [count(file.passages, "passage"), count(file.characters, "character")]
    if file.pages:
        lacking = file.pages_without_text
        pages = count(file.pages, "page")
        facts.append(say("files.pages", pages=pages, n=lacking) if lacking else pages)
    return {
        "path": file.path,
        "title": title or file.path,
        "document": file.path if title is not None else "",
        "state": file.state,
        "label": named(file.state),
        "share": file.coverage,
        "covered": covered(file),
        "facts": " · ".join(facts),
        "why": why(file),
        "there": there,
    }
