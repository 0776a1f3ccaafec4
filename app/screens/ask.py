"""Ask: the question box, the answer with its sources, and the open passage in its document."""

from __future__ import annotations

import time

import streamlit as st

from app.service import Service
from app.ui import components, feedback, narrow
from app.ui.address import filter_in, parameters_of
from app.ui.current import documents_left, passage_counts, service, service_at, titles
from app.ui.strings import say
from app.ui.view import AROUND, answer_data, default_source, position_of, reader_data, sources
from app.ui.words import count
from index.errors import PassagesError
from index.filters import Filter
from index.records import Answer, Hit, Passage

BOX = "question_box"


def source_in_address() -> int | None:
    number = st.query_params.get("s", "")
    return int(number) if number.isdecimal() and len(number) < 4 else None


def follow_address() -> tuple[str, Filter]:
    """What is asked, and of which documents; Back, Forward and links change it: the box follows."""
    question, only = st.query_params.get("q", ""), filter_in(st.query_params)
    if st.session_state.get("_followed") != (question, only):
        st.session_state["_followed"] = question, only
        st.session_state[BOX] = question
        st.session_state["_open"] = source_in_address()
    # Streamlit forgets the value of a box that another screen did not show.
    st.session_state.setdefault(BOX, question)
    return question.strip(), only


def put(question: str) -> None:
    """Ask: the address is written here, in a callback, so that the browser's Back steps back."""
    question = question.strip()
    only = filter_in(st.query_params)
    st.session_state["_followed"] = question, only
    st.session_state[BOX] = question
    st.session_state["_open"] = None
    st.query_params.from_dict(({"q": question} if question else {}) | parameters_of(only))


def put_typed() -> None:
    put(st.session_state[BOX] or "")


def put_picked(key: str) -> None:
    picked = st.session_state[key]["pick"]
    if picked:
        put(picked)


def suggested() -> list[str]:
    try:
        return service().suggestions()
    except PassagesError:
        return []  # the screen says already why there is no index


def facts() -> None:
    try:
        counts = passage_counts()
    except PassagesError as error:
        components.problem(error)
        return
    documents, passages = len(counts), sum(counts.values())
    facts = f"{count(documents, 'document')} · {count(passages, 'passage')}"
    st.caption(facts, text_alignment="center")
    with st.container(key="keys_hint"):
        st.caption("Press **/** to type, **1–9** to open a source", text_alignment="center")


@st.fragment
def result(
    question: str, answer: Answer, hits: tuple[Hit, ...], milliseconds: float, asked: Service
) -> None:
    """The answer beside its reader. As a fragment, opening a source does not ask again."""
    if st.query_params.get("q", "").strip() != question:
        st.rerun()  # a suggested question was picked

    def opened() -> None:
        st.session_state["_open"] = st.session_state["answer"]["open"] or None

    by_rank = {hit.rank: hit for hit in hits}
    active = st.session_state.get("_open")
    if active not in by_rank:
        active = default_source(answer)
    passage = by_rank[active].passage if active in by_rank else None
    passages: list[Passage] = []
    position = 0
    if passage is not None:
        try:
            passages = asked.read(passage.document_id)
        except PassagesError:
            passages = [passage]  # gone from the library since the question was asked
        position = position_of(passages, passage)
    before = passages[position - 1].text if position > 0 else ""
    after = passages[position + 1].text if position + 1 < len(passages) else ""
    counts = passage_counts()
    data = answer_data(
        answer,
        hits,
        active,
        milliseconds,
        lambda document: counts.get(document, 0),
        (before, after),
        () if answer.answered or filter_in(st.query_params) else suggested(),
    )
    for source in data["sources"]:
        source["title"] = titles().get(source["document"], source["title"])
    left, right = st.columns([11, 9], gap="large")
    with left:
        chosen = components.answer(data, "answer", opened, lambda: put_picked("answer")).read
        if asked is service():
            feedback.row(answer, filter_in(st.query_params))
    if chosen in by_rank:
        st.switch_page("screens/read.py", query_params=place(by_rank[chosen], answer.query))
    if passage is not None:
        with right, st.container(border=True, key="reader_frame"):
            with st.container(
                horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
            ):
                st.markdown("**In context**", width="content")
                st.page_link(
                    "screens/read.py",
                    label="Open document",
                    icon=":material/open_in_full:",
                    query_params=place(by_rank[active], answer.query),
                )
            shown = reader_data(passages, position, answer.citations, AROUND)
            components.reader(shown, "reader", "min(560px, calc(100vh - 190px))")


def place(hit: Hit, question: str) -> dict[str, str]:
    """The parameters of the Read screen for a hit."""
    return {
        "doc": hit.passage.document_id,
        "p": str(hit.passage.number),
        "q": question,
        "s": str(hit.rank),
    } | parameters_of(filter_in(st.query_params))


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


def show_answer(question: str, only: Filter) -> None:
    started = time.perf_counter()
    try:
        with st.spinner("Searching the library …"):  # seen only while the model is still loading
            if only and not documents_left(only):
                components.notice("No document is left to search.", "Remove a condition above.")
                return
            asked = service_in_address()
            answer = asked.ask(question, only=only)
    except PassagesError as error:
        components.problem(error)
        return
    milliseconds = (time.perf_counter() - started) * 1000
    result(question, answer, sources(answer, asked.settings.top_k), milliseconds, asked)


question, only = follow_address()
with (
    st.container(horizontal_alignment="center"),
    st.container(key="width", width=1180 if question else 760),
):
    if not question:
        st.space("large")
        st.title("Ask the library", anchor=False, text_alignment="center")
        st.caption(
            "Answers are quoted word for word, with the passage they come from.",
            text_alignment="center",
        )
    with (
        st.form("ask", border=False),
        st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False),
    ):
        st.text_input(
            "Question",
            key=BOX,
            type="search",
            placeholder="Ask a question, then press Enter",
            label_visibility="collapsed",
            icon=":material/search:",
        )
        st.form_submit_button("Ask", type="primary", on_click=put_typed)
    narrow.row(only)
    if question:
        show_answer(question, only)
    else:
        with st.spinner("Opening the library …"):
            questions = [] if only else suggested()
        components.suggestions(questions, "suggestions", lambda: put_picked("suggestions"))
        facts()
components.keys(BOX, autofocus=not question)
