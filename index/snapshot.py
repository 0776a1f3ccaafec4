"""One published index, open for reading, and what it knows of itself: its manifest and recipe."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from index.errors import IndexDamagedError, IndexMismatchError
from index.lexical import LexicalIndex
from index.map import Map
from index.milvus import Milvus
from index.sentences import SentenceVectors
from index.shared import MANIFEST
from index.table import Table
from index.vectors import FaissIndex, Nearest, VectorIndex

FORMAT = 5
"""Changes whenever older code could not read a snapshot, or newer code an older one."""

TABLE, LEXICAL = "passages.sqlite", "lexical"
_PATH = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*")  # below the snapshot's folder, whoever wrote it
IN_FILES, IN_MILVUS = "faiss-fp16", "milvus-fp16"  # where the passages' vectors are


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a snapshot was made with; another recipe makes other passages or vectors."""

    model: str
    """The SHA-256 of the model's files."""
    model_name: str
    splitter: str
    analyzer: str
    vectors: str
    exact_up_to: int
    dimension: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot knows of itself. ``files`` maps its files to (size, SHA-256)."""

    id: str
    parent: str | None
    created: str
    recipe: Recipe
    corpus: str
    corpus_digest: str
    documents: int
    passages: int
    sentences: int
    words: int
    seconds: float
    nearest: Nearest
    files: dict[str, tuple[int, str]]
    format: int = FORMAT


class Snapshot:
    """One published index, open for reading; safe to share between threads.

    One of at most ``hold`` bytes is proved by its checksums and held in memory, where nothing that
    happens to its files can reach it; a larger one is read from them as it is needed.

    Raises:
        IndexMismatchError: another version of Passages made it.
        IndexDamagedError: a file is missing, has another size, or the parts do not fit together.
    """

    def __init__(self, folder: Path, hold: int = 0, server: Milvus | None = None) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        self.server = server
        recipe = self.manifest.recipe
        if recipe.vectors != kind_of(server):
            raise IndexMismatchError(
                f"The vectors of snapshot {self.id} are {recipe.vectors}, the setting vectors "
                f"asks for {kind_of(server)}. Run: python -m app build"
            )
        for name, (size, _) in self.manifest.files.items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != size:
                raise IndexDamagedError(
                    f"'{name}' of snapshot {self.id} is missing or has another size than it was "
                    "written with. Run: python -m app build"
                )
        held = self.size <= hold
        if held and (damaged := next(self.damaged(), "")):
            raise IndexDamagedError(
                f"'{damaged}' of snapshot {self.id} is not what was written. "
                "Run: python -m app build"
            )
        self.table = Table(folder / TABLE, held=held)
        self.vectors: VectorIndex = (
            FaissIndex.load(folder, held=held)
            if server is None
            else server.open(
                self.id,
                self.manifest.passages,
                recipe.dimension,
                self.manifest.nearest,
                self.table.authors,
            )
        )
        self.lexical = LexicalIndex.load(folder / LEXICAL, self.manifest.passages, held=held)
        self.sentences = SentenceVectors(folder, held=held)
        self.map = Map.load(folder)
        rows = {len(self.table), len(self.vectors), len(self.sentences)}
        rows |= {len(self.map)} if self.map else set()
        if rows != {self.manifest.passages}:
            raise IndexDamagedError(
                f"The parts of snapshot {self.id} disagree on the number of passages: "
                f"{sorted(rows)}. Run: python -m app build"
            )

    @property
    def id(self) -> str:
        """The snapshot's name, unique in its store."""
        return self.manifest.id

    @cached_property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(size for size, _ in self.manifest.files.values())

    def damaged(self) -> Iterator[str]:
        """The files whose content is not what was written, by checksum."""
        for name, (_, expected) in self.manifest.files.items():
            with (self.folder / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                    yield name

    def engine(self) -> str:
        """What keeps the vectors; a server is asked for some.

        Raises:
            EngineError: it cannot answer.
        """
        if self.server is None:
            return "FAISS"
        self.vectors.score(np.zeros(self.manifest.recipe.dimension, np.float32), [0])
        return f"Milvus {self.server.version} at {self.server.uri}"

    def incomplete(self) -> str:
        """What the server that keeps the vectors lacks of them, or nothing.

        Raises:
            EngineError: it cannot be asked.
        """
        count = self.server.count(self.id) if self.server else self.manifest.passages
        if count == self.manifest.passages:
            return ""
        return f"vectors: {self.server} has {count:,} of {self.manifest.passages:,}"


def kind_of(server: Milvus | None) -> str:
    """Where the passages' vectors are, as recipes have it."""
    return IN_FILES if server is None else IN_MILVUS


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a snapshot on this machine.

    Raises:
        IndexMismatchError: another version of Passages wrote it.
        IndexDamagedError: it is missing or cannot be read.
    """
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _unreadable(folder.name, error) from error
    return parse_manifest(folder.name, text)


def parse_manifest(name: str, text: str) -> Manifest:
    """The manifest of the snapshot ``name``; raises as ``read_manifest`` does."""
    try:
        fields = json.loads(text)
        version = fields["format"]
        if version != FORMAT:
            raise IndexMismatchError(
                f"Snapshot {name} has format {version}, this version of Passages reads "
                f"format {FORMAT}. Run: python -m app build"
            )
        if fields["id"] != name:
            raise ValueError(f"it is that of {fields['id']!r}")
        files = {path: (int(size), str(digest)) for path, (size, digest) in fields["files"].items()}
        if strange := [path for path in files if not _PATH.fullmatch(path)]:
            raise ValueError(f"{strange[0]!r} is no name of a file")
        parts = {
            "recipe": Recipe(**fields["recipe"]),
            "nearest": Nearest(**fields["nearest"]),
            "files": files,
        }
        return Manifest(**{**fields, **parts})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> IndexDamagedError:
    return IndexDamagedError(
        f"The manifest of snapshot {name} cannot be read ({error}). Run: python -m app build"
    )
