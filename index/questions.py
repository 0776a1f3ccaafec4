"""What kind of answer a question wants, told by its form; English only, "fact" where in doubt."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["fact", "definition", "list", "why", "how", "yes or no"]

# Possessive: what was read as an aside is not read again as the question itself.
_ASIDE = (
    r"(?:(?:hello|hi|hey|good morning|thanks)\W+|please |so |and |but |then |tell me |explain |"
    r"(?:can|could|would|will) you "
    r"(?=(?:please )?(?:tell|explain|say|list|name|define|describe|show)\b))*+"
)
_WHY = re.compile(
    rf"{_ASIDE}(?:why\b|for what (?:reason|purpose)|how come\b|"
    r"what (?:is|are|was|were) the (?:reason|cause|purpose)s?"
    r"(?= (?:for|of|why|that|behind|to)\b|\W*$)|what (?:caused|led to)\b)"
)
_HOW = re.compile(
    rf"{_ASIDE}(?:"
    r"how (?:to|do|does|did|is|are|was|were|can|could|should|would|will|has|have|had)\b|"
    r"what (?:should|must|do|can|to) (?:(?:i|we|you|one|people|staff) )?do\b|"
    r"(?:what are|which are|list) the steps\b)"
)
# Without a question mark "May 2024" and "will of the founder" are no questions.
_YES_OR_NO = re.compile(
    rf"{_ASIDE}(?=.*\?\W*$|\S+ (?:the|an?|it|there|this|that|these|those|they|he|she|you|i|we|any|"
    r"all|my|our|your|[a-z]+s)\b)(?:is|are|was|were|do|does|did|can|could|may|must|should|will|"
    r"would|has|have|had|isn't|aren't|doesn't|don't|can't)\b"
)
# A name of up to four words; "the capital of France" asks for more than what a capital is, and
# "the tallest building" for which one it is, but "a memorandum of understanding" is a name.
_NAME = (
    r"(?!(?:the|to|in|on|at|it|there|this|that|first|last|only|most|\w+est)\b)[^\s,?]+"
    r"(?: (?!(?:of|in|for|on|at|to|by|from|with|between|that|which|who|when|about)\b)"
    r"[^\s,?]+){0,3}?"
)
_NAME_OF = r"[^\s,?]+(?: [^\s,?]+){0,3}"
_DEFINITION = re.compile(
    rf"{_ASIDE}(?:(?:(?:what|who)(?: is| are| was| were|'s) (?:meant by )?|define )"
    rf"(?:an? (?P<a>{_NAME_OF})|(?:the )?(?P<plain>{_NAME}))"
    rf"|what do(?:es)? (?:an? |the )?(?P<meant>{_NAME}) (?:mean|stand for)"
    rf"|(?:what is )?(?:the )?(?:definition|meaning) of (?:an? |the )?(?P<of>{_NAME_OF})"
    r")\W*"
)
_LIST = re.compile(
    rf"{_ASIDE}(?:list\b|name (?:the|all|some|two|three|four|five)\b|enumerate\b|"
    r"what (?:are|were) (?:the|some|its|their|all)\b|"
    r"(?:what|which) (?:kinds?|types?|sorts?|ways|steps|parts|examples)\b|"
    r"(?:what|which) (?:[a-z]+ )?(?!is\b|was\b|does\b|has\b|this\b)[a-z]{3,}(?<![sui])s "
    r"(?:are|were|do|did|have|had|can|could|should|must|may)\b)"
)


_WHEN = re.compile(
    rf"{_ASIDE}(?:"
    r"when(?: (?:is|are|was|were|do|does|did|will|has|have|had|must|may|can)\b|\W*$)|"
    r"(?:in |on |since )?(?:what|which) (?:year|date|day|month)\b)"
)
_TIME = re.compile(
    r"\d|\b(?:jan|feb|march|april|may|june|july|aug|sept|oct|nov|dec|mon|tues|wednes|thurs|fri|satur|"
    r"sun|day|to-?day|yester|to-?morrow|week|month|year|hour|minute|second|decade|centur|quarter|"
    r"morning|noon|midday|midnight|evening|night|spring|summer|autumn|winter|easter|christmas|"
    r"before|after|until|till|during|while|when|once|since|upon|if|as soon|daily|annually|yearly|"
    r"immediate|always|never|now|each|every|begin|end\b|date|time|"
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)",
    re.IGNORECASE,
)


_UTMOST = re.compile(
    r"\b(?:most|least|fewest|best|worst|(?:high|low|larg|great|small|bigg|old|young|new|long|short|tall|"
    r"fast|slow|deep|wid|heavi|cheap|rich|poor|strong|near|clos|earli|lat)est)\b"
)


def lacks_time(query: str, sentence: str) -> bool:
    """Whether a question asks for a time, and a sentence tells of none but the question's own.

    ``"our first family day"`` does not say when family day is.
    """
    asked = _plain(query)
    if not _WHEN.match(asked):
        return False
    own = {*re.findall(r"[^\W\d]+", asked)} - {"when"}
    told = re.sub(r"[^\W\d]+", lambda word: "" if word[0].lower() in own else word[0], sentence)
    return not _TIME.search(told)


def lacks_utmost(query: str, row: str) -> bool:
    """Whether a question asks for the most of several, and a row of their table says no such word.

    A single row cannot tell which of all has won the most cups.
    """
    asked = _UTMOST.search(_plain(query))
    return asked is not None and asked[0] not in row.lower()


def kind_of(query: str) -> Kind:
    """The kind of a question. ``"Why do cells divide?"`` is ``"why"``."""
    asked = _plain(query)
    if _WHY.match(asked):
        return "why"
    if _HOW.match(asked):
        return "how"
    if topic_of(query):
        return "definition"
    if _LIST.match(asked):
        return "list"
    return "yes or no" if _YES_OR_NO.match(asked) else "fact"


def _plain(query: str) -> str:
    """A question in lower case on one line, with plain apostrophes and without quotes around it."""
    asked = " ".join(query.lower().replace("\u2019", "'").split())
    return asked.strip('"\u201c\u201d\u2018').strip()


def topic_of(query: str) -> str:
    """What a definition is asked of, in lower case; empty for all other questions.

    ``"What is a memorandum of understanding?"`` asks of one, ``"Where is it?"`` of none.
    """
    asked = _plain(query)
    match = None if _LIST.match(asked) else _DEFINITION.fullmatch(asked)
    named = match and next(name for name in match.groupdict().values() if name)
    if named and "'s " in named:
        return ""  # Anna's number is a fact
    return named.strip("\"'“”‘’") if named else ""


def defines(sentence: str, topic: str) -> bool:
    """Whether a sentence says what the topic is, in its first words, or as glossaries do.

    ``"3.1. Snapshot. An index that never changes."`` and ``"Snapshot: an index"`` define one.
    """
    name = re.escape(topic)
    entry = rf"(?:[\W\d]|[a-z][.)])*(?:an? |the )?{name}s?[.:]{{1,2}}\s+\w"
    return bool(
        re.match(entry, sentence.lower())
        or re.match(
            rf"\W*(?:\w+ly, )?(?:an? |the |by |this )?{name}s?\b(?:\W+\([^)]*\))?(?:,[^,.]*,)?\W+"
            r"(?:is|are|was|were|means?|refers? to|denotes?|describes?|consists? of|comprises?"
            r"|serves? as|involves?|appl(?:y|ies)(?! to\b))\b",
            sentence.lower(),
        )
    )
