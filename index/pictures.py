"""Pictures of PDF pages, drawn in a process with limits: a hostile file costs no more than that."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from index.errors import ParseError
from index.parsers import digest_of
from index.parsers.picture import Picture, picture_of
from index.parsers.pool import Ended, Pool, TooLong, TooMuch

SECONDS = 20.0
MEMORY = 1_000_000_000
KEPT = 32  # pictures, of some hundred kilobytes each

_Key = tuple[Path, str, int, tuple[str, ...]]


class Pictures:
    """Draws pages and keeps the last ones. Making one starts nothing; safe to share."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, Picture] = OrderedDict()
        self._pool: Pool | None = None
        self._lock = threading.Lock()

    def draw(self, path: Path, digest: str, page: int, quotes: tuple[str, ...]) -> Picture:
        """The page of a file with the quotes marked, if the file is still what was indexed.

        ``digest`` is the SHA-256 it had then.

        Raises:
            ParseError: the file is gone, was changed, or cannot be drawn.
        """
        if path.is_symlink() or not path.is_file():
            raise ParseError(f"The file '{path.name}' is no longer in the corpus folder.")
        if digest_of(path) != digest:
            raise ParseError(f"The file '{path.name}' was changed since it was indexed. Rebuild.")
        key = (path, digest, page, quotes)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._drawn(path, page, quotes)
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def _drawn(self, path: Path, page: int, quotes: tuple[str, ...]) -> Picture:
        if self._pool is None:
            self._pool = Pool(_draw, 1, SECONDS, MEMORY)
        try:
            found: Picture | str = self._pool.finish(self._pool.submit((path, page, quotes)))
        except TooLong as error:
            raise ParseError(f"To draw the page takes longer than {SECONDS:g} seconds.") from error
        except (TooMuch, Ended) as error:
            raise ParseError("The page is damaged, or too large to draw.") from error
        if isinstance(found, str):
            raise ParseError(found)
        return found


def _draw(asked: tuple[Path, int, tuple[str, ...]]) -> Picture | str:
    try:
        return picture_of(*asked)
    except ParseError as error:
        return str(error)
    except RecursionError:
        return "The page is nested too deeply to draw."
