"""From a document to its passages: quotable paragraphs that fit the encoder's window.

A paragraph is a passage. One that is too long is split at sentence ends into parts of even
length; one too short to say anything is joined to its neighbour under the same heading, and the
items of a short list to the words that lead to them. Headings are no passages: they are the path
above them. Nothing is cut off and nothing overlaps.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from index.records import Block, Document, Passage, Span

SPLITTER = "paragraphs-6"
"""Changes whenever the same file would give other passages."""

TINY = 80
"""Paragraphs shorter than this, in characters, look for a neighbour."""

_CAPITAL = r"[A-Z][\w/’'-]*"
_NUMBER = re.compile(
    r"\(?\d{1,3}(?:\.\d{1,3})*[.)]*|"
    rf"(?:\d{{1,3}}\.)+\d{{0,3}}\s+{_CAPITAL}(?:\s+(?:{_CAPITAL}|of|and|or|the|for|to|in)){{0,5}}"
    r"\.{1,2}"
)
"""The number of a paragraph, ``2.`` or ``(1)``, and the heading that runs into it: ``2. Fees.``"""

_ITEM = re.compile(r"\(\w{1,3}\)\s")
LISTED = re.compile(r"(?:\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]|(?:\d{1,3}\.)+\d{0,3}|[•▪●○■◦–—-])\s")
"""How an item of a list begins."""

LEADS = (":", "—")
"""How what leads to a list ends."""

_SHORT = re.compile(
    r"(?<![\w.])(?:[Ss]tat|[Cc]h|[Nn]os?|[Ss]ecs?|[Aa]rts?|[Pp]aras?|[Vv]ol|[Aa]pp|[Ff]ig|[Pp]p?)\.$"
)
"""An abbreviation that a number follows: ``104 Stat. 450``."""

_AND = re.compile(r"[,;] (?:and|or)$")

JOINED = 600
"""Joined paragraphs grow no longer than this, in characters."""

COARSE = 20_000
"""Paragraphs longer than this, in characters, are cut at white space before all else."""

LONGEST_TOKEN = 16
"""Characters that count as one token at least: some tokenizers take any string for one word."""


@dataclass(frozen=True, slots=True)
class Window:
    """The room an encoder has for one passage: ``size`` tokens, as ``tokens`` counts them."""

    size: int
    tokens: Callable[[Sequence[str]], list[int]]

    def count(self, texts: Sequence[str]) -> list[int]:
        """How much of the window each text takes."""
        counts = zip(texts, self.tokens(texts), strict=True)
        return [max(tokens, len(text) // LONGEST_TOKEN) for text, tokens in counts]


def context_of(title: str, headings: Sequence[str]) -> str:
    """What is put before a passage when it is encoded: its title and headings, on one line."""
    path = [title, *(heading for heading in headings if heading != title)]
    return " › ".join(path)


def split(document: Document, window: Window) -> list[Passage]:
    """Cut a document into passages, none of which exceeds ``window``.

    ``document.text[p.start:p.end] == p.text`` holds for each, and every character of every
    block is in exactly one of them but for the white space between sentences.
    """
    passages: list[Passage] = []
    seen: dict[str, int] = {}
    for block in _fitting(document, _joined(document), window):
        text = document.text[block.start : block.end]
        repeat = seen.get(text, 0)
        seen[text] = repeat + 1
        passages.append(
            Passage(
                id=passage_id(document.id, text, repeat),
                document_id=document.id,
                title=document.title,
                headings=block.headings,
                number=len(passages) + 1,
                start=block.start,
                end=block.end,
                text=text,
                sentences=tuple(sentences(text)),
                line=block.line,
                page=block.page,
            )
        )
    return passages


def cut_tokens(passages: Sequence[Passage], window: Window) -> int:
    """How many tokens of titles and headings the encoder does not see, each path counted once.

    It cuts a path that takes half the window to two tokens less; passages themselves always fit.
    """
    paths = {context_of(passage.title, passage.headings) for passage in passages}
    half = window.size // 2
    long = [path for path in paths if len(path) > half]  # no token is shorter than a character
    return sum(max(0, tokens - (half - 2)) for tokens in window.tokens(long))


def passage_id(document_id: str, text: str, repeat: int = 0) -> str:
    """Sixteen hex digits of a SHA-256; ``repeat`` tells equal texts of one document apart."""
    content = f"{document_id}\0{text}\0{repeat}" if repeat else f"{document_id}\0{text}"
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def sentences(text: str) -> Iterator[Span]:
    """Where the sentences of a text begin and end, without the white space around them.

    Boundaries by sentencex (abbreviations, initials, decimals, quotes). The number of a paragraph
    or of an item, with a heading of a few words behind it, belongs to what follows, and items that
    commas set apart are one sentence. A text that holds anything but white space has at least one.
    """
    held: Span | None = None  # what belongs to the next one
    for start, end in _bounded(text):
        begin = held[0] if held else start
        if held and not _belongs(text, held, (start, end)):
            yield held
            begin = start
        if (
            _NUMBER.fullmatch(text, begin, end)
            or text[end - 1] in ",:"
            or _AND.search(text, max(begin, end - 5), end)
            or _SHORT.search(text, max(begin, end - 6), end)
        ):
            held = begin, end
        else:
            yield begin, end
            held = None
    if held:
        yield held


def _belongs(text: str, held: Span, after: Span) -> bool:
    """Whether a part of a sentence, or its number, goes on with what follows."""
    if _SHORT.search(text, max(0, held[1] - 6), held[1]):
        return text[after[0]].isdigit()
    if _NUMBER.fullmatch(text, *held):
        return not _NUMBER.fullmatch(text, *after)
    on = "\n" not in text[held[1] : after[0]] and after[1] - held[0] <= JOINED
    return on and (text[held[1] - 1] != ":" or _ITEM.match(text, *after) is not None)


def _bounded(text: str) -> Iterator[Span]:
    import sentencex

    for boundary in sentencex.get_sentence_boundaries("en", text):
        start, end = boundary["start_index"], boundary["end_index"]
        sentence = text[start:end]
        start += len(sentence) - len(sentence.lstrip())
        end -= len(sentence) - len(sentence.rstrip())
        if start < end:
            yield start, end


def _joined(document: Document) -> Iterator[Block]:
    """Blocks with the tiny ones joined to the one before or after under the same headings.

    So are the items of a list to what leads to them.
    """
    text = document.text
    held: Block | None = None
    leads = False
    for block in document.blocks:
        together = held is not None and held.headings == block.headings and held.page == block.page
        item = block.item or LISTED.match(text, block.start) is not None
        listed = leads and together and item
        leads = listed or text.endswith(LEADS, block.start, block.end)
        if (
            held is not None
            and together
            and block.end - held.start <= JOINED
            and (listed or held.end - held.start < TINY or block.end - block.start < TINY)
        ):
            held = replace(held, end=block.end)
            continue
        if held is not None:
            yield held
        held = block
    if held is not None:
        yield held


def _fitting(document: Document, blocks: Iterator[Block], window: Window) -> Iterator[Block]:
    waiting = [part for block in blocks for part in _coarse(document.text, block)]
    texts = [document.text[block.start : block.end] for block in waiting]
    contexts = window.count([context_of(document.title, block.headings) for block in waiting])
    sizes = window.count(texts)
    for block, text, context, size in zip(waiting, texts, contexts, sizes, strict=True):
        # A context longer than half the window is cut by the encoder, never the passage.
        free = max(window.size - context, window.size // 2)
        if size <= free:
            yield block
        else:
            yield from _cut(document.text, block, _parts(text, free, window))


def _coarse(text: str, block: Block) -> Iterator[Block]:
    """A block as it is or, where it is enormous, in pieces that can be worked on."""
    if block.end - block.start <= COARSE:
        yield block
        return
    yield from _cut(text, block, _steps(text[block.start : block.end], COARSE))


def _cut(text: str, block: Block, spans: Iterator[Span]) -> Iterator[Block]:
    """The parts of a block, each with its own line."""
    line, done = block.line, block.start
    for start, end in spans:
        if line is not None:
            line += text.count("\n", done, block.start + start)
            done = block.start + start
        yield replace(block, start=block.start + start, end=block.start + end, line=line)


def _parts(text: str, free: int, window: Window) -> Iterator[Span]:
    """Whole sentences gathered into parts of even size, each of at most ``free`` tokens."""
    spans = list(sentences(text))
    sizes = window.count([text[start:end] for start, end in spans])
    pieces: list[Span] = []
    for (start, end), size in zip(spans, sizes, strict=True):
        if size <= free:
            pieces.append((start, end))
        else:
            pieces.extend(
                (start + a, start + b) for a, b in _short(text[start:end], size, free, window)
            )
    sizes = window.count([text[start:end] for start, end in pieces])
    target = sum(sizes) / -(-sum(sizes) // free)
    part: list[Span] = []
    filled = 0
    for piece, size in zip(pieces, sizes, strict=True):
        if part and (filled + size > free or filled + size / 2 > target):
            yield part[0][0], part[-1][1]
            part, filled = [], 0
        part.append(piece)
        filled += size
    if part:
        yield part[0][0], part[-1][1]


def _short(sentence: str, size: int, free: int, window: Window) -> Iterator[Span]:
    """A sentence that alone exceeds ``free`` tokens, cut at white space until nothing does."""
    for start, end in _steps(sentence, max(1, len(sentence) * free // (size + 1))):
        size = window.count([sentence[start:end]])[0]
        if size <= free or end - start == 1:
            yield start, end
        else:
            inner = _short(sentence[start:end], size, free, window)
            yield from ((start + a, start + b) for a, b in inner)


def _steps(text: str, length: int) -> Iterator[Span]:
    """Spans of at most ``length`` characters that end at white space where there is some."""
    start = 0
    while start < len(text):
        stop = min(len(text), start + length)
        if stop < len(text):
            space = max(text.rfind(" ", start, stop), text.rfind("\n", start, stop))
            stop = space if space > start else stop
        end = stop
        while end > start and text[end - 1].isspace():
            end -= 1
        if end > start:
            yield start, end
        start = stop
        while start < len(text) and text[start].isspace():
            start += 1
