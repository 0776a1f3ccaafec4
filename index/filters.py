"""Narrows a search to some documents: by folder, format, document, author or date."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from index.errors import QueryError
from index.records import DocumentSummary

_DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")
_FIELD = re.compile(r"(?P<name>[a-z]+)(?P<sign>=|>=|<=)(?P<value>.*)", re.DOTALL)
FIELDS = ("folder", "format", "document", "author", "date")


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
        date = document.metadata.get("date", "")
        return (
            (not self.folder or PurePosixPath(document.id).is_relative_to(self.folder))
            and (not self.format or document.format == self.format)
            and (not self.document or document.id == self.document)
            and self.author.casefold() in document.metadata.get("author", "").casefold()
            and (not self.since or date >= self.since)
            and (not self.until or (bool(date) and date[: len(self.until)] <= self.until))
        )


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
            if not _DATE.fullmatch(value):
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
