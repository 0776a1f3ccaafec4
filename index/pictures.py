"""Pictures of PDF pages, drawn in a process with limits: a hostile file costs no more than that."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from pathlib import Path

from index.errors import ParseError
from index.parsers import digest_of
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

_Key = tuple[Path, str, int, tuple[str, ...]]


class Pictures:
    """Draws pages and keeps the last ones. Making one starts nothing; safe to share."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, Picture] = OrderedDict()
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
        with self._lock:  # one at a time: drawing takes a whole core
            if key not in self._kept:
                self._kept[key] = self._drawn(path, page, quotes)
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def _drawn(self, path: Path, page: int, quotes: tuple[str, ...]) -> Picture:
        asked = {"path": str(path), "page": page, "quotes": quotes, "memory": MEMORY}
        try:
            done = subprocess.run(
                [sys.executable, "-c", _PROGRAM, str(Path(__file__).parents[1])],
                input=json.dumps(asked).encode(),
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
