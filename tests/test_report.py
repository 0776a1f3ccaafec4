"""What is told of the files of a corpus: nothing is left out of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import terminal
from app.report import STATES, covered, not_whole, percent, summary, why, with_coverage
from index.records import FileReport

WHOLE = FileReport("a.md", "indexed", "", 3, 90)
HEADERS = FileReport("b.pdf", "indexed", "", 5, 900, 100, 4)
PARTLY = FileReport("c.pdf", "partly", "Page 2 of 4 has no text.", 5, 900, 0, 4, 1)
SAME = FileReport("d.md", "duplicate", "It has the same content as 'a.md'.")
HIDDEN = FileReport(".e", "skipped", "Hidden files are not read.")
BROKEN = FileReport("f.pdf", "failed", "The file is damaged.")
ALL = (WHOLE, HEADERS, PARTLY, SAME, HIDDEN, BROKEN)


def test_the_figures_of_all_files_are_added_up() -> None:
    found = summary(ALL)
    assert found.files == 6
    assert found.states == {"indexed": 2, "partly": 1, "duplicate": 1, "skipped": 1, "failed": 1}
    assert tuple(found.states) == STATES
    assert (found.characters, found.left_out) == (1890, 100)
    assert (found.pages, found.pages_without_text) == (8, 1)
    assert found.coverage == pytest.approx(1890 / 1990)
    assert summary(()).states == {}


def test_every_file_that_is_not_whole_is_told_of_worst_first() -> None:
    assert not_whole(ALL) == [BROKEN, PARTLY, HIDDEN, HEADERS, SAME]
    assert all(why(file) for file in not_whole(ALL))
    assert "100 characters left out" in why(HEADERS)
    assert why(WHOLE) == ""
    assert why(replace(HEADERS, reason="One.")).startswith("One. 100 characters left out")
    assert "1 token of long headings" in why(replace(WHOLE, cut_tokens=1))
    assert ("Not encoded", "7 tokens of long headings") in terminal.read(
        [replace(WHOLE, cut_tokens=3), replace(WHOLE, cut_tokens=4)]
    )


def test_what_is_said_of_coverage_is_true() -> None:
    shown = {file.path: covered(file) for file in ALL}
    expected = {"a.md": "100%", "b.pdf": "90%", "c.pdf": "75%", "d.md": "–", ".e": "–"}
    assert shown == {**expected, "f.pdf": "0%"}
    assert covered(replace(PARTLY, pages_without_text=0)) == "<100%"
    assert with_coverage(PARTLY)["coverage"] == 0.75
    assert with_coverage(PARTLY)["pages_without_text"] == 1


@given(st.floats(0, 1))
def test_only_all_is_100_percent_and_only_nothing_is_0(share: float) -> None:
    shown = percent(share)
    assert (shown == "0%") == (share == 0)
    assert (shown == "100%") == (share == 1)


def test_a_long_list_says_how_to_see_all_of_it() -> None:
    broken = [FileReport(f"{number}.pdf", "failed", "Damaged.") for number in range(50)]
    lines = terminal.left_out(broken)
    assert "Not wholly in the index: 50 files" in lines
    assert lines[-1] == "  and 30 more: python -m app status --files"
    assert len(lines) == 23
    assert terminal.left_out([WHOLE]) == []


def test_a_whole_file_that_needs_care_is_named_too() -> None:
    read = replace(WHOLE, reason="Page 1 of 1 was read by a machine.")
    lines = terminal.left_out([read, BROKEN])
    assert lines[-2:] == ["To be read with care: 1 file", f"  a.md (indexed, 100%): {read.reason}"]
    assert lines[1] == "Not wholly in the index: 1 file"


def test_a_line_for_each_file_has_its_figures_and_its_reason() -> None:
    lines = terminal.files(ALL).splitlines()
    heads = ["state", "kept", "characters", "left", "out", "pages", "no", "text", "passages"]
    assert lines[0].split() == [*heads, "seconds", "file"]
    assert lines[1].split() == ["indexed", "100%", "90", "0", "–", "–", "3", "0.00", "a.md"]
    assert [line.split()[-1] for line in lines if not line.startswith(" ")][1:] == [
        file.path for file in ALL
    ]
    assert lines[lines.index("    Page 2 of 4 has no text.") - 1].endswith("c.pdf")


def test_the_name_of_a_file_cannot_pretend_to_be_a_line() -> None:
    evil = FileReport("x.pdf\n  y.pdf (indexed)\u2028", "failed", "No\ntext.")
    assert len(terminal.left_out([evil])) == 3
    assert len(terminal.files([evil]).splitlines()) == 3
