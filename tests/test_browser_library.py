"""Adding, asking about, removing and putting back documents, as a person does it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_harness import Visitor, environment, run_app, served
from test_browser import BEES, HARBOURS, chromium, link

from tests.test_pdf import FERRY, Sheet

__all__ = ["chromium"]

CROSSING = "When does the ferry to Sandholm leave?"


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "harbours.md").write_text(HARBOURS)
    (corpus / "bees.md").write_text(BEES)
    subprocess.run(run_app(tmp_path, "build"), cwd=tmp_path, env=environment(), check=True)
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
    metric.get_by_text(str(documents), exact=True).wait_for(timeout=60_000)


def test_a_pdf_is_added_asked_about_and_shown_with_the_words_boxed(
    visitor: Visitor, tmp_path: Path
) -> None:
    sheet = Sheet()
    sheet.write("Ferries of the Sound", size=20)
    sheet.write(FERRY)
    (tmp_path / "ferries.pdf").write_bytes(sheet.bytes())
    page = visitor.visit("/library")
    page.locator("input[type=file]").set_input_files(tmp_path / "ferries.pdf")
    page.get_by_text("ferries.pdf").wait_for()
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(".notice", has_text="1 file was added.").wait_for()
    rebuilt(visitor, 3)
    page = visitor.visit(link(CROSSING))
    visitor.sees(".lead", "leaves at nine in the morning")
    page.get_by_role("radio", name="Page").click()
    page.wait_for_url("**view=page**")
    box = page.locator(".sheet .box").first
    box.wait_for()
    picture, frame = box.bounding_box(), page.locator(".frame").bounding_box()
    assert frame["y"] <= picture["y"] < frame["y"] + frame["height"]
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
    page.locator("input[type=file]").set_input_files([upload])
    page.get_by_text("note.md").wait_for()
    page.get_by_role("textbox", name="Into the folder").fill("../../elsewhere")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(".notice", has_text="no name for a file in the corpus folder").wait_for()
    assert not list(tmp_path.rglob("elsewhere"))
    shutil.rmtree(tmp_path / "store" / "bin", ignore_errors=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_library_has_no_accessibility_violations(visitor: Visitor, scheme: str) -> None:
    visitor.page.emulate_media(color_scheme=scheme)
    visitor.visit("/library")
    visitor.page.locator(".file").first.wait_for()
    assert visitor.violations() == []
