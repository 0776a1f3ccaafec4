"""The words of a Word paragraph: links, insertions, formulas and signs, nothing that is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from index.parsers.numerals import office_formula, raised

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_DRAWN = ("}drawing", "}pict", "}object")
_NOT_SEEN = frozenset(f"{W}{name}" for name in "del moveFrom pPr rPr rt instrText delText".split())
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SIGNS = {  # fonts in which the place of a letter holds another sign
    "symbol": dict(
        zip(
            map(ord, _ALPHABET),
            "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖαβχδεφγηιϕκλμνοπθρστυϖωξψζ",
            strict=True,
        )
    )
    | dict(
        zip(
            (0xA2, 0xA3, 0xA5, 0xAC, 0xAE, 0xB0, 0xB1, 0xB3, 0xB4, 0xB8, 0xB9, 0xBB, 0xD6, 0xE5),
            "′≤∞←→°±≥×÷≠≈√∑",
            strict=True,
        )
    ),
    "wingdings": dict(zip((0x6F, 0xA8, 0xE0, 0xFB, 0xFC, 0xFD, 0xFE), "☐☐→✗✓☒☑", strict=True)),
}


def text_of(paragraph: Any) -> str:
    """What is seen of a paragraph; what is drawn in it and text boxes are not part of it."""
    return "".join(_parts(paragraph)).strip()


def hidden_texts(root: Any) -> Iterator[str]:
    """What stands below an element and is not shown: hidden, deleted, or how to read a word."""
    for run in root.iter(f"{W}r"):
        if is_on(run.find(f"{W}rPr/{W}vanish")):
            yield "".join(text.text or "" for text in run.iter(f"{W}t"))
    for reading in root.iter(f"{W}rt"):
        yield "".join(text.text or "" for text in reading.iter(f"{W}t"))
    for deleted in root.iter(f"{W}delText"):
        yield deleted.text or ""


def is_on(element: Any) -> bool:
    """Whether a property is there and not switched off."""
    return element is not None and element.get(f"{W}val") not in ("0", "false", "off")


def _parts(element: Any) -> Iterator[str]:
    for child in element:
        tag = child.tag
        if tag == f"{W}t":
            yield child.text or ""
        elif tag in (f"{W}tab", f"{W}ptab"):
            yield "\t"
        elif tag in (f"{W}br", f"{W}cr"):
            yield "\n"
        elif tag == f"{W}noBreakHyphen":
            yield "-"
        elif tag == f"{W}sym":
            yield _sign(child)
        elif tag == f"{W}r":
            yield from _run(child)
        elif tag == f"{W}fldChar":
            yield _chosen(child)
        elif tag == f"{M}oMath":
            yield office_formula(child)
        elif isinstance(tag, str) and tag.endswith("}AlternateContent"):
            # What stands there in two ways is read in the first that has text.
            yield next(filter(None, ("".join(_parts(way)) for way in child)), "")
        elif tag not in _NOT_SEEN and isinstance(tag, str) and not tag.endswith(_DRAWN):
            yield from _parts(child)


def _run(run: Any) -> Iterator[str]:
    properties = run.find(f"{W}rPr")
    if properties is None:
        yield from _parts(run)
    elif not is_on(properties.find(f"{W}vanish")):
        place = properties.find(f"{W}vertAlign")
        text = "".join(_parts(run))
        is_raised = place is not None and place.get(f"{W}val") == "superscript"
        yield raised(text) if is_raised else text


def _chosen(field: Any) -> str:
    """What is seen of a field of a form that is no text: whether it is ticked, or its item."""
    if (box := field.find(f"{W}ffData/{W}checkBox")) is not None:
        ticked = box.find(f"{W}checked")
        return "☒" if is_on(box.find(f"{W}default") if ticked is None else ticked) else "☐"
    items = [one.get(f"{W}val") or "" for one in field.iter(f"{W}listEntry")]
    chosen = field.find(f"{W}ffData/{W}ddList/{W}result")
    number = "0" if chosen is None else chosen.get(f"{W}val") or "0"
    return items[int(number)] if number.isdecimal() and int(number) < len(items) else ""


def _sign(element: Any) -> str:
    try:
        code = int(element.get(f"{W}char") or "", 16)
        font = (element.get(f"{W}font") or "").lower()
        private = 0xF000 <= code <= 0xF0FF
        return _SIGNS.get(font, {}).get(
            code & 0xFF if private else code, "" if private else chr(code)
        )
    except (ValueError, OverflowError):
        return ""
