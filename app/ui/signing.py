"""Signing in, where a setting demands it: people at their own provider, by OpenID Connect."""

from __future__ import annotations

import streamlit as st

from app.ui import components
from app.ui.current import service
from app.ui.strings import say


def let_in() -> bool:
    """Whether to show the page; where one has to sign in first, the way to do that."""
    if service().settings.access != "login":
        return True
    if not st.user.is_logged_in:
        with st.container(horizontal_alignment="center"), st.container(width=560):
            st.space("large")
            st.title(say("signing.title"), anchor=False, text_alignment="center")
            st.caption(say("signing.why"), text_alignment="center")
            with st.container(horizontal_alignment="center"):
                st.button(say("signing.in"), type="primary", on_click=st.login)
        return False
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        components.line(str(st.user.get("email") or st.user.get("name") or ""), "person")
        st.button(say("signing.out"), type="tertiary", on_click=st.logout)
    return True
