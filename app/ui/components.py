"""The page's own components: each draws documents' text as characters, never as markup.

Streamlit's labels and texts are Markdown, which would load images, set formulas and colour words
that a document happens to contain. What these components draw is in the ``.js`` files beside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from app.ui.strings import say, section_of
from app.ui.view import problem_data
from index.errors import PassagesError

_FOLDER = Path(__file__).parent
_HTML = "<div class='root'></div><div class='announce' role='status' aria-live='polite'></div>"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _component(name: str, styles: str = "", parts: Sequence[str] = (), within: str = "") -> Any:
    """A component that the function ``name`` in the script of this name draws.

    ``parts`` are the scripts that it needs; ``within`` are the styles of those.
    """
    return st.components.v2.component(
        f"passages_{name}",
        html=_HTML if styles else None,
        css=_read("base.css") + within + _read(styles) if styles else None,
        js="".join(map(_read, ("dom.js", *parts, f"{name}.js"))) + f"export default {name};\n",
    )


def _within(*names: str) -> str:
    """The styles of components within another one, each for its own part alone."""
    return "".join(f".{name} {{\n{_read(f'{name}.css')}}}\n" for name in names)


_PARTS = ("answer", "reader", "picture", "feedback", "chips", "suggestions", "notice")


_ASK = _component(
    "ask",
    "ask.css",
    [*(f"{name}.js" for name in _PARTS), "keys.js", "narrow.js"],
    _read("waiting.css") + _within("answer", "reader", "picture", "feedback", "parts"),
)
_READER = _component("reader", "reader.css")
_PICTURE = _component("picture", "picture.css")
_STEPS = _component("steps", "parts.css")
_OUTLINE = _component("outline", "parts.css")
_FIGURES = _component("figures", "quality.css")
_DIFFERENCES = _component("differences", "quality.css")
_JUDGED = _component("judged", "quality.css")
_FILES = _component("files", "files.css")
_HISTORY = _component("history", "files.css")
_MAP = _component("map", "map.css", ["points.js", "names.js", "around.js"])
_NOTICE = _component("notice", "parts.css")
_LINE = _component("line", "parts.css")
_HEADING = _component("heading", "parts.css")
_MENDED = _component("mended")
_KEYS = _component("keys")


def ask(data: Mapping[str, Any], key: str) -> None:
    """The Ask screen."""
    sections = ("ask", "narrow", "shown", *_PARTS[:-1])
    strings = {name: section_of(name) for name in sections}
    strings["ask"]["build"] = say("problem.build")
    _ASK(data={**data, "strings": strings}, key=key)


def reader(
    data: Mapping[str, Any], key: str, height: str, on_move: Callable[[], None] | None = None
) -> None:
    """Passages of one document, scrolled to the one in focus.

    With ``on_move`` one can move on in it: ``st.session_state[key]`` has ``go``, a passage to open,
    or ``window``, one to send the neighbours of.
    """
    shown = {"height": height, "controls": on_move is not None, "strings": section_of("reader")}
    events = {"on_go_change": on_move, "on_window_change": on_move} if on_move else {}
    _READER(data={**data, **shown}, key=key, **events)


def picture(
    data: Mapping[str, Any], key: str, height: str, on_turn: Callable[[], None] | None = None
) -> None:
    """A page of a document as a picture, scrolled to its first box.

    With ``on_turn`` one can leaf: ``st.session_state[key]["turn"]`` is the page to show.
    """
    shown = {"height": height, "turns": on_turn is not None, "strings": section_of("picture")}
    events = {"on_turn_change": on_turn} if on_turn else {}
    _PICTURE(data={**data, **shown}, key=key, **events)


def steps(data: Mapping[str, Any], key: str, on_go: Callable[[], None]) -> None:
    """Where one is among passages; ``st.session_state[key]["go"]`` is the one to go to."""
    _STEPS(data=dict(data), key=key, on_go_change=on_go)


def outline(data: Mapping[str, Any], key: str, height: str, on_go: Callable[[], None]) -> None:
    """Headings to go to; ``st.session_state[key]["go"]`` is the number of the passage below."""
    shown = {"height": height, "strings": section_of("outline")}
    _OUTLINE(data={**data, **shown}, key=key, on_go_change=on_go)


def figures(data: Mapping[str, Any], key: str) -> None:
    """Figures of this index beside those of the one before."""
    _FIGURES(data={**data, "strings": section_of("figures")}, key=key)


def differences(data: Mapping[str, Any], key: str) -> Any:
    """Two answers to each question; ``.ask`` of the result is an address of the Ask screen."""
    words = section_of("differences")
    return _DIFFERENCES(data={**data, "strings": words}, key=key, on_ask_change=_nothing)


def judged(
    data: Mapping[str, Any], key: str, on_delete: Callable[[], None], on_more: Callable[[], None]
) -> Any:
    """Judgements; ``.ask`` of the result is an address of the Ask screen."""
    return _JUDGED(
        data={**data, "strings": section_of("judged")},
        key=key,
        on_delete_change=on_delete,
        on_more_change=on_more,
        on_ask_change=_nothing,
    )


def files(data: Mapping[str, Any], key: str, on_more: Callable[[], None]) -> Any:
    """Files and what became of them.

    ``.read`` of the result is a document to open, ``.remove`` the path of a file to remove.
    """
    return _FILES(
        data={**data, "strings": section_of("files")},
        key=key,
        on_more_change=on_more,
        on_read_change=_nothing,
        on_remove_change=_nothing,
    )


def history(data: Mapping[str, Any], key: str) -> Any:
    """Snapshots; ``.back`` of the result is one to go back to, ``.compare`` one to look into."""
    return _HISTORY(
        data={**data, "strings": section_of("history")},
        key=key,
        on_back_change=_nothing,
        on_compare_change=_nothing,
    )


def passage_map(data: Mapping[str, Any], key: str, height: str) -> Any:
    """All passages as points; ``.read`` of the result is the place of one to open."""
    shown = {"height": height, "strings": section_of("map")}
    return _MAP(data={**data, **shown}, key=key, on_read_change=_nothing)


def notice(
    title: str,
    text: str = "",
    *,
    kind: Literal["info", "done", "error"] = "info",
    command: str = "",
    key: str = "notice",
) -> None:
    """A message, for instance an error's own sentence, and the command that helps."""
    _NOTICE(data={"title": title, "text": text, "kind": kind, "command": command}, key=key)


def problem(error: PassagesError) -> None:
    """An error in its own words, and the way out where this page has one."""
    told = problem_data(error)
    build = told.pop("build")
    notice(**told)
    if build:
        st.page_link("screens/library.py", label=say("problem.build"), icon=":material/build:")


def line(text: str, key: str) -> None:
    """A line of text that may have a document's words in it."""
    _LINE(data={"text": text}, key=key)


def heading(text: str, key: str) -> None:
    """A heading in a document's words."""
    _HEADING(data={"text": text}, key=key)


def mended() -> None:
    """Mend what a widget of Streamlit's tells people who cannot see it."""
    _MENDED(key="mended")


def keys(box: str, autofocus: bool) -> None:
    """Let "/" go to the text input whose key is ``box``, or to the Ask screen without one."""
    _KEYS(data={"key": box, "autofocus": autofocus}, key="keys")


def _nothing() -> None:
    """A trigger exists only where a callback is named."""
