"""Numbers and moments in words. Imports no Streamlit."""

from __future__ import annotations

import datetime

from app.rebuild import BuildState
from app.ui.strings import say

STAGES = {
    "starting": "words.starting",
    "reading": "words.reading",
    "encoding": "words.encoding",
    "clustering": "words.clustering",
    "loading": "words.loading",
    "indexing": "words.indexing",
    "mapping": "words.mapping",
    "publishing": "words.publishing",
}


def count(number: int, noun: str) -> str:
    """A number of things; ``noun`` is the name of a string with forms for one and for more."""
    return say(f"words.{noun}", n=number)


def megabytes(size: int) -> str:
    """Bytes in the unit that suits them."""
    for limit, unit in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if size >= limit:
            return f"{size / limit:,.1f} {unit}"
    return f"{size:,} B"


def ago(seconds: float) -> str:
    units = ((86_400, "words.days_ago"), (3_600, "words.hours_ago"), (60, "words.minutes_ago"))
    for size, words in units:
        if seconds >= size:
            return say(words, n=int(seconds // size))
    return say("words.now")


def duration(seconds: float) -> str:
    if seconds < 90:
        return count(max(1, round(seconds)), "second")
    return count(round(seconds / 60), "minute")


def took(seconds: float) -> str:
    """How long an answer took."""
    if seconds >= 1:
        return say("words.seconds", n=f"{seconds:.1f}")
    milliseconds = 1000 * seconds
    return say("words.milliseconds", n=f"{milliseconds:.{0 if milliseconds >= 10 else 1}f}")


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
    parts = [say(STAGES.get(state.stage, "words.working"))]
    if state.total:
        parts.append(say("words.done", done=state.done, total=state.total))
    if state.rate:
        parts.append(say("words.rate", rate=state.rate))
    if state.seconds_left is not None:
        parts.append(say("words.left", time=duration(state.seconds_left)))
    return " · ".join(parts)
