"""What the address of the page says of the documents to search. Imports no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

from index.filters import Filter, is_date

NAMES = tuple(field.name for field in fields(Filter))
"""The parameters of the address that narrow the search: the fields of a filter."""

LABELS = {"since": "From", "until": "To"} | {name: name.capitalize() for name in NAMES[:4]}
"""What people call them."""


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
    return [{"name": name, "text": f"{LABELS[name]}: {value}"} for name, value in shown.items()]
