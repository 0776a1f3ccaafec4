"""Pictures of PDF pages, drawn in a process with limits: a hostile file costs no more than that."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import threading
from collections import OrderedDict
from pathlib import Path

from index.errors import ParseError
from index.parsers.picture import Picture

SECONDS = 20.0
MEMORY = 1_000_000_000
KEPT = 32  # pictures, of some hundred kilobytes each

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from index.parsers.picture import main
main()
"""

AT_ONCE = 2  # each takes a whole core

_Key = tuple[Path, int, int, str, int, tuple[str, ...]]


class Pictures:
    """Draws pages and keeps the last ones. Making one starts nothing; safe to share."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, Picture] = OrderedDict()
        self._lock = threading.Lock()
        self._drawing = threading.BoundedSemaphore(AT_ONCE)

    def draw(self, path: Path, digest: str, page: int, quotes: tuple[str, ...]) -> Picture:
        """The page of a file with the quotes marked, if the file is still what was indexed.

        ``digest`` is the SHA-256 it had then. A kept picture is given without waiting, as long as
        the file's size and time are those it was drawn from.

        Raises:
            ParseError: the file is gone, was changed, or cannot be drawn.
        """
        try:
            now = path.lstat()
        except OSError:
            now = None
        if now is None or not stat.S_ISREG(now.st_mode):
            raise ParseError(f"The file '{path.name}' is no longer in the corpus folder.")
        key = (path, now.st_size, now.st_mtime_ns, digest, page, quotes)
        with self._lock:
            if found := self._kept.get(key):
                self._kept.move_to_end(key)
                return found
        with self._drawing:
            drawn = self._drawn(path, digest, page, quotes)
        with self._lock:
            self._kept[key] = drawn
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return drawn

    def _drawn(self, path: Path, digest: str, page: int, quotes: tuple[str, ...]) -> Picture:
        asked = {"path": str(path), "digest": digest, "page": page, "quotes": quotes}
        try:
            done = subprocess.run(
                [sys.executable, "-c", _PROGRAM, str(Path(__file__).parents[1])],
                input=json.dumps(asked | {"memory": MEMORY}).encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=True,
            )
            line, _, image = done.stdout.partition(b"\n")
            head = json.loads(line)
        except subprocess.TimeoutExpired as error:
            raise ParseError(f"To draw the page takes longer than {SECONDS:g} seconds.") from error
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise ParseError("The page is damaged, or too large to draw.") from error
        if "error" in head:
            raise ParseError(head["error"])
        head["boxes"] = tuple(tuple(box) for box in head["boxes"])
        return Picture(image=image, **head)
