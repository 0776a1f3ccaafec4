"""RTF: paragraphs under their headings, lists, tables by rows, notes and text boxes after them.

Headers and footers of pages, comments, hidden and deleted text are left out and counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from index.errors import ParseError
from index.parsers.author import day, names
from index.parsers.numerals import raised
from index.parsers.rtf_signs import ASIDE, KEPT, SIGNS, SKIPPED, of_charset, of_page
from index.parsers.rtf_table import Row, texts_of
from index.parsers.writer import Writer
from index.records import Document, Extent

_TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,9})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([^\\{}]+)|\\",
    re.DOTALL,
)
_HEADING = re.compile(r"heading (\d)\b", re.IGNORECASE)
LONGEST = 200  # characters of a heading; a whole paragraph in a heading's style is none


def parse_rtf(data: bytes, document_id: str, digest: str) -> Document:
    """Read rich text; title, author and date are those of its properties.

    Raises:
        ParseError: it is no rich text.
    """
    if not data.lstrip().startswith(b"{\\rtf"):
        raise ParseError("The file is no rich text, as its name says.")
    writer = Writer()
    reading = _Reading(writer)
    reading.read(data.lstrip().decode("latin-1"))
    writer.end_section()
    facts = reading.facts()
    return Document(
        document_id,
        facts.pop("title", "") or writer.title(document_id),
        writer.text(),
        tuple(writer.blocks),
        "rtf",
        digest,
        facts,
        Extent(writer.left_out, unread=reading.unread),
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds until a group ends. ``into`` names where its text goes."""

    into: str = "text"
    depth: int = 0  # of the group whose end completes what goes there
    skipped: bool = False
    hidden: bool = False
    is_raised: bool = False
    encoding: str = ""
    fallback: int = 1  # characters after a Unicode one, for programs that know none


class _Reading:
    """Goes through the tokens of a file and writes each paragraph when it ends."""

    def __init__(self, writer: Writer) -> None:
        self.unread: tuple[str, ...] = ()
        self._writer = writer
        self._group = _Group()
        self._groups: list[_Group] = []
        self._texts: dict[str, list[str]] = {}
        self._bytes = bytearray()
        self._encoding = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._levels: dict[int, int] = {}  # style: level of heading
        self._style = 0
        self._level = 0
        self._in_table = False
        self._rows: list[Row] = []
        self._row = Row()
        self._times: dict[str, str] = {}
        self._after: list[str] = []  # notes and text boxes
        self._item = False  # the paragraph is an item of a list

    def read(self, source: str) -> None:
        """Write all that is in a file."""
        place, skip, star = 0, 0, False
        while place < len(source):
            found = _TOKEN.match(source, place)
            if found is None:
                break
            place = found.end()
            word, number, code, sign, brace, text = found.groups()
            if brace:
                skip = 0
                if not self._brace(brace):
                    break
            elif word:
                value = int(number) if number else None
                if word == "bin":
                    place += max(value or 0, 0)
                elif word == "u" and value is not None:
                    self._put(chr(value % 65536))
                    skip = self._group.fallback
                    continue
                elif skip and word in SIGNS:
                    skip -= 1
                else:
                    self._word(word, value, star)
            elif sign and sign not in "*'":
                if sign in "\r\n":
                    self._end_paragraph()
                elif sign in SIGNS:
                    self._put(SIGNS[sign])
            elif code and skip:
                skip -= 1
            elif code:
                self._raw(bytes.fromhex(code))
            elif text:
                text = text.replace("\r", "").replace("\n", "")
                self._raw(text[skip:].encode("latin-1", "replace"))
                skip = max(0, skip - len(text))
            star = sign == "*"
        if self._groups:
            self.unread = ("What it lacks: it ends too early.",)
        while self._groups:
            self._brace("}")
        self._end_paragraph(at_end=True)

    def facts(self) -> dict[str, str]:
        """Title, author and date."""
        title, author = ("".join(self._texts.get(name, ())) for name in ("title", "author"))
        dates = (day(self._times.get(name)) for name in ("revtim", "creatim"))
        facts = {
            "title": " ".join(title.split()),
            "author": names([author]),
            "date": next(filter(None, dates), ""),
        }
        return {name: value for name, value in facts.items() if value}

    def _brace(self, brace: str) -> bool:
        """Begin or end a group; whether there is more of the file."""
        self._flush()
        if brace == "{":
            self._groups.append(self._group)
            return True
        ended = self._group
        self._group = self._groups.pop() if self._groups else _Group()
        if ended.into != self._group.into:
            self._complete(ended.into)
        elif ended.into == "stylesheet":
            self._complete("stylesheet")
        return bool(self._groups)

    def _complete(self, into: str) -> None:
        """What has been gathered beside the text has come to its end."""
        text = "" if into in ("title", "author") else "".join(self._texts.pop(into, ()))
        if into == "aside":
            self._writer.leave_out(text)
        elif into in ("footnote", "shptxt"):
            self._after += [text] if into == "footnote" else text.split("\n")
        elif into == "stylesheet":
            if found := _HEADING.match(text.strip()):
                self._levels[self._style] = int(found[1])
            self._style = 0
        elif into == "mark":
            self._item = self._group.into == "text" and not self._in_table
            if any(map(str.isalnum, text)):  # no bullet
                self._texts.setdefault(self._group.into, []).append(f"{text.strip()} ")

    def _word(self, word: str, value: int | None, star: bool) -> None:
        self._flush()
        group = self._group
        if word in SIGNS:
            self._put(SIGNS[word])
        elif word in ASIDE:
            self._group = replace(group, into="aside")
        elif word in ("footnote", "shptxt", "title", "author", "stylesheet", "fonttbl"):
            is_fact = word in ("title", "author")
            if not is_fact or group.into == "info":
                self._group = replace(group, into=word, skipped=False)
        elif word in ("listtext", "pntext"):
            self._group = replace(group, into="mark")
        elif word in ("info", "creatim", "revtim"):
            self._group = replace(group, into=word)
        elif word == "ud":
            self._group = replace(group, skipped=False)
        elif word in SKIPPED or (star and word not in KEPT):
            self._group = replace(group, skipped=True)
        elif word in ("par", "sect", "cell", "row"):
            self._end(word)
        else:
            self._form(word, value)

    def _form(self, word: str, value: int | None) -> None:
        """A word that says how what follows looks, or what it is."""
        group, on = self._group, value != 0
        if word in ("v", "deleted"):
            self._group = replace(group, hidden=on)
        elif word in ("super", "nosupersub", "sub"):
            self._group = replace(group, is_raised=word == "super" and on)
        elif word == "plain":
            self._group = replace(group, hidden=False, is_raised=False, encoding="")
        elif word == "uc":
            self._group = replace(group, fallback=max(0, value or 0))
        elif word == "ansicpg":
            self._encoding = of_page(value or 1252)
        elif word in ("mac", "pc", "pca"):
            self._encoding = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}[word]
        elif word == "f" and group.into == "fonttbl":
            self._font = value or 0
        elif word == "fcharset":
            self._fonts[self._font] = of_charset(value or 0)
        elif word == "f":
            self._group = replace(group, encoding=self._fonts.get(value or 0, ""))
        elif word in ("yr", "mo", "dy") and group.into in ("creatim", "revtim"):
            part = f"{value or 0:04}" if word == "yr" else f"-{value or 0:02}"
            self._times[group.into] = self._times.get(group.into, "") + part
        elif word == "pard":
            self._style = self._level = 0
            self._in_table = False
        elif word == "s":
            self._style = value or 0
        elif word == "outlinelevel":
            self._level = (value or 0) + 1
        elif word == "intbl":
            self._in_table = True
        elif word == "trowd":
            self._row.merges.clear()
            self._row.is_head = False
        elif word == "trhdr":
            self._row.is_head = True
        elif word in ("clmrg", "clvmrg"):
            self._row.merge = "across" if word == "clmrg" else "down"
        elif word == "cellx":
            self._row.merges.append(self._row.merge)
            self._row.merge = ""

    def _raw(self, data: bytes) -> None:
        if not self._group.skipped:
            self._bytes += data

    def _flush(self) -> None:
        """Turn the bytes since the last control word into text."""
        if self._bytes:
            data, self._bytes = bytes(self._bytes), bytearray()
            self._put(data.decode(self._group.encoding or self._encoding, "replace"))

    def _put(self, text: str) -> None:
        self._flush()
        group = self._group
        if group.skipped:
            return
        if group.hidden:
            self._writer.leave_out(text)
            return
        text = raised(text) if group.is_raised else text
        self._texts.setdefault(group.into, []).append(text)

    def _end(self, word: str) -> None:
        if self._group.skipped:
            return
        if self._group.into != "text":
            self._put("\n")
        elif word == "cell":
            self._row.cells.append("".join(self._texts.pop("text", ())))
        elif word == "row":
            self._rows.append(self._row)
            self._row = Row(merges=list(self._row.merges))
        elif self._in_table:
            self._put("\n")
        else:
            self._end_paragraph()

    def _end_paragraph(self, *, at_end: bool = False) -> None:
        self._flush()
        text = "".join(self._texts.pop("text", ())).strip()
        if at_end and self._row.cells:
            self._rows.append(self._row)
        if self._rows:
            for row in texts_of(self._rows):
                self._writer.add(row)
            self._rows = []
        level = self._level or self._levels.get(self._style, 0)
        if text and 0 < level < 10 and len(text) <= LONGEST:
            self._writer.begin_section(level, " ".join(text.split()))
        else:
            self._writer.item = self._item and bool(text)
            self._writer.add(text)
        self._item = False
        for one in self._after:
            self._writer.add(one)
        self._after.clear()
