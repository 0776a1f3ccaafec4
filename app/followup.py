"""Follow-up questions: which words of the question before one leans on.

"And when?" says nothing of what is meant; the telling words of the question before do. They are
shown to the person who asks and can be taken away: nothing is carried over silently.
"""

from __future__ import annotations

import re

from index.lexical import terms_of
from index.wording import QUESTION_WORDS

FEW = 3
"""Telling words up to which a question may lean on the one before."""

MOST = 8
"""Words that are carried over at most."""

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_LEANS = re.compile(
    r"(?:and|but|so|or|also|then|what about|how about|what else|why|more|tell me more|go on|any)\b",
    re.IGNORECASE,
)
# "That" points back after a verb or a preposition, "there" at the end: "ships that pay" and "is
# there a fee" point at nothing.
_POINTS = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|this|these|else|others|"
    r"the (?:other|others|same|one|ones|former|latter|first|second|last)(?=\W*$))\b"
    r"|\b(?:is|are|was|were|do|does|did|has|have|had|about|of|for|with|in|by|from|to|on|at|than|"
    r"after|before|like) (?:that|those)\b|\bthere(?=\W*$)",
    re.IGNORECASE,
)
_POINTERS = frozenset(
    "it its they them their theirs this that these those he him his she her hers there then one "
    "ones such same else other others more former latter about tell from into with".split()
)
"""Words that tell nothing by themselves."""


def carried(question: str, before: str) -> tuple[str, ...]:
    """The words of the question ``before`` that this one needs; none where it stands on its own.

    It leans on the one before if it has no telling word of its own, or few of them and begins as
    follow-ups do ("And …", "What about …") or points back ("it", "they", "of those").
    """
    own = telling(question)
    asked = " ".join(question.split())
    leans = not own or (len(own) <= FEW and (_POINTS.search(asked) or _LEANS.match(asked)))
    if not leans:
        return ()
    have = {term for word in own for term in terms_of(word)}
    words = [word for word in telling(before) if not have.intersection(terms_of(word))]
    return tuple(dict.fromkeys(words))[:MOST]


def telling(question: str) -> list[str]:
    """The words of a question that say what it is about, as they are written."""
    return [
        word
        for word in _WORD.findall(question)
        if word.lower() not in _POINTERS
        and (terms := terms_of(word))
        and not QUESTION_WORDS.issuperset(terms)
    ]


def whole(question: str, about: tuple[str, ...]) -> str:
    """What is searched for: the question, and the words carried over."""
    return " ".join((question, *about))
