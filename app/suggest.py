"""Questions to begin with, made from the titles and headings of the corpus and tried out.

Only what the library answers well is suggested. Nothing is written here that a person could not
have asked: headings that are questions stand as they are, others are put into one of few forms
or, last of all, are asked as the topics they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from index.records import Answer
from index.search import Searcher

MOST = 4
TRIED = 24

# Words that begin with a capital letter and go on with small ones; no shouting, no markup.
_TOPIC = re.compile(r"[^\W\d_a-z][^\W\d_]*[^\W\d_A-Z](?:,? [\w'-]+)*")
_NAME = re.compile(r"[^\W\d_][\w'-]*(?: [\w'-]+){0,3}")
_OF = re.compile(r"^The (\w+(?: \w+)?) of (?:the )?([\w' -]+)$", re.IGNORECASE)


def suggest(searcher: Searcher, ask: Callable[[str], Answer]) -> list[str]:
    """At most ``MOST`` questions that are answered with a strong or partial match."""
    found: list[str] = []
    for tried, question in enumerate(_candidates(searcher)):
        if len(found) == MOST or tried == TRIED:
            break
        reply = ask(question)
        if reply.match in ("strong", "partial") and question not in found:
            found.append(question)
    return found


def _candidates(searcher: Searcher) -> Iterator[str]:
    """The first question of each document, then the second of each, and so on."""
    table = searcher.snapshot.table
    queues = [
        list(_questions(summary.title, summary.id, searcher))
        for summary in table.documents()[:TRIED]
    ]
    while any(queues):
        for queue in queues:
            if queue:
                yield queue.pop(0)


def _questions(title: str, document_id: str, searcher: Searcher) -> Iterator[str]:
    passages = searcher.snapshot.table.passages(document_id)
    topic = title.split(":")[0].strip()
    if _NAME.fullmatch(topic) and (name := _as_written(topic, [p.text for p in passages])):
        yield f"What is {name}?"
    headings = dict.fromkeys(passage.headings[-1] for passage in passages if passage.headings)
    for heading in headings:
        if heading.endswith("?") and len(heading) <= 80:
            yield heading
        elif found := _OF.match(heading.strip()):
            yield f"What is the {_lower(found.group(1))} of {_lower(found.group(2)).strip()}?"
    # A topic as it stands is a fair question where there is no better one.
    for heading in (title, *headings):
        if not heading.endswith("?") and len(heading.split()) <= 5 and _TOPIC.fullmatch(heading):
            yield heading


def _as_written(topic: str, texts: list[str]) -> str:
    """A title as running text has it, a name with its article; nothing where it does not occur.

    ``"Department of Defense"`` is ``"the Department of Defense"`` there, and ``"Defense
    Diplomacy"`` is ``"defense diplomacy"``.
    """
    small, inside = _lower(topic), r"(?<=[a-z,;] )"  # where a capital says something
    counts = {
        form: sum(len(re.findall(pattern, text)) for text in texts)
        for form, pattern in {
            f"the {topic}": rf"{inside}the {re.escape(topic)}\b",
            topic: rf"{inside}(?<!\bthe ){re.escape(topic)}\b",
            small: rf"\b{re.escape(small)}\b",
        }.items()
    }
    best = max(counts, key=lambda form: counts[form])
    if counts[best]:
        return best
    return small if any(topic.lower() in text.lower() for text in texts) else ""


def _lower(words: str) -> str:
    """Title case taken back; what has capitals inside (NATO, FAISS) keeps them."""
    return " ".join(
        word if any(letter.isupper() for letter in word[1:]) else word.lower()
        for word in words.split()
    )
