"""Quality: what people think of the answers, and how this index does beside the one before."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.judgements import Judgement
from app.quality import Look, Result
from app.saved import SavedQuestion, archive, saved_questions
from app.ui import components
from app.ui.current import comparison, may_change, service, titles
from app.ui.quality import (
    ALL,
    differences_data,
    figures_data,
    judged_data,
    kinds,
    label,
    matching,
)
from app.ui.strings import say
from app.ui.words import count
from index.errors import PassagesError

WATCHING = 1.0
"""Seconds between looks while the saved questions are asked."""

SHOWN = 25
"""Judgements listed at first, and with each step."""

KIND = "judged_kind"


def names() -> dict[str, str]:
    """The titles of the documents; none where there is no index to take them from."""
    try:
        return titles()
    except PassagesError:
        return {}


def go(chosen: Any) -> None:
    """Ask a question that was picked in a component."""
    if chosen:
        st.switch_page("screens/ask.py", query_params=dict(chosen))


def show_running(look: Look) -> None:
    done = look.done / look.total if look.total else 0.0
    st.progress(min(1.0, done), text=say("quality.asking", done=look.done, total=look.total))
    components.notice(say("quality.asking_title"), say("quality.asking_more"), key="asking")


def show_compared(result: Result) -> None:
    if result.now.figures:
        components.figures(figures_data(result), "figures")
    else:
        st.caption(say("quality.none_to_measure"))
    if result.lost:
        st.caption(say("quality.lost", n=result.lost))
    st.subheader(say("quality.differences"), anchor=False)
    if result.before is None:
        components.notice("", result.why_alone, key="alone")
    elif result.differences:
        data = differences_data(result, names())
        go(components.differences(data, "differences").ask)
    else:
        st.caption(say("quality.same", n=result.questions))


def compared(saved: list[SavedQuestion], watching: bool) -> None:
    st.subheader(say("quality.figures"), anchor=False)
    try:
        look = comparison().look(saved)
    except PassagesError as error:
        components.notice(say("quality.failed"), str(error), kind="error", key="not_compared")
        return
    if look.running and not watching:
        st.session_state["_watching"] = True
        st.rerun()
    if watching and not look.running:
        st.session_state["_watching"] = False
        st.rerun()
    if look.error:
        components.notice(say("quality.failed"), look.error, kind="error", key="not_compared")
    elif look.result is None:
        show_running(look)
    else:
        show_compared(look.result)


def delete() -> None:
    number = st.session_state["judged"]["delete"]
    if number and may_change():
        forget([number])


def forget(numbers: list[int] | None) -> None:
    try:
        kept = service().judgements
        kept.clear() if numbers is None else kept.delete(numbers)
        st.session_state["_stale"] = True
        st.session_state["_deleted"] = say("judged.deleted")
    except PassagesError as error:
        st.session_state["_not_deleted"] = str(error)


def show_more() -> None:
    st.session_state["_judged_shown"] = st.session_state.get("_judged_shown", SHOWN) + SHOWN


def put_kind() -> None:
    chosen = st.session_state[KIND]
    st.query_params.from_dict({} if chosen == ALL else {"kind": chosen})
    st.session_state["_judged_shown"] = SHOWN


def narrowed(judgements: list[Judgement]) -> list[Judgement]:
    """Those with the verdict or reason in the address, which the pills change."""
    times = kinds(judgements)
    kind = st.query_params.get("kind", ALL)
    kind = kind if kind in times else ALL
    st.session_state[KIND] = kind
    st.pills(
        say("quality.judgements"),
        list(times),
        required=True,
        format_func=lambda one: label(one, times[one]),
        key=KIND,
        label_visibility="collapsed",
        on_change=put_kind,
        wrap=True,
    )
    return matching(judgements, kind)


def tools(judgements: list[Judgement]) -> None:
    with st.container(horizontal=True):
        st.download_button(
            say("quality.export"),
            lambda: archive(judgements, service().text),
            file_name="judgements.zip",
            mime="application/zip",
            icon=":material/download:",
            help=say("quality.export_help"),
            on_click="ignore",
            disabled=not names(),  # the places are looked up in the index
        )
        if may_change():
            with st.popover(say("quality.delete_all"), icon=":material/delete:"):
                st.write(say("quality.delete_sure", n=len(judgements)))
                st.button(say("quality.delete_all"), type="primary", on_click=forget, args=(None,))


@st.fragment
def judged(judgements: list[Judgement]) -> None:
    """What people said. As a fragment, narrowing the list does not compare again."""
    if st.session_state.get("_stale"):
        st.rerun()  # something was deleted: all above is of other judgements now
    st.subheader(say("quality.judgements"), anchor=False)
    matches = narrowed(judgements)
    data = judged_data(matches, names(), st.session_state.get("_judged_shown", SHOWN), may_change())
    data["said"] = st.session_state.pop("_deleted", "")
    result = components.judged(data, "judged", delete, show_more)
    go(result.ask)
    tools(judgements)


def screen() -> None:
    st.header(say("quality.title"), anchor=False)
    st.session_state["_stale"] = False
    judgements = service().judgements.all()
    if problem := st.session_state.pop("_not_deleted", ""):
        components.notice("", problem, kind="error", key="not_deleted")
    if not judgements:
        on = service().settings.feedback
        title = say("quality.empty") if on else say("quality.off")
        text = say("quality.empty_more") if on else say("quality.off_more")
        components.notice(title, text, key="no_judgements")
        st.page_link("screens/ask.py", label=say("quality.to_ask"), icon=":material/search:")
        return
    saved = saved_questions(judgements)
    questions = count(len(saved), "question")
    totals = say("quality.totals", n=len(judgements), questions=questions)
    st.caption(f"{say('quality.intro')} {totals}.")
    watching = st.session_state.get("_watching", False)
    st.fragment(compared, run_every=WATCHING if watching else None)(saved, watching)
    judged(judgements)


with st.container(horizontal_alignment="center"), st.container(width=1180):
    try:
        screen()
    except PassagesError as error:
        components.problem(error)
components.keys("", autofocus=False)
