"""Numbers and moments in words. Imports no Streamlit."""

from __future__ import annotations

import datetime

from app.rebuild import BuildState

STAGES = {
    "starting": "Starting",
    "reading": "Reading documents",
    "encoding": "Encoding passages",
    "clustering": "Grouping passages",
    "indexing": "Making the index",
    "publishing": "Publishing",
}


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def megabytes(size: int) -> str:
    """Bytes in the unit that suits them."""
    for limit, unit in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if size >= limit:
            return f"{size / limit:,.1f} {unit}"
    return f"{size:,} B"


def ago(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def duration(seconds: float) -> str:
    if seconds < 90:
        return count(max(1, round(seconds)), "second")
    return count(round(seconds / 60), "minute")


def moment(text: str) -> float:
    """Seconds since 1970 of an ISO time; 0 where it is none."""
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def built(moment: str) -> tuple[str, str]:
    """How long ago an ISO time was, and the time itself for people."""
    try:
        then = datetime.datetime.fromisoformat(moment)
    except ValueError:
        return moment or "–", ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=datetime.UTC)
    age = (datetime.datetime.now(datetime.UTC) - then).total_seconds()
    return ago(age), f"{then.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC"


def progress_line(state: BuildState) -> str:
    parts = [STAGES.get(state.stage, "Working")]
    if state.total:
        parts.append(f"{state.done:,} of {state.total:,}")
    if state.rate:
        parts.append(f"{state.rate:,.0f} per second")
    if state.seconds_left is not None:
        parts.append(f"about {duration(state.seconds_left)} left")
    return " · ".join(parts)
