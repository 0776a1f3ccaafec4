"""A place in a document, as text or as the picture of its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from app.ui import components
from app.ui.current import documents, service
from app.ui.reading import picture_data
from app.ui.strings import say
from app.ui.view import drawn
from app.ui.waiting import waiting
from index.errors import PassagesError
from index.records import Citation, Passage

PAGE = "page"
"""The value of ``view`` in the address where pages are shown as pictures."""


def as_page(passage: Passage, key: str) -> bool:
    """A choice between text and page for a passage of a PDF; whether the page is chosen.

    The address keeps it, so that it is the same after a reload and for the next passage.
    """
    if not drawn(passage, documents().get(passage.document_id)):
        return False

    def put() -> None:
        if st.session_state[key] == say("shown.as_page"):
            st.query_params["view"] = PAGE
        else:
            st.query_params.pop("view", None)

    names = [say("shown.as_text"), say("shown.as_page")]
    st.session_state[key] = names[st.query_params.get("view") == PAGE]
    chosen = st.segmented_control(
        say("shown.choose"),
        names,
        key=key,
        required=True,
        on_change=put,
        label_visibility="collapsed",
    )
    return chosen == names[1]


def page(
    passage: Passage,
    citations: Sequence[Citation],
    key: str,
    height: str,
    on_turn: Callable[[], None] | None = None,
) -> bool:
    """The picture of the page that a passage stands on, its quotes boxed, or why there is none.

    Where nothing in the passage is quoted the whole of it is boxed. Returns whether it is shown:
    where it is not, the text is what remains.
    """
    try:
        with waiting(say("shown.drawing")):
            found = picture_data(service(), passage, citations)
    except PassagesError as error:
        components.notice(say("shown.failed"), str(error), kind="error", key=f"{key}_failed")
        return False
    components.picture(found, key, height, on_turn)
    return True
