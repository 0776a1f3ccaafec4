"""Texts in lots: a Parquet file for each, and beside it one with their vectors once there are any.

What passes between a build and the workers that encode for it, and what is left of a build that
died. A lot is named by its texts, so one that has its vectors is done, whoever made them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from index.cache import VectorCache
from index.encoder import BLOCK, Encoder, Input

AT_MOST = 10_000
"""Lots of one build, as far as they can be: what hands them out has work with each."""

LARGEST = 32 * BLOCK
"""Texts of a lot: as many are lost if the worker that is at them is."""


def lot_size(texts: int) -> int:
    """How many texts a lot has, where there are so many to encode.

    Whole blocks of the encoder: it sees the same texts together as without lots, and gives them
    the same vectors to the last bit.
    """
    return min(LARGEST, BLOCK * max(1, -(-texts // (BLOCK * AT_MOST))))


class Lots:
    """The lots in a folder, which each worker must find at the same path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, items: Mapping[str, Input]) -> str:
        """Write texts by their keys, in order, and return the name of the lot."""
        name = hashlib.sha256("".join(items).encode()).hexdigest()[:32]
        columns: dict[str, list[Any]] = {
            "key": list(items),
            "context": [item.context for item in items.values()],
            "text": [item.text for item in items.values()],
            "sentences": [list(map(list, item.sentences)) for item in items.values()],
        }
        self._write(self._texts(name), columns)
        return name

    def encode(self, name: str, encoder: Encoder) -> int:
        """Write the vectors of a lot and return how many texts were encoded: none if it was done.

        Raises:
            OSError: the lot cannot be read, or its vectors cannot be written.
            ModelError: as ``encode_passages`` does.
        """
        if self._vectors(name).exists():
            return 0
        rows = self._read(self._texts(name))
        items = [
            Input(context, text, tuple((start, end) for start, end in sentences))
            for context, text, sentences in zip(
                rows["context"], rows["text"], rows["sentences"], strict=True
            )
        ]
        vectors = [b""] * len(items)
        for position, made in encoder.encode_passages(items):
            vectors[position] = made.tobytes()
        sums = list(map(_sum, rows["key"], vectors))
        columns = {"key": rows["key"], "vectors": vectors, "sum": sums}
        self._write(self._vectors(name), columns)
        return len(items)

    def take(self, name: str, cache: VectorCache) -> int:
        """Put the vectors of a lot into the cache and return how many texts they are of.

        What is damaged is dropped: its texts are encoded anew.
        """
        try:
            rows = self._read(self._vectors(name))
            if list(map(_sum, rows["key"], rows["vectors"])) != rows["sum"]:
                raise OSError("A checksum differs.")
        except (OSError, KeyError, TypeError):
            self._vectors(name).unlink(missing_ok=True)
            return 0
        shape = (-1, cache.dimension)
        halves = (np.frombuffer(one, np.float16).reshape(shape) for one in rows["vectors"])
        cache.put_vectors(zip(rows["key"], halves, strict=True))
        return len(rows["key"])

    def done(self) -> Iterator[str]:
        """The lots that have their vectors."""
        for path in sorted(self.folder.glob("*.vectors.parquet")):
            yield path.name.split(".")[0]

    def _texts(self, name: str) -> Path:
        return self.folder / f"{name}.texts.parquet"

    def _vectors(self, name: str) -> Path:
        return self.folder / f"{name}.vectors.parquet"

    def _write(self, path: Path, columns: Mapping[str, list[Any]]) -> None:
        """Write a file so that it is whole or not there, whoever else writes the same one."""
        import pyarrow
        import pyarrow.parquet

        aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        try:
            with aside.open("wb") as file:
                table = pyarrow.table(dict(columns))
                pyarrow.parquet.write_table(table, file, compression="zstd")
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            raise

    def _read(self, path: Path) -> dict[str, list[Any]]:
        import pyarrow
        import pyarrow.parquet

        try:
            table = pyarrow.parquet.read_table(path, partitioning=None)
        except pyarrow.ArrowException as error:
            raise OSError(f"'{path}' is damaged: {error}") from error
        columns: dict[str, list[Any]] = table.to_pydict()
        return columns


def _sum(key: str, vectors: bytes) -> int:
    """What proves that vectors are those that were made of a text."""
    return zlib.crc32(vectors, zlib.crc32(key.encode()))
