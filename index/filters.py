"""Narrows a search to some documents: by folder, format, document, author or date."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from index.errors import QueryError
from index.records import DocumentSummary

DATE = r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?"
"""A year, a month or a day, as a regular expression."""

_DATE = re.compile(DATE, re.ASCII)
_FIELD = re.compile(r"(?P<name>[a-z]+)(?P<sign>=|>=|<=)(?P<value>.*)", re.DOTALL)
FIELDS = ("folder", "format", "document", "author", "date")
_NAMED = 12  # values of one field in a message


@dataclass(frozen=True, slots=True)
class Filter:
    """What the documents of a search must be; what is empty leaves all.

    ``folder`` is a path below the corpus and means all that is in it, at any depth. ``document``
    is an id. ``author`` is a part of the name, in any case. ``since`` and ``until`` are dates,
    ``2020``, ``2020-03`` or ``2020-03-15``, and include what they name; a document without a date
    is outside both.
    """

    folder: str = ""
    format: str = ""
    document: str = ""
    author: str = ""
    since: str = ""
    until: str = ""

    def __bool__(self) -> bool:
        return self != Filter()

    def matches(self, document: DocumentSummary) -> bool:
        """Whether a document is one to search."""
        date = date_of(document) if self.since or self.until else ""
        return (
            (not self.folder or PurePosixPath(document.id).is_relative_to(self.folder))
            and (not self.format or document.format == self.format)
            and (not self.document or document.id == self.document)
            and self.author.casefold() in document.metadata.get("author", "").casefold()
            and (not self.since or date >= self.since)
            and (not self.until or (bool(date) and date[: len(self.until)] <= self.until))
        )


ALL = Filter()
"""Leaves all documents."""


def parse_filter(conditions: Iterable[str]) -> Filter:
    """A filter from ``folder=policy``, ``format=pdf``, ``document=a/b.md``, ``author=holm``,
    ``date>=2020``, ``date<=2021-06`` or ``date=2020``.

    Raises:
        QueryError: a condition is none of these.
    """
    found = Filter()
    for condition in conditions:
        match = _FIELD.fullmatch(condition.strip())
        if match is None or match["name"] not in FIELDS:
            raise QueryError(
                f"'{condition}' is no filter. Known are folder=, format=, document=, author= and "
                "date=, date>=, date<= with a date such as 2020 or 2020-03-15."
            )
        name, sign, value = match["name"], match["sign"], match["value"].strip()
        if name == "date":
            if not is_date(value):
                raise QueryError(f"'{value}' is no date. Write 2020, 2020-03 or 2020-03-15.")
            found = replace(
                found,
                since=value if sign in ("=", ">=") else found.since,
                until=value if sign in ("=", "<=") else found.until,
            )
        elif sign != "=" or not value:
            raise QueryError(f"'{condition}' is no filter: write {name}= and what it should be.")
        else:
            if name == "format":
                value = value.lower().lstrip(".")
            found = replace(found, **{name: value.strip("/") if name == "folder" else value})
    return found


def is_date(text: str) -> bool:
    """Whether a text is a year, a month or a day: ``2020``, ``2020-03``, ``2020-03-15``."""
    return bool(_DATE.fullmatch(text))


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to narrow a search by, in order; what no document has is empty.

    ``dates`` are the first and the last one, without the time of day.
    """

    folders: tuple[str, ...]
    formats: tuple[str, ...]
    documents: tuple[str, ...]
    authors: tuple[str, ...]
    dates: tuple[str, ...]

    def __str__(self) -> str:
        """One line for each field, with its first values."""
        rows = {
            "folder": _listed(self.folders),
            "format": _listed(self.formats),
            "document": _listed(self.documents),
            "author": _listed(self.authors),
            "date": " to ".join(self.dates),
        }
        return "\n".join(f"  {name:<9} {values}" for name, values in rows.items() if values)


def choices(documents: Iterable[DocumentSummary]) -> Choices:
    """What these documents can be narrowed by."""
    documents = list(documents)
    parents = (PurePosixPath(one.id).parents for one in documents)
    folders = {str(parent) for above in parents for parent in above} - {".", "/"}
    authors = {one.metadata.get("author", "") for one in documents} - {""}
    dates = sorted({date_of(one) for one in documents} - {""})
    return Choices(
        folders=tuple(sorted(folders)),
        formats=tuple(sorted({one.format for one in documents})),
        documents=tuple(one.id for one in documents),
        authors=tuple(sorted(authors, key=str.casefold)),
        dates=tuple(dict.fromkeys((dates[0], dates[-1]))) if dates else (),
    )


def filter_of(conditions: Iterable[str], documents: Sequence[DocumentSummary]) -> Filter:
    """A filter, as ``parse_filter`` reads it, whose values these documents have.

    Raises:
        QueryError: a condition is no filter, or no document meets it; the message lists what
            there is.
    """
    there = choices(documents)
    try:
        only = parse_filter(conditions)
    except QueryError as error:
        raise QueryError(f"{error} The library has:\n{there}") from None
    for name in ("folder", "format", "document", "author"):
        value = getattr(only, name)
        alone = replace(Filter(), **{name: value})
        if value and not any(alone.matches(one) for one in documents):
            known: tuple[str, ...] = getattr(there, f"{name}s")
            what = f"There are: {_listed(known, value)}." if known else f"None has any {name}."
            raise QueryError(f"No document has {name}={value}. {what}")
    if (only.since or only.until) and not there.dates:
        raise QueryError("No document has a date.")
    return only


def date_of(document: DocumentSummary) -> str:
    """A document's date as far as it is one; nothing where it is written in another way."""
    found = _DATE.match(document.metadata.get("date", ""))
    return found[0] if found else ""


def _listed(values: Sequence[str], like: str = "") -> str:
    """The first values on one line, before them those that look like what was meant."""
    near = difflib.get_close_matches(like, values, n=3)
    order = list(dict.fromkeys([*near, *values]))
    shown = ", ".join(" ".join(value.split()) for value in order[:_NAMED])
    return shown + (f" and {len(order) - _NAMED:,} more" if len(order) > _NAMED else "")
