"""Read: one whole document by its passages, scrolled to one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from app.ui import components, shown
from app.ui.address import Asked, asked_in
from app.ui.current import documents, passages, service, titles
from app.ui.reading import matches, outline, reader_data, step_from, unfolded
from app.ui.strings import say
from app.ui.view import by_ocr
from app.ui.waiting import waiting
from index.errors import PassagesError
from index.records import Answer, Passage

CHOICE, FIND, CONTENTS = "document_choice", "document_find", "contents"
READER, PICTURE = "document", "document_page"
FOUND, HITS = "found", "hits"

HEIGHT = "max(320px, calc(100vh - 320px))"

WINDOW = 120
"""Passages that are sent to the browser on either side of the one in the middle."""


def number_in_address(every: Sequence[Passage]) -> int:
    """The passage to show: the one with the id in the address, or the one with the number."""
    wanted = st.query_params.get("at", "")
    for passage in every if wanted else ():
        if passage.id == wanted:
            return passage.number
    number = st.query_params.get("p", "")
    found = int(number) if number.isdecimal() and len(number) < 10 else 1
    return min(max(found, 1), len(every))


def go(number: int) -> None:
    """Open a passage: its number goes into the address, and it is the middle of the window."""
    st.query_params.pop("at", None)
    st.query_params["p"] = str(number)
    st.session_state.pop("_window", None)


def choose() -> None:
    chosen = st.session_state[CHOICE]
    if chosen is not None:
        st.query_params.from_dict({"doc": chosen})


def chooser(current: str) -> None:
    st.session_state[CHOICE] = current if current in documents() else None
    st.selectbox(
        say("read.document"),
        list(documents()),
        key=CHOICE,
        format_func=lambda one: titles().get(one, one),
        width=340,
        placeholder=say("read.choose"),
        label_visibility="collapsed",
        on_change=choose,
    )


def answer_to(asked: Asked) -> Answer | None:
    """The answer that the way back leads to; it is kept, for each step here runs this anew."""
    if not asked.question:
        return None
    key = (asked, service().store.current())
    if st.session_state.get("_answer_key") != key:
        try:
            answer = service().ask(asked.whole, only=asked.only)
        except PassagesError:
            return None  # the document can be read all the same
        st.session_state["_answer"], st.session_state["_answer_key"] = answer, key
    found: Answer = st.session_state["_answer"]
    return found


def contents(entries: list[dict[str, Any]], here: int) -> None:
    """The headings, unfolded where one is."""

    def opened() -> None:
        if number := st.session_state[CONTENTS].get("go"):
            go(number)

    data = {"entries": unfolded(entries, here), "here": here}
    components.outline(data, CONTENTS, HEIGHT, opened)


def found_steps(numbers: list[int], here: int) -> None:
    """The steps through the passages with the words that are looked for; they have keys."""
    place = numbers.index(here) + 1 if here in numbers else 0
    said = "read.found" if place else "read.found_elsewhere"
    data = {
        "said": say(said, n=len(numbers), place=place),
        "before": say("read.previous_found"),
        "after": say("read.next_found"),
        "keys": ["n", "N"],
    }
    stepper(data, FOUND, numbers, here)


def hit_steps(numbers: list[int], here: int) -> None:
    """The steps through the sources of the question."""
    place = numbers.index(here) + 1 if here in numbers else 0
    said = "read.hits" if place else "read.hits_elsewhere"
    data = {
        "said": say(said, n=len(numbers), place=place),
        "before": say("read.previous_hit"),
        "after": say("read.next_hit"),
        "keys": [],
    }
    stepper(data, HITS, numbers, here)


def stepper(data: dict[str, Any], key: str, numbers: list[int], here: int) -> None:
    def stepped() -> None:
        if number := st.session_state[key].get("go"):
            go(number)

    alone = numbers == [here]
    sides = {"previous": -1, "next": 1}
    to = {side: 0 if alone else step_from(numbers, here, by) for side, by in sides.items()}
    with st.container(width="content"):
        components.steps(data | to, key, stepped)


def finder(every: list[Passage]) -> str:
    """The box to find words in the document; they are in the address, so that a link has them."""

    def put() -> None:
        find = " ".join((st.session_state[FIND] or "").split())
        st.query_params.pop("find", None)
        if find:
            st.query_params["find"] = find
            if numbers := matches(every, find):
                go(step_from(numbers, number_in_address(every) - 1, 1))

    find = st.query_params.get("find", "")[:200]
    st.session_state[FIND] = find
    st.text_input(
        say("read.find"),
        key=FIND,
        type="search",
        placeholder=say("read.find"),
        label_visibility="collapsed",
        icon=":material/search:",
        width=260,
        max_chars=200,
        on_change=put,
    )
    return find


def moved(every: list[Passage]) -> Callable[[], None]:
    def put() -> None:
        # Streamlit puts only those of its events here that have happened.
        asked = st.session_state[READER]
        if number := asked.get("go"):
            go(min(max(int(number), 1), len(every)))
        elif number := asked.get("window"):
            st.session_state["_window"] = (every[0].document_id, int(number))

    return put


def turned(every: list[Passage]) -> Callable[[], None]:
    """Another page is asked for: its first passage is opened, or the nearest one past it."""

    def put() -> None:
        page = st.session_state[PICTURE].get("turn")
        if page:
            here = every[number_in_address(every) - 1].page or 1
            later = [one.number for one in every if one.page is not None and one.page >= page]
            sooner = [one.number for one in every if one.page is not None and one.page <= page]
            if page > here and later:
                go(later[0])
            elif sooner:
                first = every[sooner[-1] - 1].page
                go(next(one.number for one in every if one.page == first))

    return put


def way_back(asked: Asked) -> None:
    """The link to the answer that this document was opened from."""
    back = {name: st.query_params.get(name, "") for name in ("s", "view")}
    st.page_link(
        "screens/ask.py",
        label=say("read.back"),
        icon=":material/arrow_back:",
        query_params=asked.parameters | {name: value for name, value in back.items() if value},
    )


def screen() -> None:
    current = st.query_params.get("doc", "") or st.session_state.get("_document", "")
    if not current:
        current = next(iter(documents()), "")
    asked = asked_in(st.query_params)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        if asked.question:
            way_back(asked)
        chooser(current)
    with waiting(say("read.opening")):
        every = passages(current)
        answer = answer_to(asked)
    st.session_state["_document"] = current
    here = number_in_address(every)
    components.heading(every[0].title, "document_title")
    if warning := by_ocr(documents().get(current)):
        st.caption(warning)
    if entries := outline(every):
        left, right = st.columns([3, 9], gap="medium")
        with left:
            contents(entries, here)
        with right:
            text(every, here, answer)
    else:
        text(every, here, answer)
    components.keys(FIND, autofocus=False)


def text(every: list[Passage], here: int, answer: Answer | None) -> None:
    """The document, or a picture of the page, below what finds and steps."""
    document = every[0].document_id
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        find = finder(every)
        if find:
            if numbers := matches(every, find):
                found_steps(numbers, here)
            else:
                st.caption(say("read.not_found"), width="content")
        hits = answer.hits[: service().settings.top_k] if answer else ()
        if there := {hit.passage.number for hit in hits if hit.passage.document_id == document}:
            hit_steps(sorted(there), here)
        as_page = shown.as_page(every[here - 1], "document_view")
    citations = answer.citations if answer else ()
    if as_page and shown.page(every[here - 1], citations, PICTURE, HEIGHT, turned(every)):
        return
    of, centre = st.session_state.get("_window", ("", here))
    centre = min(max(centre, 1), len(every)) - 1 if of == document else None
    data = reader_data(every, here - 1, citations, WINDOW, centre, find)
    components.reader(data, READER, HEIGHT, moved(every))


with st.container(horizontal_alignment="center"), st.container(width=1100):
    try:
        screen()
    except PassagesError as error:
        components.problem(error)
