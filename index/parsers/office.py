"""What Word documents and presentations say of themselves: title, author and date."""

from __future__ import annotations

import re
import zipfile

from index.errors import ParseError
from index.parsers.archive import mended, read
from index.parsers.author import day, names

_CORE = re.compile(r"docProps/core\w*\.xml|.*\.psmdcp")
_NO_TITLES = {"Word Document", "PowerPoint Presentation", "PowerPoint-Präsentation"}
"""What programs put there by themselves."""


def properties_of(archive: zipfile.ZipFile) -> dict[str, str]:
    """The title, the author and the date of the last change, those that there are."""
    for name in filter(_CORE.fullmatch, archive.namelist()):
        try:
            root = mended(read(archive, name), name, [])
        except ParseError:
            continue  # the text is there without it
        title, author, modified, created = (
            " ".join((root.findtext(f"{{*}}{tag}") or "").split())
            for tag in ("title", "creator", "modified", "created")
        )
        facts = {
            "title": "" if title in _NO_TITLES else title,
            "author": names([author]),
            "date": day(modified) or day(created),
        }
        return {name: value for name, value in facts.items() if value}
    return {}
