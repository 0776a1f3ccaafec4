"""What became of the files of a corpus, in figures: for the terminal, for programs and the page."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from index.records import FileReport

STATES = ("indexed", "partly", "duplicate", "skipped", "failed")
"""The states that a file can be in, best first."""

_WORST = ("failed", "partly", "skipped", "indexed", "duplicate")


@dataclass(frozen=True, slots=True)
class Summary:
    """All files together; ``states`` are the numbers of files in each state that occurs."""

    files: int
    states: dict[str, int]
    characters: int
    left_out: int
    coverage: float
    pages: int
    pages_without_text: int
    repeated: int
    cut_tokens: int


def summary(files: Iterable[FileReport]) -> Summary:
    """The figures of some files, added up."""
    files = list(files)
    times = Counter[str](file.state for file in files)
    characters = sum(file.characters for file in files)
    left_out = sum(file.left_out for file in files)
    return Summary(
        files=len(files),
        states={state: times[state] for state in STATES if times[state]},
        characters=characters,
        left_out=left_out,
        coverage=characters / max(1, characters + left_out),
        pages=sum(file.pages for file in files),
        pages_without_text=sum(file.pages_without_text for file in files),
        repeated=sum(file.repeated for file in files),
        cut_tokens=sum(file.cut_tokens for file in files),
    )


def not_whole(files: Iterable[FileReport]) -> list[FileReport]:
    """The files of which not all is in the index, the worst first; duplicates come last."""
    found = [file for file in files if file.state != "indexed" or file.coverage < 1]
    return sorted(found, key=lambda file: (_WORST.index(file.state), file.coverage))


def with_care(files: Iterable[FileReport]) -> list[FileReport]:
    """The files that are wholly in the index, but of which something is to be said."""
    whole = [file for file in files if file.state == "indexed" and file.coverage == 1]
    return [file for file in whole if file.reason]


def why(file: FileReport) -> str:
    """What is to be said of a file: its reason, and what was left out of it."""
    remarks = [file.reason] if file.reason else []
    if file.left_out:
        characters = _counted(file.left_out, "character")
        remarks.append(f"{characters} left out: headers, navigation, comments and the like.")
    if file.cut_tokens:
        tokens = _counted(file.cut_tokens, "token")
        remarks.append(f"{tokens} of long headings not encoded, but found as words.")
    return " ".join(remarks)


def covered(file: FileReport) -> str:
    """How much of a file is in the index, for people; a duplicate and a skipped one have none.

    What was not read may have no known size, as an attachment that is encrypted.
    """
    if file.state in ("duplicate", "skipped"):
        return "–"
    return "<100%" if file.state == "partly" and file.coverage == 1 else percent(file.coverage)


def percent(share: float) -> str:
    """``98%``; only all is 100%, and only nothing is 0%."""
    if 0 < share < 0.01:
        return "<1%"
    return f"{min(math.floor(round(100 * share, 6)), 100 if share == 1 else 99)}%"


def with_coverage(file: FileReport) -> dict[str, Any]:
    """A file's report for programs."""
    return {**asdict(file), "coverage": round(file.coverage, 4)}


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
