"""The words that a reader sees in an element of a web page, and those that are left out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from index.parsers.author import description
from index.parsers.numerals import formula, raised
from index.parsers.writer import Writer

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode as Node

NO_TEXT = frozenset(
    "script style template noscript iframe object embed canvas audio video head".split()
)
LEFT_OUT = NO_TEXT | frozenset(
    "nav form button input select textarea svg map dialog menu rt rp".split()
)
BLOCKS = frozenset(
    "p div section article main header footer aside ul ol li dl dt dd blockquote pre figure "
    "figcaption table tr td th caption address details summary center body html hgroup fieldset "
    "h1 h2 h3 h4 h5 h6 hr form legend optgroup".split()
)
_ROLES = frozenset("navigation banner contentinfo search menu menubar toolbar dialog".split())
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
BREAK = "\x00"  # stands for <br> until white space has been made one space
SOFT = "\u00ad"  # a hyphen that is seen at the end of a line only
_PAGE = "data-is-page"
DEEPEST = 250  # elements inside each other; deeper ones are read as one text


INLINE = frozenset("br img sup math".split())


def inline(node: Node, writer: Writer, depth: int = 0) -> str:
    """What is seen of an element that is one sign or a few; nothing of one that is left out."""
    if node.tag == "-text":
        return node.text_content or ""
    if node.tag == "br":
        return f" {BREAK} "
    if is_left_out(node):
        leave_out(node, writer)
        return ""
    if node.tag == "img":
        return f" {description(node.attributes.get('alt'))} "
    if node.tag == "math":
        return f" {_formula(node)} "
    return raised(visible(node, writer, depth=depth + 1))


def visible(node: Node, writer: Writer, *, tables: bool = True, depth: int = 0) -> str:
    """The text of an element on one line, without what is left out, which the writer counts.

    It may be wanted without ``tables`` inside it.
    """
    if depth > DEEPEST:
        return " ".join(node.text(separator=" ").split())
    parts: list[str] = []
    for child in node.iter(include_text=True):
        tag = child.tag or ""
        if tag == "-text" or tag in INLINE or is_left_out(child):
            parts.append(inline(child, writer, depth))
        elif tables or tag != "table":
            apart = " " if tag in BLOCKS else ""
            inner = visible(child, writer, tables=tables, depth=depth + 1)
            raw = child.text()
            # White space at the edges of an inline element sets words apart.
            before = " " if raw[:1].isspace() else apart
            parts.append(f"{before}{inner}{' ' if raw[-1:].isspace() else apart}")
    return " ".join("".join(parts).replace(BREAK, " ").replace(SOFT, "").split())


def leave_out(node: Node, writer: Writer) -> None:
    """Count the text of an element that is not kept."""
    writer.leave_out(" ".join(_words(node)))


def _words(node: Node) -> list[str]:
    parts: list[str] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.tag == "-text":
            parts.append(one.text_content or "")
        elif one.tag not in NO_TEXT:
            waiting.extend(one.iter(include_text=True))
    return parts


def is_left_out(node: Node) -> bool:
    if node.tag in LEFT_OUT:
        return node.tag != "form" or _PAGE not in node.attributes
    return is_hidden(node)


def is_hidden(node: Node) -> bool:
    """Whether an element says that it is not seen, or that it is there to find one's way."""
    attributes = node.attributes
    if attributes and "note" in f"{attributes.get('epub:type')} {attributes.get('role')}":
        return False  # a note that is hidden until someone points at its number
    return bool(attributes) and (
        attributes.get("role") in _ROLES
        or attributes.get("aria-hidden") == "true"
        or attributes.get("hidden", "until-found") != "until-found"
        or bool(_HIDDEN.search(attributes.get("style") or ""))
    )


def mark_pages(root: Node) -> None:
    """Tell forms that hold the page, as some servers have it: its title, or most of its words."""
    forms = root.css("form")
    whole = len("".join(_words(root))) if forms else 0
    for form in forms:
        if form.css_first("h1, main, article") or 2 * len("".join(_words(form))) > whole:
            form.attrs[_PAGE] = ""


def seen(nodes: Iterable[Node], writer: Writer) -> list[Node]:
    """Those that are not left out; the writer counts the others."""
    kept = []
    for node in nodes:
        if is_left_out(node):
            leave_out(node, writer)
        else:
            kept.append(node)
    return kept


def as_it_is(node: Node) -> str:
    """The text of an element with its line ends."""
    parts = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.tag == "-text":
            parts.append(one.text_content or "")
        elif one.tag == "br":
            parts.append("\n")
        elif one.tag not in NO_TEXT:
            waiting.extend(reversed(list(one.iter(include_text=True))))
    return "".join(parts)


def _formula(node: Node, depth: int = 0) -> str:
    if node.tag == "-text" or depth > DEEPEST:
        return (node.text() or node.text_content or "").strip()
    if node.tag in ("annotation", "annotation-xml"):
        return ""
    inner = node.iter(include_text=True)
    return formula(node.tag or "", [_formula(child, depth + 1) for child in inner])
