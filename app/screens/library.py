"""Library: what is in the index, what is not and why, and building it anew."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from app.rebuild import BuildState
from app.service import Status
from app.ui import components
from app.ui.current import service
from app.ui.words import ago, built, count, duration, progress_line
from index.errors import PassagesError
from index.records import FileReport

WATCHING = 1.0
"""Seconds between looks at a running build."""

RECENT = 600.0
"""Seconds for which a finished build is news."""

IDLE = 5.0
"""Seconds between looks when none runs: another page or a command may start one."""


def figures(status: Status) -> None:
    when, exactly = built(status.built_at)
    with st.grid(4, min_column_width=130):
        st.metric("Documents", f"{status.documents:,}", border=True)
        st.metric("Passages", f"{status.passages:,}", border=True)
        st.metric("Words", f"{status.words:,}", border=True)
        st.metric("Index built", when, border=True, help=exactly)


def start() -> None:
    try:
        service().start_rebuild()
    except PassagesError as error:
        st.session_state["_refused"] = str(error)


def show_running(state: BuildState, first: bool) -> None:
    done = min(1.0, state.done / state.total) if state.total else 0.0
    st.progress(done, text=progress_line(state))
    components.notice(
        "The first index is being built." if first else "The index is being rebuilt.",
        "You can leave this page. "
        + ("" if first else "The old index keeps answering until the new one is ready."),
        key="building",
    )


def show_ended(state: BuildState) -> None:
    if state.state == "failed":
        components.notice("The last build failed.", state.message, kind="error", key="build_failed")
    elif state.finished and time.time() - state.finished < RECENT:
        took = duration(state.finished - state.started)
        reused = max(0, state.passages - state.encoded)
        summary = (
            f"{count(state.documents, 'document')}, {count(state.passages, 'passage')}: "
            f"{state.encoded:,} encoded anew, {reused:,} taken over, in {took}."
        )
        components.notice(
            "Nothing had changed." if state.message else "The index has been rebuilt.",
            f"Compared with the documents {ago(time.time() - state.finished)}."
            if state.message
            else summary,
            kind="done",
            key="build_done",
        )


def build_panel(was_running: bool, first: bool) -> None:
    state = service().build_progress()
    running = state is not None and state.state == "running"
    if running != was_running:
        st.rerun()  # the figures above are of another index now, and the pace changes
    refused = st.session_state.pop("_refused", "")
    st.button(
        "Build the index" if first else "Rebuild the index",
        icon=":material/refresh:",
        on_click=start,
        disabled=running,
        type="primary",
    )
    if refused:
        components.notice("No build was started.", refused, kind="error", key="refused")
    if state is not None:
        show_running(state, first) if running else show_ended(state)


def documents_table() -> None:
    documents = service().documents()
    st.subheader("Documents", anchor=False)
    event: Any = st.dataframe(
        {
            "Title": [one.title for one in documents],
            "File": [one.id for one in documents],
            "Passages": [one.passages for one in documents],
            "Characters": [one.characters for one in documents],
        },
        hide_index=True,
        column_config={
            "Passages": st.column_config.NumberColumn(format="localized"),
            "Characters": st.column_config.NumberColumn(format="localized"),
        },
        on_select="rerun",
        selection_mode="single-row",
        key="documents",
        alt="The documents of the library, with their numbers of passages and characters",
    )
    rows = event.selection.rows
    chosen = documents[rows[0]].id if rows and rows[0] < len(documents) else None
    if st.button("Read the selected document", icon=":material/menu_book:", disabled=not chosen):
        st.switch_page("screens/read.py", query_params={"doc": chosen or ""})


def not_read(files: tuple[FileReport, ...]) -> None:
    left_out = [file for file in files if file.state != "indexed"]
    if not left_out:
        return
    st.subheader("Not in the index", anchor=False)
    st.dataframe(
        {
            "File": [file.path for file in left_out],
            "What": [file.state for file in left_out],
            "Why": [file.reason for file in left_out],
        },
        hide_index=True,
        key="left_out",
        alt="Files that were not read, and why",
    )


def screen() -> None:
    st.header("Library", anchor=False)
    status = service().status()
    if status.snapshot is None:
        reason, _, command = status.error.partition(" Run: ")
        components.notice(reason, command=command, key="no_index")
    else:
        figures(status)
        if status.warning:
            components.notice("The search finds too little.", status.warning, key="warning")
    state = service().build_progress()
    running = state is not None and state.state == "running"
    first = status.snapshot is None
    st.fragment(build_panel, run_every=WATCHING if running else IDLE)(running, first)
    if status.snapshot is not None:
        documents_table()
        not_read(status.files)
        st.caption(f"Model `{status.model}` · {status.store_bytes / 1e6:,.1f} MB")


with st.container(horizontal_alignment="center"), st.container(width=1180):
    try:
        screen()
    except PassagesError as error:
        components.notice("The library cannot be shown.", str(error), kind="error")
