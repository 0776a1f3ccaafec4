"""Questions to begin with: what is asked, and as running text would have it."""

from __future__ import annotations

import pytest

from app.suggest import _as_written


@pytest.mark.parametrize(
    ("title", "text", "asked"),
    [
        (
            "Department of Defense",
            "Here the Department of Defense sets the rules. So says the Department of Defense.",
            "the Department of Defense",
        ),
        (
            "Defense Diplomacy",
            "Defense diplomacy is old. What is meant by defense diplomacy is peaceful.",
            "defense diplomacy",
        ),
        ("Harbours", "All the harbours are open. Some of the harbours are deep.", "harbours"),
        ("Tea", "Tea is steeped.", "tea"),
        ("NATO", "Members of NATO meet, and NATO decides.", "NATO"),
        ("Ida Holm", "The house of Ida Holm stands.", "Ida Holm"),
        ("Notes (2)", "Some notes (2) are here", "notes (2)"),
        ("Annual report", "It was a good year.", ""),
    ],
)
def test_a_title_is_asked_for_as_the_text_has_it(title: str, text: str, asked: str) -> None:
    assert _as_written(title, [text]) == asked
