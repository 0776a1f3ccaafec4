"""Adding, replacing and removing documents on the Library screen, and taking that back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.ui import components
from app.ui.current import changeable, may_change, service
from app.ui.strings import say
from app.ui.words import ago
from app.uploads import CHANGES, ExistsError
from index.errors import BuildRunningError, PassagesError
from index.parsers import SUFFIXES

WAITING, SAID = "_waiting", "_said"
"""Files that wait for a word whether they replace others, and what has to be said once."""

SHOWN = 20.0
"""Seconds for which that is said."""

Upload = tuple[str, bytes]


def say_last() -> None:
    """What became of the last changes, for a while: a build draws the screen anew."""
    fresh = [one for one in st.session_state.get(SAID, []) if time.time() - one[0] < SHOWN]
    st.session_state[SAID] = fresh
    state = service().build_progress()
    over = state is not None and state.state != "running"
    for number, (_, title, text, kind) in enumerate(fresh):
        text = "" if over and text == say("changing.building") else text
        components.notice(title, text, kind=kind, key=f"said_{number}")


def tell(title: str, text: str = "", kind: str = "done") -> None:
    """Say something on the next runs of the screen."""
    st.session_state.setdefault(SAID, []).append((time.time(), title, text, kind))


def take(files: Sequence[Upload], replace: bool = False) -> None:
    """Put files into the corpus folder and have the index rebuilt; say what was refused and why."""
    st.session_state.pop(SAID, None)
    added, refused, waiting = 0, [], []
    for name, data in files:
        try:
            changeable().add_file(name, data, replace=replace)
            added += 1
        except ExistsError:
            waiting.append((name, data))
        except PassagesError as error:
            refused.append(str(error))
    if added:
        tell(say("changing.replaced" if replace else "changing.taken", n=added), rebuilt())
    if refused:
        tell(say("changing.refused", n=len(refused)), "\n".join(refused[:10]), "error")
    st.session_state[WAITING] = waiting


def rebuilt() -> str:
    """Start a build, unless one is running or starts by itself; what to say of it."""
    with suppress(BuildRunningError):
        if not service().settings.watch:
            changeable().start_rebuild()
        return say("changing.building")
    return ""


def adding() -> None:
    """The form to add files, and the question whether to replace those that are there."""
    if not may_change():
        return
    if (run := get_script_run_ctx()) is not None:
        service().uploaders.add(run.session_id)
    st.subheader(say("changing.title"), anchor=False)
    most = service().settings.upload_mb
    whole = st.toggle(say("changing.whole"), key="whole_folder")
    with st.form("add", clear_on_submit=True, border=True):
        files = st.file_uploader(
            f"{say('changing.label')} · {say('changing.limit', most=most)}",
            type=[suffix[1:] for suffix in SUFFIXES],
            accept_multiple_files="directory" if whole else True,
            max_upload_size=most,
            key="files_whole" if whole else "files_single",
        )
        folder = st.text_input(say("changing.folder"), help=say("changing.folder_help"))
        if st.form_submit_button(say("changing.add"), icon=":material/upload:"):
            below = f"{folder.strip().strip('/')}/" if folder.strip() else ""
            if files:
                take([(f"{below}{file.name}", file.getvalue()) for file in files])
            else:
                tell(say("changing.none"), kind="info")
            st.rerun()
    components.mended()
    if waiting := st.session_state.get(WAITING):
        names = "\n".join(name for name, _ in waiting[:10])
        components.notice(say("changing.there", n=len(waiting)), names, key="waiting")
        with st.container(horizontal=True):
            st.button(
                say("changing.replace"), key="replace", on_click=lambda: take(waiting, replace=True)
            )
            st.button(
                say("changing.keep"), key="keep", on_click=lambda: st.session_state.pop(WAITING)
            )


@st.dialog(say("changing.remove_sure"))
def remove(path: str) -> None:
    """Ask before a file is removed."""
    components.notice(path, say("changing.remove_more", n=CHANGES), key="removing")
    with st.container(horizontal=True):
        if st.button(say("changing.remove"), type="primary", key="remove"):
            st.session_state.pop(SAID, None)
            try:
                changeable().remove_file(path)
                tell(say("changing.removed", name=path), rebuilt())
            except PassagesError as error:
                tell(say("changing.failed"), str(error), "error")
            st.rerun()
        if st.button(say("changing.cancel"), key="leave"):
            st.rerun()


def undoing(built_at: float) -> None:
    """Changes that are not in the index yet, and those that can be taken back."""
    if not may_change():
        return
    changes = service().changes()
    if late := sum(change.when > built_at for change in changes):
        state = service().build_progress()
        if not (state and state.state == "running"):
            title = say("changing.pending", n=late)
            components.notice(title, say("changing.pending_more"), key="pending")
    if not changes:
        return
    words = {
        "added": "changing.added_one",
        "replaced": "changing.replaced_one",
        "removed": "changing.removed_one",
    }
    with st.expander(say("changing.changes")):
        for change in changes:
            with st.container(
                horizontal=True, vertical_alignment="center", key=f"change_{change.id}"
            ):
                when = ago(time.time() - change.when)
                said = say(words[change.what], name=change.document_id, when=when)
                components.line(said, f"change_line_{change.id}")
                st.button(
                    say("changing.undo"), key=f"undo_{change.id}", on_click=undo, args=(change.id,)
                )


def undo(change: str) -> None:
    st.session_state.pop(SAID, None)
    try:
        changeable().undo_change(change)
        tell(say("changing.undone"), rebuilt())
    except PassagesError as error:
        tell(say("changing.failed"), str(error), "error")
