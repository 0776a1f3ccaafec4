"""The map: near on it is near in meaning, it stays as it is, and its regions have names."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from conftest import HashEncoder
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.groups import COLOURS, groups
from app.problems import HANDLERS
from app.routes import routes_of_map
from app.service import Service
from app.settings import load_settings
from index import layout as layouts
from index.build import build
from index.errors import IndexDamagedError
from index.layout import MOST_NEW, STEPS, layout
from index.map import PLACES, REGIONS, Map, Region, name
from index.records import DocumentSummary, Passage
from index.store import Store
from index.vectors import FaissIndex

TOPICS = 12


def indexed(vectors: np.ndarray) -> FaissIndex:
    index = FaissIndex.empty(vectors.shape[1])
    index.add(vectors)
    return index


def on_topics(size: int, dimension: int = 32) -> np.ndarray:
    """Vectors around the middles of topics, one after the other."""
    random = np.random.default_rng(5)
    middles = random.standard_normal((TOPICS, dimension))
    noise = random.standard_normal((size, dimension))
    return middles[np.arange(size) % TOPICS] + 0.3 * noise


def neighbours(points: np.ndarray, k: int) -> np.ndarray:
    far = np.square(points[:, None] - points[None]).sum(-1)
    np.fill_diagonal(far, np.inf)
    return np.argsort(far, axis=1)[:, :k]


def kept(vectors: np.ndarray, places: np.ndarray, k: int = 10) -> float:
    """The share of the nearest by meaning that are among the nearest on the map."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = zip(neighbours(unit, k), neighbours(places, k), strict=True)
    return float(np.mean([len(np.intersect1d(*pair)) / k for pair in pairs]))


class TestLayout:
    def test_what_is_near_in_meaning_is_near_on_the_map(self) -> None:
        vectors = on_topics(600)
        places = layout(indexed(vectors))
        assert places.shape == (600, 2)
        assert places.dtype == np.float32
        assert np.abs(places).max() == pytest.approx(1)
        axes = vectors - vectors.mean(axis=0)
        by_axes = axes @ np.linalg.svd(axes, full_matrices=False)[2][:2].T
        assert kept(vectors, places) > 1.5 * kept(vectors, by_axes)
        topics = np.arange(600) % TOPICS
        of_neighbours = topics[neighbours(places, 10)]
        assert (of_neighbours == topics[:, None]).mean() > 0.95

    def test_the_same_vectors_give_the_same_places(self) -> None:
        vectors = indexed(on_topics(300))
        np.testing.assert_array_equal(layout(vectors), layout(vectors))

    @pytest.mark.parametrize("equal", [False, True])
    @pytest.mark.parametrize("size", [1, 2, 3, 10, 39, 40, 41, 200])
    def test_any_number_of_passages_has_places(self, size: int, equal: bool) -> None:
        vectors = np.ones((size, 8)) if equal else on_topics(size, 8)
        places = layout(indexed(vectors))
        assert places.shape == (size, 2)
        assert np.abs(places).max() <= 1
        if size <= 10:
            assert len(np.unique(places, axis=0)) == size

    def test_places_are_found_where_half_of_the_vectors_are_equal(self) -> None:
        vectors = on_topics(200)
        vectors[:100] = vectors[0]
        assert np.isfinite(layout(indexed(vectors))).all()

    def test_those_that_were_there_stay_and_new_ones_go_to_their_like(self) -> None:
        vectors = on_topics(480)
        before = layout(indexed(vectors))
        known = before.copy()
        known[::10] = np.nan
        after = layout(indexed(vectors), known)
        there = ~np.isnan(known[:, 0])
        np.testing.assert_array_equal(after[there], before[there])
        topics = np.arange(480) % TOPICS
        of_neighbours = topics[neighbours(after, 5)[~there]]
        assert (of_neighbours == topics[~there][:, None]).mean() > 0.9

    def test_with_many_new_ones_all_are_laid_out_anew(self) -> None:
        vectors = indexed(on_topics(120))
        fresh = layout(vectors)
        known = np.zeros((120, 2), np.float32)
        known[: int(120 * MOST_NEW) + 1] = np.nan
        np.testing.assert_array_equal(layout(vectors, known), fresh)

    def test_more_than_are_laid_out_at_once_are_put_among_these(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(layouts, "MOST", 240)
        places = layout(indexed(on_topics(480)))
        topics = np.arange(480) % TOPICS
        assert (topics[neighbours(places, 5)] == topics[:, None]).mean() > 0.9

    def test_approximate_neighbours_serve_as_well(self, monkeypatch: pytest.MonkeyPatch) -> None:
        vectors = on_topics(600)
        exact = kept(vectors, layout(indexed(vectors)))
        monkeypatch.setattr(layouts, "_EXACT", 0)
        assert kept(vectors, layout(indexed(vectors))) > 0.8 * exact

    def test_what_listens_to_the_steps_changes_nothing(self) -> None:
        vectors = indexed(on_topics(120))
        listened = layout(vectors, advance=lambda steps: True)
        np.testing.assert_array_equal(layout(vectors), listened)

    @pytest.mark.parametrize("size", [3, 100])
    @pytest.mark.parametrize("again", [False, True])
    def test_all_steps_are_told(self, size: int, again: bool) -> None:
        told: list[int] = []
        layout(
            indexed(on_topics(size)),
            np.zeros((size, 2), np.float32) if again else None,
            told.append,
        )
        assert sum(told) == STEPS


def passage(text: str, title: str = "Notes", headings: tuple[str, ...] = ()) -> Passage:
    return Passage("id", "notes.md", title, headings, 1, 0, len(text), text, ((0, len(text)),))


class TestNames:
    def test_a_group_is_named_by_the_words_that_tell_it_from_others(self) -> None:
        bees = [passage(f"The bees of hive {n} make honey in 1998.") for n in range(5)]
        ships = [passage(f"The ships at berth {n} need a pilot in 1998.") for n in range(5)]
        names = name([bees, ships])
        assert set(names[0]) == {"bees", "hive", "honey"}
        assert set(names[1]) <= {"ships", "berth", "pilot", "need"}

    def test_no_term_names_two_groups_whatever_its_ending(self) -> None:
        one = [passage("The harbour lights shine."), passage("A harbour light shines far.")]
        other = [passage("Harbours need lights."), passage("The harbour has a light.")]
        first, second = (set(terms) for terms in name([one, other]))
        assert not {"harbour", "Harbours"} <= first | second
        assert not first & second

    def test_words_are_shown_as_they_are_mostly_written(self) -> None:
        texts = ["NATO's ships", "NATO exercises", "nato exercises", "An exercise of NATO"]
        (terms,) = name([[passage(text) for text in texts]])
        assert {"NATO", "exercises"} <= set(terms)

    def test_numbers_stop_words_and_numerals_name_nothing(self) -> None:
        assert name([[passage("It is 1998 and the 2nd of XLII.", title="7")] * 2]) == [()]

    def test_words_without_a_topic_name_nothing_in_other_languages_either(self) -> None:
        (terms,) = name([[passage("Der Hafen ist nicht tief und die Schiffe sind es auch nicht.")]])
        assert not {"nicht", "und", "die", "Der", "auch"} & set(terms)

    def test_headings_count_as_well(self) -> None:
        (terms,) = name([[passage("It is so.", headings=("Dredging",))] * 2])
        assert "Dredging" in terms

    def test_any_script_gives_names(self) -> None:
        (terms,) = name([[passage("עומק הנמל בחיפה", title="נמל")] * 2])
        assert "נמל" in terms


class TestMap:
    def test_it_is_in_the_snapshot_and_opens_as_it_was_made(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        build(corpus, store, encoder)
        snapshot = store.open()
        made = Map.make(snapshot.vectors, snapshot.table)
        assert snapshot.map is not None
        np.testing.assert_array_equal(snapshot.map.places, made.places)
        assert snapshot.map.regions == made.regions
        assert {PLACES, REGIONS} <= set(snapshot.manifest.files)
        assert sum(region.passages for region in made.regions) == len(snapshot.table)
        assert all(0 <= row < len(made) for region in made.regions for row in region.rows)
        assert all(region.terms for region in made.regions)

    def test_a_rebuild_leaves_the_passages_and_regions_where_they_were(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        text = "\n\n".join(
            f"Ship {n} carries {n * 7} bales of wool to the harbour of {n}." * 2 for n in range(60)
        )
        (corpus / "zz.txt").write_text(text)
        build(corpus, store, encoder)
        before = store.open()
        (corpus / "aa.txt").write_text(
            "Whales were seen off the cape on the third day of the voyage."
        )
        (corpus / "bees.txt").unlink()
        build(corpus, store, encoder)
        after = store.open()
        assert before.map is not None
        assert after.map is not None
        old = dict(zip(before.table.ids(), before.map.places.tolist(), strict=True))
        new = dict(zip(after.table.ids(), after.map.places.tolist(), strict=True))
        assert set(new) - set(old)
        assert all(place == old[one] for one, place in new.items() if one in old)
        middles = {(region.x, region.y) for region in before.map.regions}
        assert {(region.x, region.y) for region in after.map.regions} <= middles

    def test_another_model_lays_it_out_anew(self, corpus: Path, store: Store) -> None:
        build(corpus, store, HashEncoder())
        snapshot = store.open()
        np.save(snapshot.folder / PLACES, np.zeros((len(snapshot.table), 2), np.float32))
        build(corpus, store, HashEncoder("other"))
        found = store.open().map
        assert found is not None
        assert np.abs(found.places).max() == pytest.approx(1)

    def test_a_map_that_cannot_be_drawn_does_not_fail_the_build(
        self,
        corpus: Path,
        store: Store,
        encoder: HashEncoder,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fails(*_: object) -> Map:
            raise FloatingPointError("no place")

        with monkeypatch.context() as broken, caplog.at_level(logging.WARNING):
            broken.setattr(Map, "make", fails)
            build(corpus, store, encoder)
        assert "no place" in caplog.text
        assert store.open().map is None
        assert not build(corpus, store, encoder).unchanged, "the next build makes up for it"
        assert store.open().map is not None

    def test_a_map_of_another_number_of_passages_is_not_opened(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        build(corpus, store, encoder)
        folder = store.open().folder
        size = len(store.open().table)
        whole = (folder / PLACES).read_bytes()
        manifest = json.loads((folder / "manifest.json").read_text())
        np.save(folder / PLACES, np.zeros((size + 1, 2), np.float32))
        manifest["files"][PLACES][0] = (folder / PLACES).stat().st_size
        (folder / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(IndexDamagedError, match="disagree"):
            store.open()
        (folder / PLACES).write_bytes(whole)
        with pytest.raises(IndexDamagedError, match="another size"):
            store.open()

    @pytest.mark.parametrize(
        ("file", "content"),
        [
            (PLACES, b"no array"),
            (PLACES, b"\x93NUMPY\x01\x00"),
            (REGIONS, b"{"),
            (REGIONS, b"[{}]"),
            (REGIONS, b'[{"terms": 3, "rows": [], "x": 0, "y": 0, "passages": 1}]'),
            (REGIONS, None),
        ],
    )
    def test_a_damaged_file_is_said_to_be_one(
        self, tmp_path: Path, file: str, content: bytes | None
    ) -> None:
        Map(np.zeros((3, 2), np.float32), (Region(("bees",), 0, 0, 3, (0,)),)).save(tmp_path)
        assert Map.load(tmp_path) is not None
        (tmp_path / file).unlink()
        if content is not None:
            (tmp_path / file).write_bytes(content)
        with pytest.raises(IndexDamagedError, match="Run: python -m app build"):
            Map.load(tmp_path)


def documents(*sizes: tuple[str, int]) -> list[DocumentSummary]:
    return [DocumentSummary(name, name, "text", "", size, 1) for name, size in sizes]


class TestColours:
    def test_the_largest_documents_have_colours_and_the_rest_shares_one(self) -> None:
        found = groups(documents(*((f"{n:02}.txt", n + 1) for n in range(COLOURS + 3))))
        assert found.kind == "document"
        assert found.names[0] == f"{COLOURS + 2:02}.txt"
        assert len(found.names) == COLOURS
        assert found.rest == 1 + 2 + 3

    def test_folders_have_them_where_no_document_is_large(self) -> None:
        found = groups(documents(*((f"{'ab'[n % 2]}/{n}.txt", 2) for n in range(60)), ("c.txt", 1)))
        assert (found.kind, found.names) == ("folder", ("a", "b", ""))
        assert (found.passages, found.rest) == ((60, 60, 1), 0)

    def test_points_are_packed_column_by_column(self) -> None:
        found = groups(documents(("a", 2), ("b", 1)))
        places = np.array([[-1, 1], [1, -1], [0, 0]], np.float32)
        packed = np.frombuffer(found.pack(places, ["a", "b", "gone"]), "<u2").reshape(3, 3)
        assert packed[0].tolist() == [0, 65535, 32768]
        assert packed[1].tolist() == [65535, 0, 32768]
        assert packed[2].tolist() == [0, 1, 2]


@pytest.fixture
def service(corpus: Path, store: Store, encoder: HashEncoder) -> Service:
    service = Service(load_settings(corpus=corpus, store=store.folder))
    service.encoder = encoder
    return service


def get(service: Service, *path: str) -> Any:
    """The reply to ``/points/…``, with what is said where something is wrong."""
    app = Starlette(routes=routes_of_map(service), exception_handlers=HANDLERS)
    return TestClient(app).get("/points/" + "/".join(quote(part, safe="") for part in path))


class TestRoutes:
    def test_points_and_previews_are_those_of_the_snapshot(self, service: Service) -> None:
        service.build(lambda step: None)
        snapshot, drawn = service.map()
        reply = get(service, snapshot)
        assert reply.status_code == 200
        assert len(reply.content) == 6 * len(drawn)
        assert "immutable" in reply.headers["cache-control"]
        x = np.frombuffer(reply.content, "<u2")[: len(drawn)]
        np.testing.assert_allclose(x / 65535 * 2 - 1, drawn.places[:, 0], atol=1e-4)
        for row in range(len(drawn)):
            shown = get(service, snapshot, str(row)).json()
            found = service.passage_in_row(snapshot, row)
            assert (shown["document"], shown["number"]) == (found.document_id, found.number)
            assert shown["title"] == found.title
            assert " ".join(found.text.split()).startswith(shown["text"].rstrip("…"))
            assert len(shown["text"]) <= 201

    @pytest.mark.parametrize("row", ["99999", "-1", "x", "²", "1e3", "9" * 40])
    def test_a_row_that_is_not_there_is_not_found(self, service: Service, row: str) -> None:
        service.build(lambda step: None)
        reply = get(service, service.map()[0], row)
        assert reply.status_code == 404
        assert b"no passage in row" in reply.content

    def test_another_snapshot_is_not_found(self, service: Service) -> None:
        service.build(lambda step: None)
        for path in (["000001-none"], ["...", "0"]):
            reply = get(service, *path)
            assert reply.status_code == 404
            assert b"Load the page again" in reply.content

    def test_without_an_index_that_is_said(self, service: Service) -> None:
        reply = get(service, "x")
        assert reply.status_code == 503
        assert b"no index" in reply.content


def test_a_snapshot_without_a_map_answers_and_says_what_to_run(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Map, "save", lambda *_: None)
    service.build(lambda step: None)
    snapshot, drawn = service.map()
    assert drawn is None
    reply = get(service, snapshot)
    assert reply.status_code == 404
    assert b"Run: python -m app build" in reply.content
    assert service.ask("How deep is the harbour?").hits
