"""Library: what is in the index, what is not and why, and building it anew."""

from __future__ import annotations

import time
from typing import Literal

import streamlit as st

from app.rebuild import BuildState
from app.report import summary
from app.service import Status
from app.ui import changing, components, past
from app.ui.current import changeable, may_change, service, titles
from app.ui.files import ALL, files_data, label, matching, states_of, totals
from app.ui.strings import say
from app.ui.words import ago, built, count, duration, megabytes, moment, progress_line
from index.errors import PassagesError
from index.records import FileReport

WATCHING = 1.0
"""Seconds between looks at a running build."""

RECENT = 600.0
"""Seconds for which a finished build is news."""

SHOWN = 25
"""Files listed at first, and with each step."""

IDLE = 5.0
"""Seconds between looks when none runs: another page or a command may start one."""

STATE, WORDS = "file_state", "file_words"


def figures(status: Status) -> None:
    when, exactly = built(status.built_at)
    with st.grid(4, min_column_width=130):
        st.metric(say("library.documents"), f"{status.documents:,}", border=True)
        st.metric(say("library.passages"), f"{status.passages:,}", border=True)
        st.metric(say("library.words"), f"{status.words:,}", border=True)
        st.metric(say("library.built"), when, border=True, help=exactly)


def start() -> None:
    try:
        changeable().start_rebuild()
    except PassagesError as error:
        st.session_state["_refused"] = str(error)


def cancel() -> None:
    try:
        changeable().cancel_rebuild()
    except PassagesError as error:
        st.session_state["_refused"] = str(error)


def show_running(state: BuildState, first: bool) -> None:
    done = min(1.0, state.done / state.total) if state.total else 0.0
    st.progress(done, text=progress_line(state))
    components.notice(
        say("library.building" if first else "library.rebuilding"),
        say("library.building_more" if first else "library.rebuilding_more"),
        key="building",
    )


def show_ended(state: BuildState) -> None:
    if state.state == "failed":
        components.notice(say("library.failed"), state.message, kind="error", key="build_failed")
    elif state.state == "cancelled":
        title, text = say("changing.cancelled"), say("changing.cancelled_more")
        components.notice(title, text, key="build_cancelled")
    elif state.snapshot != service().store.current():
        return  # another one answers by now
    elif state.finished and time.time() - state.finished < RECENT:
        kind: Literal["info", "done"] = "done"
        if state.message:
            title = say("library.unchanged")
            text = say("library.unchanged_more", ago=ago(time.time() - state.finished))
        else:
            title = say("library.rebuilt")
            known = max(0, state.passages - state.encoded)
            text = say(
                "library.rebuilt_more" if known else "library.rebuilt_new",
                documents=count(state.documents, "document"),
                passages=count(state.passages, "passage"),
                encoded=state.encoded,
                known=known,
                took=duration(state.finished - state.started),
            )
            if state.unreadable:
                kind = "info"
                title = say("library.rebuilt_failed", n=state.unreadable)
                text = f"{text} {say('library.rebuilt_failed_more')}"
        components.notice(title, text, kind=kind, key="build_done")


def build_panel(was_running: bool, first: bool) -> None:
    state = service().build_progress()
    running = state is not None and state.state == "running"
    if running != was_running:
        st.rerun()  # the figures above are of another index now, and the pace changes
    refused = st.session_state.pop("_refused", "")
    if may_change():
        with st.container(horizontal=True):
            st.button(
                say("library.build" if first else "library.rebuild"),
                icon=":material/refresh:",
                on_click=start,
                disabled=running,
                type="primary",
            )
            if running:
                st.button(say("changing.cancel_build"), icon=":material/close:", on_click=cancel)
    if refused:
        components.notice(say("library.not_started"), refused, kind="error", key="refused")
    if state is not None:
        show_running(state, first) if running else show_ended(state)


def show_more() -> None:
    st.session_state["_shown"] = st.session_state.get("_shown", SHOWN) + SHOWN


def show_first() -> None:
    st.session_state["_shown"] = SHOWN


def put_state() -> None:
    chosen = st.session_state[STATE]
    st.query_params.from_dict({} if chosen == ALL else {"state": chosen})
    show_first()


@st.fragment
def files(reports: tuple[FileReport, ...]) -> None:
    """What became of each file. As a fragment, finding one does not draw the rest anew."""
    found = summary(reports)
    st.subheader(say("library.files"), anchor=False)
    st.caption(totals(found))
    states, words = states_of(found), ""
    state = st.query_params.get("state", ALL)
    state = state if state in states else ALL
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(found.states) > 1:
            st.session_state[STATE] = state
            st.pills(
                say("library.state"),
                states,
                required=True,
                format_func=lambda one: label(one, found),
                key=STATE,
                label_visibility="collapsed",
                on_change=put_state,
                wrap=True,
            )
        if found.files > SHOWN:
            words = st.text_input(
                say("library.find"),
                key=WORDS,
                type="search",
                placeholder=say("library.find"),
                label_visibility="collapsed",
                icon=":material/search:",
                width=260,
                on_change=show_first,
            )
    matches = matching(reports, state, words or "", titles())
    most = st.session_state.get("_shown", SHOWN)
    data = files_data(matches, titles(), most, service().settings.corpus, may_change())
    chosen = components.files(data, "files", show_more)
    if chosen.read:
        st.switch_page("screens/read.py", query_params={"doc": chosen.read})
    if chosen.remove:
        changing.remove(chosen.remove)


def screen() -> None:
    st.header(say("library.title"), anchor=False)
    status = service().status()
    if status.snapshot is None:
        reason, _, command = status.error.partition(" Run: ")
        components.notice(reason, command=command, key="no_index")
    else:
        figures(status)
        if status.error:
            components.notice(status.error, kind="error", key="engine")
        if status.warning:
            components.notice(say("library.too_little"), status.warning, key="warning")
    state = service().build_progress()
    running = state is not None and state.state == "running"
    first = status.snapshot is None
    st.fragment(build_panel, run_every=WATCHING if running else IDLE)(running, first)
    changing.say_last()
    changing.undoing(moment(status.built_at))
    if status.snapshot is not None:
        files(status.files)
    changing.adding()
    if status.snapshot is not None:
        past.history()
        size = megabytes(status.store_bytes)
        made = say("library.made", seconds=status.seconds, model=status.model, size=size)
        components.line(made, "made")


with st.container(horizontal_alignment="center"), st.container(width=1180):
    try:
        screen()
    except PassagesError as error:
        components.notice(say("library.not_shown"), str(error), kind="error")
components.keys(WORDS, autofocus=False)
