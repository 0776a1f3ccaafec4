"""The entry script of the page: its frame and its navigation. The screens are in ``screens/``."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.ui import signing
from app.ui.strings import say

PICTURES = Path(__file__).parent / "ui"

st.set_page_config(
    page_title="Passages",
    page_icon=str(PICTURES / "icon.svg"),
    layout="wide",
    menu_items={"Get help": None, "Report a bug": None, "About": None},
)
st.logo(str(PICTURES / "logo.svg"), size="medium")
st.html(
    f"<style>:root {{ --menu: '{say('screens.menu')}'; }}"
    + "".join(
        (PICTURES / f"{name}.css").read_text(encoding="utf-8") for name in ("page", "waiting")
    )
    + "</style>"
)
screens = [
    st.Page("screens/ask.py", title=say("screens.ask"), icon=":material/search:", default=True),
    st.Page("screens/read.py", title=say("screens.read"), icon=":material/menu_book:"),
    st.Page("screens/map.py", title=say("screens.map"), icon=":material/scatter_plot:"),
    st.Page("screens/quality.py", title=say("screens.quality"), icon=":material/thumbs_up_down:"),
    st.Page("screens/library.py", title=say("screens.library"), icon=":material/folder_open:"),
]
if signing.let_in():
    st.navigation(screens, position="top").run()
