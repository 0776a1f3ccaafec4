"""Map: all passages as points that lie close when they mean the same, and where hits lie."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.groups import groups
from app.ui import components
from app.ui.address import Asked, asked_in
from app.ui.current import documents, key, service, titles
from app.ui.strings import say
from app.ui.view import preview_data, sources
from app.ui.waiting import waiting
from index.errors import PassagesError
from index.map import Map
from index.records import Answer

BOX = "map_question"
HEIGHT = "clamp(340px, 100vh - 330px, 760px)"


def put() -> None:
    """Write the question into the address, so that Back steps through questions."""
    question = (st.session_state[BOX] or "").strip()
    st.query_params.from_dict({"q": question} if question else {})


def box(asked: Asked) -> None:
    st.session_state[BOX] = asked.question
    with (
        st.form("map_ask", border=False),
        st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False),
    ):
        st.text_input(
            say("map.question"),
            key=BOX,
            type="search",
            placeholder=say("map.question"),
            label_visibility="collapsed",
            icon=":material/search:",
        )
        st.form_submit_button(say("map.find"), type="primary", on_click=put)


def answer_to(asked: Asked) -> Answer | None:
    if not asked.question:
        return None
    try:
        return service().ask(asked.whole, only=asked.only)
    except PassagesError as error:
        components.problem(error)
        return None


def map_data(snapshot: str, drawn: Map, answer: Answer | None) -> dict[str, Any]:
    """What map.js draws beside the points, which it fetches itself."""
    coloured = groups(list(documents().values()))
    folder = {"": say("map.corpus")}
    name_of = titles() if coloured.kind == "document" else folder
    hits = sources(answer, service().settings.top_k) if answer else ()
    return {
        "snapshot": snapshot,
        "key": key(),
        "passages": len(drawn),
        "legend": say("map.documents" if coloured.kind == "document" else "map.folders"),
        "groups": [
            {"name": name_of.get(one, one), "passages": size}
            for one, size in zip(coloured.names, coloured.passages, strict=True)
        ],
        "rest": coloured.rest,
        "regions": regions(snapshot, drawn),
        "answered": bool(answer and answer.answered),
        "hits": [{"rank": hit.rank, "row": hit.row, **preview_data(hit.passage)} for hit in hits],
    }


@st.cache_data(max_entries=1, show_spinner=False)
def regions(snapshot: str, _drawn: Map) -> list[dict[str, Any]]:
    """The regions with the passages that stand for them, read once for each snapshot."""
    return [
        {
            "name": " · ".join(region.terms),
            "x": (region.x + 1) * 65535 / 2,
            "y": (region.y + 1) * 65535 / 2,
            "passages": region.passages,
            "typical": [
                preview_data(service().passage_in_row(snapshot, row)) for row in region.rows
            ],
        }
        for region in _drawn.regions
    ]


def screen() -> None:
    st.header(say("map.title"), anchor=False)
    snapshot, drawn = service().map()
    if drawn is None:
        components.notice(say("map.none"), say("map.none_more"), command="python -m app build")
        st.page_link("screens/library.py", label=say("problem.build"), icon=":material/build:")
        return
    st.caption(say("map.intro"))
    asked = asked_in(st.query_params)
    box(asked)
    with waiting(say("map.searching")):
        answer = answer_to(asked)
    data = map_data(snapshot, drawn, answer) | {"asked": asked.parameters}
    if answer is not None:
        if not answer.answered:
            st.caption(say("map.unanswered"))
        st.page_link(
            "screens/ask.py",
            label=say("map.to_answer"),
            icon=":material/arrow_back:",
            query_params=asked.parameters,
        )
    chosen = components.passage_map(data, "map", HEIGHT).read
    if chosen:
        place = {"doc": str(chosen["document"]), "p": str(chosen["number"])}
        st.switch_page("screens/read.py", query_params=asked.parameters | place)
    components.keys(BOX, autofocus=False)


with st.container(horizontal_alignment="center"), st.container(width=1180):
    try:
        screen()
    except PassagesError as error:
        components.problem(error)
