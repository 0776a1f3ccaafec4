"""Ask: the question box, the answer with its sources, and the open passage in its document.

The screen itself is ask.js, which asks the server at ``/page`` (app/calls.py).
"""

from __future__ import annotations

import streamlit as st

from app.ui import components
from app.ui.current import key

SCREENS = {name: f"screens/{name}.py" for name in ("read", "map", "library")}

# The address is in it so that the script learns of changes that were not its own.
data = {"key": key(), "address": st.query_params.to_dict()}
go = components.ask(data, "ask").go
if go and go["screen"] in SCREENS:
    st.switch_page(SCREENS[go["screen"]], query_params=go["parameters"])
