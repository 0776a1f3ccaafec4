"""What kind of answer a question wants."""

from __future__ import annotations

import pytest

from index.questions import Kind, defines, kind_of, lacks_time, lacks_utmost, topic_of


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("Why do cells divide?", "why"),
        ("can you explain why it rains", "why"),
        ("What was the cause of the fire?", "why"),
        ("How does the ferry work?", "how"),
        ("How to add a document", "how"),
        ("How many bees are in a hive?", "fact"),
        ("How long is the pier?", "fact"),
        ("What are the objectives of the pact?", "list"),
        ("List the formats", "list"),
        ("Which formats can be read?", "list"),
        ("what kinds of files are read", "list"),
        ("What is a snapshot?", "definition"),
        ("Define passage", "definition"),
        ("What does NATO mean?", "definition"),
        ("What is the capital of France?", "fact"),
        ("Who was the first president?", "fact"),
        ("What is the tallest building?", "fact"),
        ("What does it do?", "fact"),
        ("In what year was the pact signed?", "fact"),
        ("Is the pier safe?", "yes or no"),
        ("do warships pay a fee", "yes or no"),
        ("objectives of the pact", "fact"),
        ("", "fact"),
        ("🐝?", "fact"),
        ("مرحبا؟", "fact"),
    ],
)
def test_the_form_of_a_question_tells_its_kind(query: str, kind: Kind) -> None:
    assert kind_of(query) == kind
    assert kind_of(f"  {query.upper()}\n") == kind


@pytest.mark.parametrize(
    ("query", "topic"),
    [
        ("What is defence diplomacy?", "defence diplomacy"),
        ("What is a memorandum of understanding?", "memorandum of understanding"),
        ("what's a snapshot?", "snapshot"),
        ("What does RRF stand for?", "rrf"),
        ("What is the definition of “soft power”?", "soft power"),
        ("What is the capital of France?", ""),
        ("What are the objectives of the pact?", ""),
        ("Where is it?", ""),
    ],
)
def test_a_definition_is_asked_of_a_topic(query: str, topic: str) -> None:
    assert topic_of(query) == topic


@pytest.mark.parametrize(
    ("sentence", "topic", "is_so"),
    [
        ("A snapshot is an index that never changes.", "snapshot", True),
        ("Defence diplomacy (DD) refers to peaceful uses of armies.", "defence diplomacy", True),
        ("“Passages” are what is quoted.", "passage", True),
        ("The snapshot that is current answers.", "snapshot", False),
        ("Nobody knows what a snapshot is.", "snapshot", False),
        ("C++ is a language.", "c++", False),
        ("Primarily, statecraft applies power to keep the peace.", "statecraft", True),
        ("A visa applies to one journey.", "visa", False),
        ("The pier island is small.", "pier", False),
        ("3.1. Harbour Master. Whoever keeps the harbour.", "harbour master", True),
        ("b. Pilots. Those who know the way in.", "pilot", True),
        ("Snapshot: an index that never changes.", "snapshot", True),
        ("3.4. Abroad.. All other ports.", "abroad", True),
        ("(a) Harbour master.", "harbour master", False),
    ],
)
def test_a_sentence_defines_what_it_begins_with(sentence: str, topic: str, is_so: bool) -> None:
    assert defines(sentence, topic) is is_so


@pytest.mark.parametrize(
    ("query", "sentence", "is_so"),
    [
        ("When does the ferry leave?", "The ferry leaves the pier.", True),
        ("And when?", "The ferry leaves the pier.", True),
        ("In which year was it built?", "It was built of oak.", True),
        ("When does the ferry leave?", "The ferry leaves at nine.", False),
        ("When does the ferry leave?", "It leaves in 2030.", False),
        ("When must I call?", "Call the harbour master if the lamp fails.", False),
        ("When boats meet, which one turns?", "The smaller boat turns.", False),
        ("Who leaves when?", "The ferry leaves the pier.", False),
        ("When is family day?", "Welcome to our first annual family day!", True),
        ("When is family day?", "Family day is on the first day of May.", False),
        ("When is a lamp red?", "A lamp is red when it fails.", False),
    ],
)
def test_a_sentence_without_a_time_does_not_tell_when(
    query: str, sentence: str, is_so: bool
) -> None:
    assert lacks_time(query, sentence) is is_so


@pytest.mark.parametrize(
    ("query", "row", "is_so"),
    [
        ("Which team has won the most cups?", "Team: Blues; Cups: 1", True),
        ("What is the longest pier?", "Pier: East; Length: 90 m", True),
        ("What is the largest city of Kenya?", "Country: Kenya; Largest city: Nairobi", False),
        ("Which team has won 13 cups?", "Team: Leafs; Cups: 13", False),
        ("Where is the forest?", "Forest: Ostby; Place: north", False),
    ],
)
def test_a_row_does_not_tell_the_most_of_all(query: str, row: str, is_so: bool) -> None:
    assert lacks_utmost(query, row) is is_so


@pytest.mark.parametrize("part", ["what is a ", "please so and ", "what does x ", "(", "\\"])
def test_long_questions_are_told_as_quickly_as_short_ones(part: str) -> None:
    query = (part * 1000)[:1000]
    assert kind_of(query) in ("fact", "definition", "list", "why", "how", "yes or no")
    assert not defines(query, topic_of(query) or "x")
