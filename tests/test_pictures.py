"""A page of a PDF is drawn with boxes on the quoted words, and a bad file costs only its limit."""

from __future__ import annotations

import io
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image, ImageChops

from index import pictures
from index.errors import ParseError
from index.parsers import digest_of
from index.parsers.picture import Picture, picture_of
from index.pictures import Pictures
from tests.sheets import FEES, FERRY, Sheet

QUOTE = "It takes an hour and a half"


def a_pdf(tmp_path: Path, rotation: int = 0) -> Path:
    sheet = Sheet()
    sheet.write(FEES)
    sheet.page()
    sheet.write(FERRY)
    path = tmp_path / "ferries.pdf"
    path.write_bytes(sheet.bytes())
    if rotation:
        pdf = pypdfium2.PdfDocument(path.read_bytes())
        for page in pdf:
            page.set_rotation(rotation)
        pdf.save(path)
    return path


def drawn(path: Path, page: int, quotes: tuple[str, ...]) -> Picture:
    return picture_of(path, digest_of(path), page, quotes)


def inked(image: Image.Image) -> int:
    """How many pixels are not white."""
    return sum(image.convert("L").histogram()[:200])


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_boxes_lie_on_the_words(tmp_path: Path, rotation: int) -> None:
    found = drawn(a_pdf(tmp_path, rotation), 2, (QUOTE,))
    assert (found.page, found.pages) == (2, 2)
    image = Image.open(io.BytesIO(found.image))
    assert image.size == (found.width, found.height)
    # All ink of a page on which nothing but the quote is written lies within the boxes.
    sheet = Sheet()
    sheet.write(FERRY)
    whole = inked(image)
    covered = image.copy()
    for left, top, right, bottom in found.boxes:
        box = (left * found.width, top * found.height, right * found.width, bottom * found.height)
        part = image.crop(tuple(map(round, box)))
        assert inked(part) > 0.1 * part.width * part.height
        covered.paste("white", tuple(map(round, box)))
    share = (whole - inked(covered)) / whole
    letters = len(QUOTE.replace(" ", "")) / len(FERRY.replace(" ", ""))
    assert share == pytest.approx(letters, rel=0.25)
    assert ImageChops.difference(image.convert("RGB"), covered.convert("RGB")).getbbox()


def test_fields_of_a_form_are_drawn_with_what_stands_in_them(tmp_path: Path) -> None:
    sheet = Sheet()
    sheet.write(FERRY)
    sheet.canvas.acroForm.textfield(name="n", value="Ingrid", x=200, y=495, width=90, height=20)
    path = tmp_path / "form.pdf"
    path.write_bytes(sheet.bytes())
    found = drawn(path, 1, ("Ingrid",))
    ((left, top, right, bottom),) = found.boxes
    image = Image.open(io.BytesIO(found.image))
    box = (left * found.width, top * found.height, right * found.width, bottom * found.height)
    inner = image.crop((int(box[0]) + 9, int(box[1]) + 9, int(box[2]) - 9, int(box[3]) - 9))
    assert sum(inner.convert("L").histogram()[:60]) > 50, "the letters are there"


def test_a_quote_on_the_next_page_shows_that_page(tmp_path: Path) -> None:
    found = drawn(a_pdf(tmp_path), 1, (QUOTE,))
    assert found.page == 2
    assert found.boxes


def test_a_quote_that_is_not_there_has_no_box(tmp_path: Path) -> None:
    found = drawn(a_pdf(tmp_path), 1, ("nothing of the kind",))
    assert (found.page, found.boxes) == (1, ())


class TestInAProcess:
    def draw(self, path: Path, digest: str = "", quote: str = QUOTE) -> Picture:
        return Pictures().draw(path, digest or digest_of(path), 2, (quote,))

    def test_it_is_the_same_picture(self, tmp_path: Path) -> None:
        path = a_pdf(tmp_path)
        assert self.draw(path) == drawn(path, 2, (QUOTE,))

    def test_the_last_ones_are_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = a_pdf(tmp_path)
        monkeypatch.setattr(pictures, "KEPT", 1)
        drawn = []
        mine = Pictures()
        original = mine._drawn
        monkeypatch.setattr(mine, "_drawn", lambda *asked: drawn.append(asked) or original(*asked))
        for page in (1, 1, 2, 1):
            mine.draw(path, digest_of(path), page, ())
        assert [page for _, _, page, _ in drawn] == [1, 2, 1]

    def test_a_kept_picture_waits_for_nobody(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = a_pdf(tmp_path)
        mine = Pictures()
        first = mine.draw(path, digest_of(path), 1, ())
        for _ in range(pictures.AT_ONCE):
            mine._drawing.acquire()  # others are drawing
        assert mine.draw(path, digest_of(path), 1, ()) is first

    def test_a_file_that_is_gone_or_changed_is_not_shown(self, tmp_path: Path) -> None:
        path = a_pdf(tmp_path)
        digest = digest_of(path)
        path.write_bytes(path.read_bytes() + b"\n% more")
        with pytest.raises(ParseError, match="was changed since it was indexed"):
            self.draw(path, digest)
        path.unlink()
        with pytest.raises(ParseError, match="no longer in the corpus folder"):
            self.draw(path, digest)

    def test_a_link_out_of_the_corpus_is_not_followed(self, tmp_path: Path) -> None:
        path = a_pdf(tmp_path)
        link = tmp_path / "link.pdf"
        link.symlink_to(path)
        with pytest.raises(ParseError, match="no longer in the corpus folder"):
            self.draw(link, digest_of(path))

    def test_a_damaged_file_and_a_page_too_many_are_errors_in_words(self, tmp_path: Path) -> None:
        path = tmp_path / "broken.pdf"
        path.write_bytes(b"%PDF-1.7 and no more of it")
        with pytest.raises(ParseError, match="damaged"):
            self.draw(path)
        path = a_pdf(tmp_path)
        with pytest.raises(ParseError, match="has no page 9"):
            Pictures().draw(path, digest_of(path), 9, ())

    def test_what_takes_too_long_or_too_much_is_ended(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = a_pdf(tmp_path)
        monkeypatch.setattr(pictures, "SECONDS", 0.01)
        with pytest.raises(ParseError, match=r"takes longer than 0\.01 seconds"):
            self.draw(path)
        monkeypatch.setattr(pictures, "SECONDS", 20.0)
        monkeypatch.setattr(pictures, "MEMORY", 1_000_000)
        with pytest.raises(ParseError, match="damaged, or too large to draw"):
            self.draw(path)
