"""The authors that files name in their properties, without what programs put there by themselves.

Names keep the order of their parts: which one is the surname cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterable

NOBODY = frozenset(
    "acer|admin|administrator|anonymous|apache poi|asus|author|default|dell|hewlett-packard|home|"
    "hp|lenovo|me|microsoft|microsoft corporation|microsoft office user|n/a|none|owner|pc|root|"
    "python-docx|test|toshiba|unknown|unknown author|unnamed|untitled|user|user name|win|windows|"
    "windows user|your name".split("|")
)
"""What programs and makers of computers leave where a name should be."""


def names(values: Iterable[str | None]) -> str:
    """The names in some properties, ``Holm, I.; Berg, A.``; a property may hold several."""
    parts = [part for value in values for part in (value or "").split(";")]
    found: dict[str, str] = {}
    for part in parts:
        name = " ".join(part.split()).strip(" ,")
        if any(map(str.isalpha, name)) and name.casefold().strip(" ()[]<>") not in NOBODY:
            found.setdefault(name.casefold(), name)
    return "; ".join(found.values())
