"""Ask: the question box, the answer with its sources, and the open passage in its document.

The screen itself is ask.js, which asks the server at ``/page`` (app/calls.py).
"""

from __future__ import annotations

import streamlit as st

from app.ui import components
from app.ui.current import key

# With the address, ask.js learns of changes to it that were not its own.
components.ask({"key": key(), "address": st.query_params.to_dict()}, "ask")
