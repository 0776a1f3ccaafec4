"""Files made to do harm cost themselves only: each is named with the reason, the rest is read."""

from __future__ import annotations

import io
import multiprocessing
import os
import re
import signal
import threading
import time
import zipfile
from pathlib import Path

import pytest

from index.build import build
from index.parsers.workers import Limits, Parsed, parse_all
from index.store import Store
from index.verify import verify
from tests.conftest import HashEncoder
from tests.samples import FERRY, a_docx, a_pptx, an_epub, an_odt, samples

QUICK = Limits(seconds=6)


def a_pdf_of(*objects: bytes, loop: bool = False) -> bytes:
    """Numbered objects, the first of which is the catalogue, as a PDF."""
    data, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    more = b"/Prev %d" % len(data) if loop else b""
    count = len(objects) + 1
    end = b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n"
    return data + end % (count, table, count, more, len(data)) + b"%%EOF"


def a_stream(content: bytes, facts: bytes = b"") -> bytes:
    return b"<</Length %d%b>>stream\n%b\nendstream" % (len(content), facts, content)


CATALOGUE = b"<</Type/Catalog/Pages 2 0 R>>"
PAGE = (
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
    b"/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R>>>>>>"
)
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
TEXT = a_stream(b"BT /F 12 Tf 50 700 Td (The ferry leaves at nine.) Tj ET")
FORM = b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources<</XObject<</X 6 0 R>>>>"


def with_part(whole: bytes, name: str, change: bytes, content: bytes = b"") -> bytes:
    """An archive with something put before a part's first tag, or with one part more."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(file, "w", 8) as new:
        for one in old.namelist():
            data = old.read(one)
            if one == name:
                start = data.index(b"?>") + 2 if data.startswith(b"<?xml") else 0
                data = data[:start] + change + data[start:]
            new.writestr(one, data)
        if content:
            new.writestr(name, content)
    return file.getvalue()


LAUGHS = b"<!DOCTYPE lolz [<!ENTITY a0 'ha'>%b]>" % b"".join(
    b"<!ENTITY a%d '%b'>" % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 12)
)

ENDLESS = "takes longer than 6 seconds|ended its process"  # whichever limit is met first
HOSTILE = {
    "forms.pdf": (
        a_pdf_of(
            CATALOGUE,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            PAGE,
            a_stream(b"/X Do"),
            FONT,
            a_stream(b"/X Do /X Do", FORM),
        ),
        ENDLESS,
    ),
    "pages.pdf": (
        a_pdf_of(
            CATALOGUE, b"<</Type/Pages/Kids[%b]/Count 900000>>" % (b"3 0 R " * 900_000), PAGE, TEXT
        ),
        ENDLESS,
    ),
    "tree.pdf": (
        a_pdf_of(CATALOGUE, b"<</Type/Pages/Kids[2 0 R]/Count 1>>"),
        "none of its pages can be opened",
    ),
    "laughs.docx": (with_part(a_docx(), "word/document.xml", LAUGHS), "declares entities"),
    "laughs.pptx": (with_part(a_pptx(), "ppt/slides/slide1.xml", LAUGHS), "declares entities"),
    "laughs.epub": (with_part(an_epub(), "book/content.opf", LAUGHS), "declares entities"),
    "laughs.odt": (with_part(an_odt(), "content.xml", LAUGHS), "declares entities"),
    "bomb.docx": (
        with_part(a_docx(), "word/media/a.png", b"", b"\0" * 30_000_000),
        "part 'word/media/a.png' is packed suspiciously small",
    ),
}


def parsed(
    folder: Path, files: dict[str, bytes], limits: Limits, workers: int | None = None
) -> dict[str, Parsed]:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    found = parse_all([(folder / name, name) for name in files], limits, workers)
    return dict(zip(files, found, strict=True))


def test_each_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    good = samples()
    begun = time.monotonic()
    found = parsed(tmp_path, {name: data for name, (data, _) in HOSTILE.items()} | good, QUICK)
    assert time.monotonic() - begun < 60
    for name, (_, reason) in HOSTILE.items():
        assert found[name].document is None
        assert re.search(reason, found[name].reason), found[name].reason
    for name in good:
        assert found[name].document is not None, found[name].reason


def test_a_table_of_places_that_names_itself_ends(tmp_path: Path) -> None:
    pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    data = a_pdf_of(CATALOGUE, pages, PAGE, TEXT, FONT, loop=True)
    document = parsed(tmp_path, {"loop.pdf": data}, QUICK)["loop.pdf"].document
    assert document is not None
    assert document.text == "The ferry leaves at nine."


@pytest.mark.parametrize(
    ("word", "size"),
    [
        (b"\0", 100_000_000),
        (b"x", 100_000_000),
        (b"metre ", 100_000_000),
        ("métre ".encode("cp1252"), 20_000_000),
    ],
)
def test_a_line_of_a_hundred_megabytes_is_read_or_named(
    tmp_path: Path, word: bytes, size: int
) -> None:
    line = word * (size // len(word))
    found = parsed(tmp_path, {"line.txt": line, "ferry.md": FERRY.encode()}, Limits(seconds=20))
    document, reason = found["line.txt"].document, found["line.txt"].reason
    if document is None:
        assert re.search("binary|takes longer", reason), reason
    else:
        assert len(document.text.rstrip()) == len(line.rstrip())
    assert found["ferry.md"].document is not None


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is limited on Linux only")
def test_what_takes_too_much_memory_is_named(tmp_path: Path) -> None:
    files = {"line.txt": b"metre " * 20_000_000, "ferries.docx": a_docx()}
    found = parsed(tmp_path, files, Limits(memory=150_000_000), workers=1)
    assert found["line.txt"].reason == "Reading it takes more than 0.1 GB of memory."
    assert found["ferries.docx"].document is not None


def test_a_path_that_leads_out_of_an_archive_leads_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    book = an_epub("../../etc/x.md")
    (tmp_path / "x.md").write_text("swordfish")
    word = with_part(a_docx(), "../../evil.md", b"", b"This must not get out of here.")
    found = parsed(folder, {"paths.epub": book, "paths.docx": word}, QUICK)
    book_read, word_read = found["paths.epub"].document, found["paths.docx"].document
    assert book_read is not None
    assert word_read is not None
    assert "swordfish" not in book_read.text
    (reason,) = book_read.extent.unread
    assert "lacks its part" in reason
    assert "etc/x.md" in reason
    assert sorted(path.name for path in tmp_path.rglob("*.md")) == ["x.md"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal")
def test_a_worker_that_is_killed_costs_its_file_only(tmp_path: Path) -> None:
    def kill() -> None:
        for _ in range(100):
            time.sleep(0.1)
            if workers := multiprocessing.active_children():
                time.sleep(1)
                os.kill(workers[0].pid or 0, signal.SIGKILL)
                return

    files = {"forms.pdf": HOSTILE["forms.pdf"][0], "ferries.docx": a_docx()}
    killer = threading.Thread(target=kill)
    killer.start()
    found = parsed(tmp_path, files, Limits(seconds=30), workers=1)
    killer.join()
    assert found["forms.pdf"].reason.startswith("Reading it ended its process (exit code -9).")
    assert found["ferries.docx"].document is not None


def test_a_build_names_each_and_indexes_the_rest(
    corpus: Path, store: Store, encoder: HashEncoder
) -> None:
    quick = {name: file for name, file in HOSTILE.items() if file[1] != ENDLESS}
    for name, (data, _) in quick.items():
        (corpus / name).write_bytes(data)
    (corpus / "paths.epub").write_bytes(an_epub("../../etc/x.md"))
    files = {file.path: file for file in build(corpus, store, encoder).files}
    for name, (_, reason) in quick.items():
        assert files[name].state == "failed"
        assert re.search(reason, files[name].reason)
    assert files["paths.epub"].state == "partly"
    assert files["paths.epub"].reason.startswith("Of its parts were not read: '../etc/x.md'")
    assert files["bees.txt"].state == "indexed"
    report = verify(corpus, store)
    assert report.ok
    assert report.current
