"""How much of a question's wording a passage has, reckoned by hand."""

from __future__ import annotations

import pytest

from index.lexical import Fields, LexicalIndex
from index.wording import TOGETHER, Wording

NAMES = ["The old mill", "A new mill", "The river", "Old boats on the river"]


@pytest.fixture
def lexical() -> LexicalIndex:
    return LexicalIndex.from_fields(Fields("", "", name) for name in NAMES)


def test_words_that_few_passages_have_count_more(lexical: LexicalIndex) -> None:
    terms = Wording.of("Which boats were at the old mill?", lexical).terms
    assert set(terms) == {"boat", "old", "mill"}
    assert terms["boat"] > terms["old"] == pytest.approx(terms["mill"])
    assert sum(terms.values()) == pytest.approx(1)


def test_a_question_of_question_words_alone_is_about_them(lexical: LexicalIndex) -> None:
    assert set(Wording.of("What can?", lexical).terms) == {"what", "can"}


def test_words_in_one_sentence_count_more_than_in_two(lexical: LexicalIndex) -> None:
    asked = Wording.of("river mill", lexical)
    near = asked("", ["A mill by a river.", "A boat."])
    far = asked("", ["A mill by a hill.", "A boat on a river."])
    assert near == pytest.approx(TOGETHER)
    assert far < near


def test_words_side_by_side_as_they_were_asked_count(lexical: LexicalIndex) -> None:
    asked = Wording.of("old mill", lexical)
    assert asked("", ["The old mill burned."]) == pytest.approx(1)
    assert asked("", ["The mill is old."]) == pytest.approx(TOGETHER)


def test_the_title_counts_with_each_sentence(lexical: LexicalIndex) -> None:
    asked = Wording.of("old mill fire", lexical)
    with_title = asked("The old mill", ["A fire broke out."])
    assert with_title > asked("The old boat", ["A fire broke out."])
    assert asked.shared({"old", "mill", "fire"}) == pytest.approx(1)


@pytest.mark.parametrize("query", ["", "?!", "🦆", "the of and"])
def test_a_question_without_a_telling_word_shares_nothing_but_itself(
    query: str, lexical: LexicalIndex
) -> None:
    asked = Wording.of(query, lexical)
    assert asked("", ["The old mill."]) == 0
    assert asked("", []) == 0
