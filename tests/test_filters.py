"""Searches narrowed to some documents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import HashEncoder

from index.answer import answer
from index.build import build
from index.errors import QueryError
from index.filters import Choices, Filter, choices, filter_of, parse_filter
from index.records import DocumentSummary
from index.search import Searcher
from index.store import Store
from index.vectors import FaissIndex

DOCUMENT = DocumentSummary(
    "policy/2020/ferries.pdf",
    "Ferries",
    "pdf",
    "",
    3,
    90,
    {"author": "Ida Holm", "date": "2020-03-15"},
)


class TestFilter:
    @pytest.mark.parametrize(
        ("conditions", "matches"),
        [
            ([], True),
            (["folder=policy"], True),
            (["folder=policy/2020/"], True),
            (["folder=pol"], False),
            (["format=PDF"], True),
            (["format=.docx"], False),
            (["document=policy/2020/ferries.pdf"], True),
            (["document=ferries.pdf"], False),
            (["author=holm"], True),
            (["author=berg"], False),
            (["date=2020"], True),
            (["date=2020-03"], True),
            (["date>=2020-03-16"], False),
            (["date<=2020-02"], False),
            (["date>=2019", "date<=2020", "folder=policy"], True),
            (["date>=2019", "format=html"], False),
        ],
    )
    def test_all_conditions_must_hold(self, conditions: list[str], matches: bool) -> None:
        assert parse_filter(conditions).matches(DOCUMENT) is matches

    def test_a_document_without_a_date_is_outside_all_dates(self) -> None:
        bare = DocumentSummary("a.md", "A", "markdown", "", 1, 9)
        assert not parse_filter(["date>=1900"]).matches(bare)
        assert not parse_filter(["date<=2100"]).matches(bare)
        assert parse_filter(["format=markdown"]).matches(bare)

    @pytest.mark.parametrize(
        "condition",
        [
            "",
            "policy",
            "colour=red",
            "date=soon",
            "date=2020-13",
            "date>=",
            "format>=pdf",
            "folder=",
        ],
    )
    def test_what_is_no_filter_is_an_error(self, condition: str) -> None:
        with pytest.raises(QueryError, match=r"is no (filter|date)"):
            parse_filter([condition])


class TestChoices:
    def test_what_the_documents_have_is_offered_and_no_more(self) -> None:
        bare = DocumentSummary("a.md", "A", "markdown", "", 1, 9)
        there = choices([bare, DOCUMENT])
        assert there.folders == ("policy", "policy/2020")
        assert there.formats == ("markdown", "pdf")
        assert there.documents == ("a.md", DOCUMENT.id)
        assert (there.authors, there.dates) == (("Ida Holm",), ("2020-03-15",))
        assert choices([bare]) == Choices((), ("markdown",), ("a.md",), (), ())

    def test_every_choice_leaves_a_document(self) -> None:
        there = choices([DOCUMENT])
        for name in ("folder", "format", "document", "author"):
            for value in getattr(there, f"{name}s"):
                assert filter_of([f"{name}={value}"], [DOCUMENT]).matches(DOCUMENT)

    def test_a_value_that_no_document_has_is_an_error_that_names_the_nearest_first(self) -> None:
        documents = [DocumentSummary(f"{n}/x.md", "X", "markdown", "", 1, 9) for n in range(40)]
        with pytest.raises(QueryError, match=r"There are: 39, 33, 0, .* and 28 more") as caught:
            filter_of(["folder=339"], documents)
        assert str(caught.value).startswith("No document has folder=339.")
        with pytest.raises(QueryError, match=r"None has any author"):
            filter_of(["author=holm"], documents)
        with pytest.raises(QueryError, match=r"No document has a date"):
            filter_of(["date>=2000"], documents)
        with pytest.raises(QueryError, match=r"(?s)is no filter.*folder +0, 1.*format +markdown"):
            filter_of(["colour=red"], documents)


class TestSearch:
    def test_hits_are_of_these_documents_only(self, searcher: Searcher) -> None:
        query = "How deep is the harbour of Porvenir?"
        assert searcher.search(query)[0].passage.document_id == "harbours.md"
        for only in (Filter(folder="sub"), Filter(format="text"), Filter(document="bees.txt")):
            hits = searcher.search(query, 10, only)
            assert hits
            assert all(
                only.matches(one)
                for one in searcher.snapshot.table.documents()
                if one.id in {hit.passage.document_id for hit in hits}
            )

    def test_all_of_their_passages_can_be_found(self, searcher: Searcher) -> None:
        passages = searcher.snapshot.table.passages("bees.txt")
        hits = searcher.search("zeppelin", 100, Filter(document="bees.txt"))
        assert {hit.passage.id for hit in hits} == {passage.id for passage in passages}

    def test_a_filter_that_leaves_nothing_answers_nothing(self, searcher: Searcher) -> None:
        assert searcher.search("bees", 10, Filter(folder="none")) == []
        reply = answer("bees", searcher, only=Filter(folder="none"), threshold=0)
        assert not reply.answered

    def test_metadata_survives_the_table(self, searcher: Searcher) -> None:
        assert {one.metadata.get("author") for one in searcher.snapshot.table.documents()} == {None}

    def test_mail_is_filtered_by_its_date(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        for year in (2019, 2021):
            (corpus / f"{year}.eml").write_text(
                f"From: Ida Holm <h@example.org>\nSubject: Harbour {year}\n"
                f"Date: Tue, 5 Mar {year} 10:00:00 +0000\n\nThe harbour was dredged in {year}.\n"
            )
        build(corpus, store, encoder)
        searcher = Searcher(store.open(), encoder)
        only = parse_filter(["date>=2020", "author=holm"])
        found = {hit.passage.document_id for hit in searcher.search("harbour dredged", 10, only)}
        assert found == {"2021.eml"}


class TestVectors:
    def test_allowed_rows_only_and_the_best_of_them(self) -> None:
        vectors = np.random.default_rng(1).standard_normal((500, 16)).astype(np.float32)
        index = FaissIndex.empty(16)
        index.add(vectors)
        allowed = np.zeros(500, dtype=bool)
        allowed[::7] = True
        query = vectors[3] / np.linalg.norm(vectors[3])
        rows, scores = index.search(query, 10, allowed)
        expected = np.flatnonzero(allowed)[np.argsort(-index.score(query, np.flatnonzero(allowed)))]
        assert rows.tolist() == expected[:10].tolist()
        assert scores.tolist() == sorted(scores.tolist(), reverse=True)
        assert len(index.search(query, 10, np.arange(500) < 3)[0]) == 3

    def test_clusters_too(self) -> None:
        vectors = np.random.default_rng(1).standard_normal((6000, 16)).astype(np.float32)
        index = FaissIndex.empty(16)
        index.add(vectors)
        index.cluster(vectors[:100] / np.linalg.norm(vectors[:100], axis=1, keepdims=True))
        allowed = np.zeros(6000, dtype=bool)
        allowed[5000:5050] = True
        rows, _ = index.search(vectors[3] / np.linalg.norm(vectors[3]), 10, allowed)
        assert len(rows) == 10
        assert allowed[rows].all()
