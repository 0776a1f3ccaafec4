"""The snapshots that are kept, on the Library screen: what changed, and going back."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.ui import components
from app.ui.changing import tell
from app.ui.current import changeable, may_change, service
from app.ui.strings import say
from app.ui.words import built, count, megabytes
from index.errors import PassagesError
from index.history import Difference
from index.snapshot import Manifest

NAMED = 8
"""Documents of each kind of change that are named."""


def lines(found: Difference) -> list[str]:
    """A difference in sentences."""
    parts = []
    for key, names in (
        ("history.added", found.added),
        ("history.removed", found.removed),
        ("history.changed", found.changed),
        ("history.recipe", tuple(found.recipe)),
    ):
        if names:
            said = ", ".join(names[:NAMED])
            if len(names) > NAMED:
                said = say("history.more", names=said, n=len(names) - NAMED)
            parts.append(say(key, names=said))
    return parts or [say("history.nothing")]


def history_data(manifests: list[Manifest], current: str | None, open_: str) -> dict[str, Any]:
    """What history.js draws; ``open_`` is the snapshot whose changes are shown."""
    snapshots = []
    for place, manifest in enumerate(manifests):
        older = manifests[place + 1] if place + 1 < len(manifests) else None
        shown = None
        if older and manifest.id == open_:
            try:
                shown = lines(service().difference(older, manifest))
            except PassagesError as error:
                shown = [str(error)]
        snapshots.append(
            {
                "id": manifest.id,
                "when": _when(manifest),
                "facts": say(
                    "history.facts",
                    documents=count(manifest.documents, "document"),
                    passages=count(manifest.passages, "passage"),
                ),
                "current": manifest.id == current,
                "before": older is not None,
                "difference": shown,
            }
        )
    return {"snapshots": snapshots, "may_change": may_change()}


def _when(manifest: Manifest) -> str:
    ago, exactly = built(manifest.created)
    return f"{exactly} ({ago})"


@st.dialog(say("history.back"))
def go_back(manifest: Manifest) -> None:
    """Ask before an earlier snapshot is made the current one."""
    when = _when(manifest)
    components.notice(say("history.back_sure", when=when), say("history.back_more"), key="back")
    with st.container(horizontal=True):
        if st.button(say("history.back"), type="primary", key="go_back"):
            try:
                changeable().rollback(manifest.id)
                tell(say("history.back_done", when=when))
            except PassagesError as error:
                tell(say("changing.failed"), str(error), "error")
            st.rerun()
        if st.button(say("changing.cancel"), key="stay"):
            st.rerun()


@st.fragment
def history() -> None:
    """The list of snapshots, and what is used on disk."""
    st.subheader(say("history.title"), anchor=False)
    st.caption(say("history.intro"))
    manifests = service().history()
    open_ = st.session_state.get("_compared", "")
    data = history_data(manifests, service().store.current(), open_)
    found = components.history(data, "history")
    if found.compare:
        st.session_state["_compared"] = "" if found.compare == open_ else found.compare
        st.rerun(scope="fragment")
    chosen = [manifest for manifest in manifests if manifest.id == found.back]
    if chosen:
        go_back(chosen[0])
    sizes = {name: megabytes(size) for name, size in service().disk().items()}
    st.caption(say("history.disk", **sizes))
