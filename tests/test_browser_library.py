"""Adding, asking about, removing and putting back documents, as a person does it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_harness import Visitor, build, give, served
from playwright.sync_api import expect
from test_browser import BEES, HARBOURS, HONEY, HOSTILE, chromium, link

from tests.sheets import FERRY, Sheet

__all__ = ["chromium"]

MARKED_UP = "an $x$ [airship](about) <b>bold**"
CROSSING = "When does the ferry to Sandholm leave?"


@pytest.fixture(scope="module")
def library(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "harbours.md").write_text(HARBOURS)
    (corpus / "bees.md").write_text(BEES)
    build(folder, models)
    return folder


@pytest.fixture
def base(library: Path, tmp_path: Path) -> Iterator[str]:
    """A server of each test's own, over a copy that it may change."""
    models = library / "store" / "models"
    shutil.copytree(
        library, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(models.name)
    )
    give(models, tmp_path)
    with served(tmp_path) as address:
        yield address


@pytest.fixture
def visitor(chromium: object, base: str) -> Iterator[Visitor]:
    visitor = Visitor(chromium, base)
    yield visitor
    visitor.context.close()
    assert visitor.complaints == []
    assert visitor.foreign() == []


def rebuilt(visitor: Visitor, documents: int) -> None:
    """Wait until the index has so many documents."""
    metric = visitor.page.get_by_test_id("stMetric").filter(has_text="Documents")
    metric.get_by_text(str(documents), exact=True).wait_for()


def choose(visitor: Visitor, file: Path | dict[str, object]) -> None:
    """Give the form a file, and wait until it has it: before, there is nothing to add."""
    visitor.page.locator("input[type=file]").set_input_files([file])
    visitor.page.get_by_test_id("stFileChipName").wait_for()


def test_a_pdf_is_added_asked_about_and_shown_with_the_words_boxed(
    visitor: Visitor, tmp_path: Path
) -> None:
    sheet = Sheet()
    sheet.write("Ferries of the Sound", size=20)
    sheet.write(FERRY)
    (tmp_path / "ferries.pdf").write_bytes(sheet.bytes())
    page = visitor.visit("/library")
    choose(visitor, tmp_path / "ferries.pdf")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(".notice", has_text="1 file was added.").wait_for()
    rebuilt(visitor, 3)
    page = visitor.visit(link(CROSSING))
    visitor.sees(".lead", "leaves at nine in the morning")
    page.get_by_role("button", name="Page", exact=True).click()
    page.wait_for_url("**view=page**")
    assert visitor.in_sight(".sheet .box", ".frame")
    visitor.settle()
    page.reload()
    page.locator(".sheet .box").first.wait_for()


def test_a_document_is_removed_and_put_back(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("/library")
    page.get_by_role("button", name="Remove bees.md").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("bees.md", exact=True).wait_for()
    dialog.get_by_role("button", name="Remove", exact=True).click()
    rebuilt(visitor, 1)
    assert not (tmp_path / "corpus" / "bees.md").exists()
    page.get_by_text("Changes that can be taken back").click()
    page.get_by_role("button", name="Take back").click()
    rebuilt(visitor, 2)
    assert (tmp_path / "corpus" / "bees.md").read_text() == BEES


def test_an_earlier_snapshot_is_compared_and_gone_back_to(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("/library")
    (tmp_path / "corpus" / "new.md").write_text("# New\n\nThe newest of all documents is this.\n")
    page.get_by_role("button", name="Rebuild the index").click()
    rebuilt(visitor, 3)
    page.get_by_role("button", name=re.compile("What changed in the snapshot")).first.click()
    visitor.sees(".snapshot .why", "Added: new.md")
    page.get_by_role("button", name=re.compile("Go back to the snapshot")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Go back to this").click()
    rebuilt(visitor, 2)
    page.locator(".notice", has_text="answers now").wait_for()


def test_a_name_that_leads_out_of_the_corpus_is_refused(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("/library")
    upload = {"name": "note.md", "mimeType": "text/markdown", "buffer": b"# Note"}
    choose(visitor, upload)
    page.get_by_role("textbox", name="Into the folder").fill("../../elsewhere")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(".notice", has_text="no name for a file in the corpus folder").wait_for()
    assert not list(tmp_path.rglob("elsewhere"))
    shutil.rmtree(tmp_path / "store" / "bin", ignore_errors=True)


def test_a_document_full_of_markup_is_added_and_shown_as_its_own_characters(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.visit("/library")
    upload = {"name": f"{MARKED_UP}.md", "mimeType": "text/markdown", "buffer": HOSTILE.encode()}
    choose(visitor, upload)
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(".notice", has_text="1 file was added.").wait_for()
    rebuilt(visitor, 3)
    page.get_by_text("Changes that can be taken back").click()
    visitor.sees(".line", f"Added {MARKED_UP}.md")
    page.get_by_role("button", name=f"Remove {MARKED_UP}.md").click()
    page.get_by_role("dialog").get_by_text(f"{MARKED_UP}.md", exact=True).wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("What changed in the snapshot")).first.click()
    visitor.sees(".snapshot .why", f"Added: {MARKED_UP}.md")
    visitor.visit(link("What does the zeppelin of Gurney carry?"))
    visitor.sees(".sentence", "The zeppelin of Gurney")
    expect(page.locator(".katex")).to_have_count(0)


def test_a_builder_that_is_killed_costs_nothing(visitor: Visitor, tmp_path: Path) -> None:
    lines = (f"The {n}th lamp stands {n * 7} paces from the pier of Ostby." for n in range(6000))
    (tmp_path / "corpus" / "lamps.md").write_text("\n\n".join(lines))
    page = visitor.visit("/library")
    page.get_by_role("button", name="Rebuild the index").click()
    page.get_by_test_id("stProgress").get_by_text("Encoding passages").wait_for()
    builder = json.loads((tmp_path / "store" / "build.json").read_text())["process"]
    os.kill(builder, signal.SIGKILL)
    visitor.sees(".notice.error", "The last build failed.")
    visitor.sees(".notice.error", "The last index still answers.")
    visitor.visit(link(HONEY))
    visitor.sees(".sentence", "The bees need 15 kilograms of it")
    visitor.visit("/library")
    rebuilt(visitor, 2)
    (tmp_path / "corpus" / "lamps.md").unlink()
    page.get_by_role("button", name="Rebuild the index").click()
    page.locator(".notice.done").wait_for()


def test_a_running_build_is_cancelled(visitor: Visitor, tmp_path: Path) -> None:
    lines = (f"The {n}th lamp stands {n * 7} paces from the pier of Ostby." for n in range(6000))
    (tmp_path / "corpus" / "lamps.md").write_text("\n\n".join(lines))
    page = visitor.visit("/library")
    page.get_by_role("button", name="Rebuild the index").click()
    page.get_by_test_id("stProgress").wait_for()
    assert visitor.violations() == []
    page.get_by_role("button", name="Cancel").click()
    page.locator(".notice", has_text="The build was cancelled.").wait_for()
    page.get_by_test_id("stProgress").wait_for(state="detached")
    rebuilt(visitor, 2)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_each_state_is_accessible_and_fits(
    chromium: object, base: str, tmp_path: Path, scheme: str, width: int
) -> None:
    visitor = Visitor(chromium, base, width=width)
    visitor.page.emulate_media(color_scheme=scheme)

    def fits() -> None:
        assert visitor.violations() == []
        assert visitor.overflow() <= 0

    page = visitor.visit("/library")
    page.locator(".file").first.wait_for()
    fits()
    page.get_by_role("button", name="Remove bees.md").click()
    page.get_by_role("dialog").get_by_text("bees.md", exact=True).wait_for()
    fits()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    page.locator(".notice", has_text="bees.md was removed.").wait_for()
    rebuilt(visitor, 1)
    page.get_by_text("Changes that can be taken back").click()
    page.get_by_role("button", name="Take back").wait_for()
    page.get_by_role("button", name=re.compile("What changed in the snapshot")).first.click()
    visitor.sees(".snapshot .why", "Removed: bees.md")
    fits()
    page.get_by_role("button", name=re.compile("Go back to the snapshot")).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Go back to this").wait_for()
    fits()
    assert visitor.complaints == []
    assert visitor.foreign() == []
    visitor.context.close()
