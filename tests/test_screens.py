"""The screens as Streamlit runs them, without a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import HashEncoder
from streamlit.testing.v1 import AppTest

from app.service import Service
from app.settings import load_settings
from app.ui import changing, current
from app.ui.address import chips, filter_in, parameters_of
from app.ui.strings import section_of
from app.ui.view import sources
from index.filters import Filter
from index.store import Store

PAGE = Path(__file__).parents[1] / "app" / "page.py"
DEPTH = "How deep is the harbour of Porvenir?"
HOSTILE = "a $x$ :red[airship] <img src=x onerror=alert(1)>.txt"


@pytest.fixture
def service(
    corpus: Path, store: Store, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> Service:
    """A service over the small corpus, which the screens use."""
    service = Service(load_settings(corpus=corpus, store=store.folder, threshold=0.0))
    service.encoder = encoder
    monkeypatch.setattr(current, "_service", None)
    current.use(service)
    return service


def build(service: Service) -> None:
    service.build(lambda step: None)
    current.use(service)


def visit(**parameters: str) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=30)
    for name, value in parameters.items():
        page.query_params[name] = value
    return page.run()


def drawn(page: AppTest, key: str) -> dict[str, Any] | None:
    """What a component of ours was given to draw, if it is on the screen."""
    assert not page.exception
    found = [one for one in page.get("bidi_component") if one.key == key]
    return json.loads(found[0].proto.json) if found else None


class TestAsk:
    """What is asked is asked by ask.js: tests/test_calls.py."""

    def test_the_screen_is_one_component_that_learns_of_its_address(self, service: Service) -> None:
        build(service)
        data = drawn(visit(q=DEPTH, folder="sub"), "ask")
        assert data is not None
        assert data["address"] == {"q": DEPTH, "folder": "sub"}
        assert data["key"] == ""
        assert data["strings"]["ask"] == section_of("ask") | {"build": "Build it in the Library"}

    def test_where_one_has_to_sign_in_it_gets_the_key_of_the_day(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = Service(service.settings.model_copy(update={"access": "login"}))
        current.use(closed)
        monkeypatch.setattr("app.ui.signing.let_in", lambda: True)
        assert (drawn(visit(), "ask") or {})["key"] == closed.key()


def test_an_address_holds_a_filter_and_gives_it_back() -> None:
    only = Filter("policy", "pdf", "policy/a.pdf", "Ida & Co", "2020", "2021-06")
    assert filter_in(parameters_of(only)) == only
    assert parameters_of(Filter()) == {}
    assert filter_in({"since": "2020-13", "q": "x", "folder": " policy "}) == Filter("policy")
    shown = {chip["name"]: chip["text"] for chip in chips(only, {"policy/a.pdf": "Ferries"})}
    assert shown["document"] == "Document: Ferries"
    assert shown["until"] == "To: 2021-06"


class TestFiles:
    @pytest.fixture
    def service(self, service: Service, corpus: Path) -> Service:
        (corpus / HOSTILE).write_text("The kite is flown on Sundays.\n")
        (corpus / "empty.txt").write_bytes(b"")
        (corpus / "same.txt").write_bytes((corpus / "bees.txt").read_bytes())
        build(service)
        return service

    def listed(self, page: AppTest) -> dict[str, dict[str, Any]]:
        data = drawn(page, "files")
        assert data is not None
        return {file["path"]: file for file in data["files"]}

    def library(self, **parameters: str) -> AppTest:
        page = AppTest.from_file(PAGE, default_timeout=30)
        for name, value in parameters.items():
            page.query_params[name] = value
        return page.switch_page("screens/library.py").run()

    def test_each_file_has_its_state_its_coverage_and_its_reason(self, service: Service) -> None:
        files = self.listed(self.library())
        assert len(files) == 6
        assert files["bees.txt"]["covered"] == "100%"
        assert files["bees.txt"]["facts"].startswith("169 B · of 20")
        assert files["bees.txt"]["facts"].endswith(" · 1 passage · 169 characters")
        assert files["empty.txt"]["label"] == "Failed"
        assert files["empty.txt"]["why"] == "The file holds no text."
        assert files["empty.txt"]["document"] == ""
        assert files["same.txt"]["why"] == "It has the same content as 'bees.txt'."
        assert files["same.txt"]["covered"] == "–"

    def test_names_are_given_to_the_page_as_they_are(self, service: Service) -> None:
        page = self.library()
        assert self.listed(page)[HOSTILE]["document"] == HOSTILE
        drawn_by_streamlit = [*page.markdown, *page.caption, *page.subheader]
        assert not [one for one in drawn_by_streamlit if "airship" in one.value]

    def test_the_list_is_narrowed_to_a_state_which_stands_in_the_address(
        self, service: Service
    ) -> None:
        page = self.library()
        (states,) = page.pills
        assert states.options == ["All 6", "Indexed 4", "Duplicate 1", "Failed 1"]
        states.set_value("failed").run()
        assert set(self.listed(page)) == {"empty.txt"}
        assert page.query_params == {"state": "failed"}
        assert set(self.listed(self.library(state="duplicate"))) == {"same.txt"}
        assert len(self.listed(self.library(state="lost"))) == 6

    def test_the_figures_of_all_files_are_told(self, service: Service) -> None:
        page = self.library()
        expected = sum(file.characters for file in service.status().files)
        assert page.caption[0].value == f"{expected} characters in the index"
        made = drawn(page, "made")
        assert made is not None
        assert made["text"].startswith("Built in ")

    def test_a_long_list_is_shown_in_steps_and_can_be_searched(
        self, service: Service, corpus: Path
    ) -> None:
        for number in range(40):
            (corpus / f"note-{number}.md").write_text(f"# Pier {number}\n\nPier {number} is shut.")
        build(service)
        page = self.library()
        data = drawn(page, "files")
        assert data is not None
        assert (len(data["files"]), data["more"]) == (25, 21)
        page.text_input(key="file_words").set_value("pier 17").run()
        assert set(self.listed(page)) == {"note-17.md"}


class TestReading:
    def read(self, **parameters: str) -> AppTest:
        page = AppTest.from_file(PAGE, default_timeout=30)
        for name, value in parameters.items():
            page.query_params[name] = value
        return page.switch_page("screens/read.py").run()

    def shown(self, page: AppTest) -> dict[str, Any]:
        data = drawn(page, "document")
        assert data is not None
        return data

    def test_words_are_found_and_stepped_through(self, service: Service, corpus: Path) -> None:
        line = "Line {n} of the log of a long voyage, on a day of wind and of rain{end}. " * 3
        ends = [" that tells of whales" if n % 4 == 0 else "" for n in range(30)]
        lines = [line.format(n=n, end=end) for n, end in enumerate(ends)]
        (corpus / "log.md").write_text("# Log\n\n" + "\n\n".join(lines))
        build(service)
        page = self.read(doc="log.md", p="6")
        page.text_input(key="document_find").set_value(" of  WHALES ").run()
        assert page.query_params["find"] == "of WHALES"
        data = self.shown(page)
        pieces = [piece for row in data["passages"] for piece in row["pieces"]]
        assert ["of whales", "found"] in pieces
        steps = drawn(page, "found")
        assert steps is not None
        assert re.fullmatch(r"\d+ of \d+ paragraphs", steps["said"])
        assert steps["previous"] != data["focus"] != steps["next"]
        page.text_input(key="document_find").set_value("nowhere").run()
        assert any("Not in this document" in one.value for one in page.caption)

    def test_a_link_by_id_opens_its_passage_wherever_it_stands_now(
        self, service: Service, corpus: Path
    ) -> None:
        build(service)
        found = service.ask(DEPTH).hits[0].passage
        assert self.shown(self.read(doc=found.document_id, at=found.id))["focus"] == found.number
        path = corpus / found.document_id
        path.write_text("A new beginning of it all, written today.\n\n" + path.read_text())
        build(service)
        data = self.shown(self.read(doc=found.document_id, at=found.id))
        assert data["focus"] == found.number + 1
        assert self.shown(self.read(doc=found.document_id, at="gone", p="2"))["focus"] == 2

    def test_of_thousands_of_paragraphs_a_window_is_sent(
        self, service: Service, corpus: Path
    ) -> None:
        text = "\n\n".join(
            f"Paragraph {n} says {n} times nothing{' at all' * 20}." for n in range(2_000)
        )
        (corpus / "long.md").write_text(f"# Long\n\n{text}")
        build(service)
        data = self.shown(self.read(doc="long.md", p="1500"))
        assert data["total"] == 2_000
        assert data["focus"] == 1_500
        assert len(data["passages"]) < 300

    def test_steps_through_the_sources_of_the_question(self, service: Service) -> None:
        build(service)
        page = self.read(doc="harbours.md", q=DEPTH)
        steps = drawn(page, "hits")
        assert steps is not None
        assert re.fullmatch(r"Source 1 of \d here", steps["said"])
        assert steps["next"] != self.shown(page)["focus"]


class TestChanging:
    def library(self) -> AppTest:
        page = AppTest.from_file(PAGE, default_timeout=30)
        return page.switch_page("screens/library.py").run()

    def labels(self, page: AppTest) -> set[str]:
        return {one.label for one in page.button}

    def test_who_may_not_change_anything_sees_no_buttons(
        self, service: Service, corpus: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build(service)
        (corpus / "bees.txt").write_text("Bees are kept for honey, which is taken in July.")
        build(service)
        service.remove_file("bees.txt")
        monkeypatch.setattr(changing, "rebuilt", lambda: "")
        page = self.library()
        assert {"Rebuild the index", "Add", "Take back"} <= self.labels(page)
        files, history = drawn(page, "files"), drawn(page, "history")
        assert files is not None
        assert history is not None
        assert files["may_change"]
        assert history["may_change"]
        assert not next(one["there"] for one in files["files"] if one["path"] == "bees.txt")

        reader = Service(service.settings.model_copy(update={"read_only": True}))
        reader.encoder = service.encoder
        current.use(reader)
        page = self.library()
        assert not self.labels(page) & {"Rebuild the index", "Add", "Take back", "Cancel"}
        files, history = drawn(page, "files"), drawn(page, "history")
        assert files is not None
        assert history is not None
        assert not files["may_change"]
        assert not history["may_change"]
        assert len(history["snapshots"]) == 2

    def test_what_is_not_in_the_index_yet_is_said_and_can_be_taken_back(
        self, service: Service, corpus: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(changing, "rebuilt", lambda: "")
        build(service)
        service.remove_file("bees.txt")
        page = self.library()
        pending = drawn(page, "pending")
        assert pending is not None
        assert pending["title"] == "1 change is not in the index yet."
        (undo,) = [one for one in page.button if one.label == "Take back"]
        undo.click().run()
        assert (corpus / "bees.txt").exists()
        assert drawn(page, "pending") is None

    def test_a_build_is_news_while_its_index_answers_and_names_what_it_could_not_read(
        self, service: Service, corpus: Path
    ) -> None:
        build(service)
        done = drawn(self.library(), "build_done")
        assert done is not None
        assert (done["kind"], done["title"]) == ("done", "The index has been rebuilt.")
        assert ", all encoded, in " in done["text"]
        (corpus / "broken.pdf").write_bytes(b"%PDF-1.7\nno page of it is left")
        build(service)
        done = drawn(self.library(), "build_done")
        assert done is not None
        assert (done["kind"], done["title"]) == (
            "info",
            "The index has been rebuilt, but 1 file cannot be read.",
        )
        assert "0 encoded" in done["text"]
        first = service.history()[-1]
        service.rollback(first.id)
        assert drawn(self.library(), "build_done") is None

    def test_files_that_are_there_are_replaced_only_after_a_word(
        self, service: Service, corpus: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(changing, "rebuilt", lambda: "")
        build(service)
        old = (corpus / "bees.txt").read_bytes()
        page = self.library()
        page.session_state[changing.WAITING] = [("bees.txt", b"Bees again, in other words.")]
        page.run()
        notice = drawn(page, "waiting")
        assert notice is not None
        assert notice["text"] == "bees.txt"
        page.button(key="keep").click().run()
        assert (corpus / "bees.txt").read_bytes() == old
        page.session_state[changing.WAITING] = [("bees.txt", b"Bees again, in other words.")]
        page.run().button(key="replace").click().run()
        assert (corpus / "bees.txt").read_bytes() == b"Bees again, in other words."
        said = drawn(page, "said_0")
        assert said is not None
        assert said["title"] == "1 file was replaced."


class TestMap:
    def open(self, **parameters: str) -> AppTest:
        page = AppTest.from_file(PAGE, default_timeout=30)
        for name, value in parameters.items():
            page.query_params[name] = value
        return page.switch_page("screens/map.py").run()

    def test_it_has_the_points_of_the_snapshot_in_use(
        self, service: Service, store: Store, corpus: Path
    ) -> None:
        build(service)
        data = drawn(self.open(), "map")
        assert data is not None
        assert data["snapshot"] == store.current()
        assert data["passages"] == len(store.open().table)
        assert sum(one["passages"] for one in data["groups"]) == data["passages"]
        assert [one["name"] for one in data["regions"]]
        assert data["hits"] == []
        (corpus / "new.md").write_text("# Whales\n\nWhales were seen off the cape at dawn.\n")
        build(service)
        again = drawn(self.open(), "map")
        assert again is not None
        assert again["snapshot"] == store.current() != data["snapshot"]

    def test_the_hits_are_those_of_the_answer(self, service: Service) -> None:
        build(service)
        data = drawn(self.open(q=DEPTH), "map")
        assert data is not None
        hits = [(one["rank"], one["document"], one["number"]) for one in data["hits"]]
        found = sources(service.ask(DEPTH), service.settings.top_k)
        assert hits == [(one.rank, one.passage.document_id, one.passage.number) for one in found]
        assert data["asked"] == {"q": DEPTH}
        assert drawn(self.open(q=DEPTH, folder="sub"), "map")["asked"]["folder"] == "sub"

    def test_without_an_index_or_a_map_it_says_what_to_run(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notice = drawn(self.open(), "notice")
        assert notice is not None
        assert notice["command"] == "python -m app build"
        monkeypatch.setattr("index.map.Map.save", lambda *_: None)
        build(service)
        page = self.open(q=DEPTH)
        assert drawn(page, "map") is None
        notice = drawn(page, "notice")
        assert notice is not None
        assert notice["title"] == "There is no map of this index yet."
        assert notice["command"] == "python -m app build"

    def test_a_question_that_cannot_be_asked_leaves_the_map(self, service: Service) -> None:
        build(service)
        page = self.open(q="x" * 5000)
        assert drawn(page, "map") is not None
        assert drawn(page, "notice")["kind"] == "error"
