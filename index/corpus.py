"""Which files of the corpus folder are read, and what becomes of those that are not.

Links are never followed and hidden files never read, but both are named in the report.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from index.errors import CorpusError
from index.parsers import SUFFIXES, supported
from index.records import FileReport


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be read, and the id its document will have."""

    path: Path
    document_id: str


def scan(corpus: Path) -> tuple[list[Source], list[FileReport]]:
    """The readable files below ``corpus`` in the order of their ids, and a report on the others.

    Raises:
        CorpusError: the folder is missing or is no folder.
    """
    if not corpus.exists():
        raise CorpusError(f"There is no folder '{corpus}'. Make it and put documents in it.")
    if not corpus.is_dir():
        raise CorpusError(f"'{corpus}' is a file, not a folder of documents.")
    sources: list[Source] = []
    skipped: list[FileReport] = []
    for path, reason in _walk(corpus, skipped):
        name = path.relative_to(corpus).as_posix()
        if not _is_unicode(name):
            shown = name.encode("utf-8", "backslashreplace").decode()
            skipped.append(FileReport(shown, "skipped", "Its name is not valid Unicode."))
        elif reason:
            skipped.append(FileReport(name, "skipped", reason))
        else:
            sources.append(Source(path, name))
    return sorted(sources, key=lambda source: source.document_id), skipped


def _walk(corpus: Path, skipped: list[FileReport]) -> Iterator[tuple[Path, str]]:
    def unreadable(error: OSError) -> None:
        name = Path(os.fsdecode(error.filename)).relative_to(corpus).as_posix()
        reason = f"The folder cannot be read: {error.strerror}."
        if name == ".":
            raise CorpusError(f"The folder '{corpus}' cannot be read: {error.strerror}.")
        skipped.append(FileReport(name, "failed", reason))

    for folder, folders, files in os.walk(corpus, onerror=unreadable):
        here = Path(folder)
        for name in [name for name in folders if name.startswith(".")]:
            yield here / name, "Hidden folders are not read."
        for name in [name for name in folders if (here / name).is_symlink()]:
            yield here / name, "Links to folders are not followed."
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            yield here / name, _why_not(here / name)


def _why_not(path: Path) -> str:
    if path.name.startswith("."):
        return "Hidden files are not read."
    if path.is_symlink():
        return "Links are not followed."
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return f"The file cannot be read: {error.strerror}."
    if not stat.S_ISREG(mode):
        return "It is not a regular file."
    if not supported(path):
        return f"No parser reads '{path.suffix}' files. Readable are: {' '.join(sorted(SUFFIXES))}."
    return ""


def _is_unicode(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
