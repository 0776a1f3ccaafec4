"""What stands beside the text of a file is left out of it, and counted."""

from __future__ import annotations

import io
import zipfile

import pytest

from index.parsers import parse_bytes
from tests.samples import FERRY, an_epub, an_odt, texts


def a_docx_with_asides() -> bytes:
    import docx

    made = docx.Document()
    made.add_paragraph(FERRY)
    made.sections[0].header.paragraphs[0].text = "Ferry Board"
    made.sections[0].footer.paragraphs[0].text = "Confidential"
    made.add_comment(made.paragraphs[0].runs, "Is this so?", author="I. Holm")
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def a_book_with_contents() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(an_epub())) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "book/content.opf":
                contents = b'<item id="c" href="c.xhtml" properties="nav" '
                contents += b'media-type="application/xhtml+xml"/></manifest>'
                data = data.replace(b"</manifest>", contents)
                data = data.replace(b"<spine>", b'<spine><itemref idref="c"/>')
            new.writestr(name, data)
        new.writestr("book/c.xhtml", "<html><body><p>Contents</p></body></html>")
    return file.getvalue()


ASIDE = {
    "nav.html": (lambda: f"<nav>Ships <a>Ports</a></nav><p>{FERRY}</p>".encode(), "Ships Ports"),
    "role.html": (
        lambda: f"<div role=banner>Board</div><p>{FERRY}<footer role=contentinfo>2020".encode(),
        "Board2020",
    ),
    "form.html": (
        lambda: f"<form>Find <input><button>Go</button></form><p>{FERRY}</p>".encode(),
        "Find Go",
    ),
    "inside.html": (
        lambda: f"<h1>Ferry<button>Edit</button></h1><p>{FERRY}</p>".encode(),
        "Edit",
    ),
    "hidden.html": (
        lambda: (
            f"<p>{FERRY}</p><p hidden>one</p><p style='display: none'>two</p><table><tr hidden>"
            "<td>three</td></tr><tr><td>kept</td><td hidden>four</td></tr></table>"
        ).encode(),
        "onetwothreefour",
    ),
    "code.html": (
        lambda: (
            f"<style>p {{}}</style><nav><script>var a = 1</script></nav><p>{FERRY}</p>"
            "<template>t</template><noscript>Turn scripts on</noscript><!-- comment -->"
        ).encode(),
        "",
    ),
    "asides.docx": (a_docx_with_asides, "Ferry BoardConfidentialIs this so?"),
    "contents.epub": (a_book_with_contents, "Contents"),
    "aside.odt": (
        lambda: an_odt(
            "<text:table-of-content><text:index-body><text:p>1 Fees</text:p></text:index-body>"
            "</text:table-of-content><text:p>See<office:annotation><text:p>why?</text:p>"
            "</office:annotation> there.</text:p>"
        ),
        "1 Feeswhy?",
    ),
    "aside.rst": (
        lambda: f":Author: Holm\n\n{FERRY}\n\n.. not to be seen\n".encode(),
        "Holmnot to be seen",
    ),
    "aside.md": (lambda: f"---\ndate: 2020\n---\n\n{FERRY}\n".encode(), "date: 2020"),
    "aside.eml": (
        lambda: f"Subject: A\nContent-Type: text/html\n\n<nav>Top</nav><p>{FERRY}".encode(),
        "Top",
    ),
}


@pytest.mark.parametrize("name", ASIDE)
def test_what_is_seen_and_not_kept_is_counted_and_code_is_not(name: str) -> None:
    make, left_out = ASIDE[name]
    document = parse_bytes(make(), name)
    assert FERRY in document.text
    assert document.extent.left_out == len(left_out)


def test_a_whole_page_in_a_form_is_kept() -> None:
    page = f"<form><input value=Find><h1>Ferries</h1><p>{FERRY}</p></form>"
    assert texts(parse_bytes(page.encode(), "a.html")) == [FERRY]
