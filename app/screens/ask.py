"""Ask: the question box, the answer with its sources, and the open passage in its document."""

from __future__ import annotations

import time

import streamlit as st

from app.followup import carried
from app.service import Service
from app.ui import components, feedback, narrow, shown
from app.ui.address import Asked, asked_in, filter_in
from app.ui.copying import copies
from app.ui.current import documents, documents_left, passages, service, service_at, titles
from app.ui.reading import AROUND, position_of, reader_data
from app.ui.strings import say
from app.ui.view import answer_data, by_ocr, default_source, sources
from app.ui.waiting import waiting
from app.ui.why import uncovered, why
from app.ui.words import count, took
from index.errors import PassagesError
from index.records import Answer, Hit, Passage

BOX = "question_box"


def source_in_address() -> int | None:
    number = st.query_params.get("s", "")
    return int(number) if number.isdecimal() and len(number) < 4 else None


def follow_address() -> Asked:
    """What is asked, and of which documents; Back, Forward and links change it: the box follows."""
    asked = asked_in(st.query_params)
    if st.session_state.get("_followed") != asked:
        st.session_state["_followed"] = asked
        st.session_state[BOX] = asked.question
        st.session_state["_open"] = source_in_address()
    # Streamlit forgets the value of a box that another screen did not show.
    st.session_state.setdefault(BOX, asked.question)
    return asked


def put(question: str, about: tuple[str, ...] = ()) -> None:
    """Ask: the address is written here, in a callback, so that the browser's Back steps back."""
    asked = Asked(question.strip(), about, filter_in(st.query_params))
    st.session_state["_followed"] = asked
    st.session_state[BOX] = asked.question
    st.session_state["_open"] = None
    view = st.query_params.get("view")
    st.query_params.from_dict(asked.parameters | ({"view": view} if view else {}))


def put_typed() -> None:
    before, typed = asked_in(st.query_params), (st.session_state[BOX] or "").strip()
    if not typed:
        st.session_state["_empty"] = True  # what is on the page stays there
        return
    put(typed, before.about if typed == before.question else carried(typed, before.whole))


def put_picked(key: str) -> None:
    picked = st.session_state[key]["pick"]
    if picked:
        put(picked)


def drop_word() -> None:
    """Take a word that was carried over, or all of them, out of the question."""
    word = st.session_state["about"]["clear"]
    asked = asked_in(st.query_params)
    if word:
        put(asked.question, tuple(one for one in asked.about if word not in (one, "all")))


def suggested() -> list[str]:
    try:
        return service().suggestions()
    except PassagesError:
        return []  # the screen says already why there is no index


def facts() -> None:
    try:
        documents()
    except PassagesError as error:
        components.problem(error)
        return
    status = service().status()
    facts = f"{count(status.documents, 'document')} · {count(status.passages, 'passage')}"
    st.caption(facts, text_alignment="center")
    with st.container(key="keys_hint"):
        st.caption(say("ask.keys"), text_alignment="center")


@st.fragment
def result(
    asked: Asked, answer: Answer, hits: tuple[Hit, ...], seconds: float, library: Service
) -> None:
    """The answer beside its reader. As a fragment, opening a source does not ask again."""
    if asked_in(st.query_params) != asked:
        st.rerun()  # a suggested question was picked

    def opened() -> None:
        st.session_state["_open"] = st.session_state["answer"]["open"] or None

    by_rank = {hit.rank: hit for hit in hits}
    active = st.session_state.get("_open")
    if active not in by_rank:
        active = default_source(answer)
    passage = by_rank[active].passage if active in by_rank else None
    around: list[Passage] = []
    position = 0
    if passage is not None:
        try:
            there = passages if library is service() else library.read
            around = there(passage.document_id)
        except PassagesError:
            around = [passage]  # gone from the library since the question was asked
        position = position_of(around, passage)
    before = around[position - 1].text if position > 0 else ""
    after = around[position + 1].text if position + 1 < len(around) else ""
    every = documents()
    data = answer_data(
        answer,
        hits,
        active,
        took(seconds),
        lambda document: every[document].passages if document in every else 0,
        (before, after),
        () if answer.answered or filter_in(st.query_params) else suggested(),
    )
    data["question"] = asked.question
    data["uncovered"] = uncovered(answer)
    data["copies"] = copies(answer, hits, every)
    for source, hit in zip(data["sources"], hits, strict=True):
        source["why"] = why(hit)
        source["title"] = titles().get(source["document"], source["title"])
        source["drawn"] = shown.drawn(hit.passage)
        source["by_ocr"] = by_ocr(every.get(hit.passage.document_id))
    left, right = st.columns([11, 9], gap="large")
    with left:
        pressed = components.answer(data, "answer", opened, lambda: put_picked("answer"))
        if library is service():
            if hits:
                st.page_link(
                    "screens/map.py",
                    label=say("ask.on_map"),
                    icon=":material/scatter_plot:",
                    query_params=asked.parameters,
                )
            feedback.row(answer, asked.only)
    if pressed.read in by_rank:
        st.switch_page("screens/read.py", query_params=place(by_rank[pressed.read], asked))
    if pressed.page in by_rank:
        page = place(by_rank[pressed.page], asked) | {"view": shown.PAGE}
        st.switch_page("screens/read.py", query_params=page)
    if passage is not None:
        with right, st.container(border=True, key="reader_frame"):
            with st.container(
                horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
            ):
                st.markdown(f"**{say('ask.context')}**", width="content")
                st.page_link(
                    "screens/read.py",
                    label=say("ask.document"),
                    icon=":material/open_in_full:",
                    query_params=place(by_rank[active], asked),
                )
            height = "min(560px, calc(100vh - 240px))"
            if not (
                shown.as_page(passage, "reader_view")
                and shown.page(passage, answer.citations, "reader_page", height)
            ):
                data = reader_data(around, position, answer.citations, AROUND)
                components.reader(data, "reader", height)


def place(hit: Hit, asked: Asked) -> dict[str, str]:
    """The parameters of the Read screen for a hit."""
    view = st.query_params.get("view")
    return (
        asked.parameters
        | {"doc": hit.passage.document_id, "p": str(hit.passage.number), "s": str(hit.rank)}
        | ({"view": view} if view else {})
    )


def service_in_address() -> Service:
    """The service, on the earlier snapshot that a link from the Quality screen names."""
    snapshot = st.query_params.get("snapshot", "")
    if not snapshot:
        return service()
    found = service_at(snapshot)
    if found is None:
        components.notice(say("ask.gone"), say("ask.gone_more"), key="earlier")
    elif found is not service():
        components.notice(say("ask.earlier"), say("ask.earlier_more"), key="earlier")
    return found or service()


def show_answer(asked: Asked) -> None:
    only = asked.only
    started = time.perf_counter()
    try:
        with waiting(say("ask.searching")):
            if only and not documents_left(only):
                components.notice(say("ask.none_left"), say("ask.none_left_more"))
                return
            library = service_in_address()
            answer = library.ask(asked.whole, only=only)
    except PassagesError as error:
        components.problem(error)
        return
    seconds = time.perf_counter() - started
    result(asked, answer, sources(answer, library.settings.top_k), seconds, library)


asked = follow_address()
with (
    st.container(horizontal_alignment="center"),
    st.container(key="width", width=1180 if asked.question else 760),
):
    # The box keeps its place among the elements, and so the focus, when the promise goes.
    promise = st.empty()
    if not asked.question:
        with promise.container():
            st.space("large")
            st.title(say("ask.title"), anchor=False, text_alignment="center")
            st.caption(say("ask.promise"), text_alignment="center")
    with (
        st.form("ask", border=False),
        st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False),
    ):
        st.text_input(
            say("ask.question"),
            key=BOX,
            type="search",
            placeholder=say("ask.hint"),
            label_visibility="collapsed",
            icon=":material/search:",
        )
        st.form_submit_button(say("ask.ask"), type="primary", on_click=put_typed)
    if st.session_state.pop("_empty", False):
        components.notice(say("ask.empty"), key="empty")
    narrow.row(asked.only)
    if asked.about:
        words = [{"name": word, "text": word} for word in asked.about]
        carried_over = {"chips": words, "before": say("ask.also"), "after": say("ask.carried")}
        components.chips(carried_over, say("ask.also"), "about", drop_word)
    if asked.question:
        with st.container(key="answer_place"):
            show_answer(asked)
    else:
        above = st.container()
        facts()
        with above:
            with waiting(say("ask.opening")):
                questions = [] if asked.only else suggested()
            components.suggestions(questions, "suggestions", lambda: put_picked("suggestions"))
components.keys(BOX, autofocus=not asked.question)
