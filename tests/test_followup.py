"""What a follow-up question leans on, and that a question of its own leans on nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.followup import MOST, carried, telling, whole

BEFORE = "How deep is the harbour of Porvenir?"


@pytest.mark.parametrize(
    "question",
    [
        "And when?",
        "Why?",
        "What about ships?",
        "How much does it cost?",
        "Tell me more",
        "Are they expensive?",
        "Who pays for that?",
        "Who lives there?",
        "What does she say?",
        "Which is the last?",
        "And in winter?",
        "And the ships that pay?",
    ],
)
def test_a_follow_up_carries_the_telling_words_over(question: str) -> None:
    assert carried(question, BEFORE) == ("deep", "harbour", "Porvenir")


def test_a_word_that_is_there_already_is_not_carried_over() -> None:
    assert carried("Is it deep in the harbours of Castro?", BEFORE) == ("Porvenir",)


@pytest.mark.parametrize(
    "question",
    [
        "Who pays the berth fee in Castro?",
        "berth fee",
        "What is defense diplomacy?",
        "Who built the lighthouse?",
        "And how many people live in the town of Castro today?",
        "What does it say about warships and their fees in port?",
        "Is there a fee for warships?",
        "Are there limits?",
        "Which ships that visit pay?",
        "Who owns the first hive?",
        "Does honey need more sugar?",
        "How much is one berth?",
    ],
)
def test_a_question_of_its_own_carries_nothing_over(question: str) -> None:
    assert carried(question, BEFORE) == ()


def test_without_a_question_before_nothing_is_carried_over() -> None:
    assert carried("And when?", "") == ()


def test_a_chain_of_follow_ups_keeps_the_topic() -> None:
    about = carried("And when?", BEFORE)
    assert carried("Why?", whole("And when?", about)) == about


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_is_carried_over_stands_in_the_question_before(question: str, before: str) -> None:
    words = carried(question, before)
    assert set(words) <= set(telling(before))
    assert len(words) <= MOST
    assert whole(question, words).startswith(question)
