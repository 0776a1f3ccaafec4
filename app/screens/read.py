"""Read: one whole document by its passages, scrolled to one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from app.ui import components, shown
from app.ui.address import Asked, asked_in
from app.ui.current import documents, passages, service, titles
from app.ui.strings import say
from app.ui.view import matches, outline, reader_data, step_from
from index.errors import PassagesError
from index.records import Answer, Passage

CHOICE, FIND, OUTLINE = "document_choice", "document_find", "outline"
READER, PICTURE = "document", "document_page"

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


def contents(every: list[Passage], here: int) -> None:
    """The headings, in a box that opens."""
    if not any(passage.headings for passage in every):
        return
    box = st.popover(
        say("read.contents"),
        icon=":material/toc:",
        type="tertiary",
        key="contents",
        on_change="rerun",
    )
    if box.open:
        entries = outline(every)
        above = [entry["number"] for entry in entries if entry["number"] <= here]
        with box, st.container(width=340):
            components.outline(
                {"entries": entries, "here": max(above, default=0)},
                OUTLINE,
                lambda: go(st.session_state[OUTLINE]["go"] or here),
            )


FOUND = (
    "read.found",
    "read.found_elsewhere",
    "read.previous_found",
    "read.next_found",
)
HITS = ("read.hits", "read.hits_elsewhere", "read.previous_hit", "read.next_hit")


def stepper(words: tuple[str, str, str, str], numbers: list[int], here: int) -> None:
    """Where one is among some passages, and buttons to the one before and after."""
    within, elsewhere, *sides = words
    place = numbers.index(here) + 1 if here in numbers else 0
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        said = say(within if place else elsewhere, n=len(numbers), place=place)
        st.caption(said, width="content")
        for side, by, icon in zip(sides, (-1, 1), ("up", "down"), strict=True):
            st.button(
                "",
                key=side,
                icon=f":material/keyboard_arrow_{icon}:",
                type="tertiary",
                help=say(side),
                disabled=numbers == [here],
                on_click=go,
                args=(step_from(numbers, here, by),),
            )


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
        asked = st.session_state[READER]
        if asked["go"]:
            go(min(max(int(asked["go"]), 1), len(every)))
        elif asked["window"]:
            st.session_state["_window"] = (every[0].document_id, int(asked["window"]))

    return put


def turned(every: list[Passage]) -> Callable[[], None]:
    """Another page is asked for: its first passage is opened, or the nearest one past it."""

    def put() -> None:
        page = st.session_state[PICTURE]["turn"]
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


def screen() -> None:
    current = st.query_params.get("doc", "") or st.session_state.get("_document", "")
    if not current:
        current = next(iter(documents()), "")
    asked = asked_in(st.query_params)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        if asked.question:
            back = {name: st.query_params.get(name, "") for name in ("s", "view")}
            st.page_link(
                "screens/ask.py",
                label=say("read.back"),
                icon=":material/arrow_back:",
                query_params=asked.parameters
                | {name: value for name, value in back.items() if value},
            )
        chooser(current)
    every = passages(current)
    st.session_state["_document"] = current
    here = number_in_address(every)
    components.heading(every[0].title, "document_title")
    answer = answer_to(asked)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        contents(every, here)
        find = finder(every)
        if find:
            if numbers := matches(every, find):
                stepper(FOUND, numbers, here)
            else:
                st.caption(say("read.not_found"), width="content")
        hits = answer.hits[: service().settings.top_k] if answer else ()
        numbers = sorted({hit.passage.number for hit in hits if hit.passage.document_id == current})
        if numbers:
            stepper(HITS, numbers, here)
        as_page = shown.as_page(every[here - 1], "document_view")
    citations = answer.citations if answer else ()
    height = "max(320px, calc(100vh - 340px))"
    if as_page:
        shown.page(every[here - 1], citations, PICTURE, height, turned(every))
        return
    document, centre = st.session_state.get("_window", ("", here))
    centre = min(max(centre, 1), len(every)) - 1 if document == current else None
    data = reader_data(every, here - 1, citations, WINDOW, centre, find)
    components.reader(data, READER, height, moved(every))


with st.container(horizontal_alignment="center"), st.container(width=860):
    try:
        screen()
    except PassagesError as error:
        components.problem(error)
