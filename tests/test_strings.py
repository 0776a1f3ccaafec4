"""The page's words: every one that is used is there, and every one that is there is used."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from app.ui import strings
from app.ui.strings import say, section_of

APP = Path(strings.__file__).parent.parent
SOURCES = [path for path in APP.rglob("*") if path.suffix in (".py", ".js")]
SECTIONS = tuple(strings._read())
SCRIPTS = {"map": ("map", "names", "around")}
"""Those that get a section's strings, where it is more than one of its name."""


def used(section: str) -> set[str]:
    """All texts in quotes in the sources that name strings of a section."""
    found = set()
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(rf'["\']{section}\.(\w+)["\']', text))
        if section == "words":
            found |= set(re.findall(r'\bcount\([^"\']*["\'](\w+)["\']', text))
        if path.stem in SCRIPTS.get(section, (section,)) and path.suffix == ".js":
            found |= set(re.findall(r'["\'](\w+)["\']', text))
    return found


@pytest.mark.parametrize("section", SECTIONS)
def test_every_string_is_used(section: str) -> None:
    levels = {"strong", "partial", "weak"} if section == "answer" else set()
    assert set(section_of(section)) - used(section) <= levels


def test_every_string_that_python_asks_for_is_there() -> None:
    asked = {
        key
        for path in SOURCES
        if path.suffix == ".py"
        for key in re.findall(r'\bsay\(\s*["\'](\w+\.\w+)["\']', path.read_text(encoding="utf-8"))
    }
    assert asked <= {f"{section}.{name}" for section in SECTIONS for name in section_of(section)}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_forms_for_numbers_have_the_same_places(section: str) -> None:
    for name, found in section_of(section).items():
        if isinstance(found, dict):
            assert set(found) == {"one", "other"}, name
            assert "n" in {field for _, field, _, _ in string.Formatter().parse(found["other"])}


def test_a_number_chooses_the_form_and_values_are_not_read_as_places() -> None:
    assert say("answer.quoted", n=1).endswith(" 1 passage")
    assert say("answer.quoted", n=0).endswith(" 0 passages")
    assert say("answer.tip", title="{n} and {other}", n=2) == "{n} and {other} · paragraph 2"
