"""What a document is called where its file does not say: by its subject, a heading, or its name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import PurePosixPath

FIRST = 25
"""Paragraphs among which a letter says what it is about."""

LOOKED_AT = 1000
"""Characters of each of them that are looked at: one may be a file of a single line."""

_SUBJECT = re.compile(
    r"(?:subject|subj|betreff|objet|asunto|assunto|oggetto|onderwerp)\s*:\s*(\S.{3,199}?)"
    r"(?:\s+ref(?:erence)?s?\s*(?:\(\w\))?\s*:.*)?",
    re.I,
)
_NUMBERED = re.compile(r"(?:\d+|[A-Z]|[IVXL]+)[.)]\s")
_PART = re.compile(
    r"(?:chapter|part|section|article|annex|appendix|schedule|slide|page)\s+(?:\d+|[a-z]|[ivxl]+)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")


def title_of(
    document_id: str, paragraphs: Iterable[str], heading: str, headings: Iterable[str] = ()
) -> str:
    """The subject that one of the first paragraphs names, as letters and directives do.

    Else the heading, unless it is that of a part and the other ``headings`` have more such parts,
    or the name of the file.
    """
    for paragraph in islice(paragraphs, FIRST):
        if found := _SUBJECT.fullmatch(" ".join(paragraph[:LOOKED_AT].split())):
            return found.group(1)
    parts = filter(_PART.match, headings) if _PART.match(heading) else ()
    return heading if heading and len(set(parts)) < 2 else name_of(document_id)


def name_of(document_id: str) -> str:
    """The name of a file as words."""
    return PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()


def telling(headings: Iterable[str]) -> str:
    """The first of some headings that is no number, date, section or remark in brackets."""
    return next(filter(_tells, headings), "")


def _tells(heading: str) -> bool:
    signs = heading.replace(" ", "")
    bracketed = signs.startswith(("(", "[")) and signs.endswith((")", "]"))
    if bracketed or _NUMBERED.match(heading):
        return False
    return 2 * len(_LETTER.findall(signs)) >= len(signs)
