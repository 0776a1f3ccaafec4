"""Training examples: the tokens that are marked as the answer are the answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.encoder import packaged_model
from index.extractor import LONGEST, QUESTION, Tokens
from training.data import squad
from training.train import row_of

PASSAGE = "The ferry to Sandholm leaves at nine. It carries forty cars and two hundred people."


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens(packaged_model())


@pytest.mark.parametrize("answer", ["nine", "forty cars", "The ferry to Sandholm", "people."])
@pytest.mark.parametrize("context", ["", "Ferries › Timetable"])
def test_the_marked_tokens_are_the_answer(tokens: Tokens, answer: str, context: str) -> None:
    start = PASSAGE.index(answer)
    row = row_of(tokens, "When?", context, PASSAGE, [(start, start + len(answer))])
    ((first, last),) = row.spans
    (pair,) = tokens.pairs("", [("", answer)])
    assert row.ids[first : last + 1] == pair.ids[pair.begin : -1]
    assert set(row.types[first : last + 1]) == {1}
    assert row.label == 1


def test_a_passage_without_an_answer_points_to_the_first_token(tokens: Tokens) -> None:
    row = row_of(tokens, "When?", "", PASSAGE, ())
    assert (row.spans, row.label) == ([(0, 0)], 0)


def test_an_answer_that_is_cut_off_is_not_marked(tokens: Tokens) -> None:
    text = "word " * 500 + "nine"
    row = row_of(tokens, "why " * 100, "", text, [(len(text) - 4, len(text))])
    assert row.spans == []
    assert len(row.ids) == LONGEST
    assert row.types.index(1) == QUESTION + 2


def test_articles_of_the_test_split_are_left_out(tmp_path: Path) -> None:
    def article(split: str) -> dict[str, object]:
        asked = {
            "id": split,
            "question": " When does  it leave? ",
            "answers": [{"text": "nine", "answer_start": 2 + PASSAGE.index("nine")}],
        }
        return {
            "title": f"The_{split}_ferry",
            "split": split,
            "paragraphs": [{"context": f"  {PASSAGE}", "qas": [asked]}],
        }

    path = tmp_path / "some.json"
    path.write_text(json.dumps({"data": [article("tune"), article("test")]}))
    questions, passages = squad(path)
    assert passages == [("The tune ferry", PASSAGE)]
    (question,) = questions
    assert question.text == "When does it leave?"
    assert [PASSAGE[start:end] for start, end in question.spans] == ["nine"]
