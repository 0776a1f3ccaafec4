"""Judgements and comparisons as plain data for the Quality screen. Imports no Streamlit."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from app.judgements import Judgement
from app.quality import Difference, Reply, Result
from app.ui.address import chips, parameters_of
from app.ui.strings import say
from app.ui.words import built
from index.filters import Filter

ALL = "all"
"""In place of a verdict or a reason: any."""

WEEKS = 26
"""Weeks shown at most; the last ones."""

FIGURES = {
    "recall@1": ("figures.recall_1", "figures.recall_1_help"),
    "recall@5": ("figures.recall_5", "figures.recall_5_help"),
    "recall@20": ("figures.recall_20", "figures.recall_20_help"),
    "mrr@10": ("figures.mrr_10", "figures.mrr_10_help"),
    "answered": ("figures.answered", "figures.answered_help"),
    "rightly_none": ("figures.rightly_none", "figures.rightly_none_help"),
}
"""The words for each figure, and what it says exactly."""

KINDS = {
    "up": "quality.up",
    "down": "quality.down",
    "wrong_answer": "reasons.wrong_answer",
    "wrong_source": "reasons.wrong_source",
    "off_topic": "reasons.off_topic",
    "incomplete": "reasons.incomplete",
    "out_of_date": "reasons.out_of_date",
    "has_answer": "reasons.has_answer",
    ALL: "quality.all",
}
"""The words for each verdict and each reason."""

CHANGES = {"other": "differences.other", "lost": "differences.lost", "won": "differences.won"}
SIDES = {
    "before": ("differences.before", "differences.ask_before"),
    "now": ("differences.now", "differences.ask_now"),
}


def kinds(judgements: Sequence[Judgement]) -> dict[str, int]:
    """What the list can be narrowed to, verdicts and reasons that occur, and how many have it."""
    times = Counter[str](one.verdict for one in judgements)
    times.update(reason for one in judgements for reason in one.reasons)
    found = {name: times[name] for name in KINDS if times[name]}
    return {ALL: len(judgements)} | found


def label(kind: str, number: int) -> str:
    """A verdict or a reason in words, with the number of judgements that have it."""
    return f"{say(KINDS[kind])} {number:,}"


def matching(judgements: Sequence[Judgement], kind: str) -> list[Judgement]:
    """The judgements with this verdict or reason."""
    return [one for one in judgements if kind in (ALL, one.verdict, *one.reasons)]


def figures_data(result: Result) -> dict[str, Any]:
    """What figures.js draws: a row for each figure that this index has."""
    rows = []
    for name, (words, meaning) in FIGURES.items():
        if name not in result.now.figures:
            continue
        now = result.now.figures[name]
        before = result.before.figures.get(name) if result.before else None
        rows.append(
            {
                "name": say(words),
                "help": say(meaning),
                "over": say("figures.over", n=result.now.over[name]),
                "now": _rate(name, now),
                "before": "–" if before is None else _rate(name, before),
                "change": "–" if before is None else _change(name, now - before),
                "better": 0 if before is None else (now > before) - (now < before),
            }
        )
    return {
        "rows": rows,
        "now": built(result.now.created)[1],
        "before": built(result.before.created)[1] if result.before else "",
    }


def _rate(name: str, value: float) -> str:
    return f"{value:.2f}" if name.startswith("mrr") else f"{value:.0%}"


def _change(name: str, value: float) -> str:
    if not value:
        return "±0"
    shown = f"{value:+.2f}" if name.startswith("mrr") else f"{100 * value:+.0f} %"
    return shown.replace("-", "−")


def differences_data(result: Result, titles: Mapping[str, str]) -> dict[str, Any]:
    """What differences.js draws: both answers to each question, and where to ask it."""
    before = result.before.snapshot if result.before else ""
    return {"differences": [_difference(one, before, titles) for one in result.differences]}


def _difference(one: Difference, snapshot: str, titles: Mapping[str, str]) -> dict[str, Any]:
    kind = ("other" if one.before.citations else "won") if one.now.citations else "lost"
    only = one.question.only
    address = {"q": one.question.question} | parameters_of(only)
    return {
        "question": one.question.question,
        "narrowed": _narrowed(only, titles),
        "kind": kind,
        "label": say(CHANGES[kind]),
        "sides": [
            _side("before", one.before, address | {"snapshot": snapshot}, titles),
            _side("now", one.now, address, titles),
        ],
    }


def _side(
    name: str, reply: Reply, address: Mapping[str, str], titles: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "name": say(SIDES[name][0]),
        "ask": say(SIDES[name][1]),
        "address": dict(address),
        "href": f"./?{urlencode(address)}",
        "quotes": [
            {"text": one.quote, "title": titles.get(one.document_id, one.document_id)}
            for one in reply.citations
        ],
    }


def judged_data(
    judgements: Sequence[Judgement], titles: Mapping[str, str], most: int, may_change: bool
) -> dict[str, Any]:
    """What judged.js draws: the first ``most`` judgements, and how many more there are."""
    return {
        "judgements": [_judged(one, titles) for one in judgements[:most]],
        "more": max(0, len(judgements) - most),
        "may_change": may_change,
        "weeks": weeks_data(judgements),
    }


def _judged(one: Judgement, titles: Mapping[str, str]) -> dict[str, Any]:
    when, exactly = built(one.at)
    address = {"q": one.question} | parameters_of(one.only)
    documents = dict.fromkeys(titles.get(it.document, it.document) for it in one.sources)
    return {
        "id": one.id,
        "question": one.question,
        "narrowed": _narrowed(one.only, titles),
        "verdict": one.verdict,
        "reasons": [say(KINDS[reason]) for reason in one.reasons],
        "note": one.note,
        "documents": list(documents),
        "when": when,
        "exactly": exactly,
        "address": address,
        "href": f"./?{urlencode(address)}",
    }


def _narrowed(only: Filter, titles: Mapping[str, str]) -> str:
    return ", ".join(chip["text"] for chip in chips(only, titles))


def weeks_data(judgements: Sequence[Judgement]) -> list[dict[str, Any]]:
    """Thumbs up and down in each week from the first to the last one, at most ``WEEKS``."""
    times = Counter[tuple[datetime.date, str]]()
    for one in judgements:
        day = datetime.datetime.fromisoformat(one.at).date()
        times[day - datetime.timedelta(days=day.weekday()), one.verdict] += 1
    if not times:
        return []
    first, last = min(day for day, _ in times), max(day for day, _ in times)
    steps = min((last - first).days // 7, WEEKS - 1)
    days = [last - datetime.timedelta(weeks=step) for step in range(steps, -1, -1)]
    most = max(times[day, "up"] + times[day, "down"] for day in days)
    return [
        {
            "label": say(
                "judged.week_label", day=day, up=times[day, "up"], down=times[day, "down"]
            ),
            "week": say("judged.week", day=day),
            "up": times[day, "up"] / most,
            "down": times[day, "down"] / most,
        }
        for day in days
    ]
