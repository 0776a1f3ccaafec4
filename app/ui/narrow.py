"""Narrowing the search: chips for what it is narrowed to, and the fields to change that."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app.ui import components
from app.ui.address import LABELS, NAMES, asked_in, chips, filter_in, parameters_of
from app.ui.current import documents, documents_left, offered, titles
from app.ui.strings import say
from app.ui.words import count
from index.errors import PassagesError
from index.filters import DATE, Choices, Filter

KEY = "narrow"
CHOSEN = {"folder": "folders", "format": "formats", "document": "documents", "author": "authors"}
"""Fields with a list of values, and where ``Choices`` has these."""


@st.fragment
def row(shown: Filter) -> None:
    """The button that opens the fields, and the chips; nothing where there is nothing to choose.

    As a fragment, opening the fields does not ask again; what is chosen in them does.
    """
    only = filter_in(st.query_params)
    if only != shown:
        st.rerun()
    try:
        there, every = offered(), len(documents())
    except PassagesError:
        return  # the screen says why there is no index
    if every < 2 and not only:
        return
    asked = bool(st.query_params.get("q"))
    with st.container(
        horizontal=True,
        horizontal_alignment="left" if asked or only else "center",
        vertical_alignment="center",
        gap="small",
    ):
        fields = st.popover(
            say("narrow.open"), icon=":material/tune:", type="tertiary", key=KEY, on_change="rerun"
        )
        if only:
            left = say("narrow.left", n=documents_left(only), documents=count(every, "document"))
            there_is = {"chips": chips(only, titles()), "before": "", "after": left}
            components.chips(there_is, say("narrow.narrowed"), f"{KEY}_chips", cleared)
    if fields.open:
        with fields, st.container(width=300):
            for name, values in CHOSEN.items():
                one_of(name, getattr(there, values), getattr(only, name))
            if there.dates:
                dates(there, only)


def one_of(name: str, values: tuple[str, ...], chosen: str) -> None:
    """A field with a list of values, if it has any to choose from.

    A value in the address that is none of them is one of them.
    """
    if not values or (name == "format" and len(values) == 1 and not chosen):
        return
    st.session_state[f"{KEY}_{name}"] = chosen or None
    st.selectbox(
        say(LABELS[name]),
        values if chosen in values or not chosen else (chosen, *values),
        None,
        key=f"{KEY}_{name}",
        format_func=(lambda one: titles().get(one, one)) if name == "document" else str,
        placeholder=say("narrow.any", name=say(LABELS[name]).lower()),
        on_change=narrowed,
    )


def dates(there: Choices, only: Filter) -> None:
    """From when to when; the hints are the first and the last date that there is."""
    side_by_side = st.container(horizontal=True, wrap=False, gap="small")
    for name, hint in (("since", there.dates[0]), ("until", there.dates[-1])):
        st.session_state[f"{KEY}_{name}"] = getattr(only, name)
        side_by_side.text_input(
            say(LABELS[name]),
            key=f"{KEY}_{name}",
            placeholder=hint,
            validate=(f"^({DATE})$", say("narrow.no_date")),
            on_change=narrowed,
        )
    st.caption(say("narrow.dates"))


def narrowed() -> None:
    """Write what was chosen into the address; ranks change with it, so no source stays open."""
    values = parameters_of(filter_in(st.query_params))
    for name in NAMES:
        values[name] = st.session_state.get(f"{KEY}_{name}", values.get(name)) or ""
    write(filter_in(values))


def cleared() -> None:
    """Take one condition, or all, out of the address."""
    name = st.session_state[f"{KEY}_chips"]["clear"]
    values = parameters_of(filter_in(st.query_params))
    if name:
        write(filter_in({} if name == "all" else {**values, name: ""}))


def write(only: Filter) -> None:
    """Put a filter into the address beside the question."""
    asked = replace(asked_in(st.query_params), only=only)
    view = st.query_params.get("view")
    st.query_params.from_dict(asked.parameters | ({"view": view} if view else {}))
