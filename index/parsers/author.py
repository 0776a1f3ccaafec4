"""The authors, dates and descriptions in files, without what programs put there by themselves.

Names keep the order of their parts: which one is the surname cannot be told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

NOBODY = frozenset(
    "acer|admin|administrator|anonymous|apache poi|asus|author|default|dell|hewlett-packard|home|"
    "hp|lenovo|me|microsoft|microsoft corporation|microsoft office user|n/a|none|owner|pc|root|"
    "python-docx|test|toshiba|unknown|unknown author|unnamed|untitled|user|user name|win|windows|"
    "windows user|your name".split("|")
)
"""What programs and makers of computers leave where a name should be."""

LONGEST_ACCOUNT = 40  # letters: of a longer text the pattern would take the square of the time
_ACCOUNT = re.compile(r"[a-z._-]*(?:\d|[bcdfghjklmnpqrstvwxz]{5})[a-z0-9._-]*")
"""What people sign in with is no name: ``hberg2``, ``bergstrw``."""

_DAY = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?(?=[T\s]|$)", re.ASCII)
_NO_WORDS = re.compile(r"\S+\.\w{3,4}|.*\b(?:automatically |AI-)generated\b.*")


def day(value: str | None) -> str:
    """A date as filters compare it, ``2020-03-01``, ``2020-03`` or ``2020``; else nothing."""
    found = _DAY.match((value or "").strip())
    return found[0] if found else ""


def description(value: str | None) -> str:
    """What somebody wrote of a picture; nothing where it is a file's name or a program's guess."""
    text = " ".join((value or "").split())
    return "" if _NO_WORDS.fullmatch(text) else text


def names(values: Iterable[str | None]) -> str:
    """The names in some properties, ``Holm, I.; Berg, A.``; a property may hold several."""
    parts = [part for value in values for part in (value or "").split(";")]
    found: dict[str, str] = {}
    for part in parts:
        name = " ".join(part.split()).strip(" ,")
        if (
            any(map(str.isalpha, name))
            and not (len(name) <= LONGEST_ACCOUNT and _ACCOUNT.fullmatch(name))
            and name.casefold().strip(" ()[]<>") not in NOBODY
        ):
            found.setdefault(name.casefold(), name)
    return "; ".join(found.values())
