"""The words of the page, all of which stand in ``strings.toml``: translating it translates them.

Imports no Streamlit.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "strings.toml"


def say(key: str, /, **values: object) -> str:
    """The words for ``section.name``, with the values put into their places.

    A string with forms for one and for other numbers is chosen by the value ``n``.

    Raises:
        KeyError: the file has no such string, or it has a place that no value is for.
    """
    section, _, name = key.partition(".")
    found = section_of(section)[name]
    if isinstance(found, dict):
        found = found["one" if values["n"] == 1 else "other"]
    return str(found).format(**values)


def section_of(name: str) -> dict[str, Any]:
    """One section as it stands, which a component's script takes its words from with ``say``."""
    return dict(_read()[name])


@lru_cache(maxsize=1)
def _read() -> dict[str, dict[str, Any]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
