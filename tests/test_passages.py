"""Passages fit the window, begin and end where sentences do, and keep their names."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.passages import (
    COARSE,
    JOINED,
    LONGEST_TOKEN,
    TINY,
    Window,
    context_of,
    cut_tokens,
    passage_id,
    sentences,
    split,
)
from index.records import Block, Document, Passage


def count_words(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def window(size: int) -> Window:
    return Window(size, count_words)


def document(*paragraphs: str, headings: tuple[str, ...] = (), title: str = "T") -> Document:
    """A document of these paragraphs, each a block, a line below another."""
    text, blocks = "", []
    for paragraph in paragraphs:
        text += "\n\n" if text else ""
        line = text.count("\n") + 1
        blocks.append(Block(len(text), len(text) + len(paragraph), headings, line))
        text += paragraph
    return Document("d.txt", title, text, tuple(blocks), "text", "digest")


def texts(passages: list[Passage]) -> list[str]:
    return [passage.text for passage in passages]


def sentence(words: int, name: str = "word") -> str:
    return " ".join([name.capitalize(), *[name] * (words - 1)]) + "."


LONG = [
    f"Paragraph {number} is long enough to stand alone, {'so ' * 20}it does." for number in "123"
]


class TestParagraphs:
    def test_a_paragraph_is_a_passage(self) -> None:
        passages = split(document(*LONG), window(100))
        assert texts(passages) == LONG
        assert [passage.number for passage in passages] == [1, 2, 3]
        assert [passage.line for passage in passages] == [1, 3, 5]

    def test_a_passage_has_title_headings_and_page_of_its_block(self) -> None:
        made = Document("d", "T", LONG[0], (Block(0, len(LONG[0]), ("A", "B"), 4, 9),), "x", "")
        (passage,) = split(made, window(100))
        assert passage.document_id == "d"
        assert (passage.title, passage.headings) == ("T", ("A", "B"))
        assert (passage.line, passage.page) == (4, 9)

    def test_a_document_without_blocks_has_no_passages(self) -> None:
        assert split(document(), window(10)) == []


class TestTinyParagraphs:
    def test_one_joins_its_neighbour(self) -> None:
        assert texts(split(document("Tea:", LONG[0]), window(100))) == [f"Tea:\n\n{LONG[0]}"]
        assert texts(split(document(LONG[0], "So it was."), window(100))) == [
            f"{LONG[0]}\n\nSo it was."
        ]

    def test_many_of_them_join_until_it_is_enough(self) -> None:
        items = [f"item number {number}" for number in range(100)]
        passages = split(document(*items), window(1000))
        assert len(passages) > 1
        assert "\n\n".join(texts(passages)) == "\n\n".join(items)
        for passage in passages[:-1]:
            assert TINY <= len(passage.text) <= JOINED

    def test_none_joins_what_stands_under_another_heading_or_on_another_page(self) -> None:
        text = "one two three"
        for other in (Block(4, 7, ("B",)), Block(4, 7, ("A",), page=2)):
            made = Document("d", "T", text, (Block(0, 3, ("A",)), other), "x", "")
            assert texts(split(made, window(100))) == ["one", "two"]

    def test_none_joins_what_would_grow_too_long(self) -> None:
        long = sentence(150)
        assert len(long) > JOINED
        assert texts(split(document("Tea:", long), window(1000))) == ["Tea:", long]

    def test_the_items_of_a_list_join_what_leads_to_them(self) -> None:
        lead = f"{LONG[0][:-1]} and the fee is the lesser of these:"
        items = [f"({mark}) {LONG[1]}" for mark in "ab"]
        after = LONG[2]
        assert texts(split(document(lead, *items, after), window(200))) == [
            "\n\n".join([lead, *items]),
            after,
        ]
        assert len(split(document(LONG[0], *items), window(200))) == 3
        made = document(lead, *LONG[1:])
        assert len(split(made, window(200))) == 3
        first, second, third = made.blocks
        listed = replace(made, blocks=(first, replace(second, item=True), third))
        assert texts(split(listed, window(200))) == ["\n\n".join([lead, LONG[1]]), LONG[2]]

    def test_a_list_that_grows_too_long_is_cut(self) -> None:
        lead = f"{LONG[0][:-1]} and so are:"
        items = [f"{number}. {LONG[1]}" for number in range(1, 9)]
        passages = split(document(lead, *items), window(1000))
        assert max(len(passage.text) for passage in passages) <= JOINED
        assert "\n\n".join(texts(passages)) == "\n\n".join([lead, *items])

    def test_two_that_are_long_enough_stay_apart(self) -> None:
        one, two = "a" * TINY, "b" * TINY
        assert texts(split(document(one, two), window(1000))) == [one, two]
        assert texts(split(document(one[1:], two), window(1000))) == [f"{one[1:]}\n\n{two}"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2. The pier is closed. 3. Fees apply.", ["2. The pier is closed.", "3. Fees apply."]),
        ("(1) Lamps. (12) Boats.", ["(1) Lamps.", "(12) Boats."]),
        ("4.1. Fees apply.", ["4.1. Fees apply."]),
        ("2. Fees. They are paid. All pay.", ["2. Fees. They are paid.", "All pay."]),
        ("3.4. Abroad.. All other ports.", ["3.4. Abroad.. All other ports."]),
        ("3.1. Effective Date of the Rules. Now.", ["3.1. Effective Date of the Rules. Now."]),
        ("7. Boats wait here. All do.", ["7. Boats wait here.", "All do."]),
        ("1. Lamps. 2. Boats. 3. Fees. All pay.", ["1. Lamps.", "2. Boats.", "3. Fees. All pay."]),
        (
            "It has: (1) lamps, (2) boats, and (3) fees.",
            ["It has: (1) lamps, (2) boats, and (3) fees."],
        ),
        ("It has (a) lamps; and (b) boats. All.", ["It has (a) lamps; and (b) boats.", "All."]),
        ("It has:\n(1) lamps,\n(2) boats.", ["It has:", "(1) lamps,", "(2) boats."]),
        ("It is so: The lamp burns.", ["It is so: The lamp burns."]),
        ("It is 1999. 12.", ["It is 1999.", "12."]),
        ("42", ["42"]),
        ("  ", []),
    ],
)
def test_a_number_belongs_to_what_follows_it(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == found


class TestTheWindow:
    def test_a_long_paragraph_is_split_at_sentence_ends(self) -> None:
        parts = [sentence(8, f"name{number}") for number in range(10)]
        passages = split(document(" ".join(parts)), window(30))
        assert len(passages) > 1
        whole = [text for passage in passages for text in re.split(r"(?<=\.) ", passage.text)]
        assert whole == parts

    def test_the_parts_are_of_even_length(self) -> None:
        passages = split(document(" ".join(sentence(5) for _ in range(11))), window(41))
        sizes = [len(passage.text.split()) for passage in passages]
        assert sizes == [30, 25]

    def test_the_context_takes_its_room(self) -> None:
        text = " ".join(sentence(5) for _ in range(4))
        assert len(split(document(text), window(21))) == 1
        path = ("one two three four",)
        assert len(split(document(text, headings=path), window(21))) == 2

    def test_an_enormous_context_leaves_half_of_the_window(self) -> None:
        text = " ".join(sentence(5) for _ in range(4))
        passages = split(document(text, headings=("heading " * 500,)), window(40))
        assert texts(passages) == [text]

    def test_what_is_cut_of_a_context_is_counted_once(self) -> None:
        text = " ".join(sentence(5) for _ in range(9))
        long = split(document(text, headings=("heading " * 500,)), window(40))
        assert len(long) > 1
        assert cut_tokens(long, window(40)) == 502 - (20 - 2)  # "T ›" comes before
        assert cut_tokens(split(document(text), window(40)), window(40)) == 0

    def test_a_huge_sentence_is_cut_between_words(self) -> None:
        words = [f"w{number}" for number in range(1000)]
        passages = split(document(" ".join(words)), window(30))
        assert " ".join(texts(passages)).split() == words
        assert max(len(passage.text.split()) for passage in passages) <= 30
        assert len(passages) < 1000 / 30 * 2.5

    def test_a_huge_word_is_cut_and_loses_no_letter(self) -> None:
        word = "".join(str(number) for number in range(3000))
        passages = split(document(word), window(10))
        assert "".join(texts(passages)) == word
        assert max(len(passage.text) for passage in passages) < (10 + 1) * LONGEST_TOKEN

    def test_an_enormous_paragraph_of_no_sentences_is_cut_between_words(self) -> None:
        words = ["dash"] * (COARSE // 2)
        passages = split(document(" ".join(words)), window(60))
        assert " ".join(texts(passages)).split() == words

    def test_the_parts_of_a_paragraph_know_their_own_lines(self) -> None:
        lines = [sentence(10, f"line{number}") for number in range(1, 9)]
        passages = split(document("above " * 20, "\n".join(lines)), window(22))
        below = [passage for passage in passages if passage.text.startswith("Line")]
        assert len(below) > 2
        for passage in below:
            number = re.match(r"Line(\d)", passage.text)
            assert number is not None
            assert passage.line == 2 + int(number.group(1))

    @settings(max_examples=60)
    @given(
        st.lists(
            st.text(st.sampled_from("ab. ?!\n“”🐝א"), min_size=1, max_size=80).filter(str.strip),
            min_size=1,
            max_size=6,
        ),
        st.integers(3, 40),
        st.sampled_from(["T", "a long title of many words"]),
    )
    def test_nothing_exceeds_it_and_nothing_is_lost(
        self, paragraphs: list[str], size: int, title: str
    ) -> None:
        paragraphs = [paragraph.strip() for paragraph in paragraphs]
        made = document(*paragraphs, title=title)
        room = window(size)
        passages = split(made, room)
        for passage in passages:
            assert made.text[passage.start : passage.end] == passage.text
            context = room.count([context_of(title, passage.headings)])[0]
            assert room.count([passage.text])[0] <= max(size - context, size // 2)
        assert "".join("".join(texts(passages)).split()) == "".join(made.text.split())


class TestIds:
    def test_one_is_made_of_document_and_text_alone(self) -> None:
        first = split(document(*LONG), window(100))
        moved = split(document(LONG[2], LONG[0], title="Another"), window(50))
        assert [passage.id for passage in moved] == [first[2].id, first[0].id]

    def test_one_never_changes_between_versions(self) -> None:
        assert passage_id("a.md", "Text.") == "ec93afbbdfdc52a7"

    def test_another_document_or_text_has_another(self) -> None:
        ids = [
            passage_id("a", "b"),
            passage_id("a", "c"),
            passage_id("b", "b"),
            passage_id("", "ab"),
        ]
        assert len(set(ids)) == 4

    def test_equal_texts_of_one_document_have_different_ones(self) -> None:
        ids = [passage.id for passage in split(document(*[LONG[0]] * 3), window(100))]
        assert len(set(ids)) == 3
        assert ids[:2] == [passage.id for passage in split(document(*[LONG[0]] * 2), window(100))]


class TestSentences:
    @pytest.mark.parametrize(
        "expected",
        [
            ["Dr. J. R. Holm met Mr. Smith.", "They talked."],
            ["It costs $1.5 per tonne.", "It was 2.25 before."],
            ["He said “Stop. Go.”", "Then he left."],
            ['"Is it deep?" she asked.', '"Yes."'],
            ["See Fig. 3 on p. 12.", "It is clear."],
            ["The U.S. Navy came.", "It left."],
            ["There are many, e.g. this and i.e. that.", "Done."],
            ["It sails at 14.30!", "Does it?", "Yes..."],
            ["Act of July 30, 1947, ch. 388, 61 Stat. 640, provides it.", "See No. 12."],
            ["He is here on stat.", "All go."],
            ["One\nline.", "Two\nlines."],
            ["港口的水深十四米。", "船长在那里等候。"],
            ["هل الميناء عميق؟", "نعم."],
            ["no end to it"],
        ],
    )
    def test_they_end_where_a_reader_ends_them(self, expected: list[str]) -> None:
        text = " ".join(expected)
        assert [text[start:end] for start, end in sentences(text)] == expected

    @given(st.text(st.sampled_from("abA1.?! \n“”\"'()…🐝א\u00a0"), max_size=80))
    def test_they_are_slices_in_order_that_leave_only_white_space(self, text: str) -> None:
        end = 0
        for start, stop in sentences(text):
            assert text[start:stop] == text[start:stop].strip() != ""
            assert not text[end:start].strip()
            end = stop
        assert not text[end:].strip()

    def test_a_passage_knows_its_own(self) -> None:
        (passage,) = split(document("Tea is hot. Milk is cold."), window(100))
        assert [passage.text[start:end] for start, end in passage.sentences] == [
            "Tea is hot.",
            "Milk is cold.",
        ]


@pytest.mark.parametrize(
    ("title", "headings", "expected"),
    [
        ("Tea", (), "Tea"),
        ("Tea", ("Green", "Hot"), "Tea › Green › Hot"),
        ("Tea", ("Tea", "Green"), "Tea › Green"),
    ],
)
def test_the_context_is_title_and_headings_each_once(
    title: str, headings: tuple[str, ...], expected: str
) -> None:
    assert context_of(title, headings) == expected
