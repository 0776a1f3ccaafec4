"""What stands on a screen while work takes long: a skeleton, and a bar when it takes longer."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx

AFTER = 0.2
"""Seconds of work after which a skeleton is shown; waiting.css says when the bar follows."""


@contextmanager
def waiting(said: str) -> Iterator[None]:
    """Show that there is work, and ``said`` of it, while it takes longer than a blink."""
    place = st.empty()
    lock, over = threading.Lock(), False

    def show() -> None:
        with lock:
            if not over:
                place.html(_drawn(said))

    timer = threading.Timer(AFTER, show)
    add_script_run_ctx(timer)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            over = True
        place.empty()


def _drawn(said: str) -> str:
    words = html.escape(said)
    bar = f'<div class="bar" role="progressbar" aria-label="{words}"></div>'
    return (
        f'<div class="waiting" role="status"><i></i><i></i><i></i>'
        f'<div class="late"><span>{words}</span>{bar}</div></div>'
    )
