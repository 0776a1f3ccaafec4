"""The events of a calendar, which invitations carry: what, when and where."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NAMES = {"SUMMARY": "Event", "DTSTART": "Begins", "DTEND": "Ends", "LOCATION": "Place"}
_LINE = re.compile(r"([A-Za-z-]+)(?:;(?:[^\":\n]|\"[^\"\n]*\")*+)?:(.*)")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")


def events(text: str) -> Iterator[str]:
    """A text for each event: ``Event: Launch; Begins: 2020-03-01 10:00; Place: Pier 2``."""
    facts: dict[str, str] = {}
    for line in re.sub(r"\n[ \t]", "", text).split("\n"):
        found = _LINE.fullmatch(line.strip())
        if not found:
            continue
        name, value = found[1].upper(), _plain(found[2])
        if name == "BEGIN":
            facts = {}
        elif name == "END" and "SUMMARY" in facts:
            shown = "; ".join(
                f"{label}: {facts[name]}" for name, label in _NAMES.items() if facts.get(name)
            )
            yield "\n".join(filter(None, (shown, facts.get("DESCRIPTION", ""))))
            facts = {}
        else:
            facts.setdefault(name, value)


def _plain(value: str) -> str:
    if time := _TIME.fullmatch(value.strip()):
        year, month, day, hour, minute, zone = time.groups()
        shown = f"{year}-{month}-{day}"
        return f"{shown} {hour}:{minute}{' UTC' if zone else ''}" if hour else shown
    value = re.sub(r"\\[nN]", "\n", value)
    return re.sub(r"\\(.)", r"\1", value).strip()
