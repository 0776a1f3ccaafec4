"""A filter as Milvus' expression language says it, so that the server does the narrowing.

Only comparisons and lists are used, which every version has: a folder is the range of texts that
begin with it, and a part of an author's name the list of the names that have it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from index.filters import Filter

NOTHING = "key < 0"
"""What no passage meets."""

_RANGES = 64  # of rows in one expression; past that each row is named
_LAST = "\U0010ffff"  # no text goes on with it


def expression(only: Filter, authors: Sequence[str]) -> str:
    """What ``Filter.matches`` says of a document; ``authors`` are the names that there are."""
    parts = []
    if only.folder:
        folder = str(PurePosixPath(only.folder))
        if folder != ".":
            inside = f"document >= {_text(folder + '/')} and document < {_text(folder + '0')}"
            parts.append(f"(document == {_text(folder)} or ({inside}))")
    if only.format:
        parts.append(f"format == {_text(only.format)}")
    if only.document:
        parts.append(f"document == {_text(only.document)}")
    if only.author:
        part = only.author.casefold()
        names = [_text(name) for name in authors if part in name.casefold()]
        parts.append(f"author in [{', '.join(names)}]" if names else NOTHING)
    if only.since:
        parts.append(f"date >= {_text(only.since)}")
    if only.until:
        parts.append(f'date != "" and date < {_text(only.until + _LAST)}')
    return " and ".join(parts)


def expression_of_rows(allowed: NDArray[np.bool_]) -> str:
    """The rows that are ``allowed`` ``(n,)``: by ranges while these are few, else one by one."""
    edges = np.flatnonzero(np.diff(allowed.astype(np.int8), prepend=0, append=0))
    ranges = edges.reshape(-1, 2).tolist()
    if not ranges:
        return NOTHING
    if len(ranges) > _RANGES:
        return f"key in {np.flatnonzero(allowed).tolist()}"
    return " or ".join(f"(key >= {first} and key < {end})" for first, end in ranges)


def _text(text: str) -> str:
    return json.dumps(text.encode("utf-8", "replace").decode("utf-8"), ensure_ascii=False)
