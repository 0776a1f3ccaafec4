"""No file, however damaged, makes a parser raise anything but our own error."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import ParseError
from index.parsers import parse_bytes
from tests.samples import a_docx, a_mail, samples

WHOLE = samples()
MAIL = a_mail()
MAIL.add_attachment(a_docx(), "application", "x", filename="ferries.docx")
MAIL.add_attachment(a_mail())
WHOLE["mails.eml"] = bytes(MAIL)
ARCHIVES = [name for name, data in WHOLE.items() if data.startswith(b"PK")]
ENCODINGS = ["utf-16", "utf-16-le", "utf-32", "cp1252", "cp037", "shift_jis", "iso2022_jp", "utf-7"]


def check(data: bytes, name: str) -> None:
    """What can be read of some bytes has blocks in order, and nothing that cannot be stored."""
    try:
        document = parse_bytes(data, name)
    except ParseError:
        return
    end = 0
    for block in document.blocks:
        assert end <= block.start < block.end <= len(document.text)
        text = document.text[block.start : block.end]
        assert text.strip() == text
        end = block.end
    for text in (
        document.text,
        document.title,
        *(heading for block in document.blocks for heading in block.headings),
        *document.metadata.values(),
    ):
        text.encode("utf-8")


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=50)
@given(data=st.data())
def test_bytes_that_were_flipped_and_cut(name: str, data: st.DataObject) -> None:
    whole = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(0, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(whole[: data.draw(st.integers(0, len(whole)))]), name)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("parts", range(1, 8))
def test_files_that_end_too_early(name: str, parts: int) -> None:
    check(WHOLE[name][: len(WHOLE[name]) * parts // 8], name)


@pytest.mark.parametrize("name", [name for name in WHOLE if name not in ARCHIVES])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_texts_in_an_encoding_that_they_do_not_name(name: str, encoding: str) -> None:
    text = WHOLE[name].decode("latin-1") + "Fähre £5 – 港口"
    check(text.encode(encoding, "replace"), name)


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=25)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind_under_any_name(name: str, data: bytes) -> None:
    check(data, name)
    check(WHOLE[name][:60] + data, name)


@pytest.mark.parametrize("name", ARCHIVES)
@settings(max_examples=40)
@given(data=st.data())
def test_archives_that_are_whole_around_damaged_parts(name: str, data: st.DataObject) -> None:
    """Flips in packed bytes only break their checksum; so the parts are changed unpacked."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(WHOLE[name])) as old, zipfile.ZipFile(file, "w") as new:
        names = old.namelist()
        harmed = data.draw(st.sampled_from(names))
        for one in names:
            content = bytearray(old.read(one))
            if one == harmed and content:
                for _ in range(data.draw(st.integers(1, 6))):
                    place = data.draw(st.integers(0, len(content) - 1))
                    content[place] = data.draw(st.integers(0, 255))
                if data.draw(st.booleans()):
                    content = content[: data.draw(st.integers(0, len(content)))]
            new.writestr(one, bytes(content))
    check(file.getvalue(), name)


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_without_one_of_their_parts(name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(WHOLE[name])) as old:
        for missing in old.namelist():
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w") as new:
                for one in old.namelist():
                    if one != missing:
                        new.writestr(one, old.read(one))
            check(file.getvalue(), name)
