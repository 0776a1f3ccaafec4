"""Was this helpful? Thumbs below an answer, the reasons for a thumb down, and a note."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from app.judgements import LONGEST_NOTE, REASONS, Judgement, Source
from app.ui import components
from app.ui.current import service
from app.ui.quality import KINDS
from app.ui.strings import say
from index.errors import PassagesError
from index.filters import Filter
from index.records import Answer

KEY = "feedback"
COOKIE = "passages_judge"
"""Tells this browser's judgements from others'; written with the first judgement, not before."""

_JUDGE = re.compile(r"[0-9a-f]{32}")


def judge() -> str:
    """A random name for whoever sits at this browser."""
    if "_judge" not in st.session_state:
        known = str(st.context.cookies.get(COOKIE, ""))
        st.session_state["_judge"] = known if _JUDGE.fullmatch(known) else secrets.token_hex(16)
    return str(st.session_state["_judge"])


def sources_of(answer: Answer) -> tuple[Source, ...]:
    """The places that an answer cites."""
    return tuple(Source(one.document_id, one.start, one.end, one.quote) for one in answer.citations)


def judgement_of(answer: Answer, only: Filter) -> Judgement:
    """A thumb up for an answer, with the places that it cites."""
    return Judgement(
        question=answer.query,
        verdict="up",
        sources=sources_of(answer),
        only=only,
        snapshot=service().store.current() or "",
        judge=judge(),
    )


def given(answer: Judgement, event: Mapping[str, Any]) -> Judgement | None:
    """What a person said of an answer; ``None`` where they took it back."""
    if event.get("verdict") == "up":
        return replace(answer, verdict="up")
    if event.get("verdict") != "down":
        return None
    chosen = event.get("reasons") or ()
    return replace(
        answer,
        verdict="down",
        reasons=tuple(one for one in REASONS if one in chosen),
        note=str(event.get("note") or "")[:LONGEST_NOTE].strip(),
    )


@st.fragment
def row(answer: Answer, only: Filter) -> None:
    """The thumbs. As a fragment, judging draws nothing else anew."""
    if not service().settings.feedback:
        return
    judged = judgement_of(answer, only)

    def put() -> None:
        event = st.session_state[KEY]["judge"]
        if not isinstance(event, Mapping):
            return
        if _JUDGE.fullmatch(str(event.get("judge", ""))):
            st.session_state["_judge"] = event["judge"]  # another tab's, in the same cookie
        mine = replace(judged, judge=judge())
        said = given(mine, event)
        try:
            if said is not None:
                service().judgements.save(said)
            elif (before := service().judgements.of(mine)) is not None:
                service().judgements.delete([before.id])
            st.session_state["_just_said"] = say(
                "feedback.thanks" if said else "feedback.taken_back"
            )
        except PassagesError as error:
            st.session_state["_not_kept"] = str(error)

    refused = st.session_state.pop("_not_kept", "")
    try:
        before = service().judgements.of(judged)
    except PassagesError as error:
        components.notice(say("feedback.unusable"), str(error), kind="error", key="no_feedback")
        return
    if refused:
        components.notice(say("feedback.not_kept"), refused, kind="error", key="not_kept")
    components.feedback(
        {
            "about": judged.answer + answer.query,
            "answered": answer.answered,
            "verdict": before.verdict if before else "",
            "reasons": before.reasons if before else (),
            "note": before.note if before else "",
            "offered": reasons_for(answer.answered),
            "longest": LONGEST_NOTE,
            "judge": judge(),
            "cookie": COOKIE,
            "said": st.session_state.pop("_just_said", ""),
        },
        KEY,
        put,
    )


def reasons_for(answered: bool) -> list[dict[str, str]]:
    """The reasons that can be given, with their words."""
    return [
        {"name": name, "text": say(KINDS[name])}
        for name in REASONS
        if (name == "has_answer") is not answered
    ]
