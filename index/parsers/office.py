"""What Word documents and presentations say of themselves: title, author and date."""

from __future__ import annotations

import io
import re
import zipfile

from index.errors import ParseError
from index.parsers.archive import mended, read
from index.parsers.author import day, names

_CORE = re.compile(r"docProps/core\w*\.xml|.*\.psmdcp")
_STRICT = b"http://purl.oclc.org/ooxml/"
_STRICT_NAME = re.compile(re.escape(_STRICT) + rb"(\w+)/")
_USUAL_NAME = rb"http://schemas.openxmlformats.org/\1/2006/"
_NO_TITLE = re.compile(
    r"(?:word )?document\d*|powerpoint[ -](?:presentation|präsentation)|(?:title )?slide ?\d*|"
    r"title|untitled",
    re.IGNORECASE,
)
"""What programs put there by themselves."""


def as_usual(data: bytes, archive: zipfile.ZipFile) -> bytes:
    """An Office file with the names that nearly all have, where it has those of the strict kind."""
    relations = "_rels/.rels"
    if relations not in archive.namelist() or _STRICT not in read(archive, relations):
        return data
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for name in archive.namelist():
            part = read(archive, name)
            is_xml = name.endswith((".xml", ".rels"))
            written.writestr(name, _STRICT_NAME.sub(_USUAL_NAME, part) if is_xml else part)
    return file.getvalue()


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
            "title": "" if _NO_TITLE.fullmatch(title) else title,
            "author": names([author]),
            "date": day(modified) or day(created),
        }
        return {name: value for name, value in facts.items() if value}
    return {}
