"""What kind of answer a question wants, told by its form; English only, "fact" where in doubt."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["fact", "definition", "list", "why", "how", "yes or no"]

_ASIDE = r"(?:please |so |and |but |then |can you |could you |tell me |explain )*"
_WHY = re.compile(
    rf"{_ASIDE}(?:why\b|for what (?:reason|purpose)|how come\b|"
    r"what (?:is|are|was|were) the (?:reason|cause|purpose|point)s?\b|what (?:caused|led to)\b)"
)
_HOW = re.compile(
    rf"{_ASIDE}how (?:to|do|does|did|is|are|was|were|can|could|should|would|will|has|have|had)\b"
)
_YES_OR_NO = re.compile(
    rf"{_ASIDE}(?:is|are|was|were|do|does|did|can|could|may|must|should|will|would|has|have|had|"
    r"isn't|aren't|doesn't|don't|can't)\b"
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


def kind_of(query: str) -> Kind:
    """The kind of a question. ``"Why do cells divide?"`` is ``"why"``."""
    asked = " ".join(query.lower().split())
    if _WHY.match(asked):
        return "why"
    if _HOW.match(asked):
        return "how"
    if topic_of(query):
        return "definition"
    if _LIST.match(asked):
        return "list"
    return "yes or no" if _YES_OR_NO.match(asked) else "fact"


def topic_of(query: str) -> str:
    """What a definition is asked of, in lower case; empty for all other questions.

    ``"What is a memorandum of understanding?"`` asks of one, ``"Where is it?"`` of none.
    """
    asked = " ".join(query.lower().split())
    match = None if _LIST.match(asked) else _DEFINITION.fullmatch(asked)
    named = match and next(name for name in match.groupdict().values() if name)
    return named.strip("\"'“”‘’") if named else ""


def defines(sentence: str, topic: str) -> bool:
    """Whether a sentence says what the topic is, in its first words."""
    name = re.escape(topic)
    return bool(
        re.match(
            rf"\W*(?:\w+ly, )?(?:an? |the |by |this )?{name}s?\b(?:\W+\([^)]*\))?(?:,[^,.]*,)?\W+"
            r"(?:is|are|was|were|means?|refers? to|denotes?|describes?|consists? of|comprises?"
            r"|serves? as|involves?|appl(?:y|ies)(?! to\b))\b",
            sentence.lower(),
        )
    )
