"""The same words in several places are one passage, cited with all of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from conftest import HashEncoder

from index import search
from index.answer import answer
from index.build import BuildReport, build
from index.duplicates import COMPARED, Duplicates
from index.filters import parse_filter
from index.records import Passage
from index.search import Searcher
from index.store import Store
from index.verify import verify

RULE = (
    "Ferries leave the northern harbour every forty minutes in summer, and a ticket that was "
    "bought on board is valid until midnight of the same day."
)
LETTERS = str.maketrans("0123456789", "abcdefghij")
QUESTION = "How long is a ferry ticket valid?"


@pytest.fixture
def places(tmp_path: Path) -> Path:
    folder = tmp_path / "places"
    (folder / "old").mkdir(parents=True)
    (folder / "a.md").write_text(
        f"# Ferries\n\n{RULE}\n\n## Dogs\n\nDogs travel free.", encoding="utf-8"
    )
    again = RULE.replace("northern harbour", "northern\nHARBOUR").replace("forty", "for-ty")
    (folder / "old/b.md").write_text(f"# Timetable\n\n## Quays\n\n{again}", encoding="utf-8")
    other = RULE.replace("forty", "fifty")
    (folder / "old/c.md").write_text(
        f"# Draft\n\n{other}\n\n## Dogs\n\nDogs travel free.", encoding="utf-8"
    )
    return folder


@pytest.fixture
def built(places: Path, store: Store, encoder: HashEncoder) -> BuildReport:
    return build(places, store, encoder)


def test_a_copy_is_indexed_once_and_counted(built: BuildReport, store: Store) -> None:
    repeated = {file.path: (file.passages, file.repeated) for file in built.files}
    assert repeated["old/b.md"] == (1, 1)
    assert all(count == 0 for path, (_, count) in repeated.items() if path != "old/b.md")
    total = sum(passages for passages, _ in repeated.values())
    assert built.passages == len(store.open().vectors) == total - 1


def test_one_word_or_number_makes_another_passage(built: BuildReport, store: Store) -> None:
    texts = [store.open().table.passage(row).text for row in range(built.passages)]
    assert sum("fifty" in text for text in texts) == 1


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("minutes", "mlnutes"),  # as OCR reads it
        ("northern", "northem"),
        ("harbour", "harbor"),
        ("bought", "bouught"),
        ("until", "untll"),
        ("Ferries", "FERRIES"),
    ],
)
def test_a_misread_letter_makes_no_other_passage(
    tmp_path: Path, encoder: HashEncoder, word: str, read: str
) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.md").write_text(f"# Ferries\n\n{RULE}")
    (folder / "scan.md").write_text(f"# Scan\n\n{RULE.replace(word, read)}")
    store = Store(tmp_path / "store")
    report = build(folder, store, encoder)
    assert [(file.path, file.repeated) for file in report.files] == [("a.md", 0), ("scan.md", 1)]
    (hit,) = Searcher(store.open(), encoder).search(RULE)
    assert [(copy.document_id, read in copy.text) for copy in hit.copies] == [("scan.md", True)]
    assert verify(folder, store).ok
    # Where only the scan may be cited it is cited in its own words.
    only = parse_filter(["document=scan.md"])
    cited = answer(QUESTION, Searcher(store.open(), encoder), threshold=0.0, only=only).citations[0]
    assert (cited.document_id, read in cited.quote) == ("scan.md", True)


@pytest.mark.parametrize(
    ("words", "others"),
    [
        ("forty minutes", "fifty minutes"),  # three letters differ
        ("same day", "sane day"),  # a short word
        ("is valid", "is not valid"),
        ("northern harbour", "harbour northern"),
        ("every", "never"),
        ("minutes", "minute"),
        ("leave", "leaves"),
        ("Ferries leave", "Berries leave"),  # may be a name
        ("forty minutes", "40 minutes"),
        ("northern harbour every forty minutes", "northem harbor every forly mlnutes"),  # too many
        ("the same day.", "the same day. It is"),
        ("in summer, and", "in summer. And"),  # another sentence
    ],
)
def test_another_word_makes_another_passage(
    tmp_path: Path, encoder: HashEncoder, words: str, others: str
) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    assert words in RULE
    (folder / "a.md").write_text(f"# Ferries\n\n{RULE}")
    (folder / "b.md").write_text(f"# Ferries\n\n{RULE.replace(words, others)}")
    report = build(folder, Store(tmp_path / "store"), encoder)
    assert [file.repeated for file in report.files] == [0, 0]


def a_passage(text: str) -> Passage:
    return Passage("", "", "", (), 1, 0, len(text), text, ((0, len(text)),))


def test_of_many_passages_the_nearly_same_ones_are_found() -> None:
    rng = random.Random(0)
    known = [
        "The",
        "of",
        "a",
        "to",
        "in",
        "Ostby",
        "12",
        *(f"{rng.choice('bcdflm')}" for _ in "ab"),
    ]
    known += ["".join(rng.choices("abcdefgh", k=4)) + "tive" for _ in range(50)]
    texts = [" ".join(rng.choices(known, k=40)) for _ in range(400)]
    said = Duplicates(texts.__getitem__)
    assert [said.row_of(a_passage(text), row) for row, text in enumerate(texts)] == [*range(400)]
    for row, text in enumerate(texts):
        misread = text.replace("tive ", "tlve ", 2)
        assert misread != text
        assert said.row_of(a_passage(misread), 400) == row


def test_of_many_passages_that_differ_in_a_word_few_are_compared() -> None:
    rng = random.Random(0)
    texts = [
        f"the keeper of the {''.join(rng.choices('abcdefghij', k=9))} lamp counts the boats that "
        f"pass by the outer pier of the island, number {row % 2}"
        for row in range(2000)
    ]
    asked: list[int] = []

    def text_of(row: int) -> str:
        asked.append(row)
        return texts[row]

    said = Duplicates(text_of)
    assert [said.row_of(a_passage(text), row) for row, text in enumerate(texts)] == [*range(2000)]
    assert len(asked) <= COMPARED * len(texts)
    assert set(asked) == set(range(2 * COMPARED))


def test_what_is_too_short_to_say_the_same_is_no_copy(built: BuildReport, store: Store) -> None:
    texts = [store.open().table.passage(row).text for row in range(built.passages)]
    assert sum("Dogs travel free." in text for text in texts) == 2


def test_a_hit_names_every_place(built: BuildReport, store: Store, encoder: HashEncoder) -> None:
    hit = Searcher(store.open(), encoder).search(RULE)[0]
    assert hit.passage.document_id == "a.md"
    (copy,) = hit.copies
    assert (copy.document_id, copy.headings) == ("old/b.md", ("Timetable", "Quays"))
    text = store.open().table.text("old/b.md")
    assert text is not None
    assert text[copy.start : copy.end] == copy.text
    assert "for-ty" in copy.text


def test_of_very_many_places_the_first_are_named_and_the_rest_counted(
    tmp_path: Path, encoder: HashEncoder
) -> None:
    every = search.PLACES + 20
    for name in ("a", "b"):
        parts = [f"# Page {name}{n}\n\n{RULE}" for n in range(every // 2)]
        (tmp_path / f"{name}.md").write_text("\n\n".join(parts))
    store = Store(tmp_path / "store")
    build(tmp_path, store, encoder)
    searcher = Searcher(store.open(), encoder)
    hit = searcher.search(RULE)[0]
    assert (1 + len(hit.copies), hit.more_copies) == (search.PLACES, 20)
    hit = searcher.search(RULE, only=parse_filter(["document=b.md"]))[0]
    assert hit.passage.document_id == "b.md"
    assert (1 + len(hit.copies), hit.more_copies) == (every // 2, 0)


def test_a_copy_is_found_by_the_headings_above_it(
    built: BuildReport, store: Store, encoder: HashEncoder
) -> None:
    hits = Searcher(store.open(), encoder).search("quays in the timetable", 1)
    assert hits[0].copies[0].document_id == "old/b.md"


def test_within_a_folder_the_place_there_is_cited(
    built: BuildReport, store: Store, encoder: HashEncoder
) -> None:
    searcher = Searcher(store.open(), encoder)
    only = parse_filter(["document=old/b.md"])
    (hit,) = searcher.search(QUESTION, only=only)
    assert (hit.passage.document_id, hit.copies) == ("old/b.md", ())
    reply = answer(QUESTION, searcher, threshold=0.0, only=only)
    cited = reply.citations[0]
    text = searcher.snapshot.table.text(cited.document_id)
    assert text is not None
    assert (cited.document_id, cited.quote) == ("old/b.md", text[cited.start : cited.end])


def test_every_place_is_read_and_proved(built: BuildReport, store: Store, places: Path) -> None:
    table = store.open().table
    (copy,) = table.passages("old/b.md")
    assert table.passage_by_id(copy.id) == copy
    proof = verify(places, store)
    assert proof.ok
    assert proof.passages == built.passages + 1
