"""Read: one whole document by its passages, scrolled to one of them."""

from __future__ import annotations

import streamlit as st

from app.ui import components
from app.ui.address import filter_in, parameters_of
from app.ui.current import service, titles
from app.ui.view import reader_data
from index.errors import PassagesError
from index.records import Citation, DocumentSummary

CHOICE = "document_choice"


def number_in_address() -> int:
    number = st.query_params.get("p", "")
    return int(number) if number.isdecimal() and len(number) < 10 else 1


def choose() -> None:
    chosen = st.session_state[CHOICE]
    if chosen is not None:
        st.query_params.from_dict({"doc": chosen.id})


def chooser(documents: list[DocumentSummary], current: str) -> None:
    position = next((i for i, one in enumerate(documents) if one.id == current), None)
    st.session_state[CHOICE] = None if position is None else documents[position]
    st.selectbox(
        "Document",
        documents,
        key=CHOICE,
        format_func=lambda one: titles().get(one.id, one.title),
        width=340,
        placeholder="Choose a document",
        label_visibility="collapsed",
        on_change=choose,
    )


def citations_for(question: str) -> tuple[Citation, ...]:
    if not question:
        return ()
    try:
        return service().ask(question, only=filter_in(st.query_params)).citations
    except PassagesError:
        return ()  # the document can be read all the same


def screen() -> None:
    documents = service().documents()
    current = st.query_params.get("doc", "") or st.session_state.get("_document", "")
    if not current and documents:
        current = documents[0].id
    question = st.query_params.get("q", "").strip()
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        if question:
            source = st.query_params.get("s")
            st.page_link(
                "screens/ask.py",
                label="Back to the answer",
                icon=":material/arrow_back:",
                query_params={"q": question}
                | ({"s": source} if source else {})
                | parameters_of(filter_in(st.query_params)),
            )
        chooser(documents, current)
    passages = service().read(current)
    st.session_state["_document"] = current
    position = min(max(number_in_address(), 1), len(passages)) - 1
    components.heading(passages[0].title, "document_title")
    data = reader_data(passages, position, citations_for(question), around=None)
    components.reader(data, "document", "max(320px, calc(100vh - 300px))", controls=True)


with st.container(horizontal_alignment="center"), st.container(width=860):
    try:
        screen()
    except PassagesError as error:
        components.problem(error)
