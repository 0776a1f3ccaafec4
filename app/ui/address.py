"""What the address of the page says of the documents to search. Imports no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from app.followup import MOST, whole
from app.ui.strings import say
from index.filters import Filter, is_date

ABOUT = "about"
"""The parameter with the words carried over from the question before."""

NAMES = tuple(field.name for field in fields(Filter))
"""The parameters of the address that narrow the search: the fields of a filter."""

LABELS = {
    "folder": "narrow.folder",
    "format": "narrow.format",
    "document": "narrow.document",
    "author": "narrow.author",
    "since": "narrow.since",
    "until": "narrow.until",
}
"""The strings with what people call them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks: the question as typed, words carried over, and of which documents."""

    question: str
    about: tuple[str, ...]
    only: Filter

    @property
    def whole(self) -> str:
        """What is searched for."""
        return whole(self.question, self.about)

    @property
    def parameters(self) -> dict[str, str]:
        """The address that asks this."""
        found = {"q": self.question, ABOUT: " ".join(self.about)}
        return {name: value for name, value in found.items() if value} | parameters_of(self.only)


def asked_in(parameters: Mapping[str, str]) -> Asked:
    """What an address asks; without a question nothing is carried over."""
    question = parameters.get("q", "").strip()
    about = tuple(parameters.get(ABOUT, "").split()[:MOST]) if question else ()
    return Asked(question, about, filter_in(parameters))


def filter_in(parameters: Mapping[str, str]) -> Filter:
    """The filter in an address; a date that is none counts as not given."""
    values = {name: parameters.get(name, "").strip() for name in NAMES}
    dates = {name: values[name] for name in ("since", "until") if is_date(values[name])}
    return Filter(**values | {"since": "", "until": ""} | dates)


def parameters_of(only: Filter) -> dict[str, str]:
    """The parameters that put a filter into an address."""
    return {name: value for name, value in asdict(only).items() if value}


def chips(only: Filter, titles: Mapping[str, str]) -> list[dict[str, str]]:
    """What a filter asks for, one by one: the parameter's name and words for people."""
    shown = parameters_of(only)
    if only.document in titles:
        shown["document"] = titles[only.document]
    return [
        {"name": name, "text": say("narrow.chip", name=say(LABELS[name]), value=value)}
        for name, value in shown.items()
    ]
