"""Pages that are pictures are read by OCR where it is installed, marked, and never guessed."""

from __future__ import annotations

import io
import multiprocessing
import os
import shutil
import sys
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from index.build import build
from index.errors import ParseError
from index.parsers import ocr, parse_bytes, pool
from index.parsers.pdf import boxes
from index.parsers.remarks import lacks
from index.parsers.workers import Limits, parse_all
from index.records import Document, FileReport
from index.store import Store
from index.verify import verify
from tests.conftest import HashEncoder
from tests.samples import a_mail
from tests.sheets import FEES, FERRY, Sheet, texts

HEIGHT = A4[1]
SEEN = ["The lighthouse of Sandholm was lit in 1874", "and its keeper lived there with two goats."]

PROGRAM = """#!{python}
# Says what Tesseract would; each word is 200 pixels wide, at 300 pixels to the inch.
import os, sys, time
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("tesseract {version}")
elif arguments == ["--list-langs"]:
    print("List of available languages (1):\\n{languages}")
else:
    with open({log!r}, "a") as log:
        log.write(f"{{os.getpid()}} {{os.environ['OMP_THREAD_LIMIT']}} {{arguments}}\\n")
    time.sleep({seconds})
    if {fails}:
        sys.exit("no luck")
    head = "level page_num block_num par_num line_num word_num left top width height conf text"
    rows = [head.split(), "1 1 0 0 0 0 0 0 2480 3508 -1".split() + [""]]
    for line, words in enumerate({lines!r}, start=1):
        for word, text in enumerate(words.split(), start=1):
            left, top = 100 + 220 * word, 600 + 60 * line
            rows.append([5, 1, 1, 1, line, word, left, top, 200, 50, {confidence}, text])
    with open(arguments[1] + ".tsv", "w") as file:
        file.write("\\n".join("\\t".join(map(str, row)) for row in rows))
"""


class Program:
    """A program named ``tesseract`` in a folder of its own, which is all that the path names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"

    def install(
        self,
        lines: list[str] = SEEN,
        version: str = "5.3.0",
        languages: str = "eng",
        seconds: float = 0,
        fails: bool = False,
        confidence: float = 91.5,
    ) -> None:
        path = self.folder / "tesseract"
        path.write_text(
            PROGRAM.format(
                python=sys.executable,
                version=version,
                languages=languages,
                log=str(self.log),
                lines=lines,
                seconds=seconds,
                fails=fails,
                confidence=confidence,
            )
        )
        path.chmod(0o755)

    def remove(self) -> None:
        (self.folder / "tesseract").unlink()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    # Workers that are spawned have the path of the test; those of a fork server that of the first.
    spawn = multiprocessing.get_context("spawn")
    monkeypatch.setattr(pool, "get_context", lambda _: spawn)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    return Program(folder)


def a_scan(*pages: str) -> bytes:
    """A PDF of pictures of text."""
    sheet = Sheet()
    for text in pages:
        sheet.write(text)
        sheet.page()
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=A4)
    for page in pypdfium2.PdfDocument(sheet.bytes()):
        picture = page.render(scale=200 / 72, grayscale=True).to_pil()
        canvas.drawImage(ImageReader(picture), 0, 0, *A4)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def half_a_scan() -> bytes:
    """A page of text, a page that is a picture, and a blank one."""
    sheet = Sheet()
    sheet.write(FERRY)
    sheet.page()
    sheet.canvas.rect(100, 100, 200, 200, fill=1)
    sheet.page()
    sheet.page()
    return sheet.bytes()


def stamped() -> bytes:
    """A page that is a picture, with a few words printed over it."""
    sheet = Sheet()
    picture = Image.new("L", (100, 140), 200)
    sheet.canvas.drawImage(ImageReader(picture), 0, 0, *A4)
    sheet.write("RECEIVED 12 MAY")
    return sheet.bytes()


def read(data: bytes) -> Document:
    return parse_bytes(data, "scan.pdf")


class TestReading:
    def test_pages_that_are_pictures_are_read_and_marked(self, program: Program) -> None:
        program.install()
        document = read(half_a_scan())
        assert texts(document) == [FERRY, " ".join(SEEN)]
        assert [block.page for block in document.blocks] == [1, 2]
        assert document.extent.by_ocr == (2,)
        assert document.extent.without_text == ()
        assert document.extent.pages == 3
        assert document.metadata["ocr"] == "Tesseract 5.3.0 (eng)"
        (asked,) = program.log.read_text().splitlines()
        _, threads, arguments = asked.split(maxsplit=2)
        assert threads == "1"
        assert "'-l', 'eng'" in arguments

    def test_a_page_with_text_is_not_read_again(self, program: Program) -> None:
        program.install()
        sheet = Sheet()
        sheet.write(FERRY)
        document = read(sheet.bytes())
        assert document.extent.by_ocr == ()
        assert not program.log.exists()

    def test_boxes_stand_where_the_words_were_seen(self, program: Program) -> None:
        program.install()
        (first, second) = boxes(half_a_scan(), 2, "in 1874 and its")
        pixel = 72 / 300
        for (page, box), left, right, top in (
            (first, 100 + 220 * 7, 100 + 220 * 8 + 200, 660),
            (second, 320, 320 + 220 + 200, 720),
        ):
            assert page == 2
            low = top + 50 + 0.2 * 50  # below the line there is room for descenders
            expected = [left * pixel, HEIGHT - low * pixel, right * pixel, HEIGHT - top * pixel]
            assert list(box) == pytest.approx(expected, abs=0.2)

    def test_a_scan_with_a_stamp_on_it_is_read(self, program: Program) -> None:
        program.install()
        data = stamped()
        document = read(data)
        assert texts(document) == [" ".join(SEEN)]
        assert document.extent.by_ocr == (1,)
        assert boxes(data, 1, SEEN[0])

    def test_without_ocr_such_a_page_is_named(self, program: Program) -> None:
        document = read(stamped())
        assert texts(document) == ["RECEIVED 12 MAY"]
        assert document.extent.without_text == (1,)

    @pytest.mark.parametrize("rotation", [90, 180, 270])
    def test_boxes_of_a_page_that_is_turned(self, program: Program, rotation: int) -> None:
        program.install(["pier"])
        pdf = pypdfium2.PdfDocument(half_a_scan())
        pdf[1].set_rotation(rotation)
        file = io.BytesIO()
        pdf.save(file)
        ((_, (left, bottom, right, _)),) = boxes(file.getvalue(), 2, "pier")
        x, y, width = 320 * 72 / 300, 660 * 72 / 300, 200 * 72 / 300
        upper_left = {
            90: (y, x),
            180: (A4[0] - x - width, y),
            270: (A4[0] - y, HEIGHT - x - width),
        }[rotation]
        found = {90: (left, bottom), 180: (left, bottom), 270: (right, bottom)}[rotation]
        assert found == pytest.approx(upper_left, abs=0.5)

    def test_a_pattern_is_no_text(self, program: Program) -> None:
        program.install(["~ | .,", "=_ -"], confidence=12)
        assert read(half_a_scan()).extent.without_text == (2,)
        with pytest.raises(ParseError, match=r"no text layer.* OCR finds no text"):
            read(a_scan(FERRY))

    def test_a_page_that_it_fails_on_does_not_cost_the_others(self, program: Program) -> None:
        program.install(fails=True)
        document = read(half_a_scan())
        assert texts(document) == [FERRY]
        assert document.extent.without_text == (2,)
        assert "ocr" not in document.metadata

    @pytest.mark.skipif(not shutil.which("tesseract"), reason="Tesseract is not installed")
    def test_tesseract_itself_reads_a_scan(self) -> None:
        data = a_scan(FERRY, FEES)
        document = read(data)
        assert texts(document) == [FERRY, FEES]
        assert document.extent.by_ocr == (1, 2)
        quote = "It takes an hour and a half"
        ((page, (left, bottom, right, top)),) = boxes(data, 1, quote)
        sheet = Sheet()
        sheet.write(FERRY)
        ((_, expected),) = boxes(sheet.bytes(), 1, quote)
        assert page == 1
        assert (left, bottom, right, top) == pytest.approx(expected, abs=3)


class Clock:
    """A clock that goes on by 100 seconds whenever it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 100
        return self.now


class TestTime:
    def test_pages_that_were_read_in_time_are_kept_and_the_others_named(
        self, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program.install()
        monkeypatch.setattr(ocr, "time", Clock())
        with ocr.within(250):
            document = read(a_scan(*["page"] * 4))
        assert [block.page for block in document.blocks] == [1, 2]
        assert document.extent.by_ocr == (1, 2)
        assert document.extent.without_text == document.extent.unreached == (3, 4)
        assert list(lacks(document.extent)) == [
            f"Pages 3–4 of 4 are missing: OCR did not come so far in its time. {ocr.MORE_TIME}"
        ]

    def test_a_scan_of_which_nothing_was_read_in_time_says_so(self, program: Program) -> None:
        program.install()
        with ocr.within(0), pytest.raises(ParseError, match="In its time OCR has read 0") as caught:
            read(a_scan(FERRY))
        assert "the setting 'file_seconds'" in str(caught.value)
        assert not program.log.exists()

    def test_a_page_that_takes_too_long_is_given_up_with_its_program(
        self, program: Program, tmp_path: Path
    ) -> None:
        program.install(seconds=600)
        (tmp_path / "scan.pdf").write_bytes(half_a_scan())
        limits = Limits(seconds=200, ocr=0.02)
        (parsed,) = parse_all([(tmp_path / "scan.pdf", "scan.pdf")], limits)
        assert parsed.document is not None, parsed.reason
        assert texts(parsed.document) == [FERRY]
        assert parsed.document.extent.unreached == (2,)
        process = int(program.log.read_text().split()[0])
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)

    def test_attachments_share_the_time_of_their_mail(self, program: Program) -> None:
        program.install()
        mail = a_mail()
        mail.add_attachment(half_a_scan(), "application", "pdf", filename="scan.pdf")
        with ocr.within(0):
            document = parse_bytes(bytes(mail), "mail.eml")
        (reason,) = document.extent.unread
        assert reason.startswith("'scan.pdf': Page 2 of 3 is missing: OCR did not come so far")


class TestWhatIsMissing:
    def test_the_program(self, program: Program) -> None:
        with pytest.raises(ParseError, match="needs OCR") as caught:
            read(a_scan(FERRY))
        assert "sudo apt-get install tesseract-ocr (Debian, Ubuntu)" in str(caught.value)
        assert "brew install tesseract (macOS)" in str(caught.value)
        assert "pip install" not in str(caught.value)

    def test_the_package(self, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
        program.install()
        monkeypatch.setattr(ocr, "find_spec", lambda name: None)
        with pytest.raises(ParseError, match=r"Install it: pip install pytesseract\. Then"):
            read(a_scan(FERRY))

    def test_the_language(self, program: Program) -> None:
        program.install(languages="osd")
        with pytest.raises(ParseError, match="apt-get install tesseract-ocr-eng"):
            read(a_scan(FERRY))

    def test_nothing(self, program: Program) -> None:
        program.install()
        assert ocr.lacking() == ""


class TestTheIndexOfALongScan:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With the default of seconds a file there is hardly any time for OCR."""
        few = 0.01
        monkeypatch.setattr(
            "index.documents.Limits", lambda seconds: Limits(200, few if seconds == 120 else 0.75)
        )

    def built(self, corpus: Path, store: Store, file_seconds: float = 120) -> FileReport:
        report = build(corpus, store, HashEncoder(), file_seconds=file_seconds)
        assert not report.unchanged
        (line,) = [file for file in report.files if file.path == "scan.pdf"]
        return line

    def test_it_is_partly_there_until_it_is_given_more_time(
        self, program: Program, corpus: Path, store: Store
    ) -> None:
        program.install(seconds=600)
        (corpus / "scan.pdf").write_bytes(half_a_scan())
        line = self.built(corpus, store)
        assert line.state == "partly"
        assert line.reason.startswith("Page 2 of 3 is missing: OCR did not come so far")
        assert line.coverage == pytest.approx(2 / 3)
        program.install()
        line = self.built(corpus, store, file_seconds=300)
        assert line.state == "indexed"
        assert line.coverage == 1

    def test_what_could_not_be_read_as_far_again_is_neither_proved_nor_changed(
        self, program: Program, corpus: Path, store: Store
    ) -> None:
        program.install(seconds=600)
        (corpus / "scan.pdf").write_bytes(half_a_scan())
        self.built(corpus, store)
        program.install()
        report = verify(corpus, store)
        assert report.unproved == ("scan.pdf",)
        assert report.ok
        assert report.current
        program.remove()
        assert verify(corpus, store).changed == ("scan.pdf",)


class TestTheIndex:
    def built(self, corpus: Path, store: Store) -> FileReport:
        (corpus / "scan.pdf").write_bytes(half_a_scan())
        report = build(corpus, store, HashEncoder())
        (line,) = [file for file in report.files if file.path == "scan.pdf"]
        return line

    def test_people_are_told_what_ocr_has_read(
        self, program: Program, corpus: Path, store: Store
    ) -> None:
        program.install()
        line = self.built(corpus, store)
        assert line.state == "indexed"
        assert line.reason == "Page 2 of 3 was read by OCR, which makes mistakes."
        assert line.coverage == 1
        report = verify(corpus, store)
        assert report.ok
        assert report.current

    def test_people_are_told_what_to_install_and_the_next_build_reads_it(
        self, program: Program, corpus: Path, store: Store
    ) -> None:
        line = self.built(corpus, store)
        assert line.state == "partly"
        assert line.reason.startswith("Page 2 of 3 has no text: pictures need OCR. Install it: ")
        assert verify(corpus, store).current
        program.install()
        assert verify(corpus, store).changed == ("scan.pdf",)
        report = build(corpus, store, HashEncoder())
        assert not report.unchanged
        passages = store.open().table.passages("scan.pdf")
        assert any(SEEN[0] in passage.text for passage in passages)

    @pytest.mark.parametrize("change", ["removed", "another version", "another reading"])
    def test_what_it_reads_otherwise_now_has_changed_and_is_not_damaged(
        self, change: str, program: Program, corpus: Path, store: Store
    ) -> None:
        program.install()
        self.built(corpus, store)
        if change == "removed":
            program.remove()
        elif change == "another version":
            program.install(version="5.4.1")
        else:
            program.install([SEEN[0], "and its keeper lived there with two boats."])
        report = verify(corpus, store)
        assert report.ok
        assert report.changed == ("scan.pdf",)
